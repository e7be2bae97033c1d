/*
 * test_ask_responses.c - what upstream is sent of a Responses request, by
 * kind. ' stands for ".
 */
#include "ask_help.h"
#include "../../fcgi/tongues/memory.h"

#define KEY "'prompt_cache_key':'" SESSION "'"
#define BACKEND "'store':false,'stream':true,'include':['reasoning.encrypted_content']," KEY
#define PLAIN "'stream':true," KEY
#define MEDIUM "'reasoning':{'effort':'medium','summary':'auto'}"
#define HI "'input':[{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]}]"

static const struct { const char *sets, *request, *want, *dropped; } goods[] = {
	/* a string, an object, a list, easy messages */
	{ CHATGPT, "{'input':'hi'}", HI "," MEDIUM "," BACKEND, "" },
	/* without a word of store it is true, as the API has it */
	{ RESPONSES, "{'input':'hi'}", "'input':'hi'," MEDIUM "," PLAIN, "" },
	{ RESPONSES " CHATMOCK_STORE=0", "{'input':'hi'}", "'input':'hi'," MEDIUM ",'store':false," PLAIN, "" },
	{ CHATGPT, "{'input':{'role':'user','content':'hi'}}", HI "," MEDIUM "," BACKEND, "" },
	{ RESPONSES, "{'input':{'role':'user','content':'hi'}}",
	  "'input':[{'role':'user','content':'hi'}]," MEDIUM "," PLAIN, "" },
	{ CHATGPT, "{'input':[{'role':'system','content':'s'},{'role':'assistant','content':'a','phase':'commentary'},"
	  "{'type':'message','role':'user','content':'u'}]}",
	  "'input':[{'type':'message','role':'developer','content':[{'type':'input_text','text':'s'}]},"
	  "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a'}],'phase':'commentary'},"
	  "{'type':'message','role':'user','content':[{'type':'input_text','text':'u'}]}]," MEDIUM "," BACKEND, "" },
	{ RESPONSES, "{'input':[{'role':'system','content':'s','id':'x'},{'type':'item_reference','id':'rs_1'},"
	  "{'type':'reasoning','id':'q','summary':[]}]}",
	  "'input':[{'role':'system','content':'s','id':'x'},{'type':'item_reference','id':'rs_1'},"
	  "{'type':'reasoning','id':'q','summary':[]}]," MEDIUM "," PLAIN, "" },
	/* all that there is, as it came */
	{ CHATGPT, "{'input':[{'type':'additional_tools','role':'developer','tools':[{'type':'namespace','name':'functions',"
	  "'tools':[{'type':'custom','name':'exec'}]}]},{'type':'custom_tool_call','id':'ctc_1','call_id':'c','name':'exec','input':'ls'},"
	  "{'type':'custom_tool_call_output','call_id':'c','output':'x'},{'type':'compaction','encrypted_content':'e'},"
	  "{'type':'brand_new','x':[1,2.50,null]},{'type':'compaction_trigger'}],"
	  "'parallel_tool_calls':false,'reasoning':{'effort':'low','context':'all_turns'},'client_metadata':{'a':'b'},"
	  "'stream_options':{'reasoning_summary_delivery':'sequential_cutoff'},'include':['reasoning.encrypted_content'],"
	  "'prompt_cache_key':'mine','text':{'verbosity':'low'},'tool_choice':'auto','store':false,'stream':true}",
	  "'input':[{'type':'additional_tools','role':'developer','tools':[{'type':'namespace','name':'functions',"
	  "'tools':[{'type':'custom','name':'exec'}]}]},{'type':'custom_tool_call','id':'ctc_1','call_id':'c','name':'exec','input':'ls'},"
	  "{'type':'custom_tool_call_output','call_id':'c','output':'x'},{'type':'compaction','encrypted_content':'e'},"
	  "{'type':'brand_new','x':[1,2.50,null]},{'type':'compaction_trigger'}],"
	  "'tool_choice':'auto','parallel_tool_calls':false,'reasoning':{'effort':'low','context':'all_turns'},'store':false,'stream':true,"
	  "'include':['reasoning.encrypted_content'],'prompt_cache_key':'mine','text':{'verbosity':'low'},"
	  "'client_metadata':{'a':'b'},'stream_options':{'reasoning_summary_delivery':'sequential_cutoff'}", "" },
	/* tools: a function's strict is always said to the backend */
	{ CHATGPT, "{'input':'hi','tools':[{'name':'f','strict':null,'type':'function','parameters':{'type':'object'},'more':null},"
	  "{'type':'function','name':'g'},{'type':'function','strict':true,'name':'h'},{'strict':false,'type':'function','name':'i'},"
	  "{'type':'custom','name':'c','strict':null},"
	  "{'type':'web_search_preview','search_context_size':'low'},{'type':'local_shell'},{'type':'new'}],"
	  "'tool_choice':{'type':'web_search_preview_2025_03_11'}}",
	  HI ",'tools':[{'type':'function','name':'f','parameters':{'type':'object'},'more':null,'strict':false},"
	  "{'type':'function','name':'g','strict':false},{'type':'function','strict':true,'name':'h'},{'strict':false,'type':'function','name':'i'},"
	  "{'type':'custom','name':'c','strict':null},"
	  "{'type':'web_search','search_context_size':'low'},{'type':'local_shell'},{'type':'new'}],"
	  "'tool_choice':{'type':'web_search'}," MEDIUM "," BACKEND, "" },
	{ RESPONSES, "{'input':'hi','tools':[{'type':'web_search_preview'},{'type':'function','name':'f','strict':null}],'tool_choice':{'type':'web_search_preview'}}",
	  "'input':'hi','tools':[{'type':'web_search_preview'},{'type':'function','name':'f','strict':null}],'tool_choice':{'type':'web_search_preview'},"
	  MEDIUM "," PLAIN, "" },
	/* the allow-list, and nothing taken out */
	{ CHATGPT, "{'input':'hi','max_output_tokens':5,'temperature':1,'top_p':1,'top_logprobs':0,'metadata':{},'user':'u',"
	  "'truncation':'auto','background':false,'max_tool_calls':1,'safety_identifier':'s','store':true,'unheard':1,"
	  "'reasoning':{'mode':'new'},'stream_options':{'include_obfuscation':false},'service_tier':'flex','instructions':''}",
	  HI ",'reasoning':{'effort':'medium'}," BACKEND,
	  "service_tier, reasoning.mode, stream_options.include_obfuscation, max_output_tokens, temperature, top_p, "
	  "metadata, user, truncation, max_tool_calls, safety_identifier, unheard" },
	{ RESPONSES, "{'input':'hi','max_output_tokens':16,'temperature':1.50,'top_logprobs':3,'metadata':{},'previous_response_id':'r',"
	  "'background':true,'conversation':{'id':'c'},'prompt':{'id':'p'},'store':true,'unheard':1,'reasoning':{'mode':'new'},"
	  "'stream_options':{'include_obfuscation':false},'service_tier':'flex','tool_choice':'none','instructions':''}",
	  "'instructions':'','input':'hi','tool_choice':'none','reasoning':{'effort':'medium','mode':'new'},'store':true,"
	  "'stream':true," KEY ",'service_tier':'flex','stream_options':{'include_obfuscation':false},'max_output_tokens':16,"
	  "'temperature':1.50,'top_logprobs':3,'metadata':{},'previous_response_id':'r','background':true,'conversation':{'id':'c'},"
	  "'prompt':{'id':'p'},'unheard':1", "" },
	{ RESPONSES, "{'previous_response_id':'r'}", MEDIUM "," PLAIN ",'previous_response_id':'r'", "" },
	/* null is what was not said */
	{ CHATGPT, "{'input':'hi','previous_response_id':null,'temperature':null,'tools':null,'stream':null}",
	  HI "," MEDIUM "," BACKEND, "" },
	/* reasoning: what the client says stays; ultra is no word for upstream */
	{ CHATGPT, "{'input':'hi','reasoning':{'effort':'ultra','summary':'none','generate_summary':'auto'}}",
	  HI ",'reasoning':{'effort':'xhigh'}," BACKEND, "" },
	{ CHATGPT, "{'input':'hi','reasoning':{'generate_summary':'concise'}}",
	  HI ",'reasoning':{'effort':'medium','summary':'concise'}," BACKEND, "" },
	{ CHATGPT " CHATMOCK_REASONING_EFFORT=high CHATMOCK_REASONING_SUMMARY=none", "{'input':'hi'}",
	  HI ",'reasoning':{'effort':'high'}," BACKEND, "" },
	{ CHATGPT, "{'input':'hi','service_tier':'fast'}", HI "," MEDIUM "," BACKEND ",'service_tier':'priority'", "" },
	{ CHATGPT, "{'input':'hi','fast_mode':true}", HI "," MEDIUM "," BACKEND ",'service_tier':'priority'", "" },
	{ CHATGPT " CHATMOCK_ENABLE_WEB_SEARCH=1", "{'input':'hi'}",
	  HI ",'tools':[{'type':'web_search'}]," MEDIUM "," BACKEND, "" },
};

