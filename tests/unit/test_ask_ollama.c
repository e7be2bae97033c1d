/* test_ask_ollama.c - what Ollama's requests become. ' stands for ". */
#include "ask_help.h"
#include "../../fcgi/tongues/models.h"
#include "../../fcgi/tongues/ollama.h"

#define TEXT(type, text) "{'type':'" type "','text':'" text "'}"
#define MESSAGE(role, part) "{'type':'message','role':'" role "','content':[" part "]}"
#define USER(text) MESSAGE("user", TEXT("input_text", text))
#define DEV(text) MESSAGE("developer", TEXT("input_text", text))
#define BOT(text) MESSAGE("assistant", TEXT("output_text", text))
#define FC(id, name, args) "{'type':'function_call','call_id':'" id "','name':'" name "','arguments':'" args "'}"
#define OUT(id, output) "{'type':'function_call_output','call_id':'" id "','output':" output "}"
#define PNG "iVBORw0KGgoAAAANSUhEUg=="
#define IMAGE(url) "{'type':'input_image','image_url':'data:image/" url "','detail':'auto'}"
#define HI "'messages':[{'role':'user','content':'Hi'}]"
#define CALLS(list) "{'role':'assistant','content':'','tool_calls':[" list "]}"
#define CALLED(name) "{'function':{'name':'" name "','arguments':{}}}"
#define TOOL(rest) "{'role':'tool','content':'r'" rest "}"

static const struct { const char *rest, *want; } chats[] = {
	{ HI, "'input':[" USER("Hi") "]" },
	{ "'messages':[{'role':'system','content':'S'},{'role':'user','content':'Hi'},"
	  "{'role':'assistant','content':'Yo','thinking':'hm'},{'role':'user','content':''}]",
	  "'input':[" DEV("S") "," USER("Hi") "," BOT("Yo") "," USER("") "]" },
	/* images: the kind is found in the bytes, the form is mended */
	{ "'messages':[{'role':'user','content':'What?','images':['" PNG "']}]",
	  "'input':[" MESSAGE("user", TEXT("input_text", "What?") "," IMAGE("png;base64," PNG)) "]" },
	{ "'messages':[{'role':'user','images':['_9j_4AAQSkY','R0lGODlhAQ','data:image/x;base64,UklGRgAAAABXRUJQ']}]",
	  "'input':[" MESSAGE("user", IMAGE("jpeg;base64,/9j/4AAQSkY=") "," IMAGE("gif;base64,R0lGODlhAQ==")
			      "," IMAGE("webp;base64,UklGRgAAAABXRUJQ")) "]" },
	{ "'messages':[{'role':'user','content':'x','images':['iVBORw0K\\nGgoA AAANSUhEUg']}]",
	  "'input':[" MESSAGE("user", TEXT("input_text", "x") "," IMAGE("png;base64," PNG)) "]" },
	/* calls: made ids, results by order, by name, by id */
	{ "'messages':[" CALLS("{'function':{'name':'f','arguments':{'a':[1,2.50]}}}") "," TOOL("") "]",
	  "'input':[" FC("call_0_0", "f", "{\\'a\\':[1,2.50]}") "," OUT("call_0_0", "'r'") "]" },
	{ "'messages':[" CALLS(CALLED("f") "," CALLED("g") "," CALLED("f")) "," TOOL(",'tool_name':'g'") ","
	  TOOL(",'tool_name':'f'") "," TOOL("") "]",
	  "'input':[" FC("call_0_0", "f", "{}") "," FC("call_0_1", "g", "{}") "," FC("call_0_2", "f", "{}") ","
	  OUT("call_0_1", "'r'") "," OUT("call_0_0", "'r'") "," OUT("call_0_2", "'r'") "]" },
	{ "'messages':[" CALLS("{'id':'x1','function':{'name':'f'}},{'id':'x2','function':{'name':'f','arguments':'{}'}}")
	  "," TOOL(",'tool_call_id':'x2'") "," TOOL(",'tool_call_id':'x1','tool_name':'f'") "]",
	  "'input':[" FC("x1", "f", "{}") "," FC("x2", "f", "{}") "," OUT("x2", "'r'") "," OUT("x1", "'r'") "]" },
	/* the result has an id that its call lost on the way */
	{ "'messages':[" CALLS(CALLED("f")) "," TOOL(",'tool_call_id':'call_9'") "]",
	  "'input':[" FC("call_0_0", "f", "{}") "," OUT("call_0_0", "'r'") "]" },
	/* a call that was broken off does not take a later one's result */
	{ "'messages':[" CALLS(CALLED("f")) ",{'role':'user','content':'Again'}," CALLS(CALLED("f")) "," TOOL("") "]",
	  "'input':[" FC("call_0_0", "f", "{}") "," OUT("call_0_0", "'aborted'") "," USER("Again") ","
	  FC("call_2_0", "f", "{}") "," OUT("call_2_0", "'r'") "]" },
	{ "'messages':[" CALLS(CALLED("f")) ",{'role':'tool','tool_name':'f','images':['" PNG "']}]",
	  "'input':[" FC("call_0_0", "f", "{}") "," OUT("call_0_0", "[" IMAGE("png;base64," PNG) "]") "]" },
	{ "'tools':[{'type':'function','function':{'name':'f','description':'d','parameters':{'type':'object','properties':{}}}}]," HI,
	  "'input':[" USER("Hi") "],'tools':[{'type':'function','name':'f','description':'d',"
	  "'parameters':{'type':'object','properties':{}},'strict':false}]" },
	/* format */
	{ HI ",'format':'json'", "'text':{'format':{'type':'json_object'}},'input':[" DEV("Answer with JSON.") "," USER("Hi") "]" },
	{ HI ",'format':''", "'input':[" USER("Hi") "]" },
	{ HI ",'format':{'type':'object'}", "'text':{'format':{'type':'json_schema','name':'response',"
	  "'schema':{'type':'object'},'strict':false}},'input':[" USER("Hi") "]" },
	/* think */
	{ HI ",'think':false", "'reasoning':{'effort':'none','summary':'none'},'input':[" USER("Hi") "]" },
	{ HI ",'think':true", "'reasoning':{'summary':'auto'},'input':[" USER("Hi") "]" },
	{ HI ",'think':'high'", "'reasoning':{'effort':'high','summary':'auto'},'input':[" USER("Hi") "]" },
	/* options */
	{ HI ",'options':{'num_predict':99,'temperature':0.5,'top_p':1,'num_ctx':8,'stop':['a','b','c','d','e']},'keep_alive':'5m'",
	  "'max_output_tokens':99,'temperature':0.5,'top_p':1,'input':[" USER("Hi") "]" },
	{ HI ",'options':{'num_predict':-1},'logprobs':false,'top_logprobs':0", "'input':[" USER("Hi") "]" },
	{ HI ",'options':{'num_predict':3}", "'max_output_tokens':16,'input':[" USER("Hi") "]" },
};

