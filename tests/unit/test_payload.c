/*
 * test_payload.c - the bytes that upstream gets, by kind and setting. A
 * case's request is a chat of one message with these members. ' stands for ".
 */
#include "ask_help.h"

#define MSG "'messages':[{'role':'user','content':'hi'}]"
#define INPUT "'input':[{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]}]"
#define TOOLS "'tools':[{'type':'function','name':'f','parameters':{'type':'object','properties':{}},'strict':false}]"
#define TOOL "'tools':[{'type':'function','function':{'name':'f'}}]"
#define MEDIUM "'reasoning':{'effort':'medium','summary':'auto'}"
#define KEY "'prompt_cache_key':'" SESSION "'"
#define BACKEND "'store':false,'stream':true,'include':['reasoning.encrypted_content']," KEY
#define PLAIN "'store':false,'stream':true," KEY

struct good {
	const char *sets, *members;
	const char *model, *others;	/* of the payload, around INPUT */
	const char *dropped;
};

static const struct good goods[] = {
	/* as little as there can be */
	{ CHATGPT, "", "gpt-6.1-sol", MEDIUM "," BACKEND, "" },
	{ RESPONSES, "", "gpt-6.1-sol", MEDIUM "," PLAIN, "" },
	/* all that the backend refuses */
	{ CHATGPT, "'model':'gpt-5.5','max_tokens':5,'temperature':1,'top_p':1,'user':'u','metadata':{},"
	  "'safety_identifier':'s','prompt_cache_retention':'24h','prompt_cache_options':{},'moderation':{},"
	  "'seed':1,'frequency_penalty':0,'presence_penalty':0,'logit_bias':{},'prediction':{},"
	  "'stop':'x','store':true,'n':1,'unheard':1,'stream_options':{'include_usage':true}",
	  "gpt-5.5", MEDIUM "," BACKEND,
	  "max_tokens, temperature, top_p, user, metadata, safety_identifier, prompt_cache_retention, "
	  "prompt_cache_options, moderation, unheard, seed, frequency_penalty, presence_penalty, logit_bias, "
	  "prediction, store" },
	{ RESPONSES, "'model':'gpt-5.5','max_tokens':50,'temperature':1,'top_p':1,'user':'u','metadata':{},"
	  "'safety_identifier':'s','prompt_cache_retention':'24h','store':true,'seed':1,'stop':'x',"
	  "'prompt_cache_key':'mine'", "gpt-5.5",
	  MEDIUM ",'store':true,'stream':true,'prompt_cache_key':'mine','max_output_tokens':50,'temperature':1,"
	  "'top_p':1,'user':'u','metadata':{},'safety_identifier':'s','prompt_cache_retention':'24h'", "seed" },
	{ CHATGPT, "'store':false,'prompt_cache_key':'mine','max_completion_tokens':1,'max_tokens':1",
	  "gpt-6.1-sol", MEDIUM ",'store':false,'stream':true,'include':['reasoning.encrypted_content'],"
	  "'prompt_cache_key':'mine'", "max_completion_tokens, max_tokens" },
	/* the order is ours, whatever the client's */
	{ CHATGPT, "'verbosity':'low','service_tier':'fast','parallel_tool_calls':true,'tool_choice':'auto'," TOOL
	  ",'model':'gpt-5.5'", "gpt-5.5", TOOLS ",'tool_choice':'auto','parallel_tool_calls':true," MEDIUM ","
	  BACKEND ",'text':{'verbosity':'low'},'service_tier':'priority'", "" },
	/* effort: suffix, request, setting; clamped; summary */
	{ CHATGPT " CHATMOCK_REASONING_EFFORT=low", "'model':'gpt-5.5:xhigh','reasoning_effort':'high'", "gpt-5.5",
	  "'reasoning':{'effort':'xhigh','summary':'auto'}," BACKEND, "" },
	{ CHATGPT " CHATMOCK_REASONING_EFFORT=low", "'model':'gpt-5.5','reasoning_effort':'high'", "gpt-5.5",
	  "'reasoning':{'effort':'high','summary':'auto'}," BACKEND, "" },
	{ CHATGPT " CHATMOCK_REASONING_EFFORT=low CHATMOCK_REASONING_SUMMARY=detailed", "'model':'gpt-5.5'", "gpt-5.5",
	  "'reasoning':{'effort':'low','summary':'detailed'}," BACKEND, "" },
	{ CHATGPT " CHATMOCK_REASONING_SUMMARY=none", "'model':'gpt-5.5','reasoning':{'effort':'ultra'}", "gpt-5.5",
	  "'reasoning':{'effort':'xhigh'}," BACKEND, "" },
	{ CHATGPT " CHATMOCK_REASONING_SUMMARY=none", "'model':'gpt-5.5','reasoning':{'summary':'concise','context':'auto'}",
	  "gpt-5.5", "'reasoning':{'effort':'medium','summary':'concise','context':'auto'}," BACKEND, "" },
	{ CHATGPT, "'model':'gpt-5.5','reasoning':{'summary':'none','effort':'low'}", "gpt-5.5",
	  "'reasoning':{'effort':'low'}," BACKEND, "" },
	/* a model that we do not know gets what was asked for, no more */
	{ CHATGPT, "'model':'new','reasoning_effort':'turbo'", "new",
	  "'reasoning':{'effort':'turbo','summary':'auto'}," BACKEND, "" },
	{ CHATGPT, "'model':'new','reasoning_effort':'ultra'", "new",
	  "'reasoning':{'effort':'max','summary':'auto'}," BACKEND, "" },
	{ CHATGPT, "'model':'new'", "new", MEDIUM "," BACKEND, "" },
	{ RESPONSES, "'model':'gpt-4o'", "gpt-4o", PLAIN, "" },
	{ RESPONSES, "'model':'o9','reasoning_effort':'low'", "o9",
	  "'reasoning':{'effort':'low','summary':'auto'}," PLAIN, "" },
	{ RESPONSES " CHATMOCK_REASONING_EFFORT=high", "'model':'o9'", "o9",
	  "'reasoning':{'effort':'high','summary':'auto'}," PLAIN, "" },
	{ RESPONSES " CHATMOCK_DEBUG_MODEL=gpt-5.5-low", "'model':'whatever'", "gpt-5.5",
	  "'reasoning':{'effort':'low','summary':'auto'}," PLAIN, "" },
	/* the tier */
	{ CHATGPT " CHATMOCK_FAST_MODE=1", "'model':'gpt-5.5'", "gpt-5.5", MEDIUM "," BACKEND
	  ",'service_tier':'priority'", "" },
	{ CHATGPT " CHATMOCK_FAST_MODE=1", "'model':'gpt-5.5','fast_mode':false", "gpt-5.5", MEDIUM "," BACKEND, "" },
	{ CHATGPT " CHATMOCK_FAST_MODE=1", "'model':'gpt-5.5','service_tier':'auto'", "gpt-5.5", MEDIUM "," BACKEND, "" },
	{ CHATGPT " CHATMOCK_FAST_MODE=1", "'model':'gpt-5.4-mini'", "gpt-5.4-mini", MEDIUM "," BACKEND, "" },
	{ CHATGPT " CHATMOCK_FAST_MODE=1", "'model':'new'", "new", MEDIUM "," BACKEND, "" },
	{ CHATGPT, "'model':'new','fast_mode':true", "new", MEDIUM "," BACKEND ",'service_tier':'priority'", "" },
	{ CHATGPT, "'model':'gpt-5.5','service_tier':'flex'", "gpt-5.5", MEDIUM "," BACKEND, "service_tier" },
	{ RESPONSES, "'model':'gpt-5.4-mini','service_tier':'priority'", "gpt-5.4-mini", MEDIUM "," PLAIN
	  ",'service_tier':'priority'", "" },
	{ RESPONSES, "'model':'gpt-5.5','service_tier':'flex'", "gpt-5.5", MEDIUM "," PLAIN ",'service_tier':'flex'", "" },
	/* verbosity of a model that has none */
	{ CHATGPT, "'model':'gpt-5.3-codex','verbosity':'low'", "gpt-5.3-codex", MEDIUM "," BACKEND, "verbosity" },
	{ RESPONSES, "'model':'gpt-5.3-codex','verbosity':'low'", "gpt-5.3-codex", MEDIUM "," PLAIN
	  ",'text':{'verbosity':'low'}", "" },
	/* web search by setting */
	{ CHATGPT " CHATMOCK_ENABLE_WEB_SEARCH=1", "", "gpt-6.1-sol", "'tools':[{'type':'web_search'}]," MEDIUM "," BACKEND, "" },
	{ CHATGPT " CHATMOCK_ENABLE_WEB_SEARCH=1", "'tool_choice':'none'", "gpt-6.1-sol", MEDIUM "," BACKEND, "" },
	{ CHATGPT " CHATMOCK_ENABLE_WEB_SEARCH=1", "'responses_tool_choice':'none'", "gpt-6.1-sol", MEDIUM "," BACKEND, "" },
	{ RESPONSES " CHATMOCK_ENABLE_WEB_SEARCH=1", TOOL ",'tool_choice':'none'", "gpt-6.1-sol",
	  TOOLS ",'tool_choice':'none'," MEDIUM "," PLAIN, "" },
	/* the output limit that the operator set */
	{ RESPONSES " CODEX__MAX_OUTPUT_TOKENS_FALLBACK=777", "", "gpt-6.1-sol", MEDIUM "," PLAIN ",'max_output_tokens':777", "" },
	{ RESPONSES " CODEX__MAX_OUTPUT_TOKENS_FALLBACK=777", "'max_tokens':20", "gpt-6.1-sol", MEDIUM "," PLAIN
	  ",'max_output_tokens':20", "" },
	{ CHATGPT " CODEX__MAX_OUTPUT_TOKENS_FALLBACK=777", "", "gpt-6.1-sol", MEDIUM "," BACKEND, "" },
	/* what the Responses API lacks, and the setting */
	{ RESPONSES " CODEX__PROPAGATE_UNSUPPORTED_PARAMS=true", "'n':2,'logprobs':true,'top_logprobs':3,'seed':1",
	  "gpt-6.1-sol", MEDIUM "," PLAIN ",'n':2,'logprobs':true,'top_logprobs':3,'seed':1", "" },
	{ CHATGPT " CODEX__PROPAGATE_UNSUPPORTED_PARAMS=true", "'n':2,'logprobs':true,'top_logprobs':3,'seed':1",
	  "gpt-6.1-sol", MEDIUM "," BACKEND, "n, logprobs, top_logprobs, seed" },
	{ RESPONSES, "'seed':1,'presence_penalty':1,'stop':'x'", "gpt-6.1-sol", MEDIUM "," PLAIN, "seed, presence_penalty" },
};

