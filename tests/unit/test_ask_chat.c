/*
 * test_ask_chat.c - what a chat request becomes, and what it is told.
 *
 * A case's request is {"model":"gpt-5.5","messages":[messages] rest}, and the
 * Responses request made of it {"model":"gpt-5.5","input":[input] others}.
 * ' stands for ".
 */
#include "ask_chat_faults.h"
#include "ask_help.h"

#define USER "{'role':'user','content':'hi'}"
#define IN_USER "{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]}"
#define CALL(id, name) "{'id':'" id "','type':'function','function':{'name':'" name "','arguments':'{}'}}"
#define CALLS(list) "{'role':'assistant','content':null,'tool_calls':[" list "]}"
#define IN_CALL(id, name) "{'type':'function_call','call_id':'" id "','name':'" name "','arguments':'{}'}"
#define IN_OUT(id, output) "{'type':'function_call_output','call_id':'" id "','output':" output "}"
#define TOOL(name) "{'type':'function','function':{'name':'" name "'}}"
#define IN_TOOL(name) "{'type':'function','name':'" name "','parameters':{'type':'object','properties':{}},'strict':false}"
#define A30 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG A30 A30 A30
#define LONG_FIT "6b2ec79170f50ea5_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct good {
	const char *messages, *rest;
	const char *input, *others;
	const char *dropped;
};

