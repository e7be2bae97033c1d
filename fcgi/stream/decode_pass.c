/*
 * decode_pass.c - upstream's events for a tongue that speaks them itself.
 *
 * Each event is walked once where it stands, which proves it and finds its
 * type, its number and its response; nothing is parsed but an end that is no
 * plain success. What changes in an end: decode_pass_end.c.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"
#include "decode_state.h"

/* --- what kind of event it is --- */

enum pass_kind { PASS_ON, PASS_BEGIN, PASS_ITEM, PASS_END, PASS_ALIVE, PASS_PRIVATE };

static bool is_delta(struct span type)
{
	return type.len > 6 && !memcmp(type.ptr + type.len - 6, ".delta", 6);
}

static enum pass_kind kind_of(struct span type)
{
	static const struct { const char *type; enum pass_kind kind; } kinds[] = {
		{ "response.output_item.done", PASS_ITEM },
		{ "response.created", PASS_BEGIN },
		{ "response.in_progress", PASS_BEGIN },
		{ "response.queued", PASS_BEGIN },
		{ "response.completed", PASS_END },
		{ "response.done", PASS_END },
		{ "response.incomplete", PASS_END },
		{ "response.failed", PASS_END },
		{ "response.cancelled", PASS_END },
		{ "response.error", PASS_END },
		{ "error", PASS_END },
		{ "keepalive", PASS_ALIVE },
		{ "response.metadata", PASS_PRIVATE },
	};

	if (is_delta(type))
		return PASS_ON;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (span_eq(type, kinds[i].type))
			return kinds[i].kind;
	if (span_starts(type, "codex.") || span_starts(type, "responsesapi."))
		return PASS_PRIVATE;
	return PASS_ON;
}

/* --- telling --- */

static bool is_plain_end(const struct quick *q)
{
	const struct quick_response *r = &q->response;

	return (span_eq(q->type, "response.completed") ||
		span_eq(q->type, "response.done")) && r->there && r->finished &&
	       (!r->status.len || span_eq(r->status, "completed"));
}

/* What cannot be read is upstream's fault, whatever the parser calls it. */
static enum err not_read(struct decoder *d, const struct err_note *why)
{
	return err_set(d->note, why->code == ERR_NO_MEMORY ? why->code :
		       ERR_UPSTREAM_GARBLED, "an event: %s",
		       why->code ? why->why : "it has no type");
}

/* What the tree is asked stands in the event as it came: read before the
 * items are put in, which may be many. */
static enum err tell_end(struct decoder *d, struct quick *q,
			 struct json_object *root)
{
	struct err_note why = ERR_NOTE_INIT;
	struct json_object *made = NULL;
	struct event_source source;
	enum err err;

	if (!root && !is_plain_end(q))
		root = made = json_parse(q->data, &why);
	err = why.code ? not_read(d, &why) : pass_mend_end(d, q);
	source = (struct event_source){ q->data, q->type, q->sequence,
					q->response.text };
	d->source = &source;
	d->raw = q->data;
	if (!err && !(is_plain_end(q) && quick_completed(d, q, &err))) {
		if (!root)
			root = made = json_parse(q->data, &why);
		err = root ? decode_root(d, root, q->type) : not_read(d, &why);
	}
	d->source = NULL;
	json_object_put(made);
	return err;
}

static enum err tell_one(struct decoder *d, const struct quick *q,
			 enum event_kind kind)
{
	struct event_source source = { q->data, q->type, q->sequence,
				       q->response.text };
	struct event ev = { .kind = kind, .source = &source };

	if (kind == EVENT_START) {
		ev.id = q->response.id;
		ev.model = q->response.model;
	}
	return d->fn(d->ctx, &ev);
}

/* root: of an event that had to be parsed, or NULL. */
static enum err tell(struct decoder *d, struct quick *q, struct json_object *root)
{
	static const enum event_kind kinds[] = {
		[PASS_ON] = EVENT_PASSED, [PASS_BEGIN] = EVENT_START,
		[PASS_ITEM] = EVENT_PASSED, [PASS_ALIVE] = EVENT_KEEPALIVE,
		[PASS_PRIVATE] = EVENT_OTHER,
	};
	enum pass_kind kind = kind_of(q->type);
	enum err err = ERR_NONE;

	if (kind == PASS_END)
		return tell_end(d, q, root);
	if (kind == PASS_ITEM)
		err = pass_keep_item(d, q);
	return err ? err : tell_one(d, q, kinds[kind]);
}