static const struct { const char *rest, *want; } prompts[] = {
	{ "'prompt':'Hi'", "'input':[" USER("Hi") "]" },
	{ "'prompt':'Hi','system':'S','raw':false,'context':[],'template':''", "'input':[" DEV("S") "," USER("Hi") "]" },
	{ "'prompt':'Hi','raw':true", "'input':[" USER("Hi") "]" },
	{ "'prompt':'Hi','images':['" PNG "']",
	  "'input':[" MESSAGE("user", TEXT("input_text", "Hi") "," IMAGE("png;base64," PNG)) "]" },
	{ "'prompt':'Hi','format':'json'",
	  "'text':{'format':{'type':'json_object'}},'input':[" DEV("Answer with JSON.") "," USER("Hi") "]" },
};

static const struct { bool chat; const char *rest; enum err code; const char *param, *words; } bads[] = {
	{ true, "'messages':7", ERR_BAD_REQUEST, "messages", "an array" },
	{ true, "'messages':[7]", ERR_BAD_REQUEST, "messages[0]", "an object" },
	{ true, "'messages':[{'content':'x'}]", ERR_BAD_REQUEST, "messages[0].role", "Missing" },
	{ true, "'messages':[{'role':'x','content':'x'}]", ERR_BAD_REQUEST, "messages[0].role", "none of" },
	{ true, "'messages':[{'role':'user','content':7}]", ERR_BAD_REQUEST, "messages[0].content", "a string" },
	{ true, "'messages':[{'role':'user'}]", ERR_BAD_REQUEST, "messages", "no text" },
	{ true, "'messages':[{'role':'user','images':'x'}]", ERR_BAD_REQUEST, "messages[0].images", "an array" },
	{ true, "'messages':[{'role':'user','images':[7]}]", ERR_BAD_REQUEST, "messages[0].images[0]", "a string" },
	{ true, "'messages':[{'role':'user','images':['" PNG "','a!b']}]", ERR_BAD_REQUEST, "messages[0].images[1]", "base64" },
	{ true, "'messages':[{'role':'user','images':['iVBOR']}]", ERR_BAD_REQUEST, "messages[0].images[0]", "base64" },
	{ true, "'messages':[{'role':'user','images':['QUJDREVG']}]", ERR_BAD_REQUEST, "messages[0].images[0]", "no PNG" },
	{ true, "'messages':[{'role':'user','images':['']}]", ERR_BAD_REQUEST, "messages[0].images[0]", "no PNG" },
	{ true, "'messages':[" TOOL("") "]", ERR_BAD_REQUEST, "messages[0].role", "no tool call" },
	{ true, "'messages':[" CALLS(CALLED("f")) "," TOOL("") "," TOOL("") "]", ERR_BAD_REQUEST, "messages[2].role", "no tool call" },
	{ true, "'messages':[" CALLS(CALLED("f")) "," TOOL(",'tool_name':'g'") "]", ERR_BAD_REQUEST, "messages[1].tool_name", "no tool call" },
	{ true, "'messages':[" CALLS("{'id':'a','function':{'name':'f'}}") "," TOOL(",'tool_call_id':'b'") "]",
	  ERR_BAD_REQUEST, "messages[1].tool_call_id", "no tool call" },
	{ true, "'messages':[" CALLS("{'function':{'arguments':{}}}") "]", ERR_BAD_REQUEST, "messages[0].tool_calls[0].function.name", "Missing" },
	{ true, "'messages':[" CALLS("{'function':{'name':''}}") "]", ERR_BAD_REQUEST, "messages[0].tool_calls[0].function.name", "empty" },
	{ true, "'messages':[" CALLS("{'function':{'name':'f','arguments':7}}") "]", ERR_BAD_REQUEST, "messages[0].tool_calls[0].function.arguments", "an object" },
	{ true, HI ",'format':'yaml'", ERR_BAD_REQUEST, "format", "none of json" },
	{ true, HI ",'format':7", ERR_BAD_REQUEST, "format", "a schema" },
	{ true, HI ",'think':'much'", ERR_BAD_REQUEST, "think", "none of" },
	{ true, HI ",'think':1", ERR_BAD_REQUEST, "think", "a boolean" },
	{ true, HI ",'options':[]", ERR_BAD_REQUEST, "options", "an object" },
	{ true, HI ",'options':{'temperature':'hot'}", ERR_BAD_REQUEST, "options.temperature", "a number" },
	{ true, HI ",'options':{'temperature':3}", ERR_BAD_REQUEST, "options.temperature", "between" },
	{ true, HI ",'options':{'num_predict':'x'}", ERR_BAD_REQUEST, "options.num_predict", "an integer" },
	{ true, HI ",'options':{'stop':[7]}", ERR_BAD_REQUEST, "options.stop[0]", "a string" },
	{ true, HI ",'options':{'stop':''}", ERR_BAD_REQUEST, "options.stop", "1 to" },
	{ true, HI ",'stream':'no'", ERR_BAD_REQUEST, "stream", "a boolean" },
	{ true, HI ",'keep_alive':[]", ERR_BAD_REQUEST, "keep_alive", "a duration" },
	{ true, HI ",'logprobs':true,'top_logprobs':2", ERR_UNSUPPORTED_PARAM, "logprobs", "top_logprobs=2" },
	{ false, "'prompt':7", ERR_BAD_REQUEST, "prompt", "a string" },
	{ false, "'prompt':'x','context':[1,2]", ERR_UNSUPPORTED_PARAM, "context", "/api/chat" },
	{ false, "'prompt':'x','raw':true,'system':'y'", ERR_BAD_REQUEST, "raw", "raw mode" },
	{ false, "'prompt':'x','raw':7", ERR_BAD_REQUEST, "raw", "a boolean" },
	{ false, "'prompt':'x','template':7", ERR_BAD_REQUEST, "template", "a string" },
	{ false, "'prompt':'x','images':['QUJD']", ERR_BAD_REQUEST, "images[0]", "no PNG" },
};

