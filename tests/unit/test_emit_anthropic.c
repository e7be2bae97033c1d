/* Messages, said: byte for byte, every way from one block to the next. */
#include "../../fcgi/tongues/anthropic.h"
#include "answer_fixture.h"
#include "script.h"

#define EV(name, rest) "event: " name "\ndata: {\"type\":\"" name "\"" rest "}\n\n"
#define NOTHING "\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0"
#define FIGURES "\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":4,\"output_tokens\":5"
#define HEAD "\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\""
#define START EV("message_start", ",\"message\":{" HEAD ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null," NOTHING "}}") \
	EV("ping", "")
#define OPEN(i, block) EV("content_block_start", ",\"index\":" #i ",\"content_block\":{" block "}")
#define DELTA(i, delta) EV("content_block_delta", ",\"index\":" #i ",\"delta\":{" delta "}")
#define CLOSE(i) EV("content_block_stop", ",\"index\":" #i)
#define TEXT_OPEN(i) OPEN(i, "\"type\":\"text\",\"text\":\"\"")
#define TEXT(i, text) DELTA(i, "\"type\":\"text_delta\",\"text\":\"" text "\"")
#define THINK_OPEN(i) OPEN(i, "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
#define THINK(i, text) DELTA(i, "\"type\":\"thinking_delta\",\"thinking\":\"" text "\"")
#define SIGN(i, seal) DELTA(i, "\"type\":\"signature_delta\",\"signature\":\"" seal "\"")
#define USE(i, id, name) OPEN(i, "\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{}")
#define ARGS(i, text) DELTA(i, "\"type\":\"input_json_delta\",\"partial_json\":\"" text "\"")
#define END_(why, stop, figures) EV("message_delta", ",\"delta\":{\"stop_reason\":\"" why "\",\"stop_sequence\":" stop "}," figures "}") \
	EV("message_stop", "")
#define END(why) END_(why, "null", FIGURES)
#define WHOLE_(blocks, why, stop, figures) "{" HEAD ",\"content\":[" blocks "],\"stop_reason\":\"" why "\",\"stop_sequence\":" stop "," figures "}}"
#define WHOLE(blocks, why) WHOLE_(blocks, why, "null", FIGURES)
#define W_TEXT(text) "{\"type\":\"text\",\"text\":\"" text "\"}"
#define W_THINK(text, seal) "{\"type\":\"thinking\",\"thinking\":\"" text "\",\"signature\":\"" seal "\"}"
#define W_USE(id, name, input) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":" input "}"

#define S_REASON(i, id, sealed) "{\"type\":\"response.output_item.done\",\"output_index\":" #i ",\"item\":{" \
	"\"type\":\"reasoning\",\"id\":\"" id "\",\"summary\":[]" sealed "}}\n"
#define SEALED ",\"encrypted_content\":\"QUJD\""
#define SEAL "cm1.5a96eddccd4c5bac.rs_1.QUJD"
#define S_HIDDEN(i, text) "{\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":" #i ",\"summary_index\":0,\"delta\":\"" text "\"}\n"
#define S_TEXT_AT(i, text) "{\"type\":\"response.output_text.delta\",\"output_index\":" #i ",\"delta\":\"" text "\"}\n"
#define S_CALL_DONE(i, id, name, args) "{\"type\":\"response.output_item.done\",\"output_index\":" #i ",\"item\":{" \
	"\"type\":\"function_call\",\"id\":\"i" #i "\",\"call_id\":\"" id "\",\"name\":\"" name "\",\"arguments\":\"" args "\"}}\n"
#define S_FOUND "{\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"web_search_call\",\"id\":\"ws_1\"," \
	"\"status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\"q\\\"\",\"sources\":[{\"type\":\"url\",\"url\":\"http://x/\"},{\"type\":\"api\"}]}}}\n"
