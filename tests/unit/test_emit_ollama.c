/* Ollama's answers, said: byte for byte, to a chat and to a prompt. */
#include "answer_fixture.h"
#include "script.h"
#include "../../shared/clock.h"

#include <stdlib.h>

#define HEAD "{\"model\":\"m\",\"created_at\":\"2027-01-15T08:00:00.000Z\","
#define NEXT ",\"done\":false}\n"
#define CHAT(inside) "\"message\":{\"role\":\"assistant\",\"content\":" inside "}"
#define C_TEXT(text) HEAD CHAT("\"" text "\"") NEXT
#define C_THOUGHT(text) HEAD CHAT("\"\",\"thinking\":\"" text "\"") NEXT
#define CALL(index, id, name, args) "{\"id\":\"" id "\",\"function\":{\"index\":" #index \
	",\"name\":\"" name "\",\"arguments\":" args "}}"
#define C_CALL(call) HEAD CHAT("\"\",\"tool_calls\":[" call "]") NEXT
#define G_TEXT(text) HEAD "\"response\":\"" text "\"" NEXT
#define G_THOUGHT(text) HEAD "\"response\":\"\",\"thinking\":\"" text "\"" NEXT
#define TIMES(in, out) ",\"total_duration\":5000000" in ",\"prompt_eval_duration\":2000000" \
	out ",\"eval_duration\":3000000}"
#define FIGURES TIMES(",\"prompt_eval_count\":9", ",\"eval_count\":5")
#define UNKNOWN TIMES("", "")
#define OVER(why) ",\"done\":true,\"done_reason\":\"" why "\""
#define C_END(why, figures) HEAD CHAT("\"\"") OVER(why) figures "\n"
#define G_END(why, figures) HEAD "\"response\":\"\"" OVER(why) figures "\n"
#define C_WHOLE(inside, why, figures) HEAD CHAT(inside) OVER(why) figures
#define G_WHOLE(inside, why, figures) HEAD "\"response\":" inside OVER(why) figures

#define TWO_CALLS S_CALL(6, "function_call", "c1", "f") S_CALL(7, "function_call", "c2", "g") \
	S_ARGS(6, "{\\\"a\\\":") S_ARGS(7, "{}") S_ARGS(6, "1}")
#define S_ARGS_ONLY(text) S_CALL(6, "function_call", "c1", "f") S_ARGS(6, text) S_DONE
#define ONE_CALL(args) C_CALL(CALL(0, "c1", "f", args)) C_END("stop", FIGURES)
#define ONE_WHOLE(args) C_WHOLE("\"\",\"tool_calls\":[" CALL(0, "c1", "f", args) "]", "stop", FIGURES)

