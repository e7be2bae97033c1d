/*
 * emit_completion.c - an answer as text_completion, stream and whole.
 *
 * The legacy API has text and nothing else: a refusal is text too, reasoning
 * is left out (think tags have become text before), calls cannot occur.
 */
#include "ask.h"
#include "openai.h"

#define COMPLETION SPAN("text_completion")

static const char *finish_word(enum finish finish)
{
	switch (finish) {
	case FINISH_LENGTH:
		return "length";
	case FINISH_FILTER:
		return "content_filter";
	case FINISH_STOP:
	case FINISH_STOP_STRING:
		break;
	}
	return "stop";
}

static void choice_begin(const struct terms *t, struct buf *out)
{
	openai_head(out, t, COMPLETION);
	buf_str(out, ",\"choices\":[{\"index\":0,\"text\":");
}

static void say_text(const struct terms *t, struct buf *out, struct span text)
{
	if (!text.len)
		return;
	buf_str(out, "data: ");
	choice_begin(t, out);
	buf_json(out, text);
	buf_str(out, ",\"logprobs\":null,\"finish_reason\":null}]}\n\n");
}

static void say_end(const struct terms *t, struct buf *out, const struct event *ev)
{
	buf_str(out, "data: ");
	choice_begin(t, out);
	buf_str(out, "\"\",\"logprobs\":null,\"finish_reason\":\"");
	buf_str(out, finish_word(ev->finish));
	buf_str(out, "\"}]}\n\n");
	openai_end(out, t, COMPLETION, &ev->usage);
}

static void completion_emit(struct emitter *e, struct buf *out,
			    const struct event *ev)
{
	if (e->ended)
		return;
	switch (ev->kind) {
	case EVENT_TEXT:
	case EVENT_REFUSAL:
		e->begun = true;
		say_text(e->terms, out, ev->text);
		break;
	case EVENT_DONE:
		e->ended = true;
		say_end(e->terms, out, ev);
		break;
	default:
		break;
	}
}

static void completion_whole(const struct terms *t, struct buf *out,
			     const struct answer *a)
{
	choice_begin(t, out);
	buf_char(out, '"');
	buf_json_part(out, buf_span(&a->text));
	buf_json_part(out, buf_span(&a->refusal));
	buf_str(out, "\",\"logprobs\":null,\"finish_reason\":\"");
	buf_str(out, finish_word(a->finish));
	buf_str(out, "\"}],");
	openai_usage(out, &a->usage);
	buf_char(out, '}');
}

const struct tongue tongue_completion = {
	.name = "completion",
	.stream_type = "text/event-stream; charset=utf-8",
	.id_prefix = "cmpl-",
	.heartbeat = ": keep-alive\n\n",
	.ask = ask_completion,
	.emit = completion_emit,
	.whole = completion_whole,
	.error_body = openai_error_body,
	.error_event = openai_error_event,
};
