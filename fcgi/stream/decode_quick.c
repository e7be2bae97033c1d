/*
 * decode_quick.c - the events around the deltas, read where they stand.
 *
 * A tree of them costs more than all the rest of a short answer, and
 * response.created and .completed repeat the whole request besides. Each
 * function looks first and tells after: what is unusual goes to the parser
 * as if nobody had looked, which then also words the fault.
 */
#include "../../shared/json_text.h"
#include "../../shared/json_walk.h"
#include "decode_state.h"

/* As json_get_str(): "" for what is no string. False: it has escapes. */
static bool take_str(struct span value, struct span *out)
{
	*out = SPAN("");
	return *value.ptr != '"' || json_walk_str(value, out);
}

/* As json_get_int(). False: a number that is no int64_t. */
static bool take_int(struct span value, int64_t *out, int64_t dflt)
{
	bool number = *value.ptr == '-' || (*value.ptr >= '0' && *value.ptr <= '9');

	*out = dflt;
	return !number || json_walk_int(value, out);
}

static void response_read(struct json_walk *w, struct quick_response *r)
{
	struct span key, v;
	bool ok = true;

	*r = (struct quick_response){ .finished = true, .text = r->text };
	while (json_walk_next(w, &key, &v)) {
		if (span_eq(key, "id"))
			ok = ok && take_str(v, &r->id);
		else if (span_eq(key, "model"))
			ok = ok && take_str(v, &r->model);
		else if (span_eq(key, "status"))
			ok = ok && take_str(v, &r->status);
		else if (span_eq(key, "usage"))
			r->usage = v;
		else if (span_eq(key, "output"))
			r->output = v;
		else if (span_eq(key, "incomplete_details"))
			r->finished = *v.ptr != '{';
	}
	r->there = ok;
}

static void item_read(struct json_walk *w, struct quick_item *item)
{
	struct item_words *words = &item->words;
	struct span key, v;
	bool ok = true;

	*item = (struct quick_item){ .text = item->text };
	while (json_walk_next(w, &key, &v)) {
		if (span_eq(key, "type"))
			ok = ok && take_str(v, &words->type);
		else if (span_eq(key, "id"))
			ok = ok && take_str(v, &words->id);
		else if (span_eq(key, "call_id"))
			ok = ok && take_str(v, &words->call_id);
		else if (span_eq(key, "name"))
			ok = ok && take_str(v, &words->name);
		else if (span_eq(key, "content"))
			item->content = v;
		else if (span_eq(key, "arguments"))
			item->args = v;
		else if (span_eq(key, "input"))
			item->input = v;
	}
	item->there = ok;
}

/* A response or an item inside the event; anything else is passed over. */
static bool read_inside(struct json_walk *w, struct quick *q, bool response)
{
	struct span *text = response ? &q->response.text : &q->item.text;
	struct json_walk inner;

	q->response.there = q->response.there && !response;
	q->item.there = q->item.there && response;
	text->ptr = w->at;
	if (!json_walk_enter(w, &inner))
		return json_walk_value(w, text);
	if (response)
		response_read(&inner, &q->response);
	else
		item_read(&inner, &q->item);
	json_walk_leave(w, &inner);
	if (w->ok)
		text->len = (size_t)(w->at - text->ptr);
	return w->ok;
}