static const struct {
	const char *title;
	const struct tongue *tongue;
	enum reasoning_compat reasoning;
	const char *stop, *script, *stream, *whole;
} sayings[] = {
	{ "text", &tongue_ollama, COMPAT_CONTENT, NULL,
	  S_CREATED S_KEEPALIVE S_TEXT("Hel") S_TEXT("lo\\n") S_SEARCH S_DONE,
	  C_TEXT("Hel") C_TEXT("lo\\n") C_END("stop", FIGURES), C_WHOLE("\"Hello\\n\"", "stop", FIGURES) },
	{ "empty", &tongue_ollama, COMPAT_CONTENT, NULL, S_CREATED S_DONE,
	  C_END("stop", FIGURES), C_WHOLE("\"\"", "stop", FIGURES) },
	{ "thinking", &tongue_ollama, COMPAT_CONTENT, NULL,
	  S_THOUGHT(0, "Hm") S_THOUGHT(1, "So") S_TEXT("x") S_DONE,
	  C_THOUGHT("Hm") C_THOUGHT("\\n\\n") C_THOUGHT("So") C_TEXT("x") C_END("stop", FIGURES),
	  C_WHOLE("\"x\",\"thinking\":\"Hm\\n\\nSo\"", "stop", FIGURES) },
	{ "thinking as tags", &tongue_ollama, COMPAT_THINK, NULL, S_THOUGHT(0, "Hm") S_TEXT("x") S_DONE,
	  C_TEXT("<think>") C_TEXT("Hm") C_TEXT("</think>") C_TEXT("x") C_END("stop", FIGURES),
	  C_WHOLE("\"<think>Hm</think>x\"", "stop", FIGURES) },
	{ "thinking not wanted", &tongue_ollama, COMPAT_NONE, NULL, S_THOUGHT(0, "Hm") S_TEXT("x") S_DONE,
	  C_TEXT("x") C_END("stop", FIGURES), C_WHOLE("\"x\"", "stop", FIGURES) },
	{ "length", &tongue_ollama, COMPAT_CONTENT, NULL, S_TEXT("x") S_INCOMPLETE("max_output_tokens"),
	  C_TEXT("x") C_END("length", UNKNOWN), C_WHOLE("\"x\"", "length", UNKNOWN) },
	{ "filter", &tongue_ollama, COMPAT_CONTENT, NULL, S_TEXT("x") S_INCOMPLETE("content_filter"),
	  C_TEXT("x") C_END("content_filter", UNKNOWN), C_WHOLE("\"x\"", "content_filter", UNKNOWN) },
	{ "a stop string", &tongue_ollama, COMPAT_CONTENT, "\n", S_TEXT("one\\ntwo") S_DONE,
	  C_TEXT("one") C_END("stop", UNKNOWN), C_WHOLE("\"one\"", "stop", UNKNOWN) },
	{ "a refusal is text here", &tongue_ollama, COMPAT_CONTENT, NULL, S_REFUSAL("No.") S_DONE,
	  C_TEXT("No.") C_END("stop", FIGURES), C_WHOLE("\"No.\"", "stop", FIGURES) },
	{ "citations have no place", &tongue_ollama, COMPAT_CONTENT, NULL, S_TEXT("x") S_NOTE(S_URL) S_DONE,
	  C_TEXT("x") C_END("stop", FIGURES), C_WHOLE("\"x\"", "stop", FIGURES) },
	{ "calls, each when it is complete", &tongue_ollama, COMPAT_CONTENT, NULL, TWO_CALLS S_DONE,
	  C_CALL(CALL(0, "c1", "f", "{\"a\":1}")) C_CALL(CALL(1, "c2", "g", "{}")) C_END("stop", FIGURES),
	  C_WHOLE("\"\",\"tool_calls\":[" CALL(0, "c1", "f", "{\"a\":1}") "," CALL(1, "c2", "g", "{}") "]",
		  "stop", FIGURES) },
	{ "arguments in lines", &tongue_ollama, COMPAT_CONTENT, NULL,
	  S_ARGS_ONLY("{\\n  \\\"k\\\": [1,\\r\\n2]\\n}"), ONE_CALL("{\"k\":[1,2]}"), ONE_WHOLE("{\"k\":[1,2]}") },
	{ "arguments broken off", &tongue_ollama, COMPAT_CONTENT, NULL, S_ARGS_ONLY("{\\\"a\\\":"),
	  ONE_CALL("{\"_arguments\":\"{\\\"a\\\":\"}"), ONE_WHOLE("{\"_arguments\":\"{\\\"a\\\":\"}") },
	{ "arguments that are no object", &tongue_ollama, COMPAT_CONTENT, NULL, S_ARGS_ONLY("[1]"),
	  ONE_CALL("{\"_arguments\":\"[1]\"}"), ONE_WHOLE("{\"_arguments\":\"[1]\"}") },
	{ "no arguments", &tongue_ollama, COMPAT_CONTENT, NULL, S_CALL(6, "function_call", "c1", "f") S_DONE,
	  ONE_CALL("{}"), ONE_WHOLE("{}") },
	{ "to a prompt", &tongue_ollama_generate, COMPAT_CONTENT, NULL, S_THOUGHT(0, "Hm") S_TEXT("x") S_DONE,
	  G_THOUGHT("Hm") G_TEXT("x") G_END("stop", FIGURES),
	  G_WHOLE("\"x\",\"thinking\":\"Hm\"", "stop", FIGURES) },
	{ "a refusal to a prompt, and a call that has no place", &tongue_ollama_generate, COMPAT_CONTENT, NULL,
	  S_REFUSAL("No.") TWO_CALLS S_DONE, G_TEXT("No.") G_END("stop", FIGURES),
	  G_WHOLE("\"No.\"", "stop", FIGURES) },
};

static void way_begin(struct way *w, const struct tongue *tongue, bool whole)
{
	way_init(w, tongue);
	w->whole = whole;
	w->terms.whole_calls = !whole;
	w->terms.begun_us = 1000;
	w->terms.first_us = 3000;
	w->terms.done_us = 6000;
}

static void test_sayings(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings) * 2; i++) {
		size_t n = i / 2;
		struct way w;

		way_begin(&w, sayings[n].tongue, i % 2);
		w.terms.reasoning = sayings[n].reasoning;
		if (sayings[n].stop)
			w.terms.stops[w.terms.stop_count++] = strdup(sayings[n].stop);
		check_int(way_run(&w, sayings[n].script), ERR_NONE);
		if (!check_str(buf_span(&w.out), w.whole ? sayings[n].whole :
							   sayings[n].stream))
			printf("  in: %s\n", sayings[n].title);
		way_free(&w);
	}
}