#define S_OTHER_TOOL "{\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":\"image_generation_call\",\"id\":\"ig\"}}\n"
#define CITED "{\"type\":\"web_search_result_location\",\"url\":\"http://x/\",\"title\":\"X\",\"cited_text\":\"\",\"encrypted_index\":\"\"}"

enum { HIDDEN = 1, NONE = 2 };

struct saying { const char *title; unsigned flags; const char *stop, *script, *stream, *whole; };

static const struct saying sayings[] = {
	{ "text", 0, NULL, S_CREATED S_KEEPALIVE S_TEXT("Hel") S_TEXT("l\\u00f6\\n\\\"") S_DONE,
	  START TEXT_OPEN(0) TEXT(0, "Hel") TEXT(0, "l\xc3\xb6\\n\\\"") CLOSE(0) END("end_turn"),
	  WHOLE(W_TEXT("Hell\xc3\xb6\\n\\\""), "end_turn") },
	{ "an empty answer", 0, NULL, S_CREATED S_DONE, START END("end_turn"), WHOLE("", "end_turn") },
	{ "two messages", 0, NULL, S_TEXT_AT(1, "a") S_TEXT_AT(2, "b") S_DONE,
	  START TEXT_OPEN(0) TEXT(0, "a") CLOSE(0) TEXT_OPEN(1) TEXT(1, "b") CLOSE(1) END("end_turn"),
	  WHOLE(W_TEXT("a") "," W_TEXT("b"), "end_turn") },
	{ "out of tokens, no figures", 0, NULL, S_TEXT("x") S_INCOMPLETE("max_output_tokens"),
	  START TEXT_OPEN(0) TEXT(0, "x") CLOSE(0) END_("max_tokens", "null", NOTHING),
	  WHOLE_(W_TEXT("x"), "max_tokens", "null", NOTHING) },
	{ "filtered", 0, NULL, S_TEXT("x") S_INCOMPLETE("content_filter"),
	  START TEXT_OPEN(0) TEXT(0, "x") CLOSE(0) END_("refusal", "null", NOTHING),
	  WHOLE_(W_TEXT("x"), "refusal", "null", NOTHING) },
	{ "a refusal", 0, NULL, S_REFUSAL("No") S_REFUSAL(".") S_DONE,
	  START TEXT_OPEN(0) TEXT(0, "No") TEXT(0, ".") CLOSE(0) END("refusal"),
	  WHOLE(W_TEXT("No."), "refusal") },
	{ "a stop sequence", 0, "EN\"D", S_TEXT("oneE") S_TEXT("N\\\"Dtwo") S_DONE,
	  START TEXT_OPEN(0) TEXT(0, "one") CLOSE(0) END_("stop_sequence", "\"EN\\\"D\"", NOTHING),
	  WHOLE_(W_TEXT("one"), "stop_sequence", "\"EN\\\"D\"", NOTHING) },
	{ "a stop sequence at once", 0, "A", S_TEXT("A") S_DONE,
	  START END_("stop_sequence", "\"A\"", NOTHING), WHOLE_("", "stop_sequence", "\"A\"", NOTHING) },

	{ "reasoning, sealed, then text", 0, NULL, S_THOUGHT(0, "Hm") S_THOUGHT(1, "So") S_REASON(0, "rs_1", SEALED) S_TEXT("x") S_DONE,
	  START THINK_OPEN(0) THINK(0, "Hm") THINK(0, "\\n\\n") THINK(0, "So") SIGN(0, SEAL) CLOSE(0)
	  TEXT_OPEN(1) TEXT(1, "x") CLOSE(1) END("end_turn"),
	  WHOLE(W_THINK("Hm\\n\\nSo", SEAL) "," W_TEXT("x"), "end_turn") },
	{ "two reasonings, not sealed", 0, NULL, S_HIDDEN(0, "A") S_REASON(0, "rs_1", "") S_HIDDEN(1, "B") S_REASON(1, "x.y", "") S_DONE,
	  START THINK_OPEN(0) THINK(0, "A") SIGN(0, "cm1.92fb31f33de3aee1.rs_1.") CLOSE(0)
	  THINK_OPEN(1) THINK(1, "B") SIGN(1, "cm1.cdb4ee2aea69cc6a..") CLOSE(1) END("end_turn"),
	  WHOLE(W_THINK("A", "cm1.92fb31f33de3aee1.rs_1.") "," W_THINK("B", "cm1.cdb4ee2aea69cc6a.."), "end_turn") },
	{ "reasoning of which nothing is told", 0, NULL, S_REASON(0, "rs_1", SEALED) S_REASON(1, "rs_2", "") S_TEXT("x") S_DONE,
	  START OPEN(0, "\"type\":\"redacted_thinking\",\"data\":\"" SEAL "\"") CLOSE(0) TEXT_OPEN(1) TEXT(1, "x") CLOSE(1) END("end_turn"),
	  WHOLE("{\"type\":\"redacted_thinking\",\"data\":\"" SEAL "\"}," W_TEXT("x"), "end_turn") },
	{ "reasoning that is not to be shown", HIDDEN, NULL, S_HIDDEN(0, "A") S_REASON(0, "rs_1", SEALED) S_TEXT("x") S_DONE,
	  START THINK_OPEN(0) SIGN(0, SEAL) CLOSE(0) TEXT_OPEN(1) TEXT(1, "x") CLOSE(1) END("end_turn"),
	  WHOLE(W_THINK("", SEAL) "," W_TEXT("x"), "end_turn") },
	{ "reasoning that nobody asked for", NONE, NULL, S_HIDDEN(0, "A") S_REASON(0, "rs_1", SEALED) S_TEXT("x") S_DONE,
	  START TEXT_OPEN(0) TEXT(0, "x") CLOSE(0) END("end_turn"), WHOLE(W_TEXT("x"), "end_turn") },
	{ "reasoning cut off by text, by the end", 0, NULL, S_HIDDEN(0, "A") S_TEXT("x") S_HIDDEN(9, "B") S_INCOMPLETE("max_output_tokens"),
	  START THINK_OPEN(0) THINK(0, "A") CLOSE(0) TEXT_OPEN(1) TEXT(1, "x") CLOSE(1) THINK_OPEN(2) THINK(2, "B") CLOSE(2)
	  END_("max_tokens", "null", NOTHING),
	  WHOLE_(W_THINK("A", "") "," W_TEXT("x") "," W_THINK("B", ""), "max_tokens", "null", NOTHING) },
	{ "content that is no base64 seals nothing", 0, NULL, S_HIDDEN(0, "A") S_REASON(0, "rs_1", ",\"encrypted_content\":\"a\\\"b\"") S_DONE,
	  START THINK_OPEN(0) THINK(0, "A") SIGN(0, "") CLOSE(0) END("end_turn"), WHOLE(W_THINK("A", ""), "end_turn") },

	{ "two calls", 0, NULL, S_CALL(1, "function_call", "call_1", "f") S_ARGS(1, "{\\\"a\\\"") S_ARGS(1, ":1}")
	  S_CALL_DONE(1, "call_1", "f", "{\\\"a\\\":1}") S_CALL(2, "function_call", "call_2", "g") S_ARGS(2, "{}") S_DONE,
	  START USE(0, "toolu_1", "f") ARGS(0, "{\\\"a\\\"") ARGS(0, ":1}") CLOSE(0) USE(1, "toolu_2", "g") ARGS(1, "{}") CLOSE(1) END("tool_use"),
	  WHOLE(W_USE("toolu_1", "f", "{\"a\":1}") "," W_USE("toolu_2", "g", "{}"), "tool_use") },
	{ "ids of other kinds", 0, NULL, S_CALL_DONE(1, "call__1", "f", "") S_CALL_DONE(2, "x\\\"y", "g", "{}") S_DONE,
	  START USE(0, "toolu__call__1", "f") ARGS(0, "{}") CLOSE(0) USE(1, "toolu__x\\\"y", "g") ARGS(1, "{}") CLOSE(1) END("tool_use"),
	  WHOLE(W_USE("toolu__call__1", "f", "{}") "," W_USE("toolu__x\\\"y", "g", "{}"), "tool_use") },
	{ "a call cut by the token limit", 0, NULL, S_TEXT("x") S_CALL(6, "function_call", "call_1", "f") S_ARGS(6, "{\\\"a") S_INCOMPLETE("max_output_tokens"),
	  START TEXT_OPEN(0) TEXT(0, "x") CLOSE(0) USE(1, "toolu_1", "f") ARGS(1, "{\\\"a") CLOSE(1) END_("max_tokens", "null", NOTHING),
	  WHOLE_(W_TEXT("x") "," W_USE("toolu_1", "f", "{\"_raw\":\"{\\\"a\"}"), "max_tokens", "null", NOTHING) },
	{ "calls that overlap", 0, NULL, S_CALL(1, "function_call", "call_1", "f") S_CALL(2, "function_call", "call_2", "g") S_ARGS(1, "{\\\"a") S_ARGS(2, "{")
	  S_ARGS(1, "\\\":1}") S_TEXT_AT(3, "x") S_CALL_DONE(1, "call_1", "f", "{\\\"a\\\":1}") S_CALL_DONE(2, "call_2", "g", "{}") S_DONE,
	  START USE(0, "toolu_1", "f") ARGS(0, "{\\\"a") ARGS(0, "\\\":1}") CLOSE(0) USE(1, "toolu_2", "g") ARGS(1, "{") ARGS(1, "}") CLOSE(1)
	  TEXT_OPEN(2) TEXT(2, "x") CLOSE(2) END("tool_use"),
	  WHOLE(W_USE("toolu_1", "f", "{\"a\":1}") "," W_USE("toolu_2", "g", "{}") "," W_TEXT("x"), "tool_use") },
	{ "all kinds, one behind the other", 0, NULL, S_HIDDEN(0, "A") S_CALL(1, "function_call", "call_1", "f") S_ARGS(1, "{}")
	  S_CALL_DONE(1, "call_1", "f", "{}") S_HIDDEN(2, "B") S_REASON(2, "rs_1", SEALED) S_TEXT("x") S_REFUSAL("No") S_DONE,
	  START THINK_OPEN(0) THINK(0, "A") CLOSE(0) USE(1, "toolu_1", "f") ARGS(1, "{}") CLOSE(1)
	  THINK_OPEN(2) THINK(2, "B") SIGN(2, SEAL) CLOSE(2) TEXT_OPEN(3) TEXT(3, "x") TEXT(3, "No") CLOSE(3) END("tool_use"),
	  NULL },

	{ "a search and what it found", 0, NULL, S_FOUND S_OTHER_TOOL S_TEXT("See") S_NOTE(S_URL) S_NOTE("{\"type\":\"file_citation\"}") S_DONE,
	  START OPEN(0, "\"type\":\"server_tool_use\",\"id\":\"srvtoolu_ws_1\",\"name\":\"web_search\",\"input\":{}") ARGS(0, "{\\\"query\\\":\\\"q\\\\\\\"\\\"}") CLOSE(0)
	  OPEN(1, "\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_ws_1\",\"content\":[{\"type\":\"web_search_result\",\"url\":\"http://x/\",\"title\":\"http://x/\",\"encrypted_content\":\"\",\"page_age\":null}]") CLOSE(1)
	  TEXT_OPEN(2) TEXT(2, "See") DELTA(2, "\"type\":\"citations_delta\",\"citation\":" CITED) CLOSE(2)
	  END_("end_turn", "null", FIGURES ",\"server_tool_use\":{\"web_search_requests\":1}"),
	  WHOLE_("{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_ws_1\",\"name\":\"web_search\",\"input\":{\"query\":\"q\\\"\"}},"
		 "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_ws_1\",\"content\":[{\"type\":\"web_search_result\",\"url\":\"http://x/\",\"title\":\"http://x/\",\"encrypted_content\":\"\",\"page_age\":null}]},"
		 "{\"type\":\"text\",\"text\":\"See\",\"citations\":[" CITED "]}", "end_turn", "null",
		 FIGURES ",\"server_tool_use\":{\"web_search_requests\":1}") },
	{ "a citation of no text", 0, NULL, S_NOTE(S_URL) S_NOTE("{\"type\":\"file_path\"}") S_DONE,
	  START TEXT_OPEN(0) DELTA(0, "\"type\":\"citations_delta\",\"citation\":" CITED) CLOSE(0) END("end_turn"),
	  WHOLE("{\"type\":\"text\",\"text\":\"\",\"citations\":[" CITED "]}", "end_turn") },
	{ "annotations that are none here", 0, NULL, S_NOTE("{\"type\":\"file_path\"}") S_TEXT("x") S_DONE,
	  START TEXT_OPEN(0) TEXT(0, "x") CLOSE(0) END("end_turn"), WHOLE(W_TEXT("x"), "end_turn") },
};

