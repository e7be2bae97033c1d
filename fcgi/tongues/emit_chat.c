/*
 * emit_chat.c - an answer as chat.completion.chunk events.
 *
 * Chunks are written straight into the output: the same few pieces around one
 * JSON string, no tree. The first says the role; then text, refusal, tool
 * calls, reasoning and citations as they come; then one finish_reason, usage
 * where it was asked for, and [DONE].
 */
#include "ask.h"
#include "emit_chat.h"
#include "openai.h"

#define CHUNK_END "},\"finish_reason\":null}]}\n\n"
#define PUT(out, literal) buf_put(out, SPAN(literal))

const char *chat_finish(const struct terms *t, enum finish finish, size_t calls)
{
	switch (finish) {
	case FINISH_LENGTH:
		return "length";
	case FINISH_FILTER:
		return "content_filter";
	case FINISH_STOP_STRING:
		return "stop";
	case FINISH_STOP:
		break;
	}
	if (!calls)
		return "stop";
	return t->legacy_functions ? "function_call" : "tool_calls";
}

bool chat_annotation(struct buf *out, struct json_object *note)
{
	if (!span_eq(json_get_str(note, "type"), "url_citation"))
		return false;
	buf_str(out, "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":");
	buf_int(out, json_get_int(note, "start_index", 0));
	buf_str(out, ",\"end_index\":");
	buf_int(out, json_get_int(note, "end_index", 0));
	buf_str(out, ",\"url\":");
	buf_json(out, json_get_str(note, "url"));
	buf_str(out, ",\"title\":");
	buf_json(out, json_get_str(note, "title"));
	buf_str(out, "}}");
	return true;
}

bool chat_thought(const struct terms *t, struct chat_thought *out)
{
	static const struct chat_thought shapes[] = {
		[COMPAT_CONTENT] = { "\"reasoning_content\":", NULL, "" },
		[COMPAT_O3] = {
			"\"reasoning\":{\"content\":[{\"type\":\"text\",\"text\":",
			NULL, "}]}" },
		[COMPAT_LEGACY] = { "\"reasoning_summary\":", ",\"reasoning\":", "" },
		[COMPAT_CURRENT] = { "\"reasoning_summary\":", ",\"reasoning\":", "" },
		[COMPAT_THINK] = { NULL, NULL, NULL },	/* the filter made text of it */
		[COMPAT_NONE] = { NULL, NULL, NULL },
	};

	*out = shapes[t->reasoning];
	return out->before != NULL;
}

/* Everything up to the inside of delta. */
static void chunk_begin(const struct terms *t, struct buf *out)
{
	PUT(out, "data: ");
	openai_head(out, t, CHAT_CHUNK);
	PUT(out, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void begin(struct emitter *e, struct buf *out)
{
	if (e->begun)
		return;
	e->begun = true;
	chunk_begin(e->terms, out);
	PUT(out, "\"role\":\"assistant\",\"content\":\"\"" CHUNK_END);
}

static void say_string(struct emitter *e, struct buf *out, const char *before,
		       struct span text, const char *after)
{
	if (!text.len)
		return;
	chunk_begin(e->terms, out);
	buf_str(out, before);
	buf_json(out, text);
	buf_str(out, after);
	PUT(out, CHUNK_END);
}

static void say_thought(struct emitter *e, struct buf *out, struct span text)
{
	struct chat_thought shape;

	if (!text.len || !chat_thought(e->terms, &shape))
		return;
	chunk_begin(e->terms, out);
	buf_str(out, shape.before);
	buf_json(out, text);
	if (shape.mid) {
		buf_str(out, shape.mid);
		buf_json(out, text);
	}
	buf_str(out, shape.after);
	PUT(out, CHUNK_END);
}

static void say_annotation(struct emitter *e, struct buf *out,
			   struct json_object *note)
{
	size_t start = out->len;

	chunk_begin(e->terms, out);
	PUT(out, "\"annotations\":[");
	if (chat_annotation(out, note))
		PUT(out, "]" CHUNK_END);
	else
		buf_cut(out, start);
}

static void say_call(struct emitter *e, struct buf *out, const struct event *ev)
{
	struct span name = names_full(&e->terms->names, ev->name);

	if (e->terms->legacy_functions && ev->call > 0)
		return;		/* the legacy shape holds one */
	chunk_begin(e->terms, out);
	if (e->terms->legacy_functions) {
		PUT(out, "\"function_call\":{\"name\":");
		buf_json(out, name);
		PUT(out, ",\"arguments\":\"\"}" CHUNK_END);
		return;
	}
	PUT(out, "\"tool_calls\":[{\"index\":");
	buf_int(out, ev->call);
	PUT(out, ",\"id\":");
	buf_json(out, ev->id);
	buf_str(out, ev->custom ? ",\"type\":\"custom\",\"custom\":{\"name\":" :
				  ",\"type\":\"function\",\"function\":{\"name\":");
	buf_json(out, name);
	buf_str(out, ev->custom ? ",\"input\":\"\"}}]" : ",\"arguments\":\"\"}}]");
	PUT(out, CHUNK_END);
}

static void say_args(struct emitter *e, struct buf *out, const struct event *ev)
{
	if (!ev->text.len)
		return;
	if (e->terms->legacy_functions) {
		if (ev->call == 0)
			say_string(e, out, "\"function_call\":{\"arguments\":",
				   ev->text, "}");
		return;
	}
	chunk_begin(e->terms, out);
	PUT(out, "\"tool_calls\":[{\"index\":");
	buf_int(out, ev->call);
	buf_str(out, ev->custom ? ",\"custom\":{\"input\":" :
				  ",\"function\":{\"arguments\":");
	buf_json(out, ev->text);
	PUT(out, "}}]" CHUNK_END);
}

static void say_end(struct emitter *e, struct buf *out, const struct event *ev)
{
	e->ended = true;
	chunk_begin(e->terms, out);
	PUT(out, "},\"finish_reason\":\"");
	buf_str(out, chat_finish(e->terms, ev->finish, e->calls));
	PUT(out, "\"}]}\n\n");
	openai_end(out, e->terms, CHAT_CHUNK, &ev->usage);
}

static void chat_emit(struct emitter *e, struct buf *out, const struct event *ev)
{
	if (e->ended || (!event_is_semantic(ev) && ev->kind != EVENT_START))
		return;
	begin(e, out);
	switch (ev->kind) {
	case EVENT_TEXT:
		say_string(e, out, "\"content\":", ev->text, "");
		break;
	case EVENT_THOUGHT:
		say_thought(e, out, ev->text);
		break;
	case EVENT_THOUGHT_BREAK:
		say_thought(e, out, SPAN("\n\n"));
		break;
	case EVENT_REFUSAL:
		say_string(e, out, "\"refusal\":", ev->text, "");
		break;
	case EVENT_ANNOTATION:
		say_annotation(e, out, ev->json);
		break;
	case EVENT_CALL:
		e->calls = ev->call + 1;
		say_call(e, out, ev);
		break;
	case EVENT_CALL_ARGS:
		say_args(e, out, ev);
		break;
	case EVENT_DONE:
		say_end(e, out, ev);
		break;
	default:
		break;		/* ends of parts, hosted tools: chat has no word */
	}
}

const struct tongue tongue_chat = {
	.name = "chat",
	.stream_type = "text/event-stream; charset=utf-8",
	.id_prefix = "chatcmpl-",
	.heartbeat = ": keep-alive\n\n",
	.ask = ask_chat,
	.emit = chat_emit,
	.whole = chat_whole,
	.error_body = openai_error_body,
	.error_event = openai_error_event,
};
