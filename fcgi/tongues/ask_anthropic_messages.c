/*
 * ask_anthropic_messages.c - the conversation: messages become input items.
 *
 * A message's blocks keep their order. Neighbouring texts and images of one
 * speaker are one message item; a call, its result and a piece of reasoning
 * are items of their own between them.
 *
 * A conversation that ends with the assistant's words asks for their
 * continuation. Upstream would begin anew, so it is told to go on.
 */
#include "anthropic.h"

#include "../../shared/ceilings.h"

#define GO_ON "Continue your last message exactly where it stops. Do not " \
	"repeat any of it and do not comment on it."

struct history {
	struct asking *q;
	struct json_object *input;
	struct json_object *parts;	/* of the message that is open; borrowed */
	struct ask_calls calls;
};

/* The content of the message item at the end, made when there is none yet. */
static struct json_object *open_parts(struct history *h, const char *role)
{
	struct json_object *o;

	if (h->parts)
		return h->parts;
	o = ask_message(h->q, role, NULL);
	if (o && ask_push(h->q, h->input, o))
		h->parts = json_get(o, "content");
	return h->parts;
}

/* The next block begins another item. A message of no parts is not sent. */
static void close_message(struct history *h)
{
	size_t last = json_object_array_length(h->input);

	if (h->parts && !json_object_array_length(h->parts))
		json_object_array_del_idx(h->input, last - 1, 1);
	h->parts = NULL;
}

static void add_block(struct history *h, const char *role, enum part_place place,
		      struct json_object *block, const struct at *at)
{
	struct json_object *parts = open_parts(h, role);

	if (parts)
		anthropic_part(h->q, block, at, place, parts);
}

static void add_text(struct history *h, const char *role, enum part_place place,
		     struct json_object *text)
{
	struct json_object *parts = open_parts(h, role);

	if (parts)
		ask_push(h->q, parts, ask_text(h->q, text, place));
	close_message(h);
}

static void push_item(struct history *h, struct json_object *o)
{
	close_message(h);
	ask_push(h->q, h->input, o);
}

/* --- the assistant's past --- */

/* Arguments are JSON in a string upstream, an object here. */
static struct json_object *arguments(struct asking *q, struct json_object *input)
{
	struct buf b;

	buf_init(&b, (size_t)MAX_REQUEST_BODY * 2);
	json_write(&b, input);
	return ask_str_of(q, &b);
}

static void say_call(struct history *h, struct json_object *block,
		     const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *id = ask_need_name(q, block, "id", at);
	struct json_object *name = id ? ask_need_name(q, block, "name", at) : NULL;
	struct json_object *input, *args, *o;
	char call[65], fit[65];

	input = name ? ask_need(q, block, "input", json_type_object, at) : NULL;
	if (!input)
		return;
	if (!anthropic_id_back(json_str(id), call)) {
		ask_no_memory(q);
		return;
	}
	names_call_id(json_str(name), fit);
	args = arguments(q, input);
	o = args ? ask_item(q, "function_call") : NULL;
	if (!o) {
		json_object_put(args);
		return;
	}
	ask_put_cstr(q, o, "call_id", call);
	ask_put_cstr(q, o, "name", fit);
	ask_put(q, o, "arguments", args);
	close_message(h);
	if (!ask_calls_add(&h->calls, call, false, json_object_array_length(h->input)))
		ask_no_memory(q);
	ask_push(q, h->input, o);
}

/* Only upstream's own reasoning goes back to it; another model's is left out
 * without a word, as is what a client changed. */
static void say_thought(struct history *h, struct json_object *block,
			const struct at *at, const char *seal)
{
	struct asking *q = h->q;
	struct json_object *sealed = ask_get(q, block, seal, json_type_string, at);
	struct json_object *text = ask_get(q, block, "thinking", json_type_string, at);
	struct json_object *o, *summary;
	struct span id, content;

	if (!sealed || !anthropic_unseal(json_str(sealed), &id, &content) ||
	    !content.len)
		return;
	o = ask_item(q, "reasoning");
	summary = json_object_new_array();
	if (!o || !ask_put(q, o, "summary", summary)) {
		json_object_put(o);
		return;
	}
	if (text && json_str(text).len) {
		struct json_object *part = ask_item(q, "summary_text");

		if (part)
			ask_put(q, part, "text", json_ref(text));
		ask_push(q, summary, part);
	}
	if (id.len)
		ask_put(q, o, "id", json_new_str(id));
	ask_put(q, o, "encrypted_content", json_new_str(content));
	q->a->terms.thoughts_sent = true;
	push_item(h, o);
}

/* Reasoning must have behind it what came of it: an answer that was cut off
 * while it thought is not sent. */
static void drop_last_thought(struct history *h)
{
	size_t last = json_object_array_length(h->input);

	while (last && span_eq(json_get_str(json_object_array_get_idx(h->input, last - 1),
					    "type"), "reasoning"))
		json_object_array_del_idx(h->input, --last, 1);
}