static const struct good messages[] = {
	/* who speaks: order kept, system is said as developer */
	{ USER, "", IN_USER, "", "" },
	{ "{'role':'system','content':'A'}," USER ",{'role':'developer','content':'B'},"
	  "{'role':'system','content':[{'type':'text','text':'C'},{'type':'text','text':'D'}]}", "",
	  "{'type':'message','role':'developer','content':[{'type':'input_text','text':'A'}]},"
	  IN_USER ",{'type':'message','role':'developer','content':[{'type':'input_text','text':'B'}]},"
	  "{'type':'message','role':'developer','content':[{'type':'input_text','text':'C'},"
	  "{'type':'input_text','text':'D'}]}", "", "" },
	{ "{'role':'user','name':'Ann','content':''}", "",
	  "{'type':'message','role':'user','content':[{'type':'input_text','text':''}]}", "",
	  "messages.name" },
	{ "{'content':'\\u00e4\\ud83d\\ude00\\\\/\\u0000','role':'user','extra':{'deep':1}}", "",
	  "{'type':'message','role':'user','content':[{'type':'input_text',"
	  "'text':'\xc3\xa4\xf0\x9f\x98\x80\\\\/\\u0000'}]}", "", "" },

	/* parts */
	{ "{'role':'user','content':[{'type':'text','text':'a'},"
	  "{'type':'image_url','image_url':{'url':'https://x/y.png','detail':'low'}},"
	  "{'type':'image_url','image_url':{'url':'http://x/y.png'}},"
	  "{'type':'image_url','image_url':'DATA:image/png;base64,AAAA','detail':'high'},"
	  "{'type':'input_image','image_url':'https://x/','detail':'original'}]}", "",
	  "{'type':'message','role':'user','content':[{'type':'input_text','text':'a'},"
	  "{'type':'input_image','image_url':'https://x/y.png','detail':'low'},"
	  "{'type':'input_image','image_url':'http://x/y.png','detail':'auto'},"
	  "{'type':'input_image','image_url':'DATA:image/png;base64,AAAA','detail':'high'},"
	  "{'type':'input_image','image_url':'https://x/','detail':'original'}]}", "", "" },
	{ "{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:image/png;base64,-_-'}},"
	  "{'type':'image_url','image_url':{'url':'data:image/png;base64,AAAAA'}},"
	  "{'type':'image_url','image_url':{'url':'data:image/svg+xml,a-b'}}]}", "",
	  "{'type':'message','role':'user','content':["
	  "{'type':'input_image','image_url':'data:image/png;base64,+/+=','detail':'auto'},"
	  "{'type':'input_image','image_url':'data:image/png;base64,AAAAA===','detail':'auto'},"
	  "{'type':'input_image','image_url':'data:image/svg+xml,a-b','detail':'auto'}]}", "", "" },
	{ "{'role':'user','content':["
	  "{'type':'file','file':{'filename':'a.pdf','file_data':'data:application/pdf;base64,AA=='}},"
	  "{'type':'file','file':{'file_data':'AA=='}},"
	  "{'type':'file','file':{'file_id':'file-1','filename':null}},"
	  "{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}}]}", "",
	  "{'type':'message','role':'user','content':["
	  "{'type':'input_file','filename':'a.pdf','file_data':'data:application/pdf;base64,AA=='},"
	  "{'type':'input_file','file_data':'data:application/pdf;base64,AA=='},"
	  "{'type':'input_file','file_id':'file-1'},"
	  "{'type':'input_audio','input_audio':{'data':'AA==','format':'wav'}}]}", "", "" },
	{ "{'role':'user','content':[{'type':'text','text':'a','prompt_cache_breakpoint':{'type':'x'}}]}", "",
	  "{'type':'message','role':'user','content':[{'type':'input_text','text':'a',"
	  "'prompt_cache_breakpoint':{'type':'x'}}]}", "", "" },

	/* the assistant's past */
	{ USER ",{'role':'assistant','content':'yes','reasoning_content':'hm','refusal':null,"
	  "'annotations':[],'audio':null,'tool_calls':null,'function_call':null}," USER, "",
	  IN_USER ",{'type':'message','role':'assistant','content':[{'type':'output_text','text':'yes'}]},"
	  IN_USER, "", "" },
	{ USER ",{'role':'assistant','content':[{'type':'thinking','thinking':'x'},{'type':'text','text':'a'},"
	  "{'type':'refusal','refusal':'no'}]},{'role':'assistant','content':null,'refusal':'never'},"
	  "{'role':'assistant','content':''},{'role':'assistant','reasoning_content':'cut off'},"
	  "{'role':'assistant','content':[]}", "",
	  IN_USER ",{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a'},"
	  "{'type':'refusal','refusal':'no'}]},"
	  "{'type':'message','role':'assistant','content':[{'type':'refusal','refusal':'never'}]}", "", "" },

	/* calls and their results */
	{ USER "," CALLS(CALL("call_1", "f")) ",{'role':'tool','tool_call_id':'call_1','content':'42'}", "",
	  IN_USER "," IN_CALL("call_1", "f") "," IN_OUT("call_1", "'42'"), "", "" },
	{ USER ",{'role':'assistant','content':'so','tool_calls':[{'id':'a','function':{'name':'f','arguments':''}},"
	  "{'id':'b','type':'custom','custom':{'name':'p','input':''}}]},"
	  "{'role':'tool','tool_call_id':'b','content':[]},"
	  "{'role':'tool','tool_call_id':'a','content':[{'type':'text','text':'1'},{'type':'text','text':'2'}]}", "",
	  IN_USER ",{'type':'message','role':'assistant','content':[{'type':'output_text','text':'so'}]},"
	  IN_CALL("a", "f") ",{'type':'custom_tool_call','call_id':'b','name':'p','input':''},"
	  "{'type':'custom_tool_call_output','call_id':'b','output':''},"
	  IN_OUT("a", "'1\\n2'"), "", "" },
	{ USER "," CALLS(CALL("a", "f")) ",{'role':'tool','tool_call_id':'a','content':[{'type':'text','text':'see'},"
	  "{'type':'image_url','image_url':{'url':'data:image/png;base64,AAAA','detail':'high'}}]}", "",
	  IN_USER "," IN_CALL("a", "f") "," IN_OUT("a", "[{'type':'input_text','text':'see'},"
	  "{'type':'input_image','image_url':'data:image/png;base64,AAAA','detail':'high'}]"), "", "" },
	/* broken off: in the middle, at the end, and ids that count anew */
	{ USER "," CALLS(CALL("a", "f") "," CALL("b", "g")) ",{'role':'tool','tool_call_id':'b','content':'B'}," USER, "",
	  IN_USER "," IN_CALL("a", "f") "," IN_OUT("a", "'aborted'") "," IN_CALL("b", "g") ","
	  IN_OUT("b", "'B'") "," IN_USER, "", "" },
	{ USER "," CALLS(CALL("a", "f") ",{'id':'c','type':'custom','custom':{'name':'p','input':'x'}}"), "",
	  IN_USER "," IN_CALL("a", "f") "," IN_OUT("a", "'aborted'")
	  ",{'type':'custom_tool_call','call_id':'c','name':'p','input':'x'},"
	  "{'type':'custom_tool_call_output','call_id':'c','output':'aborted'}", "", "" },
	{ USER "," CALLS(CALL("0", "f")) ",{'role':'tool','tool_call_id':'0','content':'x'},"
	  CALLS(CALL("0", "f")) ",{'role':'tool','tool_call_id':'0','content':'y'}", "",
	  IN_USER "," IN_CALL("0", "f") "," IN_OUT("0", "'x'") "," IN_CALL("0", "f") "," IN_OUT("0", "'y'"), "", "" },
	/* ids and names that do not fit, the same in call, result and tool */
	{ USER "," CALLS(CALL(LONG, "a.b")) ",{'role':'tool','tool_call_id':'" LONG "','content':'x'}",
	  ",'tools':[" TOOL("a.b") "]",
	  IN_USER "," IN_CALL(LONG_FIT, "a_b_2e7336dc8eba87ef") "," IN_OUT(LONG_FIT, "'x'"),
	  ",'tools':[" IN_TOOL("a_b_2e7336dc8eba87ef") "]", "" },
	/* the legacy shape */
	{ USER ",{'role':'assistant','content':null,'function_call':{'name':'f','arguments':'{}'}},"
	  "{'role':'function','name':'f','content':'1'},"
	  "{'role':'assistant','function_call':{'name':'f','arguments':'{}'}},"
	  "{'role':'function','name':'f','content':null}", "",
	  IN_USER "," IN_CALL("call_fn_1", "f") "," IN_OUT("call_fn_1", "'1'") ","
	  IN_CALL("call_fn_3", "f") "," IN_OUT("call_fn_3", "''"), "", "" },
};

