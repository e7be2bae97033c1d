/*
 * ask_chat_messages.c - the conversation: messages become input items.
 *
 * System and developer messages stay where they are, as developer messages:
 * upstream takes no role system, `instructions` has one place only, at the
 * front, and a list that only ever grows at its end keeps the prompt cache.
 */
#include "ask.h"
#include "../../shared/ceilings.h"

struct history {
	struct asking *q;
	struct json_object *input;
	struct ask_calls calls;
	char legacy_id[32];		/* the call that a function message answers */
	char legacy_name[MAX_UPSTREAM_NAME + 1];
};

/* A message of parts; one without any is not sent. */
static void add_parts(struct history *h, const char *role,
		      struct json_object *content, const struct at *at,
		      enum part_place place)
{
	struct asking *q = h->q;
	struct json_object *o, *parts;

	o = ask_message(q, role, NULL);
	if (!o)
		return;
	parts = json_get(o, "content");
	if (!ask_content(q, content, at, place, parts) &&
	    json_object_array_length(parts))
		ask_push(q, h->input, json_ref(o));
	json_object_put(o);
}

static void say_in(struct history *h, const char *role, struct json_object *m,
		   const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *content = json_get(m, "content");

	if (!content)
		ask_need(q, m, "content", json_type_string, at);
	else if (json_is_array(content) && !json_object_array_length(content))
		ask_fault(q, at, "content", "it has no parts.");
	else
		add_parts(h, role, content, at, PART_USER);
	/* who of several users spoke: the Responses API has no place for it */
	if (json_get(m, "name"))
		terms_drop(&q->a->terms, "messages.name");
}

static void say_developer(struct history *h, struct json_object *m,
			  const struct at *at)
{
	say_in(h, "developer", m, at);
}

static void say_user(struct history *h, struct json_object *m,
		     const struct at *at)
{
	say_in(h, "user", m, at);
}

/* The call itself; id is fit for upstream. */
static void add_call(struct history *h, const char *id, struct json_object *name,
		     struct json_object *args, bool custom)
{
	struct asking *q = h->q;
	size_t at = json_object_array_length(h->input);
	struct json_object *o;
	char fit[65];

	o = ask_item(q, custom ? "custom_tool_call" : "function_call");
	if (!o)
		return;
	names_call_id(json_str(name), fit);
	/* "" is how some programs write a call without arguments; upstream
	 * wants JSON */
	if (ask_put_cstr(q, o, "call_id", id) &&
	    ask_put_cstr(q, o, "name", fit) &&
	    (!custom && !json_str(args).len ?
		     ask_put_cstr(q, o, "arguments", "{}") :
		     ask_put(q, o, custom ? "input" : "arguments", json_ref(args))) &&
	    ask_push(q, h->input, json_ref(o)) &&
	    !ask_calls_add(&h->calls, id, custom, at))
		ask_no_memory(q);
	json_object_put(o);
}

/* {"id","type","function":{"name","arguments"}} or {"custom":{"name","input"}} */
static void say_call(struct history *h, struct json_object *call,
		     const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *type, *id, *inner, *name, *args;
	const char *key;
	struct at here = { at, NULL, AT_WHOLE };
	bool custom;
	char fit[65];

	if (!ask_is(q, call, NULL, json_type_object, at))
		return;
	type = ask_get(q, call, "type", json_type_string, at);
	if (q->note->code ||
	    (type && !ask_one_of(q, type, "type", at, "function|custom")))
		return;
	custom = type && span_eq(json_str(type), "custom");
	key = custom ? "custom" : "function";
	here.key = key;
	id = ask_need_name(q, call, "id", at);
	inner = id ? ask_need(q, call, key, json_type_object, at) : NULL;
	name = inner ? ask_need_name(q, inner, "name", &here) : NULL;
	args = name ? ask_need(q, inner, custom ? "input" : "arguments",
			       json_type_string, &here) : NULL;
	if (!args)
		return;
	names_call_id(json_str(id), fit);
	add_call(h, fit, name, args, custom);
}

/* The legacy shape has no ids; the place in the history makes one that is
 * the same in every later request. */
static void say_legacy_call(struct history *h, struct json_object *call,
			    const struct at *up)
{
	const struct at at = { up, "function_call", AT_WHOLE };
	struct json_object *name = ask_need_name(h->q, call, "name", &at), *args;

	args = name ? ask_need(h->q, call, "arguments", json_type_string, &at) : NULL;
	if (!args)
		return;
	snprintf(h->legacy_id, sizeof(h->legacy_id), "call_fn_%zu", up->index);
	names_call_id(json_str(name), h->legacy_name);
	add_call(h, h->legacy_id, name, args, false);
}

static void say_refusal(struct history *h, struct json_object *m,
			const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *refusal = ask_get(q, m, "refusal", json_type_string, at);
	struct json_object *o, *part;

	if (!refusal)
		return;
	o = ask_message(q, "assistant", NULL);
	part = ask_item(q, "refusal");
	if (o && part && ask_put(q, part, "refusal", json_ref(refusal)) &&
	    ask_push(q, json_get(o, "content"), json_ref(part)))
		ask_push(q, h->input, json_ref(o));
	json_object_put(part);
	json_object_put(o);
}

