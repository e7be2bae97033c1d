/* test_ask_completion.c - what a legacy completion becomes. ' stands for ". */
#include "ask_help.h"

#define IN "{'type':'message','role':'user','content':[{'type':'input_text','text':'Once'}]}"

static const struct { const char *rest, *want; } goods[] = {
	{ "'prompt':'Once'", "'input':[" IN "]" },
	{ "'prompt':['Once']", "'input':[" IN "]" },
	{ "'prompt':''", "'input':[{'type':'message','role':'user','content':[{'type':'input_text','text':''}]}]" },
	{ "'prompt':'Once','suffix':null,'echo':false,'best_of':1,'n':1,'logprobs':null,'stop':null",
	  "'input':[" IN "]" },
	{ "'prompt':'Once','suffix':''", "'input':[" IN "]" },
	{ "'prompt':'Once','max_tokens':20,'temperature':0,'user':'u','reasoning_effort':'low'",
	  "'input':[" IN "],'max_output_tokens':20,'temperature':0,'user':'u','reasoning':{'effort':'low'}" },
};

static const struct { const char *rest; enum err code; const char *param, *words; } bads[] = {
	{ "'x':1", ERR_BAD_REQUEST, "prompt", "Missing" },
	{ "'prompt':null", ERR_BAD_REQUEST, "prompt", "Missing" },
	{ "'prompt':7", ERR_BAD_REQUEST, "prompt", "a string" },
	{ "'prompt':{}", ERR_BAD_REQUEST, "prompt", "a string" },
	{ "'prompt':[]", ERR_BAD_REQUEST, "prompt", "no text" },
	{ "'prompt':['a','b']", ERR_UNSUPPORTED_PARAM, "prompt", "Several prompts" },
	{ "'prompt':[1,2]", ERR_UNSUPPORTED_PARAM, "prompt", "tokens" },
	{ "'prompt':[[1],[2]]", ERR_UNSUPPORTED_PARAM, "prompt", "tokens" },
	{ "'prompt':[null]", ERR_BAD_REQUEST, "prompt[0]", "a string, got null" },
	{ "'prompt':'a','echo':true", ERR_UNSUPPORTED_PARAM, "echo", "not available" },
	{ "'prompt':'a','echo':1", ERR_BAD_REQUEST, "echo", "a boolean" },
	{ "'prompt':'a','suffix':1", ERR_BAD_REQUEST, "suffix", "a string" },
	{ "'prompt':'a','best_of':'3'", ERR_BAD_REQUEST, "best_of", "an integer" },
	{ "'prompt':'a','best_of':21", ERR_BAD_REQUEST, "best_of", "between" },
	{ "'prompt':'a','logprobs':true", ERR_BAD_REQUEST, "logprobs", "an integer" },
	{ "'prompt':'a','logprobs':6", ERR_BAD_REQUEST, "logprobs", "between 0 and 5" },
	{ "'prompt':'a','stop':[1]", ERR_BAD_REQUEST, "stop[0]", "a string" },
	{ "'prompt':'a','max_tokens':'1'", ERR_BAD_REQUEST, "max_tokens", "an integer" },
	/* by payload, all of them told */
	{ "'prompt':'a','best_of':3,'logprobs':0", ERR_UNSUPPORTED_PARAM, "best_of",
	  "best_of=3 (one answer for a request), logprobs=0 (log" },
};

static enum err ask(struct bench *b, const char *rest)
{
	char body[1024];

	snprintf(body, sizeof(body), "{'model':'gpt-5.5',%s}", rest);
	if (!check(bench_open(b, RESPONSES)) || !check(bench_body(b, body)))
		return ERR_SYSTEM;
	return ask_completion(&b->ask, b->body, &b->note);
}

/* The beginning stays the user's own; the ending stands in the order. */
static void test_suffix(void)
{
	struct json_object *input, *first, *text;
	struct bench b;

	check_int(ask(&b, "'prompt':'Once','suffix':' the end.','stop':['x'],'stream':true"), 0);
	input = json_get(b.ask.request, "input");
	check_int((int64_t)json_object_array_length(input), 2);
	first = json_object_array_get_idx(input, 0);
	check_str(json_get_str(first, "role"), "developer");
	text = json_get(json_object_array_get_idx(json_get(first, "content"), 0), "text");
	check(strstr(json_object_get_string(text), "\n the end."));
	json_write(&b.out, json_object_array_get_idx(input, 1));
	check_str(bench_out(&b), IN);
	check(b.ask.terms.stream && b.ask.terms.stop_count == 1);
	bench_close(&b);
}

int main(void)
{
	struct bench b;

	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		char want[1024];

		check_int(ask(&b, goods[i].rest), ERR_NONE);
		json_write(&b.out, b.ask.request);
		snprintf(want, sizeof(want), "{'model':'gpt-5.5',%s}", goods[i].want);
		check_str(bench_out(&b), want);
		check_str(buf_span(&b.ask.terms.dropped), "");
		bench_close(&b);
	}
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		enum err e = ask(&b, bads[i].rest);

		if (!e)
			e = payload_build(&b.ask, SESSION, &b.out, &b.note);
		if (!check_int(e, bads[i].code) ||
		    !check_str(span_of(b.note.param), bads[i].param) ||
		    !check(strstr(b.note.tell, bads[i].words)))
			printf("  %s\n  %s\n", bads[i].rest, b.note.tell);
		bench_close(&b);
	}
	test_suffix();
	return test_end("test_ask_completion");
}
