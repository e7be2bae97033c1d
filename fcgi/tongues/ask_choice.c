/*
 * ask_choice.c - tool_choice in all its forms, and the legacy function_call.
 *
 * A choice of a tool that is not there is told here, with the client's own
 * name for it: upstream would name the shortened one.
 */
#include "ask.h"

static struct json_object *tools_of(struct asking *q)
{
	return json_get_array(q->a->request, "tools");
}

/* Is there such a tool? name NULL: any of the type will do. */
static bool have_tool(struct asking *q, struct span type, const char *name)
{
	struct json_object *tools = tools_of(q);
	size_t count = tools ? json_object_array_length(tools) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *t = json_object_array_get_idx(tools, i);
		struct span have = json_get_str(t, "type");

		if (have.len == type.len && !memcmp(have.ptr, type.ptr, type.len) &&
		    (!name || span_eq(json_get_str(t, "name"), name)))
			return true;
	}
	return false;
}

/* The name inside {"function":{"name"}}, or beside the type as the Responses
 * API has it. */
static struct json_object *chosen_name(struct asking *q, struct json_object *v,
				       const char *kind, const struct at *at)
{
	const struct at in = { at, kind, AT_WHOLE };
	struct json_object *inner;

	if (!json_get(v, kind) && json_get(v, "name"))
		return ask_need(q, v, "name", json_type_string, at);
	inner = ask_need(q, v, kind, json_type_object, at);
	return inner ? ask_need(q, inner, "name", json_type_string, &in) : NULL;
}

/* A tool as it is referred to: {"type","name"}, or a hosted tool's type. */
static struct json_object *tool_ref(struct asking *q, struct json_object *v,
				    const struct at *at)
{
	struct json_object *type, *name, *o;
	struct span word;
	char fit[65];

	if (!ask_is(q, v, NULL, json_type_object, at))
		return NULL;
	type = ask_need(q, v, "type", json_type_string, at);
	if (!type)
		return NULL;
	word = json_str(type);
	if (span_starts(word, "web_search_preview"))
		word = SPAN("web_search");
	if (!span_eq(word, "function") && !span_eq(word, "custom")) {
		if (have_tool(q, word, NULL))
			return ask_item(q, word.ptr);
		ask_fault(q, at, "type", "no tool of the type '%.60s' was given.",
			  word.ptr);
		return NULL;
	}
	name = chosen_name(q, v, word.ptr, at);
	if (!name)
		return NULL;
	names_call_id(json_str(name), fit);
	if (!have_tool(q, word, fit)) {
		ask_fault(q, at, NULL, "no %s named '%.80s' was given in tools.",
			  word.ptr, json_object_get_string(name));
		return NULL;
	}
	o = ask_item(q, word.ptr);
	if (o && ask_put_cstr(q, o, "name", fit))
		return o;
	json_object_put(o);
	return NULL;
}

static struct json_object *allowed_tools(struct asking *q, struct json_object *v,
					 const struct at *at)
{
	struct at in = { at, "allowed_tools", AT_WHOLE }, each;
	struct json_object *mode, *list, *o, *refs;
	size_t count;

	if (json_get(v, "allowed_tools") || !json_get(v, "tools"))
		v = ask_need(q, v, "allowed_tools", json_type_object, at);
	else
		in = *at;
	mode = v ? ask_need(q, v, "mode", json_type_string, &in) : NULL;
	list = mode ? ask_need(q, v, "tools", json_type_array, &in) : NULL;
	if (!list || !ask_one_of(q, mode, "mode", &in, "auto|required"))
		return NULL;
	o = ask_item(q, "allowed_tools");
	refs = json_object_new_array();
	if (!o || !ask_put(q, o, "mode", json_ref(mode)))
		json_object_put(refs);
	else
		ask_put(q, o, "tools", refs);
	each = (struct at){ &in, "tools", 0 };
	count = json_object_array_length(list);
	for (; each.index < count && !q->note->code; each.index++) {
		struct json_object *ref = tool_ref(q,
			json_object_array_get_idx(list, each.index), &each);

		if (ref)
			ask_push(q, refs, ref);
	}
	if (!q->note->code)
		return o;
	json_object_put(o);
	return NULL;
}

static enum err put_choice(struct asking *q, struct json_object *choice)
{
	if (choice)
		ask_put(q, q->a->request, "tool_choice", choice);
	return q->note->code;
}

/* Without tools "auto" says nothing and is left out; "none" stays, since it
 * keeps payload.c from adding a web search. */
static enum err take_word(struct asking *q, const char *key, struct json_object *v)
{
	if (!ask_one_of(q, v, key, NULL, "auto|none|required"))
		return q->note->code;
	if (!tools_of(q) && span_eq(json_str(v), "required"))
		return ask_fault(q, NULL, key, "'required' needs tools.");
	if (!tools_of(q) && span_eq(json_str(v), "auto"))
		return ERR_NONE;
	return put_choice(q, json_ref(v));
}

enum err ask_tool_choice(struct asking *q, const char *key,
			 struct json_object *v)
{
	const struct at at = { NULL, key, AT_WHOLE };

	if (json_is_str(v))
		return take_word(q, key, v);
	if (!json_is_object(v))
		return ask_wrong_type(q, NULL, key, "a string or an object", v);
	if (span_eq(json_get_str(v, "type"), "allowed_tools"))
		return put_choice(q, allowed_tools(q, v, &at));
	return put_choice(q, tool_ref(q, v, &at));
}

enum err ask_function_choice(struct asking *q, struct json_object *v)
{
	const struct at at = { NULL, "function_call", AT_WHOLE };
	struct json_object *name, *o;
	char fit[65];

	if (json_is_str(v))
		return take_word(q, "function_call", v);
	if (!json_is_object(v))
		return ask_wrong_type(q, NULL, at.key, "a string or an object", v);
	name = ask_need(q, v, "name", json_type_string, &at);
	if (!name)
		return q->note->code;
	names_call_id(json_str(name), fit);
	if (!have_tool(q, SPAN("function"), fit))
		return ask_fault(q, &at, "name", "no function named '%.80s' was given.",
				 json_object_get_string(name));
	o = ask_item(q, "function");
	if (!o || !ask_put_cstr(q, o, "name", fit)) {
		json_object_put(o);
		return q->note->code;
	}
	return put_choice(q, o);
}