static const struct { const char *sets, *members, *param, *words; } bads[] = {
	{ CHATGPT, "'n':2", "n", "n=2 (one answer for a request)." },
	{ RESPONSES, "'seed':3,'top_logprobs':4,'n':3,'logprobs':true", "top_logprobs",
	  "top_logprobs=4 (log probabilities are not available), n=3 (one answer for a request), "
	  "logprobs=true (log probabilities are not available)." },
	{ CHATGPT, "'model':'gpt-5.4-mini','service_tier':'priority'", "service_tier", "'gpt-5.4-mini' has no priority tier" },
	{ CHATGPT, "'model':'gpt-5.4-mini','service_tier':'fast'", "service_tier", "no priority tier" },
	{ CHATGPT, "'model':'gpt-5.4-mini','fast_mode':true", "service_tier", "no priority tier" },
};

/* Requests that other tongues make: straight to payload_build(). */
static const struct { const char *sets, *request, *want, *dropped; } raws[] = {
	{ CHATGPT, "{'input':[{'type':'item_reference','id':'msg_1'},{'role':'system','content':'s'},"
	  "{'type':'reasoning','id':'rs_1','summary':[]},"
	  "{'type':'reasoning','id':'rs_2','summary':[],'encrypted_content':'E'},"
	  "{'type':'message','id':'msg_1','role':'user','content':[{'type':'input_text','text':'x','prompt_cache_breakpoint':{}}]},"
	  "{'type':'message','id':'gen-1','role':'user','content':'x'},{'type':'function_call','id':'call_1','call_id':'c'},"
	  "{'type':'local_shell_call','id':'x'},{'type':'item_reference','id':'x'}],'instructions':'','include':['a'],"
	  "'truncation':'auto','background':false,'previous_response_id':'r','stream_options':{},'stream':false,'client_metadata':{}}",
	  "'input':[{'role':'developer','content':'s'},"
	  "{'type':'reasoning','id':'rs_2','summary':[],'encrypted_content':'E'},"
	  "{'type':'message','id':'msg_1','role':'user','content':[{'type':'input_text','text':'x'}]},"
	  "{'type':'message','role':'user','content':'x'},{'type':'function_call','call_id':'c'},"
	  "{'type':'local_shell_call'}]," MEDIUM ",'store':false,'stream':true,'include':['a','reasoning.encrypted_content']," KEY
	  ",'client_metadata':{}",
	  "item_reference, reasoning, prompt_cache_breakpoint, truncation, background, previous_response_id" },
	{ RESPONSES, "{'input':[{'type':'item_reference','id':'msg_1'},{'role':'system','id':'x','content':'s'}],"
	  "'instructions':'I','include':['a'],'truncation':'auto','previous_response_id':'r','stream_options':{}}",
	  "'instructions':'I','input':[{'type':'item_reference','id':'msg_1'},{'role':'system','id':'x','content':'s'}],"
	  MEDIUM ",'store':false,'stream':true,'include':['a']," KEY ",'truncation':'auto','previous_response_id':'r'", "" },
	{ CHATGPT " CHATMOCK_ENABLE_WEB_SEARCH=1",
	  "{'input':[{'type':'additional_tools','role':'developer','tools':[]}],'tool_choice':'auto',"
	  "'include':['reasoning.encrypted_content']}",
	  "'input':[{'type':'additional_tools','role':'developer','tools':[]}],'tool_choice':'auto'," MEDIUM "," BACKEND, "" },
	{ CHATGPT, "{'input':'text'}", "'input':'text'," MEDIUM "," BACKEND, "" },
};

