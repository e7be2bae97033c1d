/*
 * emit_responses.c - an answer as upstream's own events, byte for byte.
 *
 * What changes: numbers, where something was left out or put in before, so
 * that they stay continuous; an error in the midst becomes response.failed,
 * which is what clients of this API look for; and silence is broken by a
 * comment before response.created and by a keepalive event after it, since
 * some clients take no event before the one and count no comment after it.
 */
#include "ask.h"
#include "memory.h"
#include "openai.h"
#include "responses.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"

#define PUT(out, literal) buf_put(out, SPAN(literal))

/* No stream is as long; what JavaScript can count to. */
#define MAX_NUMBER ((int64_t)1 << 53)

/* --- one event --- */

/* A text of several lines takes several fields. */
static void put_lines(struct buf *out, struct span text)
{
	const char *end = text.ptr + text.len, *lf;

	while ((lf = memchr(text.ptr, '\n', (size_t)(end - text.ptr)))) {
		buf_put(out, (struct span){ text.ptr, (size_t)(lf - text.ptr) });
		PUT(out, "\ndata: ");
		text.ptr = lf + 1;
	}
	buf_put(out, (struct span){ text.ptr, (size_t)(end - text.ptr) });
}

/* The answer's, where it is not upstream's. */
static const char *own_id(const struct emitter *e)
{
	return e->terms->memory ? e->terms->memory->id : "";
}

/* The number that the event has, or shall have; an event without one gets
 * none, and takes none. */
static bool renumber(struct emitter *e, struct span number, int64_t *want)
{
	int64_t n;

	if (!text_int(number, &n) || n < 0 || n > MAX_NUMBER)
		return false;
	/* what can be taken up again is counted from its beginning */
	if (!e->numbered && !e->sequence && !own_id(e)[0])
		e->sequence = n;
	e->numbered = true;
	*want = e->sequence++;
	return *want != n;
}

/* --- what has to change in it --- */

#define MAX_CHANGES 6	/* the number, and the members of memory.h */

struct change {
	struct span old;	/* in the event's text; empty: put before it */
	size_t at, len;		/* what stands there then, in changes.text */
};

struct changes {
	struct change all[MAX_CHANGES];
	size_t count;
	struct buf text;
};

/* In the order in which they stand in the event. */
static void change_add(struct changes *c, struct span old, size_t at)
{
	struct change *to = &c->all[c->count++];

	for (; to > c->all && to[-1].old.ptr > old.ptr; to--)
		*to = to[-1];
	*to = (struct change){ old, at, c->text.len - at };
}

static bool is_said(const struct buf *text, size_t at, struct span old)
{
	return old.len == text->len - at && !memcmp(old.ptr, text->ptr + at, old.len);
}

/* What the store is to this answer stands in the response, where upstream
 * says that it keeps nothing. */
static void change_response(struct changes *c, const struct memory *m,
			    struct span response)
{
	struct json_walk w;
	struct span key, value, old;
	bool put = false;

	for (const char *const *name = memory_members; *name; name++) {
		size_t at = c->text.len, any = 0;

		old = SPAN("");
		json_walk_object(&w, response);
		for (; json_walk_next(&w, &key, &value); any++)
			if (span_eq(key, *name))
				old = value;
		if (!w.ok)
			return;
		if (!old.len)
			buf_fmt(&c->text, "%s\"%s\":", put && !any ? "," : "", *name);
		if (!memory_member(m, span_of(*name), !old.len, &c->text) ||
		    (old.len && is_said(&c->text, at, old))) {
			buf_cut(&c->text, at);
			continue;
		}
		if (!old.len && any)
			buf_char(&c->text, ',');
		put = put || !old.len;
		change_add(c, old.len ? old : (struct span){ response.ptr + 1, 0 }, at);
	}
}

static void say_changed(struct buf *out, struct span json, const struct changes *c)
{
	const char *end = json.ptr + json.len;

	for (size_t i = 0; i < c->count; i++) {
		const struct change *one = &c->all[i];

		json.len = (size_t)(one->old.ptr - json.ptr);
		put_lines(out, json);
		put_lines(out, (struct span){ c->text.ptr + one->at, one->len });
		json.ptr = one->old.ptr + one->old.len;
	}
	put_lines(out, (struct span){ json.ptr, (size_t)(end - json.ptr) });
}

static void say(struct emitter *e, struct buf *out, const struct event_source *src)
{
	const struct memory *m = e->terms->memory;
	bool object = src->response.len && *src->response.ptr == '{';
	struct changes c = { .count = 0 };
	int64_t number;

	buf_init(&c.text, 4096);
	PUT(out, "event: ");
	buf_put(out, src->type);
	PUT(out, "\ndata: ");
	if (renumber(e, src->sequence, &number)) {
		buf_int(&c.text, number);
		change_add(&c, src->sequence, 0);
	}
	if (m && object)
		change_response(&c, m, src->response);
	if (buf_err(&c.text))
		c.count = 0;		/* no memory: as upstream has it */
	say_changed(out, src->json, &c);
	buf_free(&c.text);
	PUT(out, "\n\n");
}