static enum err ask(struct bench *b, const char *sets, bool chat, const char *rest)
{
	char body[2048];

	snprintf(body, sizeof(body), "{'model':'gpt-5.5:latest',%s}", rest);
	if (!check(bench_open(b, sets)) || !check(bench_body(b, body)))
		return ERR_SYSTEM;
	return (chat ? ask_ollama : ask_ollama_generate)(&b->ask, b->body, &b->note);
}

/* The request, with its members in the order in which they were made. */
static void test_goods(void)
{
	for (size_t i = 0; i < ARRAY_LEN(chats) + ARRAY_LEN(prompts); i++) {
		bool chat = i < ARRAY_LEN(chats);
		size_t n = chat ? i : i - ARRAY_LEN(chats);
		const char *rest = chat ? chats[n].rest : prompts[n].rest;
		struct bench b;
		char want[2048];

		check_int(ask(&b, RESPONSES, chat, rest), ERR_NONE);
		json_write(&b.out, b.ask.request);
		snprintf(want, sizeof(want), "{'model':'gpt-5.5',%s}",
			 chat ? chats[n].want : prompts[n].want);
		if (!check_str(bench_out(&b), want))
			printf("  of: %s\n", rest);
		check(b.ask.terms.stream && b.ask.terms.whole_calls);
		check_str(span_of(b.ask.terms.model), "gpt-5.5:latest");
		check(!b.ask.terms.at_once);
		bench_close(&b);
	}
}