/*
 * reasoning_content and the like, which many clients echo, are left out:
 * upstream thinks anew and takes its own encrypted reasoning only. A message
 * that holds nothing else is one that was cut off while it thought.
 */
static void say_assistant(struct history *h, struct json_object *m,
			  const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *content = json_get(m, "content");
	struct json_object *calls, *legacy;
	struct at here = { at, "tool_calls", 0 };
	size_t count;

	calls = ask_get(q, m, "tool_calls", json_type_array, at);
	legacy = ask_get(q, m, "function_call", json_type_object, at);
	if (json_get(m, "audio"))
		ask_refuse(q, at, "audio", "Earlier audio answers are not kept; "
			   "send their transcript as content.");
	if (q->note->code)
		return;
	if (!content && !calls && !legacy && !json_get(m, "refusal") &&
	    !json_get(m, "reasoning_content") && !json_get(m, "reasoning"))
		ask_need(q, m, "content", json_type_string, at);
	else if (content && !(json_is_str(content) && !json_str(content).len))
		add_parts(h, "assistant", content, at, PART_ASSISTANT);
	if (!q->note->code)
		say_refusal(h, m, at);
	count = calls ? json_object_array_length(calls) : 0;
	for (; here.index < count && !q->note->code; here.index++)
		say_call(h, json_object_array_get_idx(calls, here.index), &here);
	if (legacy && !q->note->code)
		say_legacy_call(h, legacy, at);
}

/* NULL with a fault told. */
static struct json_object *tool_output(struct asking *q, struct json_object *content,
				       const struct at *at)
{
	struct json_object *parts;

	if (json_is_str(content))
		return json_ref(content);
	parts = json_object_new_array();
	if (!parts)
		ask_no_memory(q);
	if (!parts || ask_content(q, content, at, PART_TOOL, parts)) {
		json_object_put(parts);
		return NULL;
	}
	return ask_output(q, parts);
}

/* output is taken. */
static void add_output(struct history *h, const char *id, struct ask_call *call,
		       struct json_object *output)
{
	struct asking *q = h->q;
	struct json_object *o;

	o = ask_item(q, call->custom ? "custom_tool_call_output" :
				       "function_call_output");
	if (!o || !ask_put_cstr(q, o, "call_id", id)) {
		json_object_put(output);
	} else if (ask_put(q, o, "output", output)) {
		call->answered = true;
		ask_push(q, h->input, json_ref(o));
	}
	json_object_put(o);
}

static void say_tool(struct history *h, struct json_object *m,
		     const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *id = ask_need_name(q, m, "tool_call_id", at), *output;
	struct json_object *content = json_get(m, "content");
	struct ask_call *call;
	char fit[65];

	if (!id)
		return;
	names_call_id(json_str(id), fit);
	call = ask_calls_find(&h->calls, fit);
	if (!call) {
		ask_fault(q, at, "tool_call_id",
			  "no tool call with the id '%.80s' precedes its result.",
			  json_object_get_string(id));
		return;
	}
	if (!content) {
		ask_need(q, m, "content", json_type_string, at);
		return;
	}
	output = tool_output(q, content, at);
	if (output)
		add_output(h, fit, call, output);
}

static void say_function(struct history *h, struct json_object *m,
			 const struct at *at)
{
	struct asking *q = h->q;
	struct json_object *name = ask_need_name(q, m, "name", at), *output;
	struct json_object *content = json_get(m, "content");
	struct ask_call *call;
	char fit[65];

	if (!name)
		return;
	names_call_id(json_str(name), fit);
	call = ask_calls_find(&h->calls, h->legacy_id);
	if (!call || call->answered || strcmp(fit, h->legacy_name)) {
		ask_fault(q, at, "name",
			  "no function_call of '%.80s' precedes its result.",
			  json_object_get_string(name));
		return;
	}
	output = content ? tool_output(q, content, at) : json_new_str(SPAN(""));
	if (output)
		add_output(h, h->legacy_id, call, output);
	else
		ask_no_memory(q);
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
	{ "function", say_function },
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
	ask_one_of(h->q, role, "role", at,
		   "system|developer|user|assistant|tool|function");
}

enum err ask_messages(struct asking *q)
{
	struct history h = { .q = q };
	struct at at = { NULL, "messages", 0 };
	struct json_object *messages;
	size_t count;

	messages = ask_need(q, q->body, "messages", json_type_array, NULL);
	count = messages ? json_object_array_length(messages) : 0;
	if (messages && !count)
		return ask_fault(q, NULL, "messages", "it has no messages.");
	h.input = messages ? json_object_new_array() : NULL;
	for (; at.index < count && !q->note->code; at.index++)
		say(&h, json_object_array_get_idx(messages, at.index), &at);
	if (h.input && !q->note->code) {
		h.input = ask_calls_finish(&h.calls, h.input);
		ask_put(q, q->a->request, "input", h.input);
	} else {
		json_object_put(h.input);
	}
	ask_calls_free(&h.calls);
	return q->note->code;
}
