/* Chat completions, said: byte for byte, and against the official shape. */
#include "answer_fixture.h"
#include "script.h"

#define HEAD "\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\""
#define CHUNK(delta) "data: {" HEAD ",\"choices\":[{\"index\":0,\"delta\":{" delta "},\"finish_reason\":null}]}\n\n"
#define ROLE CHUNK("\"role\":\"assistant\",\"content\":\"\"")
#define FINISH(why) "data: {" HEAD ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" why "\"}]}\n\n"
#define FIGURES "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14," \
	"\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}"
#define UNKNOWN "\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0," \
	"\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0},\"partial\":true}"
#define USAGE(figures) "data: {" HEAD ",\"choices\":[]," figures "}\n\n"
#define END "data: [DONE]\n\n"
#define CALLS(inner) CHUNK("\"tool_calls\":[{" inner "}]")
#define WHOLE(message, why, figures) "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":7,\"model\":\"m\"," \
	"\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\"," message "},\"logprobs\":null,\"finish_reason\":\"" why "\"}]," figures "}"
#define CITED "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":0,\"end_index\":2,\"url\":\"http://x/\",\"title\":\"X\"}}"

#define LONG_NAME "a_function_whose_name_is_very_much_longer_than_the_sixty_four_that_upstream_takes"

enum { USE = 1, LEGACY = 2, STRUCTURED = 4, NAMES = 8 };

struct saying {
	const char *title;
	unsigned flags;
	enum reasoning_compat reasoning;
	const char *stop, *script, *stream, *whole;
};