static void test_bads(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		struct bench b;
		enum err e = ask(&b, RESPONSES, bads[i].chat, bads[i].rest);

		if (!e)
			e = payload_build(&b.ask, SESSION, &b.out, &b.note);
		if (!check_int(e, bads[i].code) ||
		    !check_str(span_of(b.note.param), bads[i].param) ||
		    !check(strstr(b.note.tell, bads[i].words)))
			printf("  %s: %s\n", bads[i].rest, b.note.tell);
		bench_close(&b);
	}
}

/* Nothing asked: load, or unload with keep_alive 0. */
static void test_at_once(void)
{
	static const struct { bool chat; const char *rest, *why; } cases[] = {
		{ true, "'messages':[]", "load" }, { true, "'stream':false", "load" },
		{ true, "'messages':[],'keep_alive':0", "unload" },
		{ true, "'messages':[],'keep_alive':'0'", "unload" },
		{ true, "'messages':[],'keep_alive':'0s'", "unload" },
		{ true, "'messages':[],'keep_alive':'10m'", "load" },
		{ true, "'messages':[],'keep_alive':-1", "load" },
		{ false, "'prompt':''", "load" }, { false, "'stream':true", "load" },
		{ false, "'keep_alive':0.0", "unload" },
		{ false, "'prompt':'','suffix':'','images':[]", "load" },
		{ false, "'prompt':'','suffix':'x'", NULL },
		{ false, "'images':['" PNG "']", NULL },
		{ true, HI ",'keep_alive':0", NULL },
	};
	struct bench b;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_int(ask(&b, RESPONSES, cases[i].chat, cases[i].rest), ERR_NONE);
		if (!check_str(span_of(b.ask.terms.at_once), cases[i].why ? cases[i].why : ""))
			printf("  of: %s\n", cases[i].rest);
		bench_close(&b);
	}
}

