/*
 * script.h - upstream's events for the tests of the tongues, a line each.
 */
#ifndef CHATMOCK_SCRIPT_H
#define CHATMOCK_SCRIPT_H

#define S_CREATED "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"model\":\"up\"}}\n"
#define S_TEXT(text) "{\"type\":\"response.output_text.delta\",\"output_index\":5,\"delta\":\"" text "\"}\n"
#define S_THOUGHT(part, text) "{\"type\":\"response.reasoning_summary_text.delta\"," \
	"\"output_index\":0,\"summary_index\":" #part ",\"delta\":\"" text "\"}\n"
#define S_REFUSAL(text) "{\"type\":\"response.refusal.delta\",\"output_index\":5,\"delta\":\"" text "\"}\n"
#define S_NOTE(json) "{\"type\":\"response.output_text.annotation.added\",\"output_index\":5,\"annotation\":" json "}\n"
#define S_URL "{\"type\":\"url_citation\",\"start_index\":0,\"end_index\":2,\"url\":\"http://x/\",\"title\":\"X\"}"
#define S_CALL(i, type, id, name) "{\"type\":\"response.output_item.added\",\"output_index\":" #i "," \
	"\"item\":{\"type\":\"" type "\",\"id\":\"i" #i "\",\"call_id\":\"" id "\",\"name\":\"" name "\"}}\n"
#define S_ARGS(i, text) "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":" #i ",\"delta\":\"" text "\"}\n"
#define S_INPUT(i, text) "{\"type\":\"response.custom_tool_call_input.delta\",\"output_index\":" #i ",\"delta\":\"" text "\"}\n"
#define S_SEARCH "{\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"web_search_call\",\"id\":\"ws\"}}\n"
#define S_KEEPALIVE "{\"type\":\"keepalive\"}\n{\"type\":\"codex.rate_limits\"}\n"
#define S_USAGE "\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4}," \
	"\"output_tokens\":5,\"output_tokens_details\":{\"reasoning_tokens\":2},\"total_tokens\":14}"
#define S_DONE "{\"type\":\"response.completed\",\"response\":{" S_USAGE "}}\n"
#define S_INCOMPLETE(reason) "{\"type\":\"response.incomplete\",\"response\":{" \
	"\"incomplete_details\":{\"reason\":\"" reason "\"}}}\n"
#define S_FAILED "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"}}}\n"

#endif