static const struct { const char *sets, *request, *param, *words; } bads[] = {
	{ CHATGPT, "{}", "input", "Missing required parameter: 'input'." },
	{ CHATGPT, "{'input':5}", "input", "expected a string or an array, got an integer" },
	{ RESPONSES, "{'input':5}", "input", "expected a string or an array, got an integer" },
	{ CHATGPT, "{'input':[5]}", "input[0]", "expected an object" },
	{ RESPONSES, "{'input':'hi','tools':{}}", "tools", "expected an array" },
	{ CHATGPT, "{'input':'hi','tools':['x']}", "tools[0]", "expected an object" },
	{ CHATGPT, "{'input':'hi','stream':'yes'}", "stream", "expected a boolean" },
	{ CHATGPT, "{'input':'hi','instructions':5}", "instructions", "expected a string" },
	{ CHATGPT, "{'input':'hi','include':'x'}", "include", "expected an array" },
	{ CHATGPT, "{'input':'hi','tool_choice':5}", "tool_choice", "expected a string or an object" },
	{ CHATGPT, "{'input':'hi','reasoning':'x'}", "reasoning", "expected an object" },
	{ CHATGPT, "{'input':'hi','reasoning':{'effort':'turbo'}}", "reasoning.effort", "'turbo' is none of" },
	{ CHATGPT " CHATMOCK_STORE=0", "{'input':'hi','previous_response_id':'resp_1'}", "previous_response_id", "Send the items of the earlier turns in 'input'" },
	{ CHATGPT " CHATMOCK_STORE=0", "{'input':'hi','conversation':'conv_1'}", "conversation", "Send the items of the earlier turns in 'input'" },
	{ CHATGPT, "{'input':'hi','previous_response_id':1}", "previous_response_id", "expected a string" },
	{ CHATGPT, "{'input':'hi','previous_response_id':''}", "previous_response_id", "it is empty" },
	{ CHATGPT, "{'input':'hi','conversation':[]}", "conversation", "expected a string or an object" },
	{ CHATGPT, "{'input':'hi','conversation':{'id':1}}", "conversation.id", "expected a string" },
	{ CHATGPT, "{'input':'hi','conversation':'c','previous_response_id':'r'}", "", "Mutually exclusive" },
	{ CHATGPT, "{'previous_response_id':'r','input':5}", "input", "expected a string or an array" },
	{ CHATGPT, "{'store':false}", "input", "Missing" },
	{ CHATGPT, "{'input':[{'type':'item_reference'}]}", "input[0].id", "Missing" },
	{ CHATGPT, "{'input':{'type':'item_reference','id':7}}", "input[0].id", "expected a string" },
	{ CHATGPT, "{'input':[{'id':{}}]}", "input[0].id", "expected a string" },
	{ CHATGPT " CHATMOCK_STORE=0", "{'input':['x']}", "input[0]", "expected an object" },
	{ CHATGPT " CHATMOCK_STORE=0", "{'input':[{'id':'rs_1'}]}", "input", "Item with id 'rs_1' not found: nothing is stored here" },
	{ CHATGPT, "{'input':'hi','background':true,'store':false}", "background", "needs 'store'" },
	{ CHATGPT " CHATMOCK_STORE=0", "{'input':'hi','background':true}", "background", "nothing is stored here" },
	{ CHATGPT, "{'input':'hi','background':1}", "background", "expected a boolean" },
	{ CHATGPT, "{'input':'hi','prompt':{'id':'p'}}", "prompt", "Send its text in 'instructions'" },
	{ CHATGPT, "{'input':'hi','top_logprobs':2}", "top_logprobs", "top_logprobs=2 (log probabilities are not available)" },
	{ CHATGPT, "{'input':'hi','top_logprobs':21}", "top_logprobs", "between 0 and 20" },
};

