/*
 * test_inject.c - the prompt in a request: each rule of each mode. ' stands
 * for ".
 */
#include "../../fcgi/stream/inject.h"
#include "../../fcgi/stream/instruct.h"
#include "../../fcgi/stream/session.h"
#include "ask_help.h"

#define MODE(m) RESPONSES " CODEX__SYSTEM_PROMPT_INJECTION_MODE=" m
#define OVERRIDE MODE("override")
#define APPEND MODE("append")
#define DISABLED MODE("disabled")
#define BASE_WANTED RESPONSES " CHATMOCK_RESPONSES_NO_BASE_INSTRUCTIONS=0"

#define SYS(text) "{'type':'message','role':'system','content':[{'type':'input_text','text':'" text "'}]}"
#define DEV(text) "{'type':'message','role':'developer','content':[{'type':'input_text','text':'" text "'}]}"
#define USER "{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]}"
#define BARE "{'role':'system','content':'plain'}"

static struct prompts prompts = {
	.refs = 1,
	.of = {
		[PROMPT_BASE] = { .text = (char[]){ "P {model}!" }, .len = 10 },
		[PROMPT_CODEX] = { .text = (char[]){ "C" }, .len = 1 },
	},
};

static const struct { const char *sets, *request, *want; bool native; } cases[] = {
	/* override: the first system text and nothing else */
	{ OVERRIDE, "{'input':[" USER "]}", "{'input':[" USER "],'instructions':'P gpt-5.5!'}", false },
	{ OVERRIDE, "{'input':[" SYS("a") "," USER "," SYS("b") "]}",
	  "{'input':[" SYS("P gpt-5.5!") "," USER "," SYS("b") "]}", false },
	{ OVERRIDE, "{'input':[" USER "," DEV("a") "," SYS("b") "]}",
	  "{'input':[" USER "," DEV("P gpt-5.5!") "," SYS("b") "]}", false },
	{ OVERRIDE, "{'input':[" BARE "," USER "]}",
	  "{'input':[{'role':'system','content':'P gpt-5.5!'}," USER "]}", false },
	{ OVERRIDE, "{'instructions':'mine','input':[" SYS("a") "]}",
	  "{'instructions':'P gpt-5.5!','input':[" SYS("a") "]}", true },
	{ OVERRIDE, "{'instructions':'','input':[" USER "]}",
	  "{'instructions':'P gpt-5.5!','input':[" USER "]}", true },
	{ OVERRIDE, "{'input':'text'}", "{'input':'text','instructions':'P gpt-5.5!'}", true },
	{ OVERRIDE, "{'instructions':['x'],'input':'text'}", "{'instructions':['x'],'input':'text'}", true },
	{ OVERRIDE, "{'input':[{'type':'additional_tools','role':'developer','tools':[]}," USER "]}",
	  "{'input':[{'type':'additional_tools','role':'developer','tools':[]}," USER "],'instructions':'P gpt-5.5!'}", true },
	{ OVERRIDE, "{'input':[{'role':'system','content':[{'type':'input_text','text':'a'},{'type':'input_text','text':'b'}]}]}",
	  "{'input':[{'role':'system','content':[{'type':'input_text','text':'P gpt-5.5!'}]}]}", false },
	/* append: the first system text, a blank line, the prompt */
	{ APPEND, "{'input':[" USER "]}", "{'input':[" USER "],'instructions':'P gpt-5.5!'}", false },
	{ APPEND, "{'input':[" SYS("a") "," USER "," SYS("b") "]}",
	  "{'input':[" SYS("a\\n\\nP gpt-5.5!") "," USER "," SYS("b") "]}", false },
	{ APPEND, "{'input':[" BARE "]}", "{'input':[{'role':'system','content':'plain\\n\\nP gpt-5.5!'}]}", false },
	{ APPEND, "{'instructions':'mine','input':[" SYS("a") "]}",
	  "{'instructions':'mine\\n\\nP gpt-5.5!','input':[" SYS("a") "]}", true },
	{ APPEND, "{'input':[{'role':'system','content':[{'type':'input_text','text':'a'},{'type':'input_text','text':'b'},"
	  "{'type':'input_image','image_url':'u'}]}]}",
	  "{'input':[{'role':'system','content':[{'type':'input_text','text':'a'},"
	  "{'type':'input_text','text':'b\\n\\nP gpt-5.5!'},{'type':'input_image','image_url':'u'}]}]}", false },
	{ APPEND, "{'input':[{'role':'system','content':[{'type':'input_image','image_url':'u'}]}]}",
	  "{'input':[{'role':'system','content':[{'type':'input_image','image_url':'u'},"
	  "{'type':'input_text','text':'P gpt-5.5!'}]}]}", false },
	{ APPEND, "{'input':[{'role':'system'}]}", "{'input':[{'role':'system','content':'P gpt-5.5!'}]}", false },
	{ APPEND, "{'input':'text'}", "{'input':'text','instructions':'P gpt-5.5!'}", true },
	/* disabled: nothing added, nothing changed */
	{ DISABLED, "{'input':[" SYS("a") "," USER "]}", "{'input':[" SYS("a") "," USER "]}", false },
	{ DISABLED, "{'input':[" USER "]}", "{'input':[" USER "]}", true },
	/* the Responses API alone, where the client gives none */
	{ BASE_WANTED, "{'input':'text'}", "{'input':'text','instructions':'P gpt-5.5!'}", true },
	{ BASE_WANTED, "{'instructions':null,'input':'text'}", "{'instructions':'P gpt-5.5!','input':'text'}", true },
	{ BASE_WANTED, "{'instructions':'mine','input':'text'}", "{'instructions':'mine','input':'text'}", true },
	{ BASE_WANTED, "{'input':[" DEV("a") "]}", "{'input':[" DEV("a") "]}", true },
	{ BASE_WANTED, "{'input':[" USER "]}", "{'input':[" USER "]}", false },
	{ APPEND " CHATMOCK_RESPONSES_NO_BASE_INSTRUCTIONS=0", "{'instructions':'mine','input':'t'}",
	  "{'instructions':'mine\\n\\nP gpt-5.5!','input':'t'}", true },
	{ OVERRIDE " CHATMOCK_RESPONSES_NO_BASE_INSTRUCTIONS=1", "{'input':'t'}",
	  "{'input':'t','instructions':'P gpt-5.5!'}", true },
};