/* How reasoning is shown: think counts, then header and setting. */
static void test_thinking(void)
{
	static const struct { const char *sets, *header, *rest; enum reasoning_compat want; } cases[] = {
		{ RESPONSES, NULL, HI, COMPAT_CONTENT },
		{ RESPONSES " CHATMOCK_REASONING_COMPAT=o3", NULL, HI, COMPAT_CONTENT },
		{ RESPONSES " CHATMOCK_REASONING_COMPAT=legacy", NULL, HI, COMPAT_CONTENT },
		{ RESPONSES " CHATMOCK_REASONING_COMPAT=think-tags", NULL, HI, COMPAT_THINK },
		{ RESPONSES " CHATMOCK_REASONING_COMPAT=none", NULL, HI, COMPAT_NONE },
		{ RESPONSES, "none", HI, COMPAT_NONE },
		{ RESPONSES " CHATMOCK_REASONING_COMPAT=none", NULL, HI ",'think':true", COMPAT_CONTENT },
		{ RESPONSES " CHATMOCK_REASONING_COMPAT=think-tags", NULL, HI ",'think':'low'", COMPAT_CONTENT },
		{ RESPONSES, NULL, HI ",'think':false", COMPAT_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;
		char body[512];

		snprintf(body, sizeof(body), "{'model':'gpt-5.5',%s}", cases[i].rest);
		if (!check(bench_open(&b, cases[i].sets)) || !check(bench_body(&b, body)))
			return;
		b.ask.reasoning_header = cases[i].header;
		check_int(ask_ollama(&b.ask, b.body, &b.note), ERR_NONE);
		check_int((int)b.ask.terms.reasoning, (int)cases[i].want);
		bench_close(&b);
	}
}

/* What becomes of it in the payload, and what is said to be dropped. */
static void test_payload(void)
{
	static const struct { const char *sets, *model, *rest, *has, *dropped; } cases[] = {
		{ CHATGPT, "gpt-5.5", "'think':false", "'reasoning':{'effort':'low'}", "" },
		{ CHATGPT, "gpt-5.2", "'think':false", "'reasoning':{'effort':'none'}", "" },
		{ CHATGPT, "gpt-5.5", "'think':'max'", "'reasoning':{'effort':'xhigh','summary':'auto'}", "" },
		{ CHATGPT " CHATMOCK_REASONING_SUMMARY=none", "gpt-5.5", "'think':true",
		  "'reasoning':{'effort':'medium','summary':'auto'}", "" },
		{ RESPONSES, "gpt-4o", "'think':false", "'model':'gpt-4o','input':[" USER("Hi") "],'store'", "" },
		{ RESPONSES, "gpt-4o:latest", "'think':true", "'reasoning':{'summary':'auto'}", "" },
		{ CHATGPT, "gpt-5.5", "'options':{'num_predict':9,'temperature':1,'top_k':4,'seed':1,'num_ctx':5}",
		  "'model':'gpt-5.5','input':[" USER("Hi") "],'reasoning'",
		  "num_predict, temperature, top_k, num_ctx, seed" },
		{ RESPONSES, "gpt-5.5", "'options':{'num_predict':99,'repeat_penalty':1.1},'truncate':true",
		  "'max_output_tokens':99", "repeat_penalty, truncate" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;
		char body[512];

		snprintf(body, sizeof(body), "{'model':'%s'," HI ",%s}", cases[i].model, cases[i].rest);
		if (!check(bench_open(&b, cases[i].sets)) || !check(bench_body(&b, body)))
			return;
		check_int(ask_ollama(&b.ask, b.body, &b.note), ERR_NONE);
		check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), ERR_NONE);
		if (!check(strstr(bench_out(&b).ptr, cases[i].has)))
			printf("  %s\n", b.out.ptr);
		check_str(buf_span(&b.ask.terms.dropped), cases[i].dropped);
		bench_close(&b);
	}
}