static enum err build(struct bench *b, const char *sets, const char *request)
{
	char body[4096];

	snprintf(body, sizeof(body), "{'model':'gpt-5.5'%s%s", request[1] == '}' ? "" : ",",
		 request + 1);
	if (!check(bench_open(b, sets)) || !check(bench_body(b, body)))
		return ERR_SYSTEM;
	if (ask_responses(&b->ask, b->body, &b->note))
		return b->note.code;
	json_object_put(b->body);
	b->body = NULL;
	return payload_build(&b->ask, SESSION, &b->out, &b->note);
}

static void test_goods(void)
{
	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		char want[4096];
		struct bench b;

		if (!check_int(build(&b, goods[i].sets, goods[i].request), ERR_NONE))
			printf("  %s: %s\n", goods[i].request, b.note.tell);
		snprintf(want, sizeof(want), "{'model':'gpt-5.5',%s}", goods[i].want);
		if (!check_str(bench_out(&b), want))
			printf("  %s\n", goods[i].request);
		check_str(buf_span(&b.ask.terms.dropped), goods[i].dropped);
		bench_close(&b);
	}
}

static void test_bads(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		struct bench b;

		check(build(&b, bads[i].sets, bads[i].request) != ERR_NONE);
		check_str(span_of(b.note.param), bads[i].param);
		if (!check(strstr(b.note.tell, bads[i].words)))
			printf("  %s: %s\n", bads[i].request, b.note.tell);
		bench_close(&b);
	}
}