bool quick_read(struct span data, struct quick *q)
{
	int64_t content = INT64_MIN, summary = 0;
	struct json_walk w;
	struct span key, v;
	bool ok = true;

	q->data = data;
	q->type = q->at.item_id = q->sequence = SPAN("");
	q->at.output_index = -1;
	q->response = (struct quick_response){ .text = SPAN("") };
	q->item = (struct quick_item){ .text = SPAN("") };
	json_walk_object(&w, data);
	while (ok && json_walk_key(&w, &key)) {
		if (span_eq(key, "response"))
			ok = read_inside(&w, q, true);
		else if (span_eq(key, "item"))
			ok = read_inside(&w, q, false);
		else if (!json_walk_value(&w, &v))
			ok = false;
		else if (span_eq(key, "type"))
			ok = take_str(v, &q->type);
		else if (span_eq(key, "item_id"))
			ok = take_str(v, &q->at.item_id);
		else if (span_eq(key, "sequence_number"))
			q->sequence = v;
		else if (span_eq(key, "output_index"))
			ok = take_int(v, &q->at.output_index, -1);
		else if (span_eq(key, "content_index"))
			ok = take_int(v, &content, INT64_MIN);
		else if (span_eq(key, "summary_index"))
			ok = take_int(v, &summary, 0);
	}
	q->at.index = content != INT64_MIN ? content : summary;
	return ok && w.ok && q->type.len;
}

static bool is_object(struct span v)
{
	return v.len && *v.ptr == '{';
}

/* The text of a string, escapes and all. */
static bool text_of(struct decoder *d, struct span value, struct span *out)
{
	struct json_text t = {
		.start = value.ptr, .at = value.ptr,
		.end = value.ptr + value.len, .scratch = &d->scratch,
	};

	return json_walk_str(value, out) ||
	       (value.len && *value.ptr == '"' && json_text_string(&t, out));
}

bool quick_begin(struct decoder *d, const struct quick *q, enum err *err)
{
	struct event ev = { .kind = EVENT_START, .id = q->response.id,
			    .model = q->response.model };

	if (!q->response.there)
		return false;
	*err = ERR_NONE;
	if (!d->started) {
		d->started = true;
		*err = decode_tell(d, &ev);
	}
	return true;
}

bool quick_rest(struct decoder *d, const struct quick *q, enum part_kind part,
		const char *field, enum err *err)
{
	struct span key, v, value = SPAN(""), text;
	struct json_walk w;

	json_walk_object(&w, q->data);
	while (json_walk_next(&w, &key, &v))
		if (span_eq(key, field))
			value = v;
	if (!text_of(d, value, &text))
		return false;
	*err = decode_rest(d, part, &q->at, text);
	return true;
}

/* --- items --- */

bool quick_item_added(struct decoder *d, const struct quick *q, enum err *err)
{
	if (!q->item.there)
		return false;
	*err = decode_item_added(d, q->at.output_index, &q->item.words);
	return true;
}

/* One part of a message. False: it has annotations, or is none. */
static bool part_read(struct decoder *d, struct span part,
		      struct part_words *words)
{
	struct span key, v, type = SPAN(""), text = SPAN(""), refusal = SPAN("");
	bool ok = is_object(part);
	struct json_walk w;

	*words = (struct part_words){ .refusal = false };
	json_walk_object(&w, part);
	while (ok && json_walk_next(&w, &key, &v)) {
		if (span_eq(key, "type"))
			ok = take_str(v, &type);
		else if (span_eq(key, "text"))
			text = v;
		else if (span_eq(key, "refusal"))
			refusal = v;
		else if (span_eq(key, "annotations"))
			ok = v.len == 2 || *v.ptr != '[';
	}
	words->refusal = span_eq(type, "refusal");
	return ok && w.ok &&
	       text_of(d, words->refusal ? refusal : text, &words->text);
}

/* Looks at each part, or tells each: looking has said that all can be. */
static bool message_parts(struct decoder *d, struct item *it,
			  struct span content, enum err *err)
{
	struct part_words words;
	struct json_walk w;
	struct span key, v;
	int64_t i = 0;

	*err = ERR_NONE;
	if (!content.len)
		return false;
	json_walk_array(&w, content);
	while (!*err && json_walk_next(&w, &key, &v)) {
		if (!part_read(d, v, &words))
			return false;
		if (it)
			*err = item_finish_part(d, it, i, &words);
		i++;
	}
	return w.ok;
}

/* Arguments or input of a call. */
static struct span args_of(const struct quick_item *item)
{
	return span_eq(item->words.type, "custom_tool_call") ? item->input :
							       item->args;
}