/* A request of many calls and results is read in time. */
static void test_many(void)
{
	enum { TURNS = 300, EACH = 100 };
	struct bench b;
	struct buf text;

	buf_init(&text, 64u << 20);
	buf_str(&text, "{'messages':[");
	for (int i = 0; i < TURNS; i++) {
		buf_str(&text, i ? ",{'role':'user','content':'x'},{'role':'assistant','tool_calls':[" :
				   "{'role':'assistant','tool_calls':[");
		for (int j = 0; j < EACH; j++)
			buf_fmt(&text, "%s" CALLED("%c"), j ? "," : "", j % 2 ? 'f' : 'g');
		buf_str(&text, "]}");
		for (int j = 0; j < EACH; j++)
			buf_fmt(&text, "," TOOL(",'tool_name':'%c'"), j < EACH / 2 ? 'f' : 'g');
	}
	buf_str(&text, "]}");
	check(bench_open(&b, RESPONSES) && bench_body(&b, text.ptr));
	check_int(ask_ollama(&b.ask, b.body, &b.note), ERR_NONE);
	check_int((int64_t)json_object_array_length(json_get(b.ask.request, "input")),
		  TURNS * EACH * 2 + TURNS - 1);
	bench_close(&b);
	buf_reset(&text);
	buf_str(&text, "{'messages':[" "{'role':'assistant','tool_calls':[");
	for (unsigned j = 0; j <= MAX_TOOLS; j++)
		buf_fmt(&text, "%s" CALLED("f"), j ? "," : "");
	buf_str(&text, "]}]}");
	check(bench_open(&b, RESPONSES) && bench_body(&b, text.ptr));
	check_int(ask_ollama(&b.ask, b.body, &b.note), ERR_BAD_REQUEST);
	check_str(span_of(b.note.param), "messages[0].tool_calls");
	bench_close(&b);
	buf_free(&text);
}

/* Stop strings: more than OpenAI takes, but not without end. */
static void test_stops(void)
{
	struct bench b;
	struct buf text;

	for (int count = MAX_STOPS_KEPT; count <= MAX_STOPS_KEPT + 1; count++) {
		buf_init(&text, 4096);
		buf_str(&text, "{" HI ",'options':{'stop':[");
		for (int i = 0; i < count; i++)
			buf_fmt(&text, "%s'%d'", i ? "," : "", i);
		buf_str(&text, "]}}");
		check(bench_open(&b, RESPONSES) && bench_body(&b, text.ptr));
		check_int(ask_ollama(&b.ask, b.body, &b.note),
			  count > MAX_STOPS_KEPT ? ERR_BAD_REQUEST : ERR_NONE);
		check(count > MAX_STOPS_KEPT || b.ask.terms.stop_count == MAX_STOPS_KEPT);
		bench_close(&b);
		buf_free(&text);
	}
	/* both places together */
	check_int(ask(&b, RESPONSES, true, HI ",'stop':['a','b'],'options':{'stop':'c'}"), ERR_NONE);
	check_int((int64_t)b.ask.terms.stop_count, 3);
	bench_close(&b);
}

static void show(struct bench *b, const char *body, enum err code, const char *want)
{
	buf_reset(&b->out);
	b->note = ERR_NOTE_INIT;
	check_int(ollama_show(&b->config, b->catalog, span_of(body), &b->out, &b->note), code);
	if (!check(strstr(code ? b->note.tell : b->out.ptr, want)))
		printf("  %s\n", code ? b->note.tell : b->out.ptr);
}

static void test_models(void)
{
	struct bench b;
	struct span name = SPAN("a:latest");

	check(ollama_cut_tag(&name) && span_eq(name, "a") && !ollama_cut_tag(&name));
	name = SPAN(":latest");
	check(!ollama_cut_tag(&name));
	check(bench_open(&b, RESPONSES));
	show(&b, "{\"model\":\"gpt-6.1-terra:latest\"}", ERR_NONE, "\"general.architecture\":\"gpt\",\"gpt.context_length\":500000");
	show(&b, "{\"name\":\"gpt-5.5-high\"}", ERR_NONE,
	     "\"capabilities\":[\"completion\",\"tools\",\"vision\",\"thinking\"]");
	show(&b, "{\"model\":\"no\\\"such\"}", ERR_MODEL_NOT_FOUND, "model 'no\"such' not found");
	show(&b, "{}", ERR_BAD_REQUEST, "model is required");
	show(&b, "[]", ERR_BAD_REQUEST, "model is required");
	show(&b, "{", ERR_BAD_JSON, "");
	show(&b, "", ERR_BAD_JSON, "");
	buf_reset(&b.out);
	ollama_tags(&b.config, b.catalog, &b.out);
	b.body = json_parse(buf_span(&b.out), &b.note);
	check(json_object_array_length(json_get(b.body, "models")) > 5);
	bench_close(&b);
}

int main(void)
{
	test_goods();
	test_bads();
	test_at_once();
	test_thinking();
	test_payload();
	test_many();
	test_stops();
	test_models();
	return test_end("test_ask_ollama");
}
