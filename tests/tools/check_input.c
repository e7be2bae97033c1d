/* check_input.c - the items of the input; see check.c. */
#include "../../shared/text.h"
#include "upstream.h"

static bool in_words(struct span what, const char *words)
{
	struct span rest = span_of(words), word;

	while (text_next(&rest, ' ', &word))
		if (word.len == what.len && memcmp(word.ptr, what.ptr, what.len) == 0)
			return true;
	return false;
}

static void need_string(struct check *k, struct json_object *v, const char *key,
			const char *path)
{
	if (!json_is_str(json_get(v, key)))
		check_fail(k, path, "Missing required parameter: '%s.%s'.", path, key);
}

static void check_id(struct check *k, struct json_object *item, const char *prefix,
		     const char *path)
{
	struct span id = json_get_str(item, "id");

	if (json_get(item, "id") && !span_starts(id, prefix))
		check_fail(k, path, "Invalid '%s.id': '%s'. Expected an ID that begins "
			   "with '%s'.", path, id.ptr, prefix);
}

/* --- content parts --- */

static void check_image(struct check *k, struct json_object *part, const char *path)
{
	struct json_object *url = json_get(part, "image_url");
	struct span s = json_str(url);

	if (json_get(part, "detail"))
		check_word(k, json_get(part, "detail"), "auto low high original", path);
	if (url && !json_is_str(url)) {
		check_fail(k, path, "Invalid type for '%s.image_url': expected an "
			   "image URL, but got an object instead.", path);
		return;
	}
	if (!url && !json_get(part, "file_id"))
		check_fail(k, path, "Missing required parameter: '%s.image_url'.", path);
	if (url && !span_starts(s, "https://") && !span_starts(s, "http://") &&
	    !(span_starts(s, "data:image/") && memmem(s.ptr, s.len, ";base64,", 8)))
		check_fail(k, path, "Invalid '%s.image_url'. Expected a valid URL, but "
			   "got a value with an invalid format.", path);
}

static void check_file(struct check *k, struct json_object *part, const char *path)
{
	struct span data = json_get_str(part, "file_data");

	if (!data.len && !json_get(part, "file_id") && !json_get(part, "file_url"))
		check_fail(k, path, "Missing required parameter: '%s.file_data'.", path);
	if (data.len && !span_starts(data, "data:"))
		check_fail(k, path, "Invalid '%s.file_data': expected a data URL.", path);
	if (json_get(part, "file"))
		check_fail(k, path, "Unknown parameter: '%s.file'.", path);
}

static void check_part(struct check *k, struct json_object *part, const char *types,
		       const char *path)
{
	struct span type = json_get_str(part, "type");

	if (!in_words(type, types)) {
		check_fail(k, path, "Invalid value: '%s'. Supported values are: %s.",
			   type.ptr, types);
		return;
	}
	if (span_eq(type, "input_text") || span_eq(type, "output_text"))
		need_string(k, part, "text", path);
	else if (span_eq(type, "refusal"))
		need_string(k, part, "refusal", path);
	else if (span_eq(type, "input_image"))
		check_image(k, part, path);
	else if (span_eq(type, "input_file"))
		check_file(k, part, path);
	if (json_get(part, "prompt_cache_breakpoint") && k->kind == KIND_CHATGPT)
		check_fail(k, path, "Unsupported parameter: prompt_cache_breakpoint");
}

static void check_parts(struct check *k, struct json_object *parts,
			const char *types, const char *path)
{
	char at[160];
	size_t i;

	for (i = 0; i < json_object_array_length(parts); i++) {
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		check_part(k, json_object_array_get_idx(parts, i), types, at);
	}
}

/* --- items --- */

static void check_message(struct check *k, struct json_object *item, const char *path)
{
	struct span role = json_get_str(item, "role");
	struct json_object *content = json_get(item, "content");
	char at[160];

	snprintf(at, sizeof(at), "%s.content", path);
	check_id(k, item, "msg_", path);
	if (span_eq(role, "system") && k->kind == KIND_CHATGPT)
		check_fail(k, path, "System messages are not allowed");
	else if (!in_words(role, "user developer assistant system"))
		check_fail(k, path, "Invalid value: '%s'. Supported values are: "
			   "'assistant', 'system', 'developer', and 'user'.", role.ptr);
	if (json_is_array(content))
		check_parts(k, content, span_eq(role, "assistant") ?
			    "output_text refusal" :
			    "input_text input_image input_file input_audio", at);
	else if (!json_is_str(content) || k->kind == KIND_CHATGPT)
		check_fail(k, at, "Invalid type for '%s': expected an array.", at);
	if (json_get(item, "phase"))
		check_word(k, json_get(item, "phase"), "commentary final_answer", path);
	if (json_get(item, "tool_calls") || json_get(item, "name"))
		check_fail(k, path, "Unknown parameter: '%s.%s'.", path,
			   json_get(item, "name") ? "name" : "tool_calls");
}

