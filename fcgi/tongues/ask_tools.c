/*
 * ask_tools.c - what the model may call: tools, the legacy functions, and
 * web search.
 *
 * Upstream's tools are flat, without chat's inner "function" or "custom".
 */
#include "ask.h"
#include "../../shared/ceilings.h"

struct toolbox {
	struct asking *q;
	struct json_object *tools;	/* of the request; owned until put */
	bool searches;			/* web_search is among them */
};

/* The name as upstream takes it, put into o. */
static bool put_name(struct asking *q, struct json_object *o,
		     struct json_object *from, const struct at *at)
{
	struct json_object *name = ask_need(q, from, "name", json_type_string, at);
	struct span s = json_str(name);
	char fit[65];

	if (!name)
		return false;
	if (!s.len || memchr(s.ptr, '\0', s.len)) {
		ask_fault(q, at, "name", "it must be a name.");
		return false;
	}
	if (!names_short(&q->a->terms.names, s, fit)) {
		ask_no_memory(q);
		return false;
	}
	return ask_put_cstr(q, o, "name", fit);
}

static bool put_description(struct asking *q, struct json_object *o,
			    struct json_object *from, const struct at *at)
{
	struct json_object *v = ask_get(q, from, "description",
					json_type_string, at);

	return v ? ask_put(q, o, "description", json_ref(v)) : !q->note->code;
}

/*
 * Upstream wants an object schema with properties; chat lets both be left
 * out. The client's schema itself is never touched: what lacks something is
 * copied at its top level, what does not is shared.
 */
static struct json_object *parameters(struct asking *q, struct json_object *from,
				      const char *key, const struct at *at)
{
	struct json_object *given = ask_get(q, from, key, json_type_object, at);
	struct json_object *o;

	if (q->note->code)
		return NULL;
	if (given && json_get(given, "type") &&
	    (json_get(given, "properties") ||
	     !span_eq(json_get_str(given, "type"), "object")))
		return json_ref(given);
	o = ask_item(q, "object");
	for (struct lh_entry *e = given ? json_object_get_object(given)->head : NULL;
	     o && e; e = e->next)
		if ((lh_entry_v(e) || strcmp(lh_entry_k(e), "type")) &&
		    !json_set(o, lh_entry_k(e), json_ref(lh_entry_v(e))))
			ask_no_memory(q);
	if (o && !json_get(o, "properties"))
		ask_put(q, o, "properties", json_object_new_object());
	if (!q->note->code)
		return o;
	json_object_put(o);
	return NULL;
}

/* strict is always said: it is false by default in chat, true in Responses. */
struct json_object *ask_function(struct asking *q, struct json_object *from,
				 const char *schema, const struct at *at)
{
	struct json_object *o = ask_item(q, "function"), *given, *strict;

	if (o && put_name(q, o, from, at) && put_description(q, o, from, at)) {
		given = parameters(q, from, schema, at);
		strict = ask_get(q, from, "strict", json_type_boolean, at);
		if (given && ask_put(q, o, "parameters", given) &&
		    !q->note->code &&
		    ask_put(q, o, "strict", json_object_new_boolean(
				    json_object_get_boolean(strict))))
			return o;
	}
	json_object_put(o);
	return NULL;
}

/* {"type":"text"}, or {"type":"grammar","grammar":{"syntax","definition"}},
 * whose inner object upstream does not have. */
static bool put_format(struct asking *q, struct json_object *o,
		       struct json_object *from, const struct at *up)
{
	const struct at at = { up, "format", AT_WHOLE };
	const struct at in = { &at, "grammar", AT_WHOLE };
	struct json_object *format = ask_get(q, from, "format",
					     json_type_object, up);
	struct json_object *type, *grammar, *syntax, *definition, *v;

	if (!format)
		return !q->note->code;
	type = ask_need(q, format, "type", json_type_string, &at);
	if (!type || !ask_one_of(q, type, "type", &at, "text|grammar"))
		return false;
	if (span_eq(json_str(type), "text") || !json_get(format, "grammar"))
		return ask_put(q, o, "format", json_ref(format));
	grammar = ask_need(q, format, "grammar", json_type_object, &at);
	syntax = grammar ? ask_need(q, grammar, "syntax", json_type_string, &in) : NULL;
	definition = syntax ? ask_need(q, grammar, "definition",
				       json_type_string, &in) : NULL;
	if (!definition || !(v = ask_item(q, "grammar")))
		return false;
	return ask_put(q, o, "format", v) &&
	       ask_put(q, v, "syntax", json_ref(syntax)) &&
	       ask_put(q, v, "definition", json_ref(definition));
}

static struct json_object *custom_tool(struct asking *q, struct json_object *c,
				       const struct at *at)
{
	struct json_object *o = ask_item(q, "custom");

	if (o && put_name(q, o, c, at) && put_description(q, o, c, at) &&
	    put_format(q, o, c, at))
		return o;
	json_object_put(o);
	return NULL;
}

static bool is_web_search(struct span type)
{
	return span_eq(type, "web_search") || span_starts(type, "web_search_");
}

/*
 * A hosted tool in the Responses API's own shape. web_search_preview is the
 * name of yesterday. Its answers reach a chat client as text and citations;
 * what other hosted tools answer would be lost on the ChatGPT backend's
 * clients, so only a plain Responses upstream gets them.
 */
static struct json_object *hosted_tool(struct toolbox *box, struct json_object *tool,
				       struct span type, const struct at *at)
{
	struct asking *q = box->q;
	struct json_object *o;

