/*
 * test_emit_responses.c - upstream's events on their way to a client of their
 * own: the bytes that stay, and the few that change.
 */
#include "answer_fixture.h"
#include "../../fcgi/tongues/memory.h"

#define CREATED "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_9\",\"model\":\"up\"}}"
#define DELTA(n, s) "{\"type\":\"response.output_text.delta\",\"sequence_number\":" n ",\"item_id\":\"m\",\"delta\":\"" s "\"}"
#define ITEM(n, i, s) "{\"type\":\"response.output_item.done\",\"sequence_number\":" n ",\"output_index\":" i ",\"item\":" s "}"
#define DONE(n, out) "{\"type\":\"response.completed\",\"sequence_number\":" n ",\"response\":{\"id\":\"resp_9\",\"status\":\"completed\"," \
	"\"output\":" out ",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}"
#define EV(type, data) "event: " type "\ndata: " data "\n\n"
#define SAID_CREATED EV("response.created", CREATED)
#define TEXT_EV "response.output_text.delta"

struct example {
	const char *what, *script, *want;
	bool codex;
};

static const struct example examples[] = {
	{ "as it came, with blanks and escapes and what nobody knows",
	  CREATED "\n"
	  "{ \"item_id\" : \"m\",  \"delta\":\"\\u00e4\\/ \xc3\xa4\",\"sequence_number\":1 ,\"type\":\"response.output_text.delta\"}\n"
	  "{\"type\":\"response.brand_new.delta\",\"sequence_number\":2,\"x\":{\"y\":[1.50,null]}}\n"
	  DONE("3", "[{\"id\":\"m\"}]"),
	  SAID_CREATED
	  EV(TEXT_EV, "{ \"item_id\" : \"m\",  \"delta\":\"\\u00e4\\/ \xc3\xa4\",\"sequence_number\":1 ,\"type\":\"response.output_text.delta\"}")
	  EV("response.brand_new.delta", "{\"type\":\"response.brand_new.delta\",\"sequence_number\":2,\"x\":{\"y\":[1.50,null]}}")
	  EV("response.completed", DONE("3", "[{\"id\":\"m\"}]")), false },
	{ "an empty output is built of the items, in their places",
	  CREATED "\n" ITEM("1", "1", "{\"id\":\"b\"}") "\n" ITEM("2", "0", "{\"id\": \"a\"}") "\n" DONE("3", "[ ]"),
	  SAID_CREATED EV("response.output_item.done", ITEM("1", "1", "{\"id\":\"b\"}"))
	  EV("response.output_item.done", ITEM("2", "0", "{\"id\": \"a\"}"))
	  EV("response.completed", DONE("3", "[{\"id\": \"a\"},{\"id\":\"b\"}]")), false },
	{ "a missing one, and null",
	  ITEM("0", "0", "{}") "\n{\"response\":{},\"type\":\"response.completed\",\"sequence_number\":1}",
	  EV("response.output_item.done", ITEM("0", "0", "{}"))
	  EV("response.completed", "{\"response\":{\"output\":[{}]},\"type\":\"response.completed\",\"sequence_number\":1}"), false },
	{ "in an incomplete one too",
	  ITEM("0", "0", "{}") "\n{\"type\":\"response.incomplete\",\"sequence_number\":1,\"response\":{\"output\":null,\"status\":\"incomplete\"}}",
	  EV("response.output_item.done", ITEM("0", "0", "{}"))
	  EV("response.incomplete", "{\"type\":\"response.incomplete\",\"sequence_number\":1,\"response\":{\"output\":[{}],\"status\":\"incomplete\"}}"), false },
	{ "one that is there stays",
	  ITEM("0", "0", "{\"id\":\"a\"}") "\n" DONE("1", "[{\"id\":\"z\"}]"),
	  EV("response.output_item.done", ITEM("0", "0", "{\"id\":\"a\"}")) EV("response.completed", DONE("1", "[{\"id\":\"z\"}]")), false },
	{ "what is private is left out, and the numbers close up",
	  CREATED "\n{\"type\":\"codex.rate_limits\",\"sequence_number\":1}\n{\"type\":\"response.metadata\",\"sequence_number\":2}\n"
	  "{\"type\":\"responsesapi.websocket_timing\"}\n" DELTA("3", "a") "\n" ITEM("4", "0", "{}") "\n" DONE("105", "[]"),
	  SAID_CREATED EV(TEXT_EV, DELTA("1", "a")) EV("response.output_item.done", ITEM("2", "0", "{}"))
	  EV("response.completed", DONE("3", "[{}]")), false },
	{ "a Codex client hears it",
	  CREATED "\n{\"type\":\"codex.rate_limits\",\"sequence_number\":1}\n{\"type\":\"response.metadata\",\"x\":1}\n" DONE("2", "[]"),
	  SAID_CREATED EV("codex.rate_limits", "{\"type\":\"codex.rate_limits\",\"sequence_number\":1}")
	  EV("response.metadata", "{\"type\":\"response.metadata\",\"x\":1}") EV("response.completed", DONE("2", "[]")), true },
	{ "a keepalive is none before the response has begun",
	  "{\"type\":\"keepalive\",\"sequence_number\":0}\n" CREATED "\n{\"type\":\"keepalive\",\"sequence_number\":1}\n" DONE("2", "[]"),
	  SAID_CREATED EV("keepalive", "{\"type\":\"keepalive\",\"sequence_number\":1}") EV("response.completed", DONE("2", "[]")), false },
	{ "the WebSocket's last word",
	  CREATED "\n{\"response\":{\"output\":[]},\"sequence_number\":1,\"type\":\"response.done\"}",
	  SAID_CREATED EV("response.completed", "{\"response\":{\"output\":[]},\"sequence_number\":1,\"type\":\"response.completed\"}"), false },
	{ "no numbers: none are made",
	  "{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n{\"type\":\"response.completed\",\"response\":{}}",
	  EV("response.created", "{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}")
	  EV("response.completed", "{\"type\":\"response.completed\",\"response\":{}}"), false },
	{ "numbers that begin elsewhere",
	  DELTA("7", "a") "\n" DELTA("9", "b") "\n" DONE("10", "[]"),
	  EV(TEXT_EV, DELTA("7", "a")) EV(TEXT_EV, DELTA("8", "b")) EV("response.completed", DONE("9", "[]")), false },
	{ "numbers that are none",
	  DELTA("9223372036854775807", "a") "\n" DELTA("-1", "b") "\n" DELTA("1.5", "c") "\n" DONE("4", "[]"),
	  EV(TEXT_EV, DELTA("9223372036854775807", "a")) EV(TEXT_EV, DELTA("-1", "b")) EV(TEXT_EV, DELTA("1.5", "c"))
	  EV("response.completed", DONE("4", "[]")), false },
	{ "behind the end nothing counts",
	  DONE("0", "[]") "\n" DELTA("1", "a"), EV("response.completed", DONE("0", "[]")), false },
	{ "a failure in upstream's words",
	  CREATED "\n{\"type\":\"response.failed\",\"sequence_number\":1,\"response\":{\"error\":{\"code\":\"slow_down\",\"message\":\"m\"}}}\n" DELTA("2", "a"),
	  SAID_CREATED EV("response.failed", "{\"type\":\"response.failed\",\"sequence_number\":1,\"response\":{\"error\":{\"code\":\"slow_down\",\"message\":\"m\"}}}"), false },
	{ "what is written strangely is an end all the same",
	  ITEM("0", "0", "{}") "\n{\"type\":\"response\\u002ecompleted\",\"sequence_number\":1,\"response\":{\"output\":[],\"i\\u0064\":\"r\"}}",
	  EV("response.output_item.done", ITEM("0", "0", "{}"))
	  EV("response.completed", "{\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{\"output\":[{}],\"id\":\"r\"}}"), false },
	{ "a strange type is one line",
	  "{\"type\":\"a\\u0062\",\"sequence_number\":0}\n" DONE("1", "[]"),
	  EV("ab", "{\"type\":\"a\\u0062\",\"sequence_number\":0}") EV("response.completed", DONE("1", "[]")), false },
};

