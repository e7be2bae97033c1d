/*
 * payload_input.c - the items of a conversation as the ChatGPT backend takes
 * them.
 *
 * It keeps nothing, so what points into somebody's store is taken out: ids of
 * other servers, reasoning without its encrypted content, and item references
 * in whose place nothing was put (refer.h).
 */
#include "payload.h"

/* An id of the backend's own kind may stay; any other is refused. */
static const struct { const char *type, *prefix; } ids[] = {
	{ "message", "msg_" },
	{ "reasoning", "rs_" },
	{ "function_call", "fc_" },
	{ "function_call_output", "fco_" },
	{ "custom_tool_call", "ctc_" },
	{ "web_search_call", "ws_" },
};

static bool id_fits(struct span type, struct span id)
{
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (span_eq(type, ids[i].type))
			return span_starts(id, ids[i].prefix);
	return false;
}

static bool keep_item(struct json_object *item, struct span type)
{
	if (span_eq(type, "item_reference"))
		return false;
	return !span_eq(type, "reasoning") ||
	       json_get_str(item, "encrypted_content").len > 0;
}

static void strip_parts(struct ask *a, struct json_object *parts)
{
	size_t count = parts ? json_object_array_length(parts) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *part = json_object_array_get_idx(parts, i);

		if (!json_get(part, "prompt_cache_breakpoint"))
			continue;
		json_object_object_del(part, "prompt_cache_breakpoint");
		terms_drop(&a->terms, "prompt_cache_breakpoint");
	}
}

static bool fit_item(struct ask *a, struct json_object *item, struct span type)
{
	if (json_get(item, "id") && !id_fits(type, json_get_str(item, "id")))
		json_object_object_del(item, "id");
	strip_parts(a, json_get_array(item, "content"));
	strip_parts(a, json_get_array(item, "output"));
	if (!span_eq(json_get_str(item, "role"), "system"))
		return true;
	return json_set_cstr(item, "role", "developer");
}

bool payload_input_fit(struct ask *a)
{
	struct json_object *input = json_get_array(a->request, "input");
	size_t count = input ? json_object_array_length(input) : 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(input, i);
		struct span type = json_get_str(item, "type");

		if (!keep_item(item, type)) {
			terms_drop(&a->terms, type.ptr);
			continue;
		}
		if (!fit_item(a, item, type))
			return false;
		/* moved down over what was left out */
		if (kept != i && json_object_array_put_idx(input, kept, json_ref(item)))
			return false;
		kept++;
	}
	return kept == count ||
	       !json_object_array_del_idx(input, kept, count - kept);
}