/* What was not measured is not there. */
static void test_at_once(void)
{
	struct event done = { .kind = EVENT_DONE };
	struct way w;

	way_begin(&w, &tongue_ollama, false);
	w.terms.at_once = "load";
	tongue_ollama.emit(&w.emitter, &w.out, &done);
	check_str(buf_span(&w.out), C_END("load", "}"));
	way_free(&w);

	way_begin(&w, &tongue_ollama_generate, true);
	w.terms.at_once = "unload";
	tongue_ollama_generate.whole(&w.terms, &w.out, &w.answer);
	check_str(buf_span(&w.out), G_WHOLE("\"\"", "unload", "}"));
	way_free(&w);

	way_begin(&w, &tongue_ollama, false);
	w.terms.first_us = w.terms.done_us = 0;
	tongue_ollama.emit(&w.emitter, &w.out, &done);
	check_str(buf_span(&w.out), C_END("stop", "}"));
	way_free(&w);
}

static void test_beat(void)
{
	struct way w;

	way_begin(&w, &tongue_ollama, false);
	tongue_ollama.beat(&w.emitter, &w.out);
	check_str(buf_span(&w.out), C_TEXT(""));
	buf_reset(&w.out);
	w.terms.tongue = &tongue_ollama_generate;
	tongue_ollama_generate.beat(&w.emitter, &w.out);
	check_str(buf_span(&w.out), G_TEXT(""));
	way_free(&w);
}

/* The time goes on, within a second and beyond it. */
static void test_stamp(void)
{
	static const struct { const char *clock, *want; } cases[] = {
		{ "1800000000", "08:00:00.000Z" }, { "1800000001", "08:00:01.000Z" },
		{ "1799999999", "07:59:59.000Z" },
	};
	struct way w;

	way_begin(&w, &tongue_ollama, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setenv("CHATMOCK_TEST_CLOCK", cases[i].clock, 1);
		clock_test_changed();
		buf_reset(&w.out);
		tongue_ollama.beat(&w.emitter, &w.out);
		check(strstr(w.out.ptr, cases[i].want));
	}
	unsetenv("CHATMOCK_TEST_CLOCK");
	clock_test_changed();
	for (int i = 0; i < 1000; i++) {
		char before[32], after[32];
		const char *said;

		clock_rfc3339(before, clock_wall_us());
		buf_reset(&w.out);
		tongue_ollama.beat(&w.emitter, &w.out);
		clock_rfc3339(after, clock_wall_us());
		said = strstr(w.out.ptr, "_at\":\"") + 6;
		check(strncmp(said, before, 24) >= 0 && strncmp(said, after, 24) <= 0);
	}
	setenv("CHATMOCK_TEST_CLOCK", "1800000000", 1);
	clock_test_changed();
	way_free(&w);
}

/* An error is the last line, and nothing makes a good end of it any more. */
static void test_error(void)
{
	struct fault f = { .message = "m \"x\"", .type = "t" };
	struct way w;

	way_begin(&w, &tongue_ollama, false);
	tongue_ollama.error_event(&w.emitter, &w.out, &f);
	tongue_ollama.emit(&w.emitter, &w.out, &(struct event){ .kind = EVENT_TEXT, .text = SPAN("x") });
	tongue_ollama.emit(&w.emitter, &w.out, &(struct event){ .kind = EVENT_DONE });
	check_str(buf_span(&w.out), "{\"error\":\"m \\\"x\\\"\"}\n");
	buf_reset(&w.out);
	tongue_ollama.error_body(&w.out, &f);
	check_str(buf_span(&w.out), "{\"error\":\"m \\\"x\\\"\"}");
	way_free(&w);
}

/* A failure in the midst of a call tells nothing of the call. */
static void test_half_call(void)
{
	struct way w;

	way_begin(&w, &tongue_ollama, false);
	check_int(way_run(&w, S_CALL(6, "function_call", "c1", "f") S_ARGS(6, "{") S_FAILED),
		  ERR_UPSTREAM_FAILED);
	check_str(buf_span(&w.out), "");
	way_free(&w);
}

int main(void)
{
	setenv("CHATMOCK_TEST_CLOCK", "1800000000", 1);
	test_sayings();
	test_at_once();
	test_beat();
	test_stamp();
	test_error();
	test_half_call();
	return test_end("test_emit_ollama");
}