static void test_examples(void)
{
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		struct way w;

		way_init(&w, &tongue_responses);
		w.terms.private_events = examples[i].codex;
		way_run(&w, examples[i].script);
		if (!check_str(buf_span(&w.out), examples[i].want) ||
		    !check_int(w.note.code, 0))
			printf("  %s: %s\n", examples[i].what, w.note.why);
		way_free(&w);
	}
}

/* Every event there is, in its order, as it came; in a whole answer none of
 * them is in the way. */
static void test_catalogue(void)
{
	static const char *const types[] = {
		"response.created", "response.in_progress", "response.queued", "keepalive",
		"response.output_item.added", "response.output_item.done",
		"response.content_part.added", "response.content_part.done",
		"response.output_text.delta", "response.output_text.done", "response.output_text.annotation.added",
		"response.refusal.delta", "response.refusal.done",
		"response.reasoning_summary_part.added", "response.reasoning_summary_part.done",
		"response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
		"response.reasoning_text.delta", "response.reasoning_text.done",
		"response.function_call_arguments.delta", "response.function_call_arguments.done",
		"response.custom_tool_call_input.delta", "response.custom_tool_call_input.done",
		"response.web_search_call.in_progress", "response.web_search_call.searching",
		"response.web_search_call.completed", "response.file_search_call.in_progress",
		"response.file_search_call.searching", "response.file_search_call.completed",
		"response.code_interpreter_call.in_progress", "response.code_interpreter_call.interpreting",
		"response.code_interpreter_call.completed", "response.code_interpreter_call_code.delta",
		"response.code_interpreter_call_code.done", "response.image_generation_call.in_progress",
		"response.image_generation_call.generating", "response.image_generation_call.completed",
		"response.image_generation_call.partial_image", "response.mcp_call.in_progress",
		"response.mcp_call.completed", "response.mcp_call.failed", "response.mcp_call_arguments.delta",
		"response.mcp_call_arguments.done", "response.mcp_list_tools.in_progress",
		"response.mcp_list_tools.completed", "response.mcp_list_tools.failed", "response.audio.delta",
		"response.audio.done", "response.audio.transcript.delta", "response.audio.transcript.done",
		"response.completed",
	};
	struct way w[2];
	struct buf script, want;

	buf_init(&script, 1u << 20);
	buf_init(&want, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct buf one;

		buf_init(&one, 1000);
		buf_fmt(&one, "{\"type\":\"%s\",\"sequence_number\":%zu,\"item_id\":\"i\",\"output_index\":0,"
			"\"delta\":\"d\",\"item\":{\"id\":\"i\"},\"response\":{\"id\":\"r\",\"output\":[7]},\"part\":{}}",
			types[i], i);
		buf_fmt(&script, "%s\n", one.ptr);
		buf_fmt(&want, "event: %s\ndata: %s\n\n", types[i], one.ptr);
		buf_free(&one);
	}
	for (int i = 0; i < 2; i++) {
		way_init(&w[i], &tongue_responses);
		w[i].whole = i;
		check_int(way_run(&w[i], script.ptr), 0);
	}
	check_str(buf_span(&w[0].out), want.ptr);
	check(span_starts(buf_span(&w[1].out), "{\"id\":\"r\",\"output\":[7],"));
	way_free(&w[0]);
	way_free(&w[1]);
	buf_free(&script);
	buf_free(&want);
}