static const struct good rests[] = {
	/* tools */
	{ USER, ",'tools':[{'type':'function','function':{'name':'f','description':'d','strict':true,"
	  "'parameters':{'type':'object','properties':{'a':{'type':'string'}},'required':['a'],"
	  "'additionalProperties':false}}},"
	  "{'type':'function','function':{'name':'g','description':null,'strict':null,'parameters':null}},"
	  "{'type':'function','function':{'name':'h','parameters':{'$defs':{},'type':'object'}}},"
	  "{'type':'function','function':{'name':'i','parameters':{'properties':{'b':{}}}}},"
	  "{'type':'function','name':'j'}]", IN_USER,
	  ",'tools':[{'type':'function','name':'f','description':'d','parameters':{'type':'object',"
	  "'properties':{'a':{'type':'string'}},'required':['a'],'additionalProperties':false},'strict':true},"
	  IN_TOOL("g") ",{'type':'function','name':'h','parameters':{'type':'object','$defs':{},'properties':{}},"
	  "'strict':false},{'type':'function','name':'i','parameters':{'type':'object','properties':{'b':{}}},"
	  "'strict':false}," IN_TOOL("j") "]", "" },
	{ USER, ",'tools':[{'type':'custom','custom':{'name':'p','description':'d','format':{'type':'text'}}},"
	  "{'type':'custom','custom':{'name':'q','format':{'type':'grammar','grammar':{'syntax':'lark',"
	  "'definition':'start: X'}}}},{'type':'custom','custom':{'name':'r'}}],"
	  "'tool_choice':{'type':'custom','custom':{'name':'q'}},'parallel_tool_calls':true", IN_USER,
	  ",'tools':[{'type':'custom','name':'p','description':'d','format':{'type':'text'}},"
	  "{'type':'custom','name':'q','format':{'type':'grammar','syntax':'lark','definition':'start: X'}},"
	  "{'type':'custom','name':'r'}],'tool_choice':{'type':'custom','name':'q'},'parallel_tool_calls':true", "" },
	{ USER, ",'tools':[],'tool_choice':'auto','functions':null,'responses_tools':[]", IN_USER, "", "" },
	{ USER, ",'tool_choice':'none'", IN_USER, ",'tool_choice':'none'", "" },
	{ USER, ",'tools':[" TOOL("f") "],'tool_choice':'required','parallel_tool_calls':false", IN_USER,
	  ",'tools':[" IN_TOOL("f") "],'tool_choice':'required','parallel_tool_calls':false", "" },
	{ USER, ",'tools':[" TOOL("f") "],'tool_choice':{'type':'function','function':{'name':'f'}}", IN_USER,
	  ",'tools':[" IN_TOOL("f") "],'tool_choice':{'type':'function','name':'f'}", "" },
	{ USER, ",'tools':[" TOOL("f.x") "," TOOL("g") "],'tool_choice':{'type':'allowed_tools','allowed_tools':"
	  "{'mode':'required','tools':[" TOOL("f.x") "]}}", IN_USER,
	  ",'tools':[" IN_TOOL("f_x_fe798201e423c145") "," IN_TOOL("g") "],'tool_choice':{'type':'allowed_tools',"
	  "'mode':'required','tools':[{'type':'function','name':'f_x_fe798201e423c145'}]}", "" },
	/* the legacy functions: one call at a time */
	{ USER, ",'functions':[{'name':'f','description':'d'}],'function_call':{'name':'f'},"
	  "'parallel_tool_calls':true", IN_USER,
	  ",'tools':[{'type':'function','name':'f','description':'d','parameters':{'type':'object',"
	  "'properties':{}},'strict':false}],'parallel_tool_calls':false,"
	  "'tool_choice':{'type':'function','name':'f'}", "" },
	{ USER, ",'functions':[{'name':'f'}],'function_call':'none'", IN_USER,
	  ",'tools':[" IN_TOOL("f") "],'parallel_tool_calls':false,'tool_choice':'none'", "" },
	/* web search */
	{ USER, ",'responses_tools':[{'type':'web_search_preview','search_context_size':'low'}],"
	  "'responses_tool_choice':'auto','tools':[" TOOL("f") "]", IN_USER,
	  ",'tools':[" IN_TOOL("f") ",{'type':'web_search','search_context_size':'low'}],'tool_choice':'auto'", "" },
	{ USER, ",'web_search_options':{'search_context_size':'high','user_location':{'type':'approximate',"
	  "'approximate':{'country':'DE','city':'Ulm'}}}", IN_USER,
	  ",'tools':[{'type':'web_search','search_context_size':'high','user_location':{'type':'approximate',"
	  "'country':'DE','city':'Ulm'}}]", "" },
	{ USER, ",'web_search_options':{},'tools':[{'type':'web_search'}],'tool_choice':{'type':'web_search_preview'}",
	  IN_USER, ",'tools':[{'type':'web_search'}],'tool_choice':{'type':'web_search'}", "" },
	/* the shape of the answer */
	{ USER, ",'response_format':{'type':'text'},'modalities':['text'],'audio':null", IN_USER, "", "" },
	{ USER, ",'response_format':{'type':'json_object'},'verbosity':'low'", IN_USER,
	  ",'text':{'format':{'type':'json_object'},'verbosity':'low'}", "" },
	{ USER, ",'response_format':{'type':'json_schema','json_schema':{'name':'out','strict':true,"
	  "'description':'d','schema':{'type':'object'}}}", IN_USER,
	  ",'text':{'format':{'type':'json_schema','name':'out','description':'d','schema':{'type':'object'},"
	  "'strict':true}}", "" },
	{ USER, ",'response_format':{'type':'json_schema','json_schema':{'name':'an out'}}", IN_USER,
	  ",'text':{'format':{'type':'json_schema','name':'an_out_0fc5793c743fe6d5','schema':{'type':'object'},"
	  "'strict':false}}", "" },
	/* reasoning and tier */
	{ USER, ",'reasoning_effort':'low'", IN_USER, ",'reasoning':{'effort':'low'}", "" },
	{ USER, ",'reasoning_effort':'low','reasoning':{'effort':'high','summary':'detailed','context':'auto'}", IN_USER,
	  ",'reasoning':{'effort':'high','summary':'detailed','context':'auto'}", "" },
	{ USER, ",'service_tier':'fast'", IN_USER, ",'service_tier':'priority'", "" },
	{ USER, ",'fast_mode':true,'service_tier':'flex'", IN_USER, ",'service_tier':'priority'", "" },
	{ USER, ",'service_tier':'flex','fast_mode':false", IN_USER, ",'service_tier':'flex'", "" },
	{ USER, ",'fast_mode':false", IN_USER, ",'service_tier':'default'", "" },
	/* what the Responses API has */
	{ USER, ",'max_tokens':50,'temperature':0.2,'top_p':1,'user':'u','metadata':{'a':'b'},'store':true,"
	  "'safety_identifier':'s','prompt_cache_key':'k','prompt_cache_retention':'24h',"
	  "'prompt_cache_options':{},'moderation':{'model':'m'}", IN_USER,
	  ",'max_output_tokens':50,'temperature':0.2,'top_p':1,'user':'u','metadata':{'a':'b'},'store':true,"
	  "'safety_identifier':'s','prompt_cache_key':'k','prompt_cache_retention':'24h',"
	  "'prompt_cache_options':{},'moderation':{'model':'m'}", "" },
	{ USER, ",'max_completion_tokens':100,'max_tokens':50", IN_USER, ",'max_output_tokens':100", "max_tokens" },
	{ USER, ",'max_tokens':50,'max_completion_tokens':100", IN_USER, ",'max_output_tokens':100", "max_tokens" },
	{ USER, ",'max_tokens':1", IN_USER, ",'max_output_tokens':16", "" },
	/* what says nothing, null, and what nobody knows */
	{ USER, ",'n':1,'logprobs':false,'top_logprobs':0,'stream_options':{'include_obfuscation':false}", IN_USER, "", "" },
	{ USER, ",'tools':null,'tool_choice':null,'temperature':null,'max_tokens':null,'stop':null,'stream':null,"
	  "'stream_options':null,'response_format':null,'n':null,'user':null,'metadata':null,'store':null,"
	  "'reasoning':null,'reasoning_effort':null,'service_tier':null,'fast_mode':null,'unheard':null", IN_USER, "", "" },
	{ USER, ",'unheard':1,'a\\r\\nb: c,d':2,'unheard':3,'stream_options':{'include_obfuscation':true}", IN_USER, "",
	  "unheard, a??b:?c?d, stream_options.include_obfuscation" },
};

