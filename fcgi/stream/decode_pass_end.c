/*
 * decode_pass_end.c - what has to change in the last event of an answer that
 * is passed on: its text is changed where it stands.
 *
 * The ChatGPT backend leaves the output of its last event empty, so the items
 * told before are kept as they came and put in.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/json_walk.h"
#include "decode_state.h"

struct kept {
	int64_t index;		/* output_index, or -1 */
	size_t at, len;		/* in items */
};

struct pass {
	struct buf items;	/* each item's text behind the other */
	struct kept *kept;
	size_t count, size;
	struct buf made;	/* an end that was changed */
};

bool decoder_pass(struct decoder *d)
{
	d->pass = calloc(1, sizeof(*d->pass));
	if (!d->pass)
		return false;
	buf_init(&d->pass->items, MAX_OUT);
	buf_init(&d->pass->made, MAX_OUT + MAX_SSE_EVENT);
	d->started = true;	/* the first event is upstream's own */
	return true;
}

struct buf *pass_made(struct pass *p)
{
	return &p->made;
}

void decode_pass_free(struct pass *p)
{
	if (!p)
		return;
	free(p->kept);
	buf_free(&p->items);
	buf_free(&p->made);
	free(p);
}

/* --- the items --- */

enum err pass_keep_item(struct decoder *d, const struct quick *q)
{
	struct pass *p = d->pass;
	size_t more = p->size ? p->size * 2 : 4;
	struct kept *kept = p->kept;

	if (!q->item.text.len)
		return ERR_NONE;
	if (p->count >= MAX_ANSWER_ITEMS)
		return err_set(d->note, ERR_UPSTREAM_GARBLED,
			       "more than %d output items", MAX_ANSWER_ITEMS);
	if (p->count == p->size) {
		kept = realloc(kept, more * sizeof(*kept));
		if (!kept)
			return err_set(d->note, ERR_NO_MEMORY, "output item");
		p->kept = kept;
		p->size = more;
	}
	/* in the order of their places; equal ones as they came */
	kept += p->count++;
	for (; kept > p->kept && kept[-1].index > q->at.output_index; kept--)
		*kept = kept[-1];
	*kept = (struct kept){ q->at.output_index, p->items.len, q->item.text.len };
	buf_span_add(&p->items, q->item.text);
	if (buf_err(&p->items))
		return err_set(d->note, buf_err(&p->items) == ERR_NO_MEMORY ?
			       ERR_NO_MEMORY : ERR_UPSTREAM_GARBLED, "output items");
	return ERR_NONE;
}

static void add_items(const struct pass *p, struct buf *out)
{
	buf_char(out, '[');
	for (size_t i = 0; i < p->count; i++) {
		if (i)
			buf_char(out, ',');
		buf_add(out, p->items.ptr + p->kept[i].at, p->kept[i].len);
	}
	buf_char(out, ']');
}

void decode_items_so_far(const struct decoder *d, struct buf *out)
{
	if (d->pass)
		add_items(d->pass, out);
	else
		buf_str(out, "[]");
}

/* --- changing an event's text --- */

/* A place in the old text, in the new one: what lies behind the cut moves,
 * what holds it grows. */
static void follow(struct span *s, struct span old, const char *text, size_t end,
		   size_t grown)
{
	size_t at = (size_t)(s->ptr - old.ptr);

	if (!s->len || s->ptr < old.ptr || s->ptr > old.ptr + old.len)
		return;
	if (at >= end)
		at += grown;
	else if (at + s->len >= end)
		s->len += grown;
	s->ptr = text + at;
}

/* Puts with in the place of what is cut. False: no memory, or too large. */
static bool splice(struct pass *p, struct quick *q, struct span cut,
		   struct span with)
{
	size_t at = (size_t)(cut.ptr - q->data.ptr), end = at + cut.len;
	struct span old = q->data;
	struct buf made;
	struct span *places[] = { &q->type, &q->sequence, &q->response.text,
				  &q->response.id, &q->response.model,
				  &q->response.status, &q->response.usage,
				  &q->response.output };

	buf_init(&made, MAX_OUT + MAX_SSE_EVENT);
	buf_add(&made, old.ptr, at);
	buf_span_add(&made, with);
	buf_add(&made, old.ptr + end, old.len - end);
	if (buf_err(&made)) {
		buf_free(&made);
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		follow(places[i], old, made.ptr, end, with.len - cut.len);
	q->data = buf_span(&made);
	buf_free(&p->made);		/* where old may lie */
	p->made = made;
	return true;
}

/* An empty list, an empty object, nothing. */
static bool is_empty(struct span output)
{
	struct json_walk w;
	struct span key, v;

	if (!output.len || *output.ptr == 'n')
		return true;
	if (*output.ptr == '{')
		json_walk_object(&w, output);
	else
		json_walk_array(&w, output);
	return !json_walk_next(&w, &key, &v) && w.ok;
}

static bool put_items(struct pass *p, struct quick *q)
{
	struct span cut = q->response.output, response = q->response.text;
	struct buf with;
	bool ok;

	buf_init(&with, MAX_OUT + MAX_SSE_EVENT);
	if (!cut.len) {
		cut = (struct span){ response.ptr + 1, 0 };
		buf_str(&with, "\"output\":");
	}
	add_items(p, &with);
	if (!cut.len && !is_empty(response))
		buf_char(&with, ',');
	ok = !buf_err(&with) && splice(p, q, cut, buf_span(&with));
	buf_free(&with);
	return ok;
}

enum err pass_mend_end(struct decoder *d, struct quick *q)
{
	struct pass *p = d->pass;
	bool object = q->response.text.len && *q->response.text.ptr == '{';
	bool ok = true;

	/* the WebSocket's word */
	if (span_eq(q->type, "response.done"))
		ok = splice(p, q, q->type, SPAN("response.completed"));
	if (ok && object && p->count && is_empty(q->response.output) &&
	    (span_eq(q->type, "response.completed") ||
	     span_eq(q->type, "response.incomplete")))
		ok = put_items(p, q);
	return ok ? ERR_NONE : err_set(d->note, ERR_UPSTREAM_GARBLED,
				       "the output of its last event");
}