static void say(const struct saying *s, bool whole, struct way *w)
{
	way_init(w, &tongue_anthropic);
	w->whole = whole;
	w->answer.ordered = true;
	w->terms.thought_hidden = s->flags & HIDDEN;
	if (s->flags & NONE)
		w->terms.reasoning = COMPAT_NONE;
	if (s->stop)
		w->terms.stops[w->terms.stop_count++] = strdup(s->stop);
	check_int(way_run(w, s->script), ERR_NONE);
}

static void test_bytes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		struct way w;

		say(&sayings[i], false, &w);
		if (!check_str(buf_span(&w.out), sayings[i].stream))
			printf("  in: %s\n", sayings[i].title);
		way_free(&w);
		if (!sayings[i].whole)
			continue;
		say(&sayings[i], true, &w);
		if (!check_str(buf_span(&w.out), sayings[i].whole))
			printf("  in: %s\n", sayings[i].title);
		way_free(&w);
	}
}

/* Upstream counts what was read from and written to the cache among the
 * input's tokens; figures that cannot be are made fit. */
static void test_usage(void)
{
	static const struct {
		struct usage u;
		const char *want;
	} rows[] = {
		{ { .input = 100, .cached = 60, .cache_write = 30, .output = 7 }, "10,\"cache_creation_input_tokens\":30,\"cache_read_input_tokens\":60" },
		{ { .input = 100, .output = 7 }, "100,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0" },
		{ { .input = 10, .cached = 60, .cache_write = 5, .output = 7 }, "0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":10" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char want[300];
		struct buf out;

		buf_init(&out, 1000);
		anthropic_usage(&out, &rows[i].u, 0);
		snprintf(want, sizeof(want), "\"usage\":{\"input_tokens\":%s,\"output_tokens\":7}", rows[i].want);
		check_str(buf_span(&out), want);
		buf_free(&out);
	}
}

static void test_ids(void)
{
	static const char *const ids[] = { "call_abc", "call__abc", "call_", "x", "toolu_1", "toolu__1", "fc-1" };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct buf out;
		char back[65];

		buf_init(&out, 1000);
		anthropic_id(&out, span_of(ids[i]));
		check(span_starts(buf_span(&out), "\"toolu_"));
		check(anthropic_id_back((struct span){ out.ptr + 1, out.len - 2 }, back));
		check_str(span_of(back), ids[i]);
		buf_free(&out);
	}
}