/* Nearly every event: nothing of it is wanted but its type and number. *err is
 * the result if true. */
static bool delta_told(struct decoder *d, struct span data, enum err *err)
{
	struct event_source source = { .json = data };
	struct event ev = { .kind = EVENT_PASSED, .source = &source };
	struct json_walk w;
	struct span key, v;

	json_walk_object(&w, data);
	while (json_walk_next(&w, &key, &v)) {
		if (span_eq(key, "type") && !json_walk_str(v, &source.type))
			return false;
		if (span_eq(key, "sequence_number"))
			source.sequence = v;
	}
	if (!w.ok || !is_delta(source.type))
		return false;
	*err = d->fn(d->ctx, &ev);
	return true;
}

/* --- what is no plain event --- */

/* A type that may stand in a line of its own. */
static bool type_fits(struct span type)
{
	for (size_t i = 0; i < type.len; i++)
		if ((unsigned char)type.ptr[i] < 0x20)
			return false;
	return type.len > 0 && utf8_valid(type);
}

/* The number of an event; false: it cannot be walked. */
static bool number_read(struct span data, struct span *number)
{
	struct json_walk w;
	struct span key, v;

	*number = SPAN("");
	json_walk_object(&w, data);
	while (json_walk_next(&w, &key, &v))
		if (span_eq(key, "sequence_number"))
			*number = v;
	return w.ok;
}

/* Walking it found something odd: JSON it must be, and have a type or else
 * the event's name. It is written anew where that is what it takes to be
 * walked, and an end always: what it says is needed. */
static bool odd_read(struct quick *q, struct json_object *root, struct span name,
		     struct span data, struct buf *made)
{
	struct span type = json_get_str(root, "type");
	struct quick odd = { .data = data, .at.output_index = -1 };

	if (!type.len)
		type = json_get(root, "error") ? SPAN("error") : name;
	if (span_eq(type, "message"))
		type = SPAN("");	/* what an event without a name is called */
	odd.type = type;
	if (!json_is_object(root) || !type_fits(type))
		return false;
	if (kind_of(type) == PASS_END || !number_read(data, &odd.sequence)) {
		buf_reset(made);
		json_write(made, root);
		if (buf_err(made))
			return false;
		if (quick_read(buf_span(made), q))
			return true;
		odd.data = buf_span(made);
		if (!number_read(odd.data, &odd.sequence))
			odd.sequence = SPAN("");
	}
	*q = odd;
	return true;
}

enum err decode_pass(struct decoder *d, struct json_reader *r, struct span name,
		     struct span data)
{
	struct err_note why = ERR_NOTE_INIT;
	struct json_object *root = NULL;
	struct quick q;
	enum err err;

	if (is_delta(name) && delta_told(d, data, &err))
		return err;
	if (quick_read(data, &q))
		return tell(d, &q, NULL);
	root = json_reader_parse(r, data, &why);
	if (root && odd_read(&q, root, name, data, pass_made(d->pass)))
		err = tell(d, &q, root);
	else
		err = not_read(d, &why);
	json_object_put(root);
	return err;
}

/* --- large ones --- */

struct decode_look {
	struct quick q;
	struct json_object *root;
	struct buf made;
	struct err_note note;
};

struct decode_look *decode_look(struct span data)
{
	struct decode_look *look = calloc(1, sizeof(*look));
	bool plain;

	if (!look)
		return NULL;
	look->note = ERR_NOTE_INIT;
	buf_init(&look->made, MAX_SSE_EVENT * 2);
	data = text_trim(data);
	plain = quick_read(data, &look->q);
	if (plain && (kind_of(look->q.type) != PASS_END || is_plain_end(&look->q)))
		return look;
	look->root = json_parse(data, &look->note);
	if (look->root && !plain &&
	    !odd_read(&look->q, look->root, SPAN(""), data, &look->made))
		err_set(&look->note, ERR_UPSTREAM_GARBLED, "it has no type");
	return look;
}

enum err decode_looked(struct decoder *d, struct decode_look *look,
		       struct err_note *note)
{
	if (d->ended)
		return ERR_NONE;
	d->note = note;
	if (look->note.code)
		return not_read(d, &look->note);
	return tell(d, &look->q, look->root);
}

void decode_look_free(struct decode_look *look)
{
	if (!look)
		return;
	json_object_put(look->root);
	buf_free(&look->made);
	free(look);
}
