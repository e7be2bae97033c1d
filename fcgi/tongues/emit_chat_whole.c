/*
 * emit_chat_whole.c - an answer as one chat.completion object.
 */
#include "emit_chat.h"
#include "openai.h"

static void say_thought(const struct terms *t, struct buf *out, struct span text)
{
	struct chat_thought shape;

	if (!text.len || !chat_thought(t, &shape))
		return;
	buf_char(out, ',');
	buf_str(out, shape.before);
	buf_json(out, text);
	if (shape.mid) {
		buf_str(out, shape.mid);
		buf_json(out, text);
	}
	buf_str(out, shape.after);
}

static void say_annotations(struct buf *out, struct json_object *notes)
{
	size_t count = notes ? json_object_array_length(notes) : 0;
	size_t start = out->len;
	bool any = false;

	buf_str(out, ",\"annotations\":[");
	for (size_t i = 0; i < count; i++) {
		size_t before = out->len;

		if (any)
			buf_char(out, ',');
		if (chat_annotation(out, json_object_array_get_idx(notes, i)))
			any = true;
		else
			buf_cut(out, before);
	}
	buf_char(out, ']');
	if (!any)
		buf_cut(out, start);
}

static void say_call(const struct terms *t, struct buf *out,
		     const struct answer_call *call)
{
	buf_str(out, "{\"id\":");
	buf_json(out, span_of(call->id));
	buf_str(out, call->custom ?
		",\"type\":\"custom\",\"custom\":{\"name\":" :
		",\"type\":\"function\",\"function\":{\"name\":");
	buf_json(out, names_full(&t->names, span_of(call->name)));
	buf_str(out, call->custom ? ",\"input\":" : ",\"arguments\":");
	buf_json(out, buf_span(&call->args));
	buf_str(out, "}}");
}

static void say_calls(const struct terms *t, struct buf *out,
		      const struct answer *a)
{
	if (!a->call_count)
		return;
	if (t->legacy_functions) {
		buf_str(out, ",\"function_call\":{\"name\":");
		buf_json(out, names_full(&t->names, span_of(a->calls[0].name)));
		buf_str(out, ",\"arguments\":");
		buf_json(out, buf_span(&a->calls[0].args));
		buf_char(out, '}');
		return;
	}
	buf_str(out, ",\"tool_calls\":[");
	for (size_t i = 0; i < a->call_count; i++) {
		if (i)
			buf_char(out, ',');
		say_call(t, out, &a->calls[i]);
	}
	buf_char(out, ']');
}

void chat_whole(const struct terms *t, struct buf *out, const struct answer *a)
{
	bool mute = !a->text.len && (a->call_count || a->has_refusal);

	openai_head(out, t, CHAT_WHOLE);
	buf_str(out, ",\"choices\":[{\"index\":0,\"message\":"
		     "{\"role\":\"assistant\",\"content\":");
	if (mute)
		buf_str(out, "null");
	else
		buf_json(out, buf_span(&a->text));
	buf_str(out, ",\"refusal\":");
	if (a->has_refusal)
		buf_json(out, buf_span(&a->refusal));
	else
		buf_str(out, "null");
	say_thought(t, out, buf_span(&a->thought));
	say_annotations(out, a->annotations);
	say_calls(t, out, a);
	buf_str(out, "},\"logprobs\":null,\"finish_reason\":\"");
	buf_str(out, chat_finish(t, a->finish, a->call_count));
	buf_str(out, "\"}],");
	openai_usage(out, &a->usage);
	buf_char(out, '}');
}