static void check_reasoning_item(struct check *k, struct json_object *item,
				 const char *path)
{
	check_id(k, item, "rs_", path);
	if (!json_get_array(item, "summary"))
		check_fail(k, path, "Missing required parameter: '%s.summary'.", path);
	if (k->kind == KIND_CHATGPT && !json_get_str(item, "encrypted_content").len)
		check_fail(k, path, "Item '%s' of type 'reasoning' was provided without "
			   "its encrypted content.", json_get_str(item, "id").ptr);
}

/* calls: a set of the ids that wait for their output */
static void check_call(struct check *k, struct json_object *item, const char *path,
		       struct json_object *calls)
{
	bool custom = span_eq(json_get_str(item, "type"), "custom_tool_call");

	check_id(k, item, custom ? "ctc_" : "fc_", path);
	check_name(k, item, "name", path);
	check_name(k, item, "call_id", path);
	need_string(k, item, custom ? "input" : "arguments", path);
	json_set_bool(calls, json_get_str(item, "call_id").ptr, true);
}

static void check_output(struct check *k, struct json_object *item, const char *path,
			 struct json_object *calls)
{
	struct json_object *output = json_get(item, "output");
	struct span id = json_get_str(item, "call_id");
	char at[160];

	snprintf(at, sizeof(at), "%s.output", path);
	check_name(k, item, "call_id", path);
	if (json_is_array(output))
		check_parts(k, output, "input_text input_image input_file input_audio "
			    "encrypted_content", at);
	else if (!json_is_str(output))
		check_fail(k, at, "Missing required parameter: '%s'.", at);
	if (json_get(calls, id.ptr))
		json_set_bool(calls, id.ptr, false);
	else
		check_fail(k, path, "No tool call found for function call output with "
			   "call_id %s.", id.ptr);
}

static void check_search(struct check *k, struct json_object *item, const char *path)
{
	struct json_object *action = json_get_object(item, "action");

	if (action)
		check_word(k, json_get(action, "type"),
			   "search open_page find_in_page", path);
}

static void check_item(struct check *k, struct json_object *item, const char *path,
		       struct json_object *calls)
{
	struct span type = json_get_str(item, "type");
	const char *others = "local_shell_call image_generation_call tool_search_call "
		"tool_search_output additional_tools agent_message compaction "
		"compaction_trigger context_compaction configuration_update";
	const char *public_only = "item_reference file_search_call computer_call "
		"computer_call_output code_interpreter_call mcp_call mcp_list_tools "
		"mcp_approval_request mcp_approval_response local_shell_call_output "
		"shell_call shell_call_output apply_patch_call apply_patch_call_output";

	if (!json_is_object(item))
		check_fail(k, path, "Invalid type for '%s': expected an object.", path);
	else if (span_eq(type, "message") || (!type.len && json_get(item, "role")))
		check_message(k, item, path);
	else if (span_eq(type, "reasoning"))
		check_reasoning_item(k, item, path);
	else if (span_eq(type, "function_call") || span_eq(type, "custom_tool_call"))
		check_call(k, item, path, calls);
	else if (span_eq(type, "function_call_output") ||
		 span_eq(type, "custom_tool_call_output"))
		check_output(k, item, path, calls);
	else if (span_eq(type, "web_search_call"))
		check_search(k, item, path);
	else if (!in_words(type, others) &&
		 (k->kind == KIND_CHATGPT || !in_words(type, public_only)))
		check_fail(k, path, "Invalid value: '%s'. (%s.type)", type.ptr, path);
}

void check_input(struct check *k, struct json_object *input)
{
	struct json_object *calls = json_object_new_object();
	char path[40];
	size_t i;

	if (json_is_str(input) && k->kind == KIND_RESPONSES)
		goto out;
	if (!json_is_array(input)) {
		check_fail(k, "input", "Input must be a list");
		goto out;
	}
	for (i = 0; i < json_object_array_length(input); i++) {
		snprintf(path, sizeof(path), "input[%zu]", i);
		check_item(k, json_object_array_get_idx(input, i), path, calls);
	}
	json_object_object_foreach(calls, id, waiting)
		if (json_object_get_boolean(waiting))
			check_fail(k, "input", "No tool output found for function call "
				   "%s.", id);
out:
	json_object_put(calls);
}