/* Multi-line data keeps its lines. */
static void test_lines(void)
{
	struct way w;

	way_init(&w, &tongue_responses);
	check_int(sse_push(&w.sse, SPAN("data: {\"type\":\"a\",\ndata: \"sequence_number\":4,\ndata: \"b\":1}\n\n"
					"data: {\"sequence_number\":9,\ndata: \"type\":\"a\"}\n\n")), 0);
	check_str(buf_span(&w.out), "event: a\ndata: {\"type\":\"a\",\ndata: \"sequence_number\":4,\ndata: \"b\":1}\n\n"
				    "event: a\ndata: {\"sequence_number\":5,\ndata: \"type\":\"a\"}\n\n");
	way_free(&w);
}

static void test_garbled(void)
{
	static const char *const scripts[] = {
		"{\"type\":", "[]", "7", "{\"type\":\"a\\nb\"}", "{\"type\":\"a\"} x", "{\"type\":\"a\",\"delta\":\"\\q\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct way w;

		way_init(&w, &tongue_responses);
		if (!check_int(way_run(&w, scripts[i]), ERR_UPSTREAM_GARBLED))
			printf("  %s\n", scripts[i]);
		check_str(buf_span(&w.out), "");
		way_free(&w);
	}
}

/* --- what we say ourselves --- */

