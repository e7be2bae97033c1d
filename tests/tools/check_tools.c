/* check_tools.c - tools and tool_choice; see check.c. */
#include "upstream.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

void check_name(struct check *k, struct json_object *v, const char *key,
		const char *path)
{
	struct span name = json_get_str(v, key);
	char full[160];

	snprintf(full, sizeof(full), "%s.%s", path, key);
	if (!name.len)
		check_fail(k, full, "Missing required parameter: '%s'.", full);
	else if (name.len > 64)
		check_fail(k, full, "Invalid '%s': string too long. Expected a string "
			   "with maximum length 64, but got a string with length %zu "
			   "instead.", full, name.len);
	else if (strspn(name.ptr, NAME_CHARS) != name.len)
		check_fail(k, full, "Invalid '%s': string does not match pattern. "
			   "Expected a string that matches the pattern "
			   "'^[a-zA-Z0-9_-]+$'.", full);
}

static void check_function(struct check *k, struct json_object *tool, const char *path)
{
	struct json_object *parameters = json_get(tool, "parameters");
	struct json_object *strict = json_get(tool, "strict");

	check_name(k, tool, "name", path);
	if (json_get(tool, "function"))
		check_fail(k, path, "Unknown parameter: '%s.function'.", path);
	if (parameters && !json_is_object(parameters))
		check_fail(k, path, "Invalid type for '%s.parameters': expected an "
			   "object.", path);
	else if (parameters && !span_eq(json_get_str(parameters, "type"), "object"))
		check_fail(k, path, "Invalid schema for function '%s': schema must be "
			   "a JSON Schema of 'type: \"object\"', got 'type: \"%s\"'.",
			   json_get_str(tool, "name").ptr,
			   json_get_str(parameters, "type").ptr);
	if (strict && !json_object_is_type(strict, json_type_boolean))
		check_fail(k, path, "Invalid type for '%s.strict': expected a boolean.",
			   path);
	if (k->kind != KIND_CHATGPT)
		return;
	/* what the API makes of a missing one surprises the client */
	if (!strict)
		check_fail(k, path, "'%s.strict' is not said", path);
	if (!parameters)
		check_fail(k, path, "Missing required parameter: '%s.parameters'.",
			   path);
}

static void check_tool(struct check *k, struct json_object *tool, const char *path)
{
	struct span type = json_get_str(tool, "type");
	const char *public_types = "code_interpreter file_search mcp computer "
		"computer_use_preview web_search_preview shell apply_patch "
		"web_search_preview_2025_03_11 web_search_2025_08_26";

	if (span_eq(type, "function"))
		check_function(k, tool, path);
	else if (span_eq(type, "custom"))
		check_name(k, tool, "name", path);
	else if (span_eq(type, "namespace"))
		check_tools(k, json_get_array(tool, "tools"), path);
	else if (span_eq(type, "web_search") || span_eq(type, "tool_search") ||
		 span_eq(type, "image_generation") || span_eq(type, "local_shell"))
		return;
	else if (k->kind == KIND_CHATGPT)
		check_fail(k, path, "Unsupported tool type: %s", type.ptr);
	else
		check_word(k, json_get(tool, "type"), public_types, path);
}

void check_tools(struct check *k, struct json_object *tools, const char *path)
{
	char at[128];
	size_t i, j;

	for (i = 0; tools && i < json_object_array_length(tools); i++) {
		struct json_object *tool = json_object_array_get_idx(tools, i);
		struct span name = json_get_str(tool, "name");

		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		check_tool(k, tool, at);
		for (j = 0; name.len && j < i; j++)
			if (span_eq(json_get_str(json_object_array_get_idx(tools, j),
						 "name"), name.ptr))
				check_fail(k, at, "Duplicate tool name: %s", name.ptr);
	}
}

static bool offered(struct json_object *tools, struct json_object *want)
{
	struct span type = json_get_str(want, "type"), name = json_get_str(want, "name");
	struct json_object *tool;
	size_t i;

	for (i = 0; tools && i < json_object_array_length(tools); i++) {
		tool = json_object_array_get_idx(tools, i);
		if (span_eq(json_get_str(tool, "type"), type.ptr) &&
		    (!name.len || span_eq(json_get_str(tool, "name"), name.ptr)))
			return true;
	}
	return false;
}

static void check_offered(struct check *k, struct json_object *want,
			  struct json_object *tools)
{
	struct span type = json_get_str(want, "type");

	if (span_eq(type, "function") && !json_get_str(want, "name").len)
		check_fail(k, "tool_choice.name",
			   "Missing required parameter: 'tool_choice.name'.");
	else if (!offered(tools, want))
		check_fail(k, "tool_choice", "Tool choice '%s' not found in 'tools' "
			   "parameter.", json_get_str(want, "name").len ?
			   json_get_str(want, "name").ptr : type.ptr);
}

void check_choice(struct check *k, struct json_object *choice,
		  struct json_object *tools)
{
	struct json_object *list;
	size_t i;

	if (!choice)
		return;
	if (json_is_str(choice)) {
		check_word(k, choice, "auto none required", "tool_choice");
		if (span_eq(json_str(choice), "required") &&
		    (!tools || !json_object_array_length(tools)))
			check_fail(k, "tool_choice", "Tool choice 'required' must be "
				   "specified with 'tools' parameter.");
		return;
	}
	if (!json_is_object(choice)) {
		check_fail(k, "tool_choice", "Invalid type for 'tool_choice'.");
		return;
	}
	if (!span_eq(json_get_str(choice, "type"), "allowed_tools")) {
		check_offered(k, choice, tools);
		return;
	}
	check_word(k, json_get(choice, "mode"), "auto required", "tool_choice.mode");
	list = json_get_array(choice, "tools");
	if (!list)
		check_fail(k, "tool_choice.tools",
			   "Missing required parameter: 'tool_choice.tools'.");
	for (i = 0; list && i < json_object_array_length(list); i++)
		check_offered(k, json_object_array_get_idx(list, i), tools);
}
