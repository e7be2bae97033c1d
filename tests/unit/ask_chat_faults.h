/*
 * ask_chat_faults.h - requests that are told what is wrong with them, and
 * where; part of test_ask_chat.c.
 */
#ifndef CHATMOCK_ASK_CHAT_FAULTS_H
#define CHATMOCK_ASK_CHAT_FAULTS_H

#include "ask_help.h"

#define U "{'role':'user','content':'hi'}"
/* {"messages":[M]}, {"messages":[a user's, M]}, {"messages":[a user's] R} */
#define M(m) "{'messages':[" m "]}"
#define UM(m) "{'messages':[" U "," m "]}"
#define R(r) "{'messages':[" U "]," r "}"
#define PART(p) M("{'role':'user','content':[{'type':'text','text':'x'}," p "]}")

struct bad {
	const char *body;
	enum err code;
	const char *param;
	const char *words;	/* somewhere in tell */
};

static const struct bad bads[] = {
	{ "[]", ERR_BAD_REQUEST, "", "must be a JSON object" },
	{ "{}", ERR_BAD_REQUEST, "messages", "Missing" },
	{ "{'messages':null}", ERR_BAD_REQUEST, "messages", "Missing" },
	{ "{'messages':{}}", ERR_BAD_REQUEST, "messages", "expected an array, got an object" },
	{ "{'messages':'hi'}", ERR_BAD_REQUEST, "messages", "expected an array, got a string" },
	{ "{'messages':[]}", ERR_BAD_REQUEST, "messages", "no messages" },
	{ "{'model':1,'messages':[" U "]}", ERR_BAD_REQUEST, "model", "expected a string, got an integer" },
	{ "{'model':'','messages':[" U "]}", ERR_BAD_REQUEST, "model", "" },
	{ "{'model':'a\\u0001','messages':[" U "]}", ERR_BAD_REQUEST, "model", "" },
	{ M("7"), ERR_BAD_REQUEST, "messages[0]", "expected an object, got an integer" },
	{ UM("null"), ERR_BAD_REQUEST, "messages[1]", "expected an object, got null" },
	{ M("{}"), ERR_BAD_REQUEST, "messages[0].role", "Missing" },
	{ M("{'role':5}"), ERR_BAD_REQUEST, "messages[0].role", "expected a string" },
	{ UM("{'role':'robot','content':'x'}"), ERR_BAD_REQUEST, "messages[1].role",
	  "'robot' is none of system, developer, user, assistant, tool, function." },
	{ M("{'role':'user'}"), ERR_BAD_REQUEST, "messages[0].content", "Missing" },
	{ M("{'role':'system','content':null}"), ERR_BAD_REQUEST, "messages[0].content", "Missing" },
	{ M("{'role':'user','content':1.5}"), ERR_BAD_REQUEST, "messages[0].content",
	  "expected a string or an array of parts, got a number" },
	{ M("{'role':'user','content':{}}"), ERR_BAD_REQUEST, "messages[0].content", "got an object" },
	{ M("{'role':'user','content':[]}"), ERR_BAD_REQUEST, "messages[0].content", "no parts" },
	{ PART("'x'"), ERR_BAD_REQUEST, "messages[0].content[1]", "expected an object, got a string" },
	{ PART("{}"), ERR_BAD_REQUEST, "messages[0].content[1].type", "Missing" },
	{ PART("{'type':'video_url'}"), ERR_BAD_REQUEST, "messages[0].content[1].type", "'video_url'" },
	{ PART("{'type':'text'}"), ERR_BAD_REQUEST, "messages[0].content[1].text", "Missing" },
	{ PART("{'type':'text','text':[]}"), ERR_BAD_REQUEST, "messages[0].content[1].text", "got an array" },
	{ PART("{'type':'refusal','refusal':'x'}"), ERR_BAD_REQUEST, "messages[0].content[1].type", "cannot stand here" },
	{ PART("{'type':'image_url'}"), ERR_BAD_REQUEST, "messages[0].content[1].image_url", "Missing" },
	{ PART("{'type':'image_url','image_url':7}"), ERR_BAD_REQUEST, "messages[0].content[1].image_url", "expected an object" },
	{ PART("{'type':'image_url','image_url':{}}"), ERR_BAD_REQUEST, "messages[0].content[1].image_url.url", "Missing" },
	{ PART("{'type':'image_url','image_url':{'url':true}}"), ERR_BAD_REQUEST,
	  "messages[0].content[1].image_url.url", "expected a string, got a boolean" },
	{ PART("{'type':'image_url','image_url':{'url':'file:///etc/passwd'}}"), ERR_BAD_REQUEST,
	  "messages[0].content[1].image_url.url", "data URL" },
	{ PART("{'type':'image_url','image_url':''}"), ERR_BAD_REQUEST, "messages[0].content[1].image_url", "data URL" },
	{ PART("{'type':'image_url','image_url':{'url':'https://x','detail':'best'}}"), ERR_BAD_REQUEST,
	  "messages[0].content[1].image_url.detail", "none of auto, low, high, original" },
	{ PART("{'type':'file'}"), ERR_BAD_REQUEST, "messages[0].content[1].file", "Missing" },
	{ PART("{'type':'file','file':{}}"), ERR_BAD_REQUEST, "messages[0].content[1].file", "needed" },
	{ PART("{'type':'file','file':{'file_data':1}}"), ERR_BAD_REQUEST, "messages[0].content[1].file.file_data", "a string" },
	{ PART("{'type':'file','file':{'file_id':1}}"), ERR_BAD_REQUEST, "messages[0].content[1].file.file_id", "a string" },
	{ PART("{'type':'input_audio','input_audio':{'format':'wav'}}"), ERR_BAD_REQUEST,
	  "messages[0].content[1].input_audio.data", "Missing" },
	{ PART("{'type':'input_audio','input_audio':'x'}"), ERR_BAD_REQUEST, "messages[0].content[1].input_audio", "object" },
	/* the assistant */
	{ UM("{'role':'assistant'}"), ERR_BAD_REQUEST, "messages[1].content", "Missing" },
	{ UM("{'role':'assistant','content':[{'type':'image_url','image_url':{'url':'https://x'}}]}"), ERR_BAD_REQUEST,
	  "messages[1].content[0].type", "text and refusal" },
	{ UM("{'role':'assistant','content':'x','refusal':1}"), ERR_BAD_REQUEST, "messages[1].refusal", "a string" },
	{ UM("{'role':'assistant','audio':{'id':'x'}}"), ERR_UNSUPPORTED_PARAM, "messages[1].audio", "not kept" },
	{ UM("{'role':'assistant','tool_calls':{}}"), ERR_BAD_REQUEST, "messages[1].tool_calls", "an array" },
	{ UM("{'role':'assistant','tool_calls':[1]}"), ERR_BAD_REQUEST, "messages[1].tool_calls[0]", "an object" },
	{ UM("{'role':'assistant','tool_calls':[{'type':'magic','id':'a'}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].type", "function, custom" },
	{ UM("{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':''}}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].id", "Missing" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'','function':{'name':'f','arguments':''}}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].id", "empty" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a'}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].function", "Missing" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a','function':{'arguments':''}}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].function.name", "Missing" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'f','arguments':{}}}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].function.arguments", "expected a string, got an object" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a','type':'custom','custom':{'name':'f'}}]}"), ERR_BAD_REQUEST,
	  "messages[1].tool_calls[0].custom.input", "Missing" },
	{ UM("{'role':'assistant','function_call':{'name':'f'}}"), ERR_BAD_REQUEST,
	  "messages[1].function_call.arguments", "Missing" },
	/* results */
	{ UM("{'role':'tool','content':'x'}"), ERR_BAD_REQUEST, "messages[1].tool_call_id", "Missing" },
	{ UM("{'role':'tool','tool_call_id':'call_9','content':'x'}"), ERR_BAD_REQUEST,
	  "messages[1].tool_call_id", "'call_9'" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'f','arguments':''}}]},"
	     "{'role':'tool','tool_call_id':'a'}"), ERR_BAD_REQUEST, "messages[2].content", "Missing" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'f','arguments':''}}]},"
	     "{'role':'tool','tool_call_id':'a','content':7}"), ERR_BAD_REQUEST, "messages[2].content", "an array of parts" },
	{ UM("{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'f','arguments':''}}]},"
	     "{'role':'tool','tool_call_id':'a','content':[{'type':'text'}]}"), ERR_BAD_REQUEST,
	  "messages[2].content[0].text", "Missing" },
	{ UM("{'role':'function','content':'x'}"), ERR_BAD_REQUEST, "messages[1].name", "Missing" },
	{ UM("{'role':'function','name':'f','content':'x'}"), ERR_BAD_REQUEST, "messages[1].name", "'f'" },
	{ UM("{'role':'assistant','function_call':{'name':'f','arguments':''}},{'role':'function','name':'g','content':''}"),
	  ERR_BAD_REQUEST, "messages[2].name", "'g'" },
	{ UM("{'role':'assistant','function_call':{'name':'f','arguments':''}},{'role':'function','name':'f','content':''},"
	     "{'role':'function','name':'f','content':''}"), ERR_BAD_REQUEST, "messages[3].name", "'f'" },
	/* tools */
	{ R("'tools':{}"), ERR_BAD_REQUEST, "tools", "an array" },
	{ R("'tools':[null]"), ERR_BAD_REQUEST, "tools[0]", "an object" },
	{ R("'tools':[{}]"), ERR_BAD_REQUEST, "tools[0].type", "Missing" },
	{ R("'tools':[{'type':'function'}]"), ERR_BAD_REQUEST, "tools[0].function", "Missing" },
	{ R("'tools':[{'type':'function','function':{}}]"), ERR_BAD_REQUEST, "tools[0].function.name", "Missing" },
	{ R("'tools':[{'type':'function','function':{'name':''}}]"), ERR_BAD_REQUEST, "tools[0].function.name", "name" },
	{ R("'tools':[{'type':'function','function':{'name':'a\\u0000b'}}]"), ERR_BAD_REQUEST, "tools[0].function.name", "name" },
	{ R("'tools':[{'type':'function','function':{'name':'f','parameters':[]}}]"), ERR_BAD_REQUEST,
	  "tools[0].function.parameters", "an object" },
	{ R("'tools':[{'type':'function','function':{'name':'f','strict':'yes'}}]"), ERR_BAD_REQUEST,
	  "tools[0].function.strict", "a boolean" },
	{ R("'tools':[{'type':'function','function':{'name':'f','description':1}}]"), ERR_BAD_REQUEST,
	  "tools[0].function.description", "a string" },
	{ R("'tools':[{'type':'custom','custom':{'name':'f','format':{'type':'bnf'}}}]"), ERR_BAD_REQUEST,
	  "tools[0].custom.format.type", "text, grammar" },
	{ R("'tools':[{'type':'custom','custom':{'name':'f','format':{'type':'grammar','grammar':{'syntax':'lark'}}}}]"),
	  ERR_BAD_REQUEST, "tools[0].custom.format.grammar.definition", "Missing" },
	{ R("'tools':[{'type':'code_interpreter'}]"), ERR_BAD_REQUEST, "tools[0].type", "'code_interpreter'" },
	{ R("'responses_tools':[{'type':'mcp'}]"), ERR_BAD_REQUEST, "responses_tools[0].type", "'mcp'" },
	{ R("'responses_tools':'web_search'"), ERR_BAD_REQUEST, "responses_tools", "an array" },
	{ R("'web_search_options':true"), ERR_BAD_REQUEST, "web_search_options", "an object" },
	{ R("'functions':[1]"), ERR_BAD_REQUEST, "functions[0]", "an object" },
	{ R("'functions':[{}]"), ERR_BAD_REQUEST, "functions[0].name", "Missing" },
	/* choices */
	{ R("'tool_choice':'maybe'"), ERR_BAD_REQUEST, "tool_choice", "none of auto, none, required" },
	{ R("'tool_choice':1"), ERR_BAD_REQUEST, "tool_choice", "a string or an object" },
	{ R("'tool_choice':'required'"), ERR_BAD_REQUEST, "tool_choice", "needs tools" },
	{ R("'tool_choice':{'type':'function','function':{'name':'f'}}"), ERR_BAD_REQUEST, "tool_choice", "'f'" },
	{ R("'tools':[{'type':'function','function':{'name':'f'}}],'tool_choice':{'type':'custom','custom':{'name':'f'}}"),
	  ERR_BAD_REQUEST, "tool_choice", "no custom named 'f'" },
	{ R("'tool_choice':{'type':'function'}"), ERR_BAD_REQUEST, "tool_choice.function", "Missing" },
	{ R("'tool_choice':{'type':'web_search'}"), ERR_BAD_REQUEST, "tool_choice.type", "web_search" },
	{ R("'tool_choice':{}"), ERR_BAD_REQUEST, "tool_choice.type", "Missing" },
	{ R("'tool_choice':{'type':'allowed_tools'}"), ERR_BAD_REQUEST, "tool_choice.allowed_tools", "Missing" },
	{ R("'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'all','tools':[]}}"), ERR_BAD_REQUEST,
	  "tool_choice.allowed_tools.mode", "auto, required" },
	{ R("'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[{'type':'function',"
	    "'function':{'name':'f'}}]}}"), ERR_BAD_REQUEST, "tool_choice.allowed_tools.tools[0]", "'f'" },
	{ R("'function_call':{'name':'f'}"), ERR_BAD_REQUEST, "function_call.name", "'f'" },
	{ R("'function_call':[]"), ERR_BAD_REQUEST, "function_call", "a string or an object" },
	/* parameters */
	{ R("'stream':'yes'"), ERR_BAD_REQUEST, "stream", "expected a boolean, got a string" },
	{ R("'stream_options':true"), ERR_BAD_REQUEST, "stream_options", "an object" },
	{ R("'stream_options':{'include_usage':1}"), ERR_BAD_REQUEST, "stream_options.include_usage", "a boolean" },
	{ R("'temperature':'hot'"), ERR_BAD_REQUEST, "temperature", "expected a number, got a string" },
	{ R("'temperature':2.5"), ERR_BAD_REQUEST, "temperature", "between 0 and 2" },
	{ R("'top_p':-0.1"), ERR_BAD_REQUEST, "top_p", "between 0 and 1" },
	{ R("'max_tokens':-1"), ERR_BAD_REQUEST, "max_tokens", "between" },
	{ R("'max_tokens':1.5"), ERR_BAD_REQUEST, "max_tokens", "expected an integer, got a number" },
	{ R("'max_completion_tokens':'9'"), ERR_BAD_REQUEST, "max_completion_tokens", "an integer" },
	{ R("'n':0"), ERR_BAD_REQUEST, "n", "between 1 and 128" },
	{ R("'n':true"), ERR_BAD_REQUEST, "n", "an integer" },
	{ R("'presence_penalty':3"), ERR_BAD_REQUEST, "presence_penalty", "between -2 and 2" },
	{ R("'seed':'x'"), ERR_BAD_REQUEST, "seed", "an integer" },
	{ R("'logit_bias':[]"), ERR_BAD_REQUEST, "logit_bias", "an object" },
	{ R("'logprobs':1"), ERR_BAD_REQUEST, "logprobs", "a boolean" },
	{ R("'top_logprobs':21"), ERR_BAD_REQUEST, "top_logprobs", "between 0 and 20" },
	{ R("'stop':1"), ERR_BAD_REQUEST, "stop", "an array of strings" },
	{ R("'stop':['a',1]"), ERR_BAD_REQUEST, "stop[1]", "a string" },
	{ R("'stop':['1','2','3','4','5']"), ERR_BAD_REQUEST, "stop", "at most 4" },
	{ R("'stop':['']"), ERR_BAD_REQUEST, "stop[0]", "1 to 256" },
	{ R("'stop':''"), ERR_BAD_REQUEST, "stop", "1 to 256" },
	{ R("'stop':'a\\u0000'"), ERR_BAD_REQUEST, "stop", "zero" },
	{ R("'response_format':'json'"), ERR_BAD_REQUEST, "response_format", "an object" },
	{ R("'response_format':{'type':'xml'}"), ERR_BAD_REQUEST, "response_format.type", "text, json_object, json_schema" },
	{ R("'response_format':{'type':'json_schema'}"), ERR_BAD_REQUEST, "response_format.json_schema", "Missing" },
	{ R("'response_format':{'type':'json_schema','json_schema':{}}"), ERR_BAD_REQUEST,
	  "response_format.json_schema.name", "Missing" },
	{ R("'response_format':{'type':'json_schema','json_schema':{'name':'a','schema':1}}"), ERR_BAD_REQUEST,
	  "response_format.json_schema.schema", "an object" },
	{ R("'reasoning_effort':3"), ERR_BAD_REQUEST, "reasoning_effort", "a string" },
	{ R("'reasoning_effort':'huge'"), ERR_BAD_REQUEST, "reasoning_effort", "none, minimal, low" },
	{ R("'reasoning':'high'"), ERR_BAD_REQUEST, "reasoning", "an object" },
	{ R("'reasoning':{'effort':'huge'}"), ERR_BAD_REQUEST, "reasoning.effort", "'huge'" },
	{ R("'reasoning':{'summary':'long'}"), ERR_BAD_REQUEST, "reasoning.summary", "auto, concise, detailed, none" },
	{ R("'verbosity':'chatty'"), ERR_BAD_REQUEST, "verbosity", "low, medium, high" },
	{ R("'service_tier':1"), ERR_BAD_REQUEST, "service_tier", "a string" },
	{ R("'fast_mode':'on'"), ERR_BAD_REQUEST, "fast_mode", "a boolean" },
	{ R("'metadata':[]"), ERR_BAD_REQUEST, "metadata", "an object" },
	{ R("'user':1"), ERR_BAD_REQUEST, "user", "a string" },
	{ R("'store':'no'"), ERR_BAD_REQUEST, "store", "a boolean" },
	{ R("'parallel_tool_calls':1"), ERR_BAD_REQUEST, "parallel_tool_calls", "a boolean" },
	{ R("'modalities':['text','audio']"), ERR_UNSUPPORTED_PARAM, "modalities", "Audio output" },
	{ R("'modalities':['smell']"), ERR_BAD_REQUEST, "modalities[0]", "'smell'" },
	{ R("'audio':{'voice':'x','format':'wav'}"), ERR_UNSUPPORTED_PARAM, "audio", "Audio output" },
};

static inline void run_bad(const struct bad *bad)
{
	static const char *const kinds[] = { CHATGPT, RESPONSES };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct bench b;

		/* a plain Responses upstream has more hosted tools */
		if (i && (strstr(bad->body, "code_interpreter") || strstr(bad->body, "'mcp'")))
			continue;
		if (!check(bench_open(&b, kinds[i])) || !check(bench_body(&b, bad->body)))
			return;
		if (!check_int(ask_chat(&b.ask, b.body, &b.note), bad->code) ||
		    !check_str(span_of(b.note.param), bad->param) ||
		    !check(strstr(b.note.tell, bad->words)))
			printf("  %s\n  %s\n", bad->body, b.note.tell);
		bench_close(&b);
	}
}

static inline void test_header(void)
{
	struct bench b;

	bench_open(&b, RESPONSES);
	check(bench_body(&b, M(U)));
	b.ask.reasoning_header = "loud";
	check_int(ask_chat(&b.ask, b.body, &b.note), ERR_BAD_REQUEST);
	check_str(span_of(b.note.param), "X-ChatMock-Reasoning");
	bench_close(&b);
}

#endif
