/*
 * emit_anthropic.c - an answer as Anthropic's stream of events.
 *
 * message_start and a ping; content blocks numbered from 0, one behind the
 * other, each with its start, its deltas and its stop; message_delta with the
 * reason and the figures; message_stop. A block begins with the first event
 * that has something for it and ends when another begins or upstream ends it.
 *
 * Upstream tells its figures at the end, so those of message_start are 0:
 * clients take message_delta's, and some add the two.
 */
#include "anthropic.h"

#define PUT(out, literal) buf_put(out, SPAN(literal))
#define EVENT(out, name) \
	PUT(out, "event: " name "\ndata: {\"type\":\"" name "\"")
#define END(out) PUT(out, "}\n\n")
#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"

enum block { BLOCK_NONE, BLOCK_TEXT, BLOCK_THINKING, BLOCK_TOOL };

static void begin(struct emitter *e, struct buf *out)
{
	if (e->begun)
		return;
	e->begun = true;
	EVENT(out, "message_start");
	PUT(out, ",\"message\":{\"id\":");
	buf_json(out, span_of(e->terms->id));
	PUT(out, ",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
	buf_json(out, span_of(e->terms->model));
	PUT(out, ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,");
	anthropic_usage(out, &(struct usage){ .known = false }, 0);
	PUT(out, "}");
	END(out);
	PUT(out, PING);
}

static void block_stop(struct emitter *e, struct buf *out)
{
	if (e->open == BLOCK_NONE)
		return;
	e->open = BLOCK_NONE;
	EVENT(out, "content_block_stop");
	PUT(out, ",\"index\":");
	buf_int(out, (int64_t)e->blocks - 1);
	END(out);
}

/* Up to the type of content_block, in which the caller goes on. */
static void block_start(struct emitter *e, struct buf *out, enum block kind)
{
	block_stop(e, out);
	e->open = kind;
	EVENT(out, "content_block_start");
	PUT(out, ",\"index\":");
	buf_int(out, e->blocks++);
	PUT(out, ",\"content_block\":{\"type\":");
}

/* A block that is all there at once. */
static void block_end(struct emitter *e, struct buf *out)
{
	PUT(out, "}");
	END(out);
	block_stop(e, out);
}

static void delta_begin(struct emitter *e, struct buf *out)
{
	EVENT(out, "content_block_delta");
	PUT(out, ",\"index\":");
	buf_int(out, (int64_t)e->blocks - 1);
	PUT(out, ",\"delta\":{\"type\":");
}

static void open_text(struct emitter *e, struct buf *out)
{
	if (e->open == BLOCK_TEXT)
		return;
	block_start(e, out, BLOCK_TEXT);
	PUT(out, "\"text\",\"text\":\"\"}}\n\n");
}

static void say_text(struct emitter *e, struct buf *out, struct span text)
{
	if (!text.len)
		return;
	open_text(e, out);
	delta_begin(e, out);
	PUT(out, "\"text_delta\",\"text\":");
	buf_json(out, text);
	PUT(out, "}}\n\n");
}

static void open_thinking(struct emitter *e, struct buf *out)
{
	if (e->open == BLOCK_THINKING)
		return;
	block_start(e, out, BLOCK_THINKING);
	PUT(out, "\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
}

static void say_thought(struct emitter *e, struct buf *out, struct span text)
{
	if (!text.len || e->terms->thought_hidden)
		return;
	open_thinking(e, out);
	delta_begin(e, out);
	PUT(out, "\"thinking_delta\",\"thinking\":");
	buf_json(out, text);
	PUT(out, "}}\n\n");
}

/* Reasoning of which nothing was shown, though it might have been, is a
 * redacted block: its data is all there is. */
static void say_thought_end(struct emitter *e, struct buf *out,
			    const struct event *ev)
{
	if (e->open != BLOCK_THINKING && !e->terms->thought_hidden) {
		if (!ev->text.len)
			return;
		block_start(e, out, BLOCK_THINKING);
		PUT(out, "\"redacted_thinking\",\"data\":\"");
		anthropic_seal(out, ev->id, ev->text);
		PUT(out, "\"");
		block_end(e, out);
		return;
	}
	open_thinking(e, out);
	delta_begin(e, out);
	PUT(out, "\"signature_delta\",\"signature\":\"");
	anthropic_seal(out, ev->id, ev->text);
	PUT(out, "\"}}\n\n");
	block_stop(e, out);
}

static void say_citation(struct emitter *e, struct buf *out,
			 struct json_object *note)
{
	size_t start = out->len;
	unsigned blocks = e->blocks, open = e->open;

	open_text(e, out);
	delta_begin(e, out);
	PUT(out, "\"citations_delta\",\"citation\":");
	if (anthropic_citation(out, note)) {
		PUT(out, "}}\n\n");
		return;
	}
	buf_cut(out, start);
	e->blocks = blocks;
	e->open = open;
}

static void say_call(struct emitter *e, struct buf *out, const struct event *ev)
{
	block_start(e, out, BLOCK_TOOL);
	PUT(out, "\"tool_use\",\"id\":");
	anthropic_id(out, ev->id);
	PUT(out, ",\"name\":");
	buf_json(out, names_full(&e->terms->names, ev->name));
	PUT(out, ",\"input\":{}}}\n\n");
}

static void say_args(struct emitter *e, struct buf *out, struct span text)
{
	if (!text.len)
		return;
	delta_begin(e, out);
	PUT(out, "\"input_json_delta\",\"partial_json\":");
	buf_json(out, text);
	PUT(out, "}}\n\n");
}

/* The input is JSON in a JSON string. */
static void say_search(struct emitter *e, struct buf *out, struct json_object *item)
{
	struct buf input;

	if (!anthropic_is_search(item))
		return;
	e->searches++;
	block_start(e, out, BLOCK_TOOL);
	PUT(out, "\"server_tool_use\",\"id\":");
	anthropic_search_id(out, item);
	PUT(out, ",\"name\":\"web_search\",\"input\":{}}}\n\n");
	buf_init(&input, MAX_OUT);
	anthropic_search_input(&input, item);
	say_args(e, out, buf_span(&input));
	buf_free(&input);
	block_start(e, out, BLOCK_TOOL);
	PUT(out, "\"web_search_tool_result\",\"tool_use_id\":");
	anthropic_search_id(out, item);
	PUT(out, ",\"content\":");
	anthropic_search_results(out, item);
	block_end(e, out);
}

static void say_end(struct emitter *e, struct buf *out, const struct event *ev)
{
	e->ended = true;
	block_stop(e, out);
	EVENT(out, "message_delta");
	PUT(out, ",\"delta\":{\"stop_reason\":\"");
	buf_str(out, anthropic_stop(ev->finish, e->refused, e->calls > 0));
	PUT(out, "\"");
	anthropic_stop_sequence(out, ev->finish, ev->text);
	PUT(out, "},");
	anthropic_usage(out, &ev->usage, e->searches);
	END(out);
	EVENT(out, "message_stop");
	END(out);
}

static void anthropic_emit(struct emitter *e, struct buf *out,
			   const struct event *ev)
{
	if (e->ended || (!event_is_semantic(ev) && ev->kind != EVENT_START))
		return;
	begin(e, out);
	switch (ev->kind) {
	case EVENT_TEXT:
		say_text(e, out, ev->text);
		break;
	case EVENT_TEXT_END:
		if (e->open == BLOCK_TEXT)
			block_stop(e, out);
		break;
	case EVENT_REFUSAL:
		e->refused = true;
		say_text(e, out, ev->text);
		break;
	case EVENT_THOUGHT:
		say_thought(e, out, ev->text);
		break;
	case EVENT_THOUGHT_BREAK:
		if (e->open == BLOCK_THINKING)
			say_thought(e, out, SPAN("\n\n"));
		break;
	case EVENT_THOUGHT_END:
		say_thought_end(e, out, ev);
		break;
	case EVENT_ANNOTATION:
		say_citation(e, out, ev->json);
		break;
	case EVENT_CALL:
		e->calls = ev->call + 1;
		say_call(e, out, ev);
		break;
	case EVENT_CALL_ARGS:
		say_args(e, out, ev->text);
		break;
	case EVENT_CALL_END:
		if (e->open == BLOCK_TOOL)
			block_stop(e, out);
		break;
	case EVENT_HOSTED:
		say_search(e, out, ev->json);
		break;
	case EVENT_DONE:
		say_end(e, out, ev);
		break;
	default:
		break;
	}
}

const struct tongue tongue_anthropic = {
	.name = "anthropic",
	.stream_type = "text/event-stream; charset=utf-8",
	.id_prefix = "msg_",
	.heartbeat = PING,
	.id_header = "request-id",
	.ordered = true,
	.ask = ask_anthropic,
	.emit = anthropic_emit,
	.whole = anthropic_whole,
	.limits = anthropic_limits,
	.error_status = anthropic_error_status,
	.error_body = anthropic_error_body,
	.error_event = anthropic_error_event,
};