static void say_assistant_block(struct history *h, struct json_object *block,
				const struct at *at)
{
	struct json_object *type = anthropic_type(h->q, block, at);
	struct span t = json_str(type);

	if (!type)
		return;
	if (span_eq(t, "tool_use"))
		say_call(h, block, at);
	else if (span_eq(t, "thinking"))
		say_thought(h, block, at, "signature");
	else if (span_eq(t, "redacted_thinking"))
		say_thought(h, block, at, "data");
	else if (span_eq(t, "server_tool_use") || span_eq(t, "fallback") ||
		 (t.len > 12 && !memcmp(t.ptr + t.len - 12, "_tool_result", 12)))
		return;		/* the words that came of it follow */
	else
		add_block(h, "assistant", PART_ASSISTANT, block, at);
}

/* --- the user --- */

static void say_result(struct history *h, struct json_object *block,
		       const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *id = ask_need_name(q, block, "tool_use_id", at);
	struct json_object *failed = ask_get(q, block, "is_error",
					     json_type_boolean, at);
	struct json_object *output, *o;
	struct ask_call *call;
	char fit[65];

	if (!id || q->note->code)
		return;
	if (!anthropic_id_back(json_str(id), fit)) {
		ask_no_memory(q);
		return;
	}
	call = ask_calls_find(&h->calls, fit);
	if (!call) {
		ask_fault(q, at, "tool_use_id", "no tool_use with the id '%.80s' "
			  "precedes its result.", json_object_get_string(id));
		return;
	}
	output = anthropic_result(q, block, json_object_get_boolean(failed), at);
	o = output ? ask_item(q, "function_call_output") : NULL;
	if (!o) {
		json_object_put(output);
		return;
	}
	ask_put_cstr(q, o, "call_id", fit);
	ask_put(q, o, "output", output);
	call->answered = true;
	push_item(h, o);
}

static void say_user_block(struct history *h, struct json_object *block,
			   const struct at *at)
{
	struct json_object *type = anthropic_type(h->q, block, at);

	if (!type)
		return;
	if (span_eq(json_str(type), "tool_result"))
		say_result(h, block, at);
	else
		add_block(h, "user", PART_USER, block, at);
}

/* --- messages --- */

static void say_content(struct history *h, struct json_object *content,
			const struct at *at, bool assistant)
{
	struct asking *q = h->q;
	struct at here = { at, "content", 0 };
	size_t count;

	if (json_is_str(content)) {
		if (json_str(content).len || !assistant)
			add_text(h, assistant ? "assistant" : "user",
				 assistant ? PART_ASSISTANT : PART_USER, content);
		return;
	}
	if (!json_is_array(content)) {
		ask_wrong_type(q, at, "content", "a string or an array of blocks",
			       content);
		return;
	}
	count = json_object_array_length(content);
	if (!count && !assistant)
		ask_fault(q, at, "content", "it has no blocks.");
	for (; here.index < count && !q->note->code; here.index++) {
		struct json_object *block =
			json_object_array_get_idx(content, here.index);

		if (assistant)
			say_assistant_block(h, block, &here);
		else
			say_user_block(h, block, &here);
	}
	close_message(h);
	if (assistant)
		drop_last_thought(h);
}

static void say(struct history *h, struct json_object *m, const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *role, *content;
	bool system;

	if (!ask_is(q, m, NULL, json_type_object, at))
		return;
	role = ask_need(q, m, "role", json_type_string, at);
	if (!role || !ask_one_of(q, role, "role", at, "user|assistant|system"))
		return;
	content = json_get(m, "content");
	system = span_eq(json_str(role), "system");
	if (!content && system && json_get(m, "output_config"))
		return;		/* an effort, and no words */
	if (!content)
		ask_need(q, m, "content", json_type_string, at);
	else if (system)
		anthropic_system(q, content, at, "content", h->input);
	else
		say_content(h, content, at, span_eq(json_str(role), "assistant"));
}

static void go_on(struct history *h)
{
	size_t count = json_object_array_length(h->input);
	struct json_object *last = count ?
		json_object_array_get_idx(h->input, count - 1) : NULL;
	struct json_object *text;

	if (!span_eq(json_get_str(last, "role"), "assistant"))
		return;
	text = json_new_str(SPAN(GO_ON));
	ask_push(h->q, h->input, ask_message(h->q, "developer", text));
	json_object_put(text);
}

enum err anthropic_messages(struct asking *q)
{
	struct history h = { .q = q };
	struct at at = { NULL, "messages", 0 };
	struct json_object *messages, *system = json_get(q->body, "system");
	size_t count;

	messages = ask_need(q, q->body, "messages", json_type_array, NULL);
	count = messages ? json_object_array_length(messages) : 0;
	if (messages && !count)
		return ask_fault(q, NULL, "messages", "it has no messages.");
	h.input = messages ? json_object_new_array() : NULL;
	if (messages && !h.input)
		return ask_no_memory(q);
	if (h.input && system)
		anthropic_system(q, system, NULL, "system", h.input);
	for (; at.index < count && !q->note->code; at.index++)
		say(&h, json_object_array_get_idx(messages, at.index), &at);
	if (!q->note->code)
		go_on(&h);
	if (h.input && !q->note->code) {
		h.input = ask_calls_finish(&h.calls, h.input);
		ask_put(q, q->a->request, "input", h.input);
	} else {
		json_object_put(h.input);
	}
	ask_calls_free(&h.calls);
	return q->note->code;
}