static void test_seals(void)
{
	static const char *const bad[] = { "", "cm1.", "cm1.5a96eddccd4c5bac.", "cm1.5a96eddccd4c5bac.rs_1.QUJE",
		"cm1.5a96eddccd4c5bac.rs_1.QUJDQ", "cm2.5a96eddccd4c5bac.rs_1.QUJD", "cm1.5a96eddccd4c5bac-rs_1.QUJD",
		"ErcBCkgIARABGAIiQ", "cm1.e3b0c44298fc1c14." };
	struct span id, content;
	struct buf out;

	buf_init(&out, 1000);
	buf_str(&out, "before");
	anthropic_seal(&out, SPAN("rs_1"), SPAN("QUJD"));
	check_str(buf_span(&out), "before" SEAL);
	check(anthropic_unseal((struct span){ out.ptr + 6, out.len - 6 }, &id, &content));
	check_str(id, "rs_1");
	check_str(content, "QUJD");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check(!anthropic_unseal(span_of(bad[i]), &id, &content));
	buf_free(&out);
}

static void test_errors(void)
{
	static const struct { int status; const char *code, *type; int said; } rows[] = {
		{ 400, "invalid_value", "invalid_request_error", 400 }, { 401, "upstream_auth_required", "authentication_error", 401 },
		{ 402, NULL, "billing_error", 402 }, { 403, "host_refused", "permission_error", 403 },
		{ 404, "model_not_found", "not_found_error", 404 }, { 405, "method_not_allowed", "invalid_request_error", 405 },
		{ 413, "request_too_large", "request_too_large", 413 }, { 415, NULL, "invalid_request_error", 415 },
		{ 429, "rate_limit_exceeded", "rate_limit_error", 429 }, { 500, "internal_error", "api_error", 500 },
		{ 502, "upstream_broke", "api_error", 502 }, { 503, "shutting_down", "api_error", 503 },
		{ 503, "server_is_overloaded", "overloaded_error", 529 }, { 529, NULL, "overloaded_error", 529 },
		{ 504, "upstream_timeout", "timeout_error", 504 },
	};
	struct emitter e = { .begun = true };
	struct buf out;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct fault f = { .status = rows[i].status, .type = "t", .code = rows[i].code,
				   .message = "A \"b\"", .request_id = "req_1", .note = &note };
		char want[300];

		buf_init(&out, 4096);
		tongue_anthropic.error_body(&out, &f);
		snprintf(want, sizeof(want), "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"A \\\"b\\\"\"%s%s%s},\"request_id\":\"req_1\"}",
			 rows[i].type, f.code ? ",\"code\":\"" : "", f.code ? f.code : "", f.code ? "\"" : "");
		check_str(buf_span(&out), want);
		check_int(tongue_anthropic.error_status(&f), rows[i].said);
		buf_free(&out);
	}
	buf_init(&out, 4096);
	tongue_anthropic.error_event(&e, &out, &(struct fault){ .status = 400, .type = "", .code = "context_length_exceeded",
				     .param = "input", .message = "Too much.", .request_id = "req_1" });
	check_str(buf_span(&out), "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
		  "\"message\":\"prompt is too long: Too much.\",\"code\":\"context_length_exceeded\",\"param\":\"input\"},\"request_id\":\"req_1\"}\n\n");
	check(e.ended);
	buf_reset(&out);
	tongue_anthropic.emit(&e, &out, &(struct event){ .kind = EVENT_DONE });
	check_int((int64_t)out.len, 0);
	buf_free(&out);
}

/* A failure in the stream: what came before is said, and no good end. */
static void test_broken(void)
{
	struct way w;

	way_init(&w, &tongue_anthropic);
	check_int(way_run(&w, S_CREATED S_TEXT("x") S_FAILED S_DONE), ERR_UPSTREAM_FAILED);
	check_str(buf_span(&w.out), START TEXT_OPEN(0) TEXT(0, "x"));
	way_free(&w);
}

int main(void)
{
	check_str(span_of(tongue_anthropic.heartbeat), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
	test_bytes();
	test_usage();
	test_ids();
	test_seals();
	test_errors();
	test_broken();
	return test_end("test_emit_anthropic");
}
