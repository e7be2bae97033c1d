/*
 * mend.c - a conversation whose reasoning upstream cannot read any more.
 *
 * Reasoning that came back from a client was encrypted for one account of one
 * upstream. After a change of either it is worth nothing, and upstream refuses
 * the whole request for it. The client did nothing wrong and cannot mend it:
 * the same is sent once more without the reasoning.
 */
#include "../../shared/ceilings.h"
#include "../../shared/json_walk.h"
#include "stream.h"

#define MAX_MENDED (8u << 20)	/* of a larger one the refusal is told */

static bool is_reasoning(struct span item)
{
	struct span key, value, type;
	struct json_walk w;

	json_walk_object(&w, item);
	while (json_walk_next(&w, &key, &value))
		if (span_eq(key, "type"))
			return json_walk_str(value, &type) &&
			       span_eq(type, "reasoning");
	return false;
}

static bool copy_input(struct buf *out, struct span input)
{
	struct span key, item;
	struct json_walk w;
	bool any = false;

	buf_char(out, '[');
	json_walk_array(&w, input);
	while (json_walk_next(&w, &key, &item)) {
		if (is_reasoning(item))
			continue;
		if (any)
			buf_char(out, ',');
		buf_span_add(out, item);
		any = true;
	}
	buf_char(out, ']');
	return w.ok;
}

/* The payload is ours: its keys have no escapes, nor has a type. */
static bool copy_without(struct buf *out, struct span payload)
{
	struct span key, value;
	struct json_walk w;
	bool ok = true;

	json_walk_object(&w, payload);
	while (ok && json_walk_next(&w, &key, &value)) {
		buf_char(out, out->len ? ',' : '{');
		buf_json(out, key);
		buf_char(out, ':');
		if (span_eq(key, "input"))
			ok = copy_input(out, value);
		else
			buf_span_add(out, value);
	}
	buf_char(out, '}');
	return ok && w.ok && !buf_err(out);
}

bool mend_reasoning(struct stream *s)
{
	struct buf without;

	if (!s->terms.thoughts_sent || s->payload.len > MAX_MENDED ||
	    strcmp(s->note.ucode, "invalid_encrypted_content") != 0)
		return false;
	buf_init(&without, s->payload.len);
	if (!copy_without(&without, buf_span(&s->payload))) {
		buf_free(&without);
		return false;
	}
	buf_free(&s->payload);
	s->payload = without;
	s->terms.thoughts_sent = false;
	s->attempts--;
	return true;
}
