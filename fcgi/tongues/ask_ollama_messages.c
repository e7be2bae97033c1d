/*
 * ask_ollama_messages.c - the conversation as Ollama's clients keep it.
 *
 * Their calls mostly have no ids, and results name the tool or nothing at
 * all: a call without an id gets one from its place in the history, the same
 * in every later request, and a result belongs to the first call of the
 * latest turn that waits for one.
 */
#include "ask_ollama.h"

struct history {
	struct asking *q;
	struct json_object *input;
	struct ask_calls calls;
	size_t turn;		/* the first call of the latest turn */
	bool turned;		/* something else has been said since its calls */
	bool ids;		/* some call brought an id */
};

/* Texts and images as one message; one without either is not sent. */
static void say_parts(struct history *h, const char *role,
		      struct json_object *m, const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *content = json_get(m, "content"), *o, *parts;
	bool assistant = !strcmp(role, "assistant");

	o = ask_message(q, role, NULL);
	if (!o)
		return;
	parts = json_get(o, "content");
	if (content && (!assistant || !json_is_str(content) || json_str(content).len))
		ask_content(q, content, at, assistant ? PART_ASSISTANT : PART_USER,
			    parts);
	if (!q->note->code && assistant && json_get(m, "images"))
		terms_drop(&q->a->terms, "messages.images");
	else if (!q->note->code)
		ollama_images(q, m, at, parts);
	if (!q->note->code && json_object_array_length(parts))
		ask_push(q, h->input, json_ref(o));
	json_object_put(o);
}

static void say_developer(struct history *h, struct json_object *m,
			  const struct at *at)
{
	h->turned = true;
	say_parts(h, "developer", m, at);
}

static void say_user(struct history *h, struct json_object *m,
		     const struct at *at)
{
	h->turned = true;
	say_parts(h, "user", m, at);
}

/* Arguments are an object here and a string upstream. NULL: told. */
static struct json_object *arguments(struct asking *q, struct json_object *function,
				     const struct at *at)
{
	struct json_object *args = json_get(function, "arguments");
	struct buf b;

	if (json_is_str(args) && json_str(args).len)
		return json_ref(args);	/* as OpenAI's clients have them */
	if (args && !json_is_object(args) && !json_is_str(args)) {
		ask_wrong_type(q, at, "arguments", "an object", args);
		return NULL;
	}
	buf_init(&b, MAX_REQUEST_BODY);
	if (json_is_object(args))
		json_write(&b, args);
	else
		buf_str(&b, "{}");
	return ask_str_of(q, &b);
}

/* args is taken. */
static void add_call(struct history *h, const char *id, struct json_object *name,
		     struct json_object *args)
{
	struct asking *q = h->q;
	size_t at = json_object_array_length(h->input);
	struct json_object *o = ask_item(q, "function_call");
	char fit[65];

	names_call_id(json_str(name), fit);
	if (o && ask_put_cstr(q, o, "call_id", id) &&
	    ask_put_cstr(q, o, "name", fit) &&
	    ask_put(q, o, "arguments", json_ref(args)) &&
	    ask_push(q, h->input, json_ref(o)) &&
	    !ask_calls_add(&h->calls, id, false, at))
		ask_no_memory(q);
	json_object_put(args);
	json_object_put(o);
}

/* {"function":{"name","arguments"}}, perhaps with "id" */
static void say_call(struct history *h, struct json_object *call,
		     const struct at *at)
{
	const struct at in = { at, "function", AT_WHOLE };
	struct asking *q = h->q;
	struct json_object *id, *function, *name, *args;
	char fit[65];

	if (!ask_is(q, call, NULL, json_type_object, at))
		return;
	id = ask_get(q, call, "id", json_type_string, at);
	function = q->note->code ? NULL :
		ask_need(q, call, "function", json_type_object, at);
	name = function ? ask_need(q, function, "name", json_type_string, &in) : NULL;
	if (!name)
		return;
	if (!json_str(name).len) {
		ask_fault(q, &in, "name", "it must not be empty.");
		return;
	}
	args = arguments(q, function, &in);
	if (!args)
		return;
	if (json_str(id).len) {
		names_call_id(json_str(id), fit);
		h->ids = true;
	} else {
		snprintf(fit, sizeof(fit), "call_%zu_%zu", at->up->index, at->index);
	}
	add_call(h, fit, name, args);
}

/* "thinking", which clients echo, is left out: upstream thinks anew. */
static void say_assistant(struct history *h, struct json_object *m,
			  const struct at *at)
{
	struct asking *q = h->q;
	struct at here = { at, "tool_calls", 0 };
	struct json_object *calls;
	size_t count;

	calls = ask_get(q, m, "tool_calls", json_type_array, at);
	if (q->note->code)
		return;
	say_parts(h, "assistant", m, at);
	count = calls ? json_object_array_length(calls) : 0;
	if (count > MAX_TOOLS)
		ask_fault(q, at, "tool_calls", "more than %u calls.", MAX_TOOLS);
	if (count && h->turned) {
		h->turn = h->calls.count;
		h->turned = false;
	}
	for (; here.index < count && !q->note->code; here.index++)
		say_call(h, json_object_array_get_idx(calls, here.index), &here);
}