static bool ask_for(struct bench *b, const char *sets, const char *request,
		    const char *model)
{
	if (!check(bench_open(b, sets)) || !check(bench_body(b, request)))
		return false;
	b->ask.request = b->body;
	b->body = NULL;
	return check_int(catalog_choose(b->catalog, span_of(model), &b->ask.model,
					&b->note), 0);
}

static void test_rules(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;

		if (!ask_for(&b, cases[i].sets, cases[i].request, "gpt-5.5-high"))
			return;
		check_int(inject(&b.ask, &prompts, cases[i].native, &b.note), 0);
		json_write(&b.out, b.ask.request);
		if (!check_str(bench_out(&b), cases[i].want))
			printf("  %s %s\n", cases[i].sets, cases[i].request);
		bench_close(&b);
	}
}

static void expect(const char *model, const struct prompts *p, const char *want)
{
	struct bench b;

	if (!ask_for(&b, OVERRIDE, "{'input':'t'}", model))
		return;
	check_int(inject(&b.ask, p, false, &b.note), 0);
	check_str(json_get_str(b.ask.request, "instructions"), want);
	bench_close(&b);
}

/* Which text, by the model's name; {model} wherever it stands. */
static void test_texts(void)
{
	struct prompts p = { .refs = 1 };
	size_t long_len = MAX_PROMPT / 7 * 7;
	char *text = malloc(long_len);
	struct bench b;

	expect("gpt-5.3-codex", &prompts, "C");
	expect("my-CODEX-mini", &prompts, "C");
	expect("code-x", &prompts, "P code-x!");
	expect("gpt-5.5", NULL, "");
	p.of[PROMPT_BASE] = (struct prompt){ .text = (char[]){ "{model}{model {model}" },
					     .len = 21 };
	expect("m", &p, "m{model m");
	p.of[PROMPT_BASE] = (struct prompt){ .text = (char[]){ "" }, .len = 0 };
	expect("m", &p, "");
	p.of[PROMPT_BASE] = (struct prompt){ .text = (char[]){ " \n" }, .len = 2 };
	expect("m", &p, "");
	/* too many of them: the text as it is, and no failed request */
	for (size_t i = 0; i < long_len; i += 7)
		memcpy(text + i, "{model}", 7);
	p.of[PROMPT_BASE] = (struct prompt){ .text = text, .len = long_len };
	if (ask_for(&b, OVERRIDE, "{'input':'t'}", "a-model-with-a-name-that-is-long")) {
		check_int(inject(&b.ask, &p, false, &b.note), 0);
		check_int((int64_t)json_get_str(b.ask.request, "instructions").len,
			  (int64_t)long_len);
		bench_close(&b);
	}
	free(text);
}