#define STATE ",\"incomplete_details\":null,\"instructions\":null,\"model\":\"m\",\"output\":[],\"parallel_tool_calls\":true,\"store\":false," \
	"\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":null,\"usage\":null,\"metadata\":{}}}"
#define FAILED(n, id, error) EV("response.failed", "{\"type\":\"response.failed\",\"sequence_number\":" n ",\"response\":{\"id\":\"" id \
	"\",\"object\":\"response\",\"created_at\":7,\"status\":\"failed\",\"error\":" error STATE)

static void test_heartbeat(void)
{
	struct way w;

	way_init(&w, &tongue_responses);
	tongue_responses.beat(&w.emitter, &w.out);
	way_run(&w, CREATED);
	tongue_responses.beat(&w.emitter, &w.out);
	way_run(&w, DELTA("1", "a"));
	tongue_responses.beat(&w.emitter, &w.out);
	way_run(&w, DONE("2", "[]"));
	check_str(buf_span(&w.out), ": keep-alive\n\n" SAID_CREATED
		  EV("keepalive", "{\"type\":\"keepalive\",\"sequence_number\":1}") EV(TEXT_EV, DELTA("2", "a"))
		  EV("keepalive", "{\"type\":\"keepalive\",\"sequence_number\":3}") EV("response.completed", DONE("4", "[]")));
	way_free(&w);
}

static void test_errors(void)
{
	static const struct {
		int status;
		const char *ucode, *code, *script, *want;
	} errors[] = {
		{ 502, "", "upstream_broke", CREATED "\n" DELTA("1", "a"), SAID_CREATED EV(TEXT_EV, DELTA("1", "a"))
		  FAILED("2", "resp_9", "{\"code\":\"server_error\",\"message\":\"words\"}") },
		{ 429, "", "rate_limit_exceeded", CREATED, SAID_CREATED
		  FAILED("1", "resp_9", "{\"code\":\"rate_limit_exceeded\",\"message\":\"words\"}") },
		{ 400, "", "upstream_refused", CREATED, SAID_CREATED
		  FAILED("1", "resp_9", "{\"code\":\"invalid_prompt\",\"message\":\"words\"}") },
		{ 400, "context_length_exceeded", "context_length_exceeded", CREATED, SAID_CREATED
		  FAILED("1", "resp_9", "{\"code\":\"context_length_exceeded\",\"message\":\"words\"}") },
		/* an error event is no end: it is said as one */
		{ 502, "", "upstream_failed", CREATED "\n{\"type\":\"error\",\"sequence_number\":1,\"message\":\"m\"}", SAID_CREATED
		  FAILED("1", "resp_9", "{\"code\":\"server_error\",\"message\":\"words\"}") },
		/* before anything was said but comments */
		{ 502, "", "upstream_broke", "",
		  EV("response.created", "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\","
		     "\"created_at\":7,\"status\":\"in_progress\",\"error\":null" STATE)
		  FAILED("1", "resp_1", "{\"code\":\"server_error\",\"message\":\"words\"}") },
		/* nothing behind the end */
		{ 502, "", "upstream_broke", DONE("0", "[]"), EV("response.completed", DONE("0", "[]")) },
	};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct fault f = { errors[i].status, "t", errors[i].code, NULL, "words", "req_1", &note };
		struct way w;

		memcpy(note.ucode, errors[i].ucode, strlen(errors[i].ucode) + 1);
		way_init(&w, &tongue_responses);
		way_run(&w, errors[i].script);
		tongue_responses.error_event(&w.emitter, &w.out, &f);
		tongue_responses.error_event(&w.emitter, &w.out, &f);
		check_str(buf_span(&w.out), errors[i].want);
		way_free(&w);
	}
}