/* The first call that waits for its result; name "": of any tool. Calls that
 * an earlier turn left without one were broken off. */
static struct ask_call *waiting(struct history *h, const char *name)
{
	size_t i = h->turn;

	if (h->calls.count - i > MAX_TOOLS)
		i = h->calls.count - MAX_TOOLS;
	for (; i < h->calls.count; i++) {
		struct ask_call *c = &h->calls.v[i];
		struct json_object *o = json_object_array_get_idx(h->input, c->item);

		if (!c->answered &&
		    (!*name || span_eq(json_get_str(o, "name"), name)))
			return c;
	}
	return NULL;
}

/* By id, else by the tool's name, else by the order. NULL: told. */
static struct ask_call *call_of(struct history *h, struct json_object *m,
				const struct at *at)
{
	static const char *const keys[] = { "tool_name", "name" };
	struct asking *q = h->q;
	struct json_object *id = ask_get(q, m, "tool_call_id", json_type_string, at);
	struct json_object *name = NULL;
	struct ask_call *call = NULL;
	const char *key = NULL;
	char fit[65] = "";

	for (size_t i = 0; i < ARRAY_LEN(keys) && !json_str(name).len; i++)
		name = ask_get(q, m, key = keys[i], json_type_string, at);
	if (q->note->code)
		return NULL;
	if (json_str(id).len) {
		names_call_id(json_str(id), fit);
		call = ask_calls_find(&h->calls, fit);
		key = "tool_call_id";
		if (call || h->ids)
			goto out;
	}
	fit[0] = '\0';
	if (json_str(name).len)
		names_call_id(json_str(name), fit);
	else
		key = "role";
	call = waiting(h, fit);
out:
	if (!call)
		ask_fault(q, at, key, "no tool call precedes this result.");
	return call;
}

/* A string, which every Responses server takes; with images, parts. */
static struct json_object *tool_output(struct asking *q, struct json_object *m,
				       const struct at *at)
{
	struct json_object *content = json_get(m, "content"), *parts;
	struct json_object *images = json_get(m, "images");

	if (!images && !json_is_array(content))
		return content ? json_ref(content) : json_new_str(SPAN(""));
	parts = json_object_new_array();
	if (!parts)
		ask_no_memory(q);
	else if (content)
		ask_content(q, content, at, PART_TOOL, parts);
	if (parts && !q->note->code)
		ollama_images(q, m, at, parts);
	if (!q->note->code)
		return parts;
	json_object_put(parts);
	return NULL;
}

static void say_tool(struct history *h, struct json_object *m,
		     const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *content = json_get(m, "content"), *o, *output;
	struct ask_call *call;

	if (content && !json_is_str(content) && !json_is_array(content)) {
		ask_wrong_type(q, at, "content", "a string", content);
		return;
	}
	h->turned = true;
	call = call_of(h, m, at);
	output = call ? tool_output(q, m, at) : NULL;
	o = output ? ask_item(q, "function_call_output") : NULL;
	if (!o) {
		json_object_put(output);
		return;
	}
	if (!ask_put(q, o, "call_id", json_ref(json_get(
			     json_object_array_get_idx(h->input, call->item),
			     "call_id")))) {
		json_object_put(output);
	} else if (ask_put(q, o, "output", output)) {
		call->answered = true;
		ask_push(q, h->input, json_ref(o));
	}
	json_object_put(o);
}

static const struct role {
	const char *name;
	void (*say)(struct history *h, struct json_object *m, const struct at *at);
} roles[] = {
	{ "user", say_user },
	{ "assistant", say_assistant },
	{ "tool", say_tool },
	{ "system", say_developer },
	{ "developer", say_developer },
};

static void say(struct history *h, struct json_object *m, const struct at *at)
{
	struct json_object *role;

	if (!ask_is(h->q, m, NULL, json_type_object, at))
		return;
	role = ask_need(h->q, m, "role", json_type_string, at);
	if (!role)
		return;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (span_eq(json_str(role), roles[i].name)) {
			roles[i].say(h, m, at);
			return;
		}
	}
	ask_one_of(h->q, role, "role", at, "system|user|assistant|tool");
}

enum err ollama_messages(struct asking *q)
{
	struct json_object *messages = json_get(q->body, "messages"), *input;
	struct history h = { .q = q, .input = ollama_input(q) };
	struct at at = { NULL, "messages", 0 };
	size_t count = h.input ? json_object_array_length(messages) : 0;

	for (; at.index < count && !q->note->code; at.index++)
		say(&h, json_object_array_get_idx(messages, at.index), &at);
	if (h.input && !q->note->code && !json_object_array_length(h.input))
		ask_fault(q, NULL, "messages", "they have no text.");
	if (h.input && !q->note->code) {
		input = ask_calls_finish(&h.calls, json_ref(h.input));
		ask_put(q, q->a->request, "input", input);
	}
	ask_calls_free(&h.calls);
	return q->note->code;
}