static enum err build(struct bench *b, const char *sets, const char *members)
{
	char body[4096];

	snprintf(body, sizeof(body), "{%s%s" MSG "}", members, *members ? "," : "");
	if (!check(bench_open(b, sets)) || !check(bench_body(b, body)) ||
	    !check_int(ask_chat(&b->ask, b->body, &b->note), ERR_NONE)) {
		printf("  %s: %s\n", body, b->note.tell);
		return ERR_SYSTEM;
	}
	return payload_build(&b->ask, SESSION, &b->out, &b->note);
}

static void run_good(const struct good *g)
{
	char want[4096];
	struct bench b;

	snprintf(want, sizeof(want), "{'model':'%s'," INPUT ",%s}", g->model,
		 g->others);
	check_int(build(&b, g->sets, g->members), ERR_NONE);
	if (!check_str(bench_out(&b), want))
		printf("  %s {%s}\n", g->sets, g->members);
	check_str(buf_span(&b.ask.terms.dropped), g->dropped);
	bench_close(&b);
}

static void test_raws(void)
{
	for (size_t i = 0; i < ARRAY_LEN(raws); i++) {
		char want[4096];
		struct bench b;

		check(bench_open(&b, raws[i].sets));
		check(bench_body(&b, raws[i].request));
		b.ask.request = b.body;
		b.body = NULL;
		check_int(catalog_choose(b.catalog, SPAN("gpt-5.5"), &b.ask.model, &b.note), 0);
		check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), ERR_NONE);
		snprintf(want, sizeof(want), "{'model':'gpt-5.5',%s}", raws[i].want);
		check_str(bench_out(&b), want);
		check_str(buf_span(&b.ask.terms.dropped), raws[i].dropped);
		bench_close(&b);
	}
}

