/*
 * ask_anthropic_tools.c - tools and the choice among them.
 *
 * The client's own tools become functions. Of the tools that Anthropic runs
 * itself upstream has the web search; the search for tools is not needed
 * where all of them are given at once. The others cannot be had.
 */
#include "anthropic.h"

#include "../../shared/ceilings.h"

static void put_filters(struct asking *q, struct json_object *o,
			struct json_object *tool, const struct at *at)
{
	struct json_object *allowed, *filters;

	allowed = ask_get(q, tool, "allowed_domains", json_type_array, at);
	if (json_get(tool, "blocked_domains"))
		terms_drop(&q->a->terms, "tools.blocked_domains");
	if (json_get(tool, "max_uses"))
		terms_drop(&q->a->terms, "tools.max_uses");
	if (!allowed || !json_object_array_length(allowed))
		return;
	filters = json_object_new_object();
	if (ask_put(q, o, "filters", filters))
		ask_put(q, filters, "allowed_domains", json_ref(allowed));
}

static struct json_object *search_tool(struct asking *q, struct json_object *tool,
				       const struct at *at)
{
	static const char *const keys[] = { "city", "region", "country", "timezone" };
	const struct at in = { at, "user_location", AT_WHOLE };
	struct json_object *o = ask_item(q, "web_search"), *where, *place, *v;

	if (!o)
		return NULL;
	put_filters(q, o, tool, at);
	where = ask_get(q, tool, in.key, json_type_object, at);
	place = where ? ask_item(q, "approximate") : NULL;
	for (size_t i = 0; place && i < ARRAY_LEN(keys); i++) {
		v = ask_get(q, where, keys[i], json_type_string, &in);
		if (v)
			ask_put(q, place, keys[i], json_ref(v));
	}
	if (place)
		ask_put(q, o, "user_location", place);
	/* the backend is not known to take the word */
	if (q->a->config->kind == KIND_RESPONSES)
		anthropic_include(q, "web_search_call.action.sources");
	if (!q->note->code)
		return o;
	json_object_put(o);
	return NULL;
}

/* A schema that upstream would refuse as a strict one goes as a plain one:
 * the model follows it all the same, nearly always. */
static struct json_object *own_tool(struct asking *q, struct json_object *tool,
				    const struct at *at)
{
	struct json_object *o = ask_function(q, tool, "input_schema", at);

	if (!o || !json_get_bool(o, "strict", false) ||
	    anthropic_strict_fits(json_get(o, "parameters")))
		return o;
	terms_drop(&q->a->terms, "tools.strict");
	ask_put(q, o, "strict", json_object_new_boolean(0));
	return o;
}

/* NULL: told, or one that is not needed. */
static struct json_object *one_tool(struct asking *q, struct json_object *tool,
				    const struct at *at)
{
	struct json_object *type;
	struct span t;

	if (!ask_is(q, tool, NULL, json_type_object, at))
		return NULL;
	type = ask_get(q, tool, "type", json_type_string, at);
	if (q->note->code)
		return NULL;
	t = json_str(type);
	if (!type || span_eq(t, "custom"))
		return own_tool(q, tool, at);
	if (span_starts(t, "web_search_"))
		return search_tool(q, tool, at);
	if (span_starts(t, "tool_search_tool_")) {
		terms_drop(&q->a->terms, "tools.tool_search");
		return NULL;
	}
	ask_refuse(q, at, "type", "The tool '%.60s' cannot be had here: tools of "
		   "your own and web_search can.", t.ptr);
	return NULL;
}

/* Does the name mean upstream's search, not a tool of the client's? */
static bool is_search(struct asking *q, struct span name)
{
	struct json_object *tools = json_get_array(q->body, "tools");
	size_t count = tools ? json_object_array_length(tools) : 0;

	for (size_t i = 0; i < count && span_eq(name, "web_search"); i++)
		if (span_starts(json_get_str(json_object_array_get_idx(tools, i),
					     "type"), "web_search_"))
			return true;
	return false;
}

/* The choice in the words of the Responses API. */
static struct json_object *choice_of(struct asking *q, struct json_object *v,
				     const struct at *at)
{
	static const char *const words[][2] = {
		{ "auto", "auto" }, { "any", "required" }, { "none", "none" },
	};
	struct json_object *type = ask_need(q, v, "type", json_type_string, at);
	struct json_object *name, *o;
	bool search;

	if (!type || !ask_one_of(q, type, "type", at, "auto|any|tool|none"))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (span_eq(json_str(type), words[i][0]))
			return json_new_str(span_of(words[i][1]));
	name = ask_need(q, v, "name", json_type_string, at);
	if (!name)
		return NULL;
	search = is_search(q, json_str(name));
	o = ask_item(q, search ? "web_search" : "function");
	if (o && !search)
		ask_put(q, o, "name", json_ref(name));
	return o;
}

static enum err take_choice(struct asking *q)
{
	const struct at at = { NULL, "tool_choice", AT_WHOLE };
	struct json_object *v = ask_get(q, q->body, at.key, json_type_object, NULL);
	struct json_object *alone, *choice;

	if (!v)
		return q->note->code;
	alone = ask_get(q, v, "disable_parallel_tool_use", json_type_boolean, &at);
	choice = q->note->code ? NULL : choice_of(q, v, &at);
	if (choice)
		ask_tool_choice(q, at.key, choice);
	json_object_put(choice);
	if (!q->note->code && json_object_get_boolean(alone) &&
	    json_get(q->a->request, "tools"))
		ask_put(q, q->a->request, "parallel_tool_calls",
			json_object_new_boolean(0));
	return q->note->code;
}

enum err anthropic_tools(struct asking *q)
{
	struct json_object *list = ask_get(q, q->body, "tools", json_type_array, NULL);
	struct json_object *tools = json_object_new_array(), *o;
	struct at at = { NULL, "tools", 0 };
	size_t count = list ? json_object_array_length(list) : 0;

	if (!tools)
		return ask_no_memory(q);
	if (count > MAX_TOOLS)
		ask_fault(q, NULL, "tools", "more than %u tools.", MAX_TOOLS);
	for (; at.index < count && !q->note->code; at.index++) {
		o = one_tool(q, json_object_array_get_idx(list, at.index), &at);
		if (o)
			ask_push(q, tools, o);
	}
	if (q->note->code || !json_object_array_length(tools))
		json_object_put(tools);
	else
		ask_put(q, q->a->request, "tools", tools);
	return q->note->code ? q->note->code : take_choice(q);
}