static const struct saying sayings[] = {
	{ "text", 0, 0, NULL, S_CREATED S_KEEPALIVE S_TEXT("Hel") S_TEXT("l\\u00f6\\n\\\"") S_SEARCH S_DONE,
	  ROLE CHUNK("\"content\":\"Hel\"") CHUNK("\"content\":\"l\xc3\xb6\\n\\\"\"") FINISH("stop") END,
	  WHOLE("\"content\":\"Hell\xc3\xb6\\n\\\"\",\"refusal\":null", "stop", FIGURES) },
	{ "usage", USE, 0, NULL, S_CREATED S_TEXT("x") S_DONE,
	  ROLE CHUNK("\"content\":\"x\"") FINISH("stop") USAGE(FIGURES) END,
	  WHOLE("\"content\":\"x\",\"refusal\":null", "stop", FIGURES) },
	{ "an empty answer", USE, 0, NULL, S_CREATED S_DONE,
	  ROLE FINISH("stop") USAGE(FIGURES) END,
	  WHOLE("\"content\":\"\",\"refusal\":null", "stop", FIGURES) },
	{ "out of tokens, no figures", USE, 0, NULL, S_TEXT("x") S_INCOMPLETE("max_output_tokens"),
	  ROLE CHUNK("\"content\":\"x\"") FINISH("length") USAGE(UNKNOWN) END,
	  WHOLE("\"content\":\"x\",\"refusal\":null", "length", UNKNOWN) },
	{ "filtered", 0, 0, NULL, S_TEXT("x") S_INCOMPLETE("content_filter"),
	  ROLE CHUNK("\"content\":\"x\"") FINISH("content_filter") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null", "content_filter", UNKNOWN) },
	{ "a stop string", USE, 0, "END", S_TEXT("oneE") S_TEXT("NDtwo") S_DONE,
	  ROLE CHUNK("\"content\":\"one\"") FINISH("stop") USAGE(UNKNOWN) END,
	  WHOLE("\"content\":\"one\",\"refusal\":null", "stop", UNKNOWN) },
	{ "a refusal", 0, 0, NULL, S_REFUSAL("No") S_REFUSAL(".") S_DONE,
	  ROLE CHUNK("\"refusal\":\"No\"") CHUNK("\"refusal\":\".\"") FINISH("stop") END,
	  WHOLE("\"content\":null,\"refusal\":\"No.\"", "stop", FIGURES) },
	{ "citations", 0, 0, NULL, S_TEXT("See") S_NOTE(S_URL) S_NOTE("{\"type\":\"file_citation\"}") S_DONE,
	  ROLE CHUNK("\"content\":\"See\"") CHUNK("\"annotations\":[" CITED "]") FINISH("stop") END,
	  WHOLE("\"content\":\"See\",\"refusal\":null,\"annotations\":[" CITED "]", "stop", FIGURES) },
	{ "annotations that chat has no word for", 0, 0, NULL, S_TEXT("See") S_NOTE("{\"type\":\"file_path\"}") S_DONE,
	  ROLE CHUNK("\"content\":\"See\"") FINISH("stop") END,
	  WHOLE("\"content\":\"See\",\"refusal\":null", "stop", FIGURES) },
	{ "two calls", 0, 0, NULL, S_CALL(1, "function_call", "c1", "f") S_ARGS(1, "{\\\"a\\\"") S_ARGS(1, ":1}")
	  S_CALL(2, "function_call", "c2", "g") S_ARGS(2, "{}") S_DONE,
	  ROLE CALLS("\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}")
	  CALLS("\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}") CALLS("\"index\":0,\"function\":{\"arguments\":\":1}\"}")
	  CALLS("\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}")
	  CALLS("\"index\":1,\"function\":{\"arguments\":\"{}\"}") FINISH("tool_calls") END,
	  WHOLE("\"content\":null,\"refusal\":null,\"tool_calls\":["
		"{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},"
		"{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]", "tool_calls", FIGURES) },
	{ "a custom tool's call", 0, 0, NULL, S_CALL(1, "custom_tool_call", "c1", "f") S_INPUT(1, "in") S_DONE,
	  ROLE CALLS("\"index\":0,\"id\":\"c1\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"\"}")
	  CALLS("\"index\":0,\"custom\":{\"input\":\"in\"}") FINISH("tool_calls") END,
	  WHOLE("\"content\":null,\"refusal\":null,\"tool_calls\":["
		"{\"id\":\"c1\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"in\"}}]", "tool_calls", FIGURES) },
	{ "a call cut by the token limit", 0, 0, NULL, S_CALL(1, "function_call", "c1", "f") S_ARGS(1, "{") S_INCOMPLETE("max_output_tokens"),
	  ROLE CALLS("\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}")
	  CALLS("\"index\":0,\"function\":{\"arguments\":\"{\"}") FINISH("length") END,
	  WHOLE("\"content\":null,\"refusal\":null,\"tool_calls\":["
		"{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]", "length", UNKNOWN) },
	{ "the legacy shape holds one call", LEGACY, 0, NULL, S_CALL(1, "function_call", "c1", "f") S_ARGS(1, "{}")
	  S_CALL(2, "function_call", "c2", "g") S_ARGS(2, "{}") S_DONE,
	  ROLE CHUNK("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}") CHUNK("\"function_call\":{\"arguments\":\"{}\"}")
	  FINISH("function_call") END,
	  WHOLE("\"content\":null,\"refusal\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}", "function_call", FIGURES) },
	{ "a shortened name is found again", NAMES, 0, NULL, S_CALL(1, "function_call", "c1", "@SHORT@") S_ARGS(1, "{}") S_DONE,
	  ROLE CALLS("\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"" LONG_NAME "\",\"arguments\":\"\"}")
	  CALLS("\"index\":0,\"function\":{\"arguments\":\"{}\"}") FINISH("tool_calls") END,
	  WHOLE("\"content\":null,\"refusal\":null,\"tool_calls\":["
		"{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"" LONG_NAME "\",\"arguments\":\"{}\"}}]", "tool_calls", FIGURES) },
#define THINKING S_THOUGHT(0, "Hm") S_THOUGHT(1, "So") S_TEXT("x") S_DONE
	{ "reasoning_content", 0, COMPAT_CONTENT, NULL, THINKING,
	  ROLE CHUNK("\"reasoning_content\":\"Hm\"") CHUNK("\"reasoning_content\":\"\\n\\n\"") CHUNK("\"reasoning_content\":\"So\"")
	  CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null,\"reasoning_content\":\"Hm\\n\\nSo\"", "stop", FIGURES) },
#define O3(text) "\"reasoning\":{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}"
	{ "o3", 0, COMPAT_O3, NULL, THINKING,
	  ROLE CHUNK(O3("Hm")) CHUNK(O3("\\n\\n")) CHUNK(O3("So")) CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null," O3("Hm\\n\\nSo"), "stop", FIGURES) },
#define BOTH(text) "\"reasoning_summary\":\"" text "\",\"reasoning\":\"" text "\""
	{ "legacy", 0, COMPAT_LEGACY, NULL, THINKING,
	  ROLE CHUNK(BOTH("Hm")) CHUNK(BOTH("\\n\\n")) CHUNK(BOTH("So")) CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null," BOTH("Hm\\n\\nSo"), "stop", FIGURES) },
	{ "current", 0, COMPAT_CURRENT, NULL, THINKING,
	  ROLE CHUNK(BOTH("Hm")) CHUNK(BOTH("\\n\\n")) CHUNK(BOTH("So")) CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null," BOTH("Hm\\n\\nSo"), "stop", FIGURES) },
	{ "think tags", 0, COMPAT_THINK, NULL, THINKING,
	  ROLE CHUNK("\"content\":\"<think>\"") CHUNK("\"content\":\"Hm\"") CHUNK("\"content\":\"\\n\\n\"") CHUNK("\"content\":\"So\"")
	  CHUNK("\"content\":\"</think>\"") CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"<think>Hm\\n\\nSo</think>x\",\"refusal\":null", "stop", FIGURES) },
	{ "think tags never in structured output", STRUCTURED, COMPAT_THINK, NULL, THINKING,
	  ROLE CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null", "stop", FIGURES) },
	{ "no reasoning", 0, COMPAT_NONE, NULL, THINKING,
	  ROLE CHUNK("\"content\":\"x\"") FINISH("stop") END,
	  WHOLE("\"content\":\"x\",\"refusal\":null", "stop", FIGURES) },
};

static void say(const struct saying *s, bool whole, struct way *w)
{
	char shorted[65] = "", *script = strdup(s->script), *at;

	way_init(w, &tongue_chat);
	w->whole = whole;
	w->terms.include_usage = s->flags & USE;
	w->terms.legacy_functions = s->flags & LEGACY;
	w->terms.structured = s->flags & STRUCTURED;
	w->terms.reasoning = s->reasoning;
	if (s->stop)
		w->terms.stops[w->terms.stop_count++] = strdup(s->stop);
	if (s->flags & NAMES)
		check(names_short(&w->terms.names, SPAN(LONG_NAME), shorted));
	at = strstr(script, "@SHORT@");
	if (at) {
		struct buf b;

		buf_init(&b, 1u << 16);
		buf_add(&b, script, (size_t)(at - script));
		buf_str(&b, shorted);
		buf_str(&b, at + strlen("@SHORT@"));
		free(script);
		script = buf_take(&b);
	}
	check_int(way_run(w, script), ERR_NONE);
	free(script);
}

static void test_bytes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		struct way w;

		say(&sayings[i], false, &w);
		if (!check_str(buf_span(&w.out), sayings[i].stream))
			printf("  in: %s\n", sayings[i].title);
		way_free(&w);
		say(&sayings[i], true, &w);
		if (!check_str(buf_span(&w.out), sayings[i].whole))
			printf("  in: %s\n", sayings[i].title);
		way_free(&w);
	}
}

/* --- the official shape --- */

static bool is(struct json_object *v, const char *key, enum json_type type)
{
	struct json_object *m = NULL;

	return json_object_object_get_ex(v, key, &m) &&
	       json_object_get_type(m) == type;
}

static bool head_fits(struct json_object *v, const char *object)
{
	return is(v, "id", json_type_string) && is(v, "created", json_type_int) &&
	       is(v, "model", json_type_string) && is(v, "choices", json_type_array) &&
	       span_eq(json_get_str(v, "object"), object);
}

static bool usage_fits(struct json_object *v)
{
	struct json_object *u = json_get_object(v, "usage");

	return is(u, "prompt_tokens", json_type_int) &&
	       is(u, "completion_tokens", json_type_int) &&
	       is(u, "total_tokens", json_type_int);
}

/* One chunk; counts finish reasons. */
static void check_chunk(struct json_object *v, size_t nth, int *finishes)
{
	struct json_object *choice =
		json_object_array_get_idx(json_get_array(v, "choices"), 0);
	struct json_object *delta = json_get_object(choice, "delta");

	check(head_fits(v, "chat.completion.chunk"));
	if (!choice) {
		check(usage_fits(v));
		check_int(*finishes, 1);
		return;
	}
	check_int(json_get_int(choice, "index", -1), 0);
	check(delta != NULL);
	check(span_eq(json_get_str(delta, "role"), "assistant") == (nth == 0));
	check(json_object_object_get_ex(choice, "finish_reason", NULL));
	if (json_get(choice, "finish_reason"))
		(*finishes)++;
	else
		check_int(*finishes, 0);
}

static void test_shape(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		struct span rest, line;
		struct way w;
		size_t nth = 0;
		int finishes = 0;
		bool done = false;

		say(&sayings[i], false, &w);
		rest = buf_span(&w.out);
		while (text_next(&rest, '\n', &line)) {
			struct err_note note = ERR_NOTE_INIT;
			struct json_object *v;

			check(span_starts(line, "data: ") && !done);
			line.ptr += 6;
			line.len -= 6;
			done = span_eq(line, "[DONE]");
			v = done ? NULL : json_parse(line, &note);
			check(done || v);
			if (v)
				check_chunk(v, nth++, &finishes);
			json_object_put(v);
		}
		check(done);
		check_int(finishes, 1);
		way_free(&w);
	}
}