/* Two workers, two requests of one conversation: the longer begins with the
 * shorter, byte by byte, up to the end of the shorter's input. */
static void test_stable(void)
{
	static const char first[] = "{'role':'system','content':'s'},{'role':'user','content':'a'}";
	char body[2048], before[2048];
	struct bench b;
	size_t same;

	snprintf(body, sizeof(body), "{'messages':[%s]}", first);
	bench_open(&b, CHATGPT);
	bench_body(&b, body);
	check_int(ask_chat(&b.ask, b.body, &b.note), 0);
	check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), 0);
	snprintf(before, sizeof(before), "%s", b.out.ptr);
	bench_close(&b);
	snprintf(body, sizeof(body), "{'messages':[%s,{'role':'assistant','content':'b'},"
		 "{'role':'user','content':'c'}]}", first);
	bench_open(&b, CHATGPT);
	bench_body(&b, body);
	check_int(ask_chat(&b.ask, b.body, &b.note), 0);
	check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), 0);
	same = (size_t)(strstr(before, "],\"reasoning\"") - before);
	check(same < 2000 && !memcmp(before, b.out.ptr, same));
	check(b.out.ptr[same] == ',');
	bench_close(&b);
}

/* A long session is a key that upstream takes, the same one each time. */
static void test_session(void)
{
	static const struct { const char *session, *key; } cases[] = {
		{ "a.b:c", "a.b:c" },
		{ "0123456789012345678901234567890123456789012345678901234567890123",
		  "0123456789012345678901234567890123456789012345678901234567890123" },
		{ "01234567890123456789012345678901234567890123456789012345678901234",
		  "52774b57c10e4504_89012345678901234567890123456789012345678901234" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;

		bench_open(&b, RESPONSES);
		bench_body(&b, "{" MSG "}");
		check_int(ask_chat(&b.ask, b.body, &b.note), 0);
		check_int(payload_build(&b.ask, cases[i].session, &b.out, &b.note), 0);
		check_str(json_get_str(b.ask.request, "prompt_cache_key"), cases[i].key);
		bench_close(&b);
	}
}

/* A buffer that is too small is an error, never half a request. */
static void test_ceiling(void)
{
	struct bench b;

	for (size_t max = 0; max < 300; max++) {
		bench_open(&b, CHATGPT);
		bench_body(&b, "{" MSG "}");
		check_int(ask_chat(&b.ask, b.body, &b.note), 0);
		buf_init(&b.out, max);
		check(payload_build(&b.ask, SESSION, &b.out, &b.note) == ERR_TOO_LARGE ||
		      (max > 200 && b.out.ptr[b.out.len - 1] == '}'));
		bench_close(&b);
	}
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(goods); i++)
		run_good(&goods[i]);
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		struct bench b;

		check_int(build(&b, bads[i].sets, bads[i].members), ERR_UNSUPPORTED_PARAM);
		check_str(span_of(b.note.param), bads[i].param);
		if (!check(strstr(b.note.tell, bads[i].words)))
			printf("  %s\n", b.note.tell);
		bench_close(&b);
	}
	test_raws();
	test_stable();
	test_session();
	test_ceiling();
	return test_end("test_payload");
}