/* The model is chosen as for any tongue: alias, suffix, setting. */
static void test_models(void)
{
	static const struct { const char *sets, *model, *sent; } models[] = {
		{ CHATGPT, "gpt-5.5-low", "{'model':'gpt-5.5'," HI ",'reasoning':{'effort':'low','summary':'auto'}," BACKEND "}" },
		{ CHATGPT " CHATMOCK_DEBUG_MODEL=gpt-5.5-high", "what", "{'model':'gpt-5.5'," HI ",'reasoning':{'effort':'high','summary':'auto'}," BACKEND "}" },
		{ RESPONSES, "o9", "{'model':'o9','input':'hi'," PLAIN "}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(models); i++) {
		char body[200];
		struct bench b;

		snprintf(body, sizeof(body), "{'model':'%s','input':'hi'}", models[i].model);
		bench_open(&b, models[i].sets);
		bench_body(&b, body);
		check_int(ask_responses(&b.ask, b.body, &b.note), 0);
		check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), 0);
		check_str(bench_out(&b), models[i].sent);
		check_str(span_of(b.ask.terms.model), models[i].model);
		bench_close(&b);
	}
}

/* What it continues, and what of it shall be found again. */
static void test_memory(void)
{
	static const struct {
		const char *sets, *request;
		bool store;
		const char *previous, *conversation;
		size_t given;
	} asked[] = {
		{ CHATGPT, "{'input':'hi'}", true, "", "", 1 },
		{ CHATGPT, "{'input':'hi','store':true}", true, "", "", 1 },
		{ CHATGPT, "{'input':'hi','store':false}", false, "", "", 0 },
		{ CHATGPT, "{'input':'hi','store':null}", true, "", "", 1 },
		{ CHATGPT " CHATMOCK_STORE=0", "{'input':'hi','store':true}", false, "", "", 0 },
		{ CHATGPT, "{'previous_response_id':'resp_1','store':false}", false, "resp_1", "", 0 },
		{ CHATGPT, "{'input':[{'role':'user','content':'a'},{'type':'reasoning','id':'rs_1','summary':[]}],"
		  "'conversation':{'id':'conv_1'},'store':false}", false, "", "conv_1", 2 },
		{ CHATGPT, "{'input':[],'conversation':'conv_1'}", true, "", "conv_1", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		const struct memory *m;
		struct bench b;

		check_int(build(&b, asked[i].sets, asked[i].request), ERR_NONE);
		m = b.ask.terms.memory;
		if (check(m)) {
			check_int(m->store, asked[i].store);
			check_str(span_of(m->previous), asked[i].previous);
			check_str(span_of(m->conversation), asked[i].conversation);
			check_int((long long)m->given.count, (long long)asked[i].given);
		}
		bench_close(&b);
	}
}

/* The question's own items, as they were given, each under an id. */
static void test_given(void)
{
	const struct store_items *given;
	struct bench b;

	check_int(build(&b, CHATGPT, "{'input':[{'role':'system','content':'s','id':'x y'},{'type':'reasoning','id':'rs_1','summary':[],"
			"'encrypted_content':'e'},{'type':'reasoning','id':'rs_1','summary':[]},{'type':'new','n':1.50}]}"), ERR_NONE);
	given = &b.ask.terms.memory->given;
	if (check_int((long long)given->count, 4)) {
		check(span_starts(store_item_id(given, 0), "msg_"));
		check_str(store_item_json(given, 0), "{\"type\":\"message\",\"role\":\"system\","
			  "\"content\":[{\"type\":\"input_text\",\"text\":\"s\"}],\"id\":\"x y\"}");
		check_str(store_item_id(given, 1), "rs_1");
		check_str(store_item_json(given, 1), "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"e\"}");
		check(span_starts(store_item_id(given, 2), "rs_") && store_item_id(given, 2).len > 10);
		check(span_starts(store_item_id(given, 3), "item_"));
		check_str(store_item_json(given, 3), "{\"type\":\"new\",\"n\":1.50}");
	}
	bench_close(&b);
	build(&b, RESPONSES, "{'input':'hi'}");
	check(!b.ask.terms.memory);
	bench_close(&b);
}

/* What a whole answer repeats; a streamed one that is not kept repeats nothing. */
static void test_echo(void)
{
	struct bench b;

	build(&b, CHATGPT, "{'input':'hi','temperature':0.50,'tools':[],'metadata':{'a':'b'},'seed':1,'user':null}");
	check_str(buf_span(&b.ask.terms.echo), "{\"metadata\":{\"a\":\"b\"},\"temperature\":0.50,\"tools\":[]}");
	bench_close(&b);
	build(&b, CHATGPT, "{'input':'hi','temperature':0.50,'stream':true,'store':false}");
	check_str(buf_span(&b.ask.terms.echo), "");
	check(b.ask.terms.stream);
	bench_close(&b);
}

int main(void)
{
	test_goods();
	test_bads();
	test_models();
	test_echo();
	test_memory();
	test_given();
	return test_end("test_ask_responses");
}