static void run(const struct good *g)
{
	char body[8192], want[8192];
	struct bench b;

	snprintf(body, sizeof(body), "{'model':'gpt-5.5','messages':[%s]%s}",
		 g->messages, g->rest);
	snprintf(want, sizeof(want), "{'model':'gpt-5.5','input':[%s]%s}",
		 g->input, g->others);
	if (!check(bench_open(&b, RESPONSES)) || !check(bench_body(&b, body))) {
		printf("  %s\n", body);
		return;
	}
	if (!check_int(ask_chat(&b.ask, b.body, &b.note), ERR_NONE))
		printf("  %s\n  %s\n", body, b.note.tell);
	json_write(&b.out, b.ask.request);
	check_str(bench_out(&b), want);
	check_str(buf_span(&b.ask.terms.dropped), g->dropped);
	bench_close(&b);
}

/* What is kept back for the answer. */
static void test_terms(void)
{
	struct bench b;
	const struct terms *t = &b.ask.terms;

	bench_open(&b, RESPONSES);
	check(bench_body(&b, "{'model':'gpt-5.5-high','messages':[" USER "],'stream':true,"
			 "'stream_options':{'include_usage':true},'stop':['a','\\u00e4'],"
			 "'functions':[{'name':'a.b'}],'response_format':{'type':'json_object'}}"));
	b.ask.reasoning_header = " O3 ";
	check_int(ask_chat(&b.ask, b.body, &b.note), ERR_NONE);
	check(t->stream && t->include_usage && t->legacy_functions && t->structured);
	check_int(t->reasoning, COMPAT_O3);
	check_str(span_of(t->model), "gpt-5.5-high");
	check_str(span_of(b.ask.model.slug), "gpt-5.5");
	check_int(b.ask.model.effort, EFFORT_HIGH);
	check_int((int64_t)t->stop_count, 2);
	check_str(span_of(t->stops[0]), "a");
	check_str(span_of(t->stops[1]), "\xc3\xa4");
	check_str(names_full(&t->names, SPAN("a_b_2e7336dc8eba87ef")), "a.b");
	bench_close(&b);

	bench_open(&b, RESPONSES " CHATMOCK_REASONING_COMPAT=think-tags");
	check(bench_body(&b, "{'messages':[" USER "],'stop':'END'}"));
	check_int(ask_chat(&b.ask, b.body, &b.note), ERR_NONE);
	check(!t->stream && !t->include_usage && !t->legacy_functions && !t->structured);
	check_int(t->reasoning, COMPAT_THINK);
	check_str(span_of(t->model), catalog_default(b.catalog)->slug);
	check_int((int64_t)t->stop_count, 1);
	check_str(span_of(t->stops[0]), "END");
	bench_close(&b);
}