bool quick_item_done(struct decoder *d, const struct quick *q, enum err *err)
{
	const struct quick_item *item = &q->item;
	enum item_kind kind;
	struct span args;
	struct item *it;

	if (!item->there)
		return false;
	kind = item_kind_of(item->words.type);
	if (kind == ITEM_MESSAGE ? !message_parts(d, NULL, item->content, err) :
	    kind != ITEM_CALL || !text_of(d, args_of(item), &args))
		return false;
	it = item_at(d, q->at.output_index, &item->words, false);
	if (!it) {
		*err = d->note->code;
		return true;
	}
	if (kind == ITEM_CALL)
		*err = item_finish_call(d, it, &item->words, args);
	else
		message_parts(d, it, item->content, err);
	it->done = true;
	return true;
}

/* --- the end --- */

static bool details_read(struct span details, struct usage *u)
{
	struct json_walk w;
	struct span key, v;
	bool ok = true;

	*u = (struct usage){ .known = false };
	if (!is_object(details))
		return true;
	json_walk_object(&w, details);
	while (ok && json_walk_next(&w, &key, &v)) {
		if (span_eq(key, "cached_tokens"))
			ok = take_int(v, &u->cached, 0);
		else if (span_eq(key, "cache_write_tokens"))
			ok = take_int(v, &u->cache_write, 0);
		else if (span_eq(key, "reasoning_tokens"))
			ok = take_int(v, &u->reasoning, 0);
	}
	return ok && w.ok;
}

static bool usage_read(struct span usage, struct usage *u)
{
	struct usage in = { .known = false }, out = in;
	int64_t total = INT64_MIN;
	struct json_walk w;
	struct span key, v;
	bool ok = true;

	*u = (struct usage){ .known = is_object(usage) };
	if (!u->known)
		return true;
	json_walk_object(&w, usage);
	while (ok && json_walk_next(&w, &key, &v)) {
		if (span_eq(key, "input_tokens"))
			ok = take_int(v, &u->input, 0);
		else if (span_eq(key, "output_tokens"))
			ok = take_int(v, &u->output, 0);
		else if (span_eq(key, "total_tokens"))
			ok = take_int(v, &total, INT64_MIN);
		else if (span_eq(key, "input_tokens_details"))
			ok = details_read(v, &in);
		else if (span_eq(key, "output_tokens_details"))
			ok = details_read(v, &out);
	}
	u->cached = in.cached;
	u->cache_write = in.cache_write;
	u->reasoning = out.reasoning;
	decode_usage(u, total);
	return ok && w.ok;
}

/* Was each item of the list told to its end? */
static bool all_told(struct decoder *d, struct span output)
{
	struct json_walk w, inner;
	struct quick_item item = { .there = false };
	struct item *it;
	struct span key;
	bool all = true;

	if (!output.len || *output.ptr != '[')
		return true;		/* no list */
	json_walk_array(&w, output);
	while (all && json_walk_key(&w, &key)) {
		all = json_walk_enter(&w, &inner);
		if (!all)
			break;
		item_read(&inner, &item);
		json_walk_leave(&w, &inner);
		it = item.there ? item_take_told(d, &item.words, true) : NULL;
		all = it && it->done;
	}
	for (size_t i = 0; i < d->item_count && !all; i++)
		d->items[i].seen = false;	/* the parser's turn */
	return all;
}

bool quick_completed(struct decoder *d, const struct quick *q, enum err *err)
{
	const struct quick_response *r = &q->response;
	struct event ev = { .finish = FINISH_STOP, .id = r->id,
			    .model = r->model };

	if (!r->there || !r->finished ||
	    (r->status.len && !span_eq(r->status, "completed")) ||
	    !usage_read(r->usage, &ev.usage) ||
	    (!d->pass && !all_told(d, r->output)))
		return false;
	*err = decode_done(d, &ev, NULL);
	return true;
}