	if (!is_web_search(type)) {
		if (q->a->config->kind == KIND_RESPONSES)
			return json_ref(tool);
		ask_fault(q, at, "type", "'%.60s' is none of function, custom, "
			  "web_search.", type.ptr);
		return NULL;
	}
	box->searches = true;
	if (!span_starts(type, "web_search_preview"))
		return json_ref(tool);
	o = ask_item(q, "web_search");
	for (struct lh_entry *e = json_object_get_object(tool)->head; o && e; e = e->next)
		if (strcmp(lh_entry_k(e), "type") &&
		    !json_set(o, lh_entry_k(e), json_ref(lh_entry_v(e))))
			ask_no_memory(q);
	return o;
}

static struct json_object *function_tool(struct asking *q, struct json_object *f,
					 const struct at *at)
{
	return ask_function(q, f, "parameters", at);
}

/* One of `tools` or, with hosted set, of `responses_tools`. A function in the
 * flat shape of the Responses API is understood too. */
static struct json_object *one_tool(struct toolbox *box, struct json_object *tool,
				    const struct at *at, bool hosted)
{
	struct asking *q = box->q;
	struct at in = { at, NULL, AT_WHOLE };
	struct json_object *type, *inner;
	bool custom;

	if (!ask_is(q, tool, NULL, json_type_object, at))
		return NULL;
	type = ask_need(q, tool, "type", json_type_string, at);
	if (!type)
		return NULL;
	custom = span_eq(json_str(type), "custom");
	if (hosted || (!custom && !span_eq(json_str(type), "function")))
		return hosted_tool(box, tool, json_str(type), at);
	in.key = custom ? "custom" : "function";
	if (json_get(tool, "name") && !json_get(tool, in.key))
		return custom ? custom_tool(q, tool, at) : function_tool(q, tool, at);
	inner = ask_need(q, tool, in.key, json_type_object, at);
	if (!inner)
		return NULL;
	return custom ? custom_tool(q, inner, &in) : function_tool(q, inner, &in);
}

enum list_kind { LIST_TOOLS, LIST_FUNCTIONS, LIST_HOSTED };

/* Adds a list of the body's to the box; true when it has any. */
static bool add_list(struct toolbox *box, const char *key, enum list_kind kind)
{
	struct asking *q = box->q;
	struct json_object *list = ask_get(q, q->body, key, json_type_array, NULL);
	struct at at = { NULL, key, 0 };
	struct json_object *v, *o;
	size_t count = list ? json_object_array_length(list) : 0;

	if (count + json_object_array_length(box->tools) > MAX_TOOLS) {
		ask_fault(q, NULL, key, "more than %u tools.", MAX_TOOLS);
		return false;
	}
	for (; at.index < count && !q->note->code; at.index++) {
		v = json_object_array_get_idx(list, at.index);
		if (kind != LIST_FUNCTIONS)
			o = one_tool(box, v, &at, kind == LIST_HOSTED);
		else
			o = ask_is(q, v, NULL, json_type_object, &at) ?
				function_tool(q, v, &at) : NULL;
		if (o)
			ask_push(q, box->tools, o);
	}
	return count > 0;
}

/* web_search_options, chat's own way to ask for a search. */
static void add_search(struct toolbox *box)
{
	const struct at at = { NULL, "web_search_options", AT_WHOLE };
	const struct at in = { &at, "user_location", AT_WHOLE };
	struct asking *q = box->q;
	struct json_object *given, *size, *where, *place, *o, *v;

	given = ask_get(q, q->body, at.key, json_type_object, NULL);
	if (!given || box->searches)
		return;
	size = ask_get(q, given, "search_context_size", json_type_string, &at);
	where = ask_get(q, given, "user_location", json_type_object, &at);
	place = where ? ask_get(q, where, "approximate", json_type_object, &in) : NULL;
	o = ask_item(q, "web_search");
	if (o && size)
		ask_put(q, o, "search_context_size", json_ref(size));
	if (o && place) {
		v = ask_item(q, "approximate");
		for (struct lh_entry *e = json_object_get_object(place)->head; v && e;
		     e = e->next)
			if (strcmp(lh_entry_k(e), "type") &&
			    !json_set(v, lh_entry_k(e), json_ref(lh_entry_v(e))))
				ask_no_memory(q);
		ask_put(q, o, "user_location", v);
	}
	if (q->note->code)
		json_object_put(o);
	else
		ask_push(q, box->tools, o);
}

static enum err take_choices(struct asking *q)
{
	static const char *const keys[] = { "responses_tool_choice", "tool_choice" };
	struct json_object *v;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if ((v = json_get(q->body, keys[i])))
			return ask_tool_choice(q, keys[i], v);
	v = json_get(q->body, "function_call");
	return v ? ask_function_choice(q, v) : q->note->code;
}

enum err ask_tools(struct asking *q)
{
	struct toolbox box = { .q = q, .tools = json_object_new_array() };
	bool functions, tools;

	if (!box.tools)
		return ask_no_memory(q);
	tools = add_list(&box, "tools", LIST_TOOLS);
	functions = add_list(&box, "functions", LIST_FUNCTIONS);
	add_list(&box, "responses_tools", LIST_HOSTED);
	add_search(&box);
	if (q->note->code || !json_object_array_length(box.tools))
		json_object_put(box.tools);
	else
		ask_put(q, q->a->request, "tools", box.tools);
	if (q->note->code)
		return q->note->code;
	q->a->terms.legacy_functions = functions && !tools;
	/* the legacy answer has room for one call */
	if (functions && !tools)
		ask_put(q, q->a->request, "parallel_tool_calls",
			json_object_new_boolean(0));
	return take_choices(q);
}