/* A message's cost grows with its size, not with its square: 100,000 calls. */
static void test_many_calls(void)
{
	struct bench b;
	struct buf text;

	bench_open(&b, RESPONSES);
	buf_init(&text, SIZE_MAX);
	buf_str(&text, "{'messages':[");
	for (int i = 0; i < 25000; i++)
		buf_fmt(&text, "%s" "{'role':'assistant','tool_calls':[{'id':'%d','function':"
			"{'name':'tool.%d','arguments':'{}'}}]},{'role':'tool',"
			"'tool_call_id':'%d','content':'x'}", i ? "," : "", i, i, i);
	buf_str(&text, "]}");
	check(bench_body(&b, text.ptr));
	check_int(ask_chat(&b.ask, b.body, &b.note), ERR_NONE);
	check_int((int64_t)json_object_array_length(json_get(b.ask.request, "input")), 50000);
	buf_free(&text);
	bench_close(&b);
}

static void test_body_untouched(void)
{
	body_untouched(CHATGPT,
		"{'model':'gpt-5.5','messages':[{'role':'system','content':[{'type':'text',"
		"'text':'x','prompt_cache_breakpoint':{}}]}],'tools':[{'type':'function','function':"
		"{'name':'a.b','parameters':{}}}],'metadata':{},'stop':['x']}",
		ask_chat);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		run(&messages[i]);
	for (size_t i = 0; i < ARRAY_LEN(rests); i++)
		run(&rests[i]);
	for (size_t i = 0; i < ARRAY_LEN(bads); i++)
		run_bad(&bads[i]);
	test_terms();
	test_header();
	test_many_calls();
	test_body_untouched();
	return test_end("test_ask_chat");
}