static void begin(struct emitter *e, const struct event *ev)
{
	if (!e->response_id[0] && ev->id.len)
		text_copy(e->response_id, sizeof(e->response_id),
			  own_id(e)[0] ? span_of(own_id(e)) : ev->id);
	if (span_eq(ev->source->type, "response.created"))
		e->begun = true;
}

static void responses_beat(struct emitter *e, struct buf *out)
{
	if (!e->begun) {
		buf_str(out, tongue_responses.heartbeat);
		return;
	}
	PUT(out, "event: keepalive\ndata: {\"type\":\"keepalive\","
		 "\"sequence_number\":");
	buf_int(out, e->sequence++);
	PUT(out, "}\n\n");
}

/* --- a failure in the midst --- */

/* Upstream's own code, or the API's word for ours. */
static const char *failure_code(const struct fault *f)
{
	if (f->note && f->note->ucode[0])
		return f->code;
	if (f->status == 429)
		return "rate_limit_exceeded";
	return f->status >= 400 && f->status < 500 ? "invalid_prompt" :
						     "server_error";
}

void responses_put_error(struct buf *out, const struct fault *f)
{
	const struct err_note *note = f->note;

	PUT(out, "{\"code\":");
	buf_json(out, span_of(failure_code(f)));
	PUT(out, ",\"message\":");
	buf_json(out, span_of(f->message));
	/* a limit's end stands in the words where clients look for it */
	openai_limit(out, note);
	buf_char(out, '}');
}

static void put_memory(struct buf *out, const struct memory *m)
{
	if (!m)
		PUT(out, "\"store\":false,");
	for (const char *const *name = memory_members; m && *name; name++) {
		size_t at = out->len;

		buf_fmt(out, "\"%s\":", *name);
		if (strcmp(*name, "id") != 0 &&
		    memory_member(m, span_of(*name), true, out))
			buf_char(out, ',');
		else
			buf_cut(out, at);
	}
}

/* The response as far as it is known here, in an event of that type; f: how it
 * failed, or NULL. */
static void put_state(struct emitter *e, struct buf *out, const char *status,
		      const struct fault *f)
{
	const struct terms *t = e->terms;
	const char *type = strcmp(status, "in_progress") ? status : "created";

	buf_fmt(out, "event: response.%s\ndata: {\"type\":\"response.%s\","
		"\"sequence_number\":", type, type);
	buf_int(out, e->sequence++);
	PUT(out, ",\"response\":{\"id\":");
	buf_json(out, span_of(e->response_id[0] ? e->response_id : t->id));
	PUT(out, ",\"object\":\"response\",\"created_at\":");
	buf_int(out, t->created);
	buf_fmt(out, ",\"status\":\"%s\",\"error\":", status);
	if (f)
		responses_put_error(out, f);
	else
		PUT(out, "null");
	PUT(out, ",\"incomplete_details\":null,\"instructions\":null,\"model\":");
	buf_json(out, span_of(t->model));
	PUT(out, ",\"output\":[],\"parallel_tool_calls\":true,");
	put_memory(out, t->memory);
	PUT(out, "\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
		 "\"top_p\":null,\"usage\":null,\"metadata\":{}}}\n\n");
}

/* Nothing was asked of upstream: an id to go on with. */
static void say_prepared(struct emitter *e, struct buf *out)
{
	e->ended = true;
	put_state(e, out, "in_progress", NULL);
	put_state(e, out, "completed", NULL);
}

static void responses_emit(struct emitter *e, struct buf *out,
			   const struct event *ev)
{
	if (!ev->source && ev->kind == EVENT_DONE && e->terms->at_once)
		say_prepared(e, out);
	if (e->ended || !ev->source)
		return;
	switch (ev->kind) {
	case EVENT_START:
		begin(e, ev);
		break;
	case EVENT_KEEPALIVE:
		if (!e->begun)
			return;
		break;
	case EVENT_OTHER:
		if (!e->terms->private_events)
			return;
		break;
	case EVENT_FAILED:
		/* an error event is no end of a response: error_event() is */
		if (!span_eq(ev->source->type, "response.failed"))
			return;
		e->ended = true;
		break;
	case EVENT_DONE:
		e->ended = true;
		break;
	default:
		break;
	}
	say(e, out, ev->source);
}

static void responses_error(struct emitter *e, struct buf *out,
			    const struct fault *f)
{
	if (e->ended)
		return;
	e->ended = true;
	if (!e->begun && !e->sequence)
		put_state(e, out, "in_progress", NULL);
	put_state(e, out, "failed", f);
}

const struct tongue tongue_responses = {
	.name = "responses",
	.stream_type = "text/event-stream; charset=utf-8",
	.id_prefix = "resp_",
	.heartbeat = ": keep-alive\n\n",
	.beat = responses_beat,
	.passes = true,
	.ask = ask_responses,
	.emit = responses_emit,
	.whole = responses_whole,
	.error_body = openai_error_body,
	.error_event = responses_error,
};