/* The session is the client's conversation, whatever we add to it. */
static void test_session(void)
{
	char before[SESSION_MAX], after[SESSION_MAX];
	struct buf scratch;
	struct bench b;

	if (!ask_for(&b, OVERRIDE, "{'input':[" SYS("a") "," USER "]}", "gpt-5.5"))
		return;
	buf_init(&scratch, 1u << 20);
	session_id(SPAN(""), SPAN("key"), b.ask.request, &scratch, before);
	check_int(inject(&b.ask, &prompts, false, &b.note), 0);
	session_id(SPAN(""), SPAN("key"), b.ask.request, &scratch, after);
	check(strcmp(before, after) != 0);	/* so it has to be taken before */
	buf_free(&scratch);
	bench_close(&b);
}

static void test_instruct(void)
{
	static const char with[] = "{\"model\":\"a\\\"b\",\"instructions\":\"x\",\"input\":[]}";
	static const char without[] = "{\"model\":\"a\\\"b\",\"input\":[]}";
	struct instruct_memory m = { .next = 0 };
	char other[64];
	struct buf b;

	check(!instruct_lacks(span_of(with)));
	check(instruct_lacks(span_of(without)));
	check(!instruct_lacks(SPAN("")));
	check(!instruct_lacks(SPAN("{\"model\":\"a\\")));
	buf_init(&b, 1000);
	buf_str(&b, without);
	check(instruct_add(&b));
	check_str(buf_span(&b), "{\"model\":\"a\\\"b\",\"instructions\":"
		  "\"You are a helpful assistant.\",\"input\":[]}");
	check(!instruct_lacks(buf_span(&b)));
	buf_reset(&b);
	buf_str(&b, "{}");
	check(!instruct_add(&b));
	check_str(buf_span(&b), "{}");
	buf_free(&b);

	check(!instruct_known(&m, span_of(without)));
	instruct_learn(&m, span_of(without));
	instruct_learn(&m, span_of(with));
	check_int(m.next, 1);
	check(instruct_known(&m, span_of(with)));
	check(!instruct_known(&m, SPAN("{\"model\":\"a\",\"input\":[]}")));
	for (int i = 0; i < INSTRUCT_MODELS; i++) {
		check(instruct_known(&m, span_of(without)));
		snprintf(other, sizeof(other), "{\"model\":\"m%d\",\"input\":[]}", i);
		instruct_learn(&m, span_of(other));
	}
	check(!instruct_known(&m, span_of(without)));
	check(instruct_known(&m, span_of(other)));
}

int main(void)
{
	test_rules();
	test_texts();
	test_session();
	test_instruct();
	return test_end("test_inject");
}