static void test_whole_shape(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v, *choice, *message;
		struct way w;

		say(&sayings[i], true, &w);
		v = json_parse(buf_span(&w.out), &note);
		check(v && head_fits(v, "chat.completion") && usage_fits(v));
		choice = json_object_array_get_idx(json_get_array(v, "choices"), 0);
		message = json_get_object(choice, "message");
		check(is(choice, "finish_reason", json_type_string));
		check(json_object_object_get_ex(choice, "logprobs", NULL));
		check(span_eq(json_get_str(message, "role"), "assistant"));
		check(json_object_object_get_ex(message, "content", NULL));
		check(json_object_object_get_ex(message, "refusal", NULL));
		json_object_put(v);
		way_free(&w);
	}
}

/* --- faults --- */

static void test_errors(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct fault f = { .status = 429, .type = "usage_limit_reached",
			   .code = NULL, .message = "A \"limit\"", .note = &note };
	struct emitter e = { .begun = true };
	struct buf out;

	buf_init(&out, 4096);
	tongue_chat.error_body(&out, &f);
	check_str(buf_span(&out), "{\"error\":{\"message\":\"A \\\"limit\\\"\","
		  "\"type\":\"usage_limit_reached\",\"param\":null,\"code\":null}}");
	buf_reset(&out);
	note.resets_at = 1800000000;
	note.retry_after_s = 60;
	memcpy(note.plan, "plus", 5);
	f.code = "c";
	f.param = "p";
	tongue_chat.error_event(&e, &out, &f);
	check_str(buf_span(&out), "data: {\"error\":{\"message\":\"A \\\"limit\\\"\","
		  "\"type\":\"usage_limit_reached\",\"param\":\"p\",\"code\":\"c\","
		  "\"plan_type\":\"plus\",\"resets_at\":1800000000,"
		  "\"resets_in_seconds\":60}}\n\n");
	check(e.ended);
	buf_reset(&out);
	tongue_chat.emit(&e, &out, &(struct event){ .kind = EVENT_DONE });
	check_int((int64_t)out.len, 0);
	buf_free(&out);
}

/* A failure in the stream: what came before is said, and no good end. */
static void test_broken(void)
{
	struct way w;

	way_init(&w, &tongue_chat);
	check_int(way_run(&w, S_CREATED S_TEXT("x") S_FAILED S_DONE),
		  ERR_UPSTREAM_FAILED);
	check_str(buf_span(&w.out), ROLE CHUNK("\"content\":\"x\""));
	check_int(w.failed.status, 502);
	way_free(&w);
	way_init(&w, &tongue_chat);
	check_int(way_run(&w, S_CREATED), ERR_NONE);
	check_str(buf_span(&w.out), ROLE);
	check(!decoder_ended(w.decoder));
	way_free(&w);
}

int main(void)
{
	check_str(span_of(tongue_chat.heartbeat), ": keep-alive\n\n");
	test_bytes();
	test_shape();
	test_whole_shape();
	test_errors();
	test_broken();
	return test_end("test_emit_chat");
}
