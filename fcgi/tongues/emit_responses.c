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
#include "openai.h"
#include "responses.h"
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

/* The number that the event has, or shall have; an event without one gets
 * none, and takes none. */
static bool renumber(struct emitter *e, struct span number, int64_t *want)
{
	int64_t n;

	if (!text_int(number, &n) || n < 0 || n > MAX_NUMBER)
		return false;
	if (!e->numbered && !e->sequence)
		e->sequence = n;
	e->numbered = true;
	*want = e->sequence++;
	return *want != n;
}

static void say(struct emitter *e, struct buf *out, const struct event_source *src)
{
	struct span json = src->json, head = json;
	int64_t number;

	PUT(out, "event: ");
	buf_put(out, src->type);
	PUT(out, "\ndata: ");
	if (renumber(e, src->sequence, &number)) {
		head.len = (size_t)(src->sequence.ptr - json.ptr);
		put_lines(out, head);
		buf_int(out, number);
		head.len += src->sequence.len;
		json = (struct span){ json.ptr + head.len, json.len - head.len };
	}
	put_lines(out, json);
	PUT(out, "\n\n");
}

static void begin(struct emitter *e, const struct event *ev)
{
	if (!e->response_id[0] && ev->id.len)
		text_copy(e->response_id, sizeof(e->response_id), ev->id);
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

static void put_error(struct buf *out, const struct fault *f)
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
		put_error(out, f);
	else
		PUT(out, "null");
	PUT(out, ",\"incomplete_details\":null,\"instructions\":null,\"model\":");
	buf_json(out, span_of(t->model));
	PUT(out, ",\"output\":[],\"parallel_tool_calls\":true,\"store\":false,"
		 "\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
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