/* What the store is to an answer stands in its response, and nothing else
 * moves. ' stands for ". */
static void test_memory(void)
{
	static const struct {
		bool store;
		const char *previous, *conversation, *event, *want;
	} told[] = {
		{ true, "", "", "{'type':'response.created','sequence_number':0,'response':{'id':'r','store':false,'x':1}}",
		  "{'type':'response.created','sequence_number':0,'response':{'id':'r','store':true,'x':1}}" },
		{ false, "", "", "{'type':'response.created','sequence_number':0,'response':{'id':'r','store':false}}",
		  "{'type':'response.created','sequence_number':0,'response':{'id':'r','store':false}}" },
		{ true, "resp_1", "", "{'response': {'previous_response_id' : null ,'store':false, 'id':'r'}, 'sequence_number':0,'type':'response.created'}",
		  "{'response': {'previous_response_id' : 'resp_1' ,'store':true, 'id':'r'}, 'sequence_number':0,'type':'response.created'}" },
		{ true, "", "conv_1", "{'type':'response.created','response':{'id':'r'}}",
		  "{'type':'response.created','response':{'store':true,'conversation':{'id':'conv_1'},'id':'r'}}" },
		{ false, "", "", "{'type':'response.created','response':{'conversation':{'id':'x'},'previous_response_id':'y'}}",
		  "{'type':'response.created','response':{'store':false,'conversation':null,'previous_response_id':null}}" },
		{ true, "r'1", "", "{'type':'response.created','response':{}}",
		  "{'type':'response.created','response':{'store':true,'previous_response_id':'r\\'1'}}" },
		{ true, "", "", "{'type':'response.created','response':7}", "{'type':'response.created','response':7}" },
		{ true, "", "", "{'type':'response.content_part.added','sequence_number':0,'store':false}",
		  "{'type':'response.content_part.added','sequence_number':0,'store':false}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		char text[2][400];
		struct way w;

		for (int k = 0; k < 2; k++) {
			snprintf(text[k], sizeof(text[k]), "%s", k ? told[i].want : told[i].event);
			for (char *c = text[k]; *c; c++)
				*c = *c == '\'' ? '"' : *c;
		}
		way_init(&w, &tongue_responses);
		w.terms.memory = memory_new();
		w.terms.memory->store = told[i].store;
		snprintf(w.terms.memory->previous, STORE_ID, "%s", told[i].previous);
		for (char *c = w.terms.memory->previous; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		snprintf(w.terms.memory->conversation, STORE_ID, "%s", told[i].conversation);
		way_run(&w, text[0]);
		check(strstr(w.out.ptr, text[1]));
		if (!strstr(w.out.ptr, text[1]))
			printf("  got %s  want %s\n", w.out.ptr, text[1]);
		way_free(&w);
	}
}

/* --- whole answers --- */

#define REST ",\"error\":null,\"incomplete_details\":null"

static void whole(const char *script, const char *echo, const char *dropped,
		  const char *want)
{
	struct way w;

	way_init(&w, &tongue_responses);
	w.whole = true;
	buf_str(&w.terms.echo, echo);
	if (*dropped)
		terms_drop(&w.terms, dropped);
	check_int(way_run(&w, script), 0);
	check_str(buf_span(&w.out), want);
	way_free(&w);
}

static void test_whole(void)
{
	/* upstream's object; what is missing is the API's default */
	whole(CREATED "\n" ITEM("1", "0", "{\"id\":\"a\"}") "\n" DONE("2", "[]"), "", "",
	      "{\"id\":\"resp_9\",\"status\":\"completed\",\"output\":[{\"id\":\"a\"}],\"usage\":{\"input_tokens\":3,\"output_tokens\":4},"
	      "\"model\":\"up\",\"created_at\":7,\"object\":\"response\"" REST ",\"instructions\":null,\"max_output_tokens\":null,\"metadata\":{},"
	      "\"parallel_tool_calls\":true,\"previous_response_id\":null,\"store\":false,\"temperature\":1.0,"
	      "\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"truncation\":\"disabled\"}");
	/* the request's word: where upstream has none, and where it was not told */
	whole("{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"object\":\"response\",\"created_at\":1,\"status\":\"completed\",\"error\":null,"
	      "\"incomplete_details\":null,\"instructions\":null,\"model\":\"x\",\"output\":[ ],\"metadata\":{},\"store\":null,\"temperature\":1.0,"
	      "\"top_p\":0.98,\"max_output_tokens\":null,\"parallel_tool_calls\":true,\"previous_response_id\":null,\"text\":{\"a\": 1},"
	      "\"tool_choice\":\"auto\",\"tools\":[{\"x\":1}],\"truncation\":\"disabled\"}}",
	      "{\"instructions\":\"I\",\"temperature\":0.50,\"top_p\":0.2,\"tools\":[],\"user\":\"u\"}", "temperature",
	      "{\"id\":\"r\",\"object\":\"response\",\"created_at\":1,\"status\":\"completed\",\"error\":null,\"incomplete_details\":null,"
	      "\"instructions\":\"I\",\"model\":\"x\",\"output\":[ ],\"metadata\":{},\"store\":false,\"temperature\":0.50,\"top_p\":0.98,"
	      "\"max_output_tokens\":null,\"parallel_tool_calls\":true,\"previous_response_id\":null,\"text\":{\"a\": 1},\"tool_choice\":\"auto\","
	      "\"tools\":[{\"x\":1}],\"truncation\":\"disabled\",\"user\":\"u\"}");
}

/* A large event is looked at elsewhere and told all the same. */
static void test_large(void)
{
	static const char *const scripts[] = {
		DELTA("4", "a"), DONE("4", "[]"), "{\"type\":\"response.incomplete\",\"sequence_number\":4,\"response\":{}}",
		"{\"type\":\"response\\u002ecompleted\",\"sequence_number\":4,\"response\":{}}", "{\"type\":", "{}",
		"{\"error\":{\"code\":\"slow_down\"}}", "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"slow_down\"}}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct decode_look *look = decode_look(span_of(scripts[i]));
		struct way at_once, large;
		enum err one, other;

		way_init(&at_once, &tongue_responses);
		way_init(&large, &tongue_responses);
		one = way_run(&at_once, scripts[i]);
		other = decode_looked(large.decoder, look, &large.note);
		if (!check_int(other, one) ||
		    !check_str(buf_span(&large.out), at_once.out.ptr))
			printf("  %s\n", scripts[i]);
		check_str(span_of(large.failed.ucode), at_once.failed.ucode);
		decode_look_free(look);
		way_free(&at_once);
		way_free(&large);
	}
}

int main(void)
{
	test_examples();
	test_catalogue();
	test_lines();
	test_garbled();
	test_heartbeat();
	test_errors();
	test_memory();
	test_whole();
	test_large();
	return test_end("test_emit_responses");
}
