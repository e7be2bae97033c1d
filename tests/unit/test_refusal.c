/* Every shape in which an upstream refuses, and what the client may hear. */
#include "../../fcgi/stream/mask.h"
#include "../../fcgi/stream/refusal.h"
#include "../../fcgi/stream/wait.h"
#include "test.h"

#define NOW 1800000000
#define HTML "<!DOCTYPE html><html><head><title>Oops</title></head></html>"
#define CHALLENGE "<html><head><title>Just a moment...</title></head></html>"

struct shape {
	const char *title;
	struct refusal in;
	bool chatgpt;
	enum err code;
	int status, after, retry;	/* retry: should_retry */
	bool not_final;
	const char *type, *ucode, *param, *plan, *tell;
	int64_t resets_at;
};

#define IN(st, text) .in = { .status = st, .body = { text, sizeof(text) - 1 }, .now_s = NOW }
#define IN_WITH(st, text, ...) \
	.in = { .status = st, .body = { text, sizeof(text) - 1 }, .now_s = NOW, __VA_ARGS__ }
#define IS(c, st) .code = ERR_##c, .status = st, .retry = -1
#define HEADER(name, text) .name = { text, sizeof(text) - 1 }
#define REFUSED_WITH(n) "Upstream refused the request with status " #n "."

static const struct shape shapes[] = {
	{ "FastAPI detail", IN(400, "{\"detail\":\"Unsupported parameter: stop\"}"),
	  IS(UPSTREAM_REFUSED, 400), .tell = "Unsupported parameter: stop" },
	{ "FastAPI detail list",
	  IN(422, "{\"detail\":[{\"loc\":[\"body\",\"input\",2,\"role\"],\"msg\":\"field required\",\"type\":\"x\"}]}"),
	  IS(UPSTREAM_REFUSED, 422), .param = "input[2].role", .tell = "field required" },
	{ "detail object", IN(402, "{\"detail\":{\"code\":\"deactivated_workspace\"}}"),
	  IS(UPSTREAM_REFUSED, 402), .ucode = "deactivated_workspace", .tell = "deactivated_workspace" },
	{ "OpenAI error", IN(400, "{\"error\":{\"message\":\"Bad input\",\"type\":\"invalid_request_error\","
	  "\"param\":\"input[0].role\",\"code\":\"invalid_value\"}}"),
	  IS(UPSTREAM_REFUSED, 400), .type = "invalid_request_error", .ucode = "invalid_value",
	  .param = "input[0].role", .tell = "Bad input" },
	{ "error as a string", IN(400, "{\"error\":\"no such thing\"}"),
	  IS(UPSTREAM_REFUSED, 400), .tell = "no such thing" },
	{ "OAuth shape", IN(400, "{\"error\":\"invalid_grant\",\"error_description\":\"Spent\"}"),
	  IS(UPSTREAM_REFUSED, 400), .ucode = "invalid_grant", .tell = "Spent" },
	{ "flat message", IN(400, "{\"object\":\"error\",\"message\":\"Bad\",\"type\":\"BadRequestError\",\"code\":400}"),
	  IS(UPSTREAM_REFUSED, 400), .type = "BadRequestError", .tell = "Bad" },
	{ "plain text", IN(413, "  Payload too large\r\n"),
	  IS(UPSTREAM_REFUSED, 413), .tell = "Payload too large" },
	{ "a JSON string", IN(400, "\"Nope\""), IS(UPSTREAM_REFUSED, 400), .tell = "Nope" },
	{ "empty", IN(404, ""), IS(UPSTREAM_REFUSED, 404), .tell = REFUSED_WITH(404) },
	{ "broken JSON is not shown", IN(400, "{\"error\":{\"mess"),
	  IS(UPSTREAM_REFUSED, 400), .tell = REFUSED_WITH(400) },
	{ "bytes are not shown", IN(400, "\xff\xfe\x00\x01"), IS(UPSTREAM_REFUSED, 400),
	  .tell = REFUSED_WITH(400) },
	{ "not found", IN(404, "{\"detail\":\"Not Found\"}"), IS(UPSTREAM_REFUSED, 404), .tell = "Not Found" },
	{ "forbidden", IN(403, "{\"detail\":\"Forbidden\"}"), IS(UPSTREAM_REFUSED, 403), .tell = "Forbidden" },
	{ "region", IN(403, "{\"error\":{\"code\":\"unsupported_country_region_territory\",\"message\":\"Country\"}}"),
	  IS(UPSTREAM_REFUSED, 403), .ucode = "unsupported_country_region_territory", .tell = "Country" },
	{ "HTML with 4xx", IN(404, HTML), IS(UPSTREAM_REFUSED, 404), .tell = REFUSED_WITH(404) },
	{ "HTML by its type alone", IN_WITH(400, "moved", HEADER(content_type, "text/html; charset=utf-8")),
	  IS(UPSTREAM_REFUSED, 400), .tell = REFUSED_WITH(400) },
	/* challenge pages */
	{ "challenge by its header", IN_WITH(403, HTML, HEADER(cf_mitigated, "challenge"), HEADER(cf_ray, "8f-FRA")),
	  IS(UPSTREAM_BLOCKED, 403), .ucode = "upstream_blocked",
	  .tell = "Upstream's protection asked for a browser check and refused the request (cf-ray 8f-FRA)." },
	{ "challenge by its words", IN(503, CHALLENGE), IS(UPSTREAM_BLOCKED, 403), .ucode = "upstream_blocked",
	  .tell = "Upstream's protection asked for a browser check and refused the request." },
	{ "a block page of the same", IN_WITH(403, HTML, HEADER(cf_ray, "8f")), IS(UPSTREAM_BLOCKED, 403),
	  .ucode = "upstream_blocked",
	  .tell = "Upstream's protection asked for a browser check and refused the request (cf-ray 8f)." },
	{ "a JSON 403 behind the same", IN_WITH(403, "{\"detail\":\"Forbidden\"}", HEADER(cf_ray, "8f")),
	  IS(UPSTREAM_REFUSED, 403), .tell = "Forbidden" },
	/* the login */
	{ "401 of a login: the client hears from us",
	  IN(401, "{\"error\":{\"message\":\"Provided authentication token is expired.\",\"code\":\"token_expired\"}}"),
	  .chatgpt = true, IS(LOGIN_STALE, 401), .tell = "" },
	{ "401 of a key", IN(401, "{\"error\":{\"message\":\"Incorrect API key provided: sk-abcdefghijklmnop.\","
	  "\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}"),
	  IS(UPSTREAM_REFUSED, 401), .type = "invalid_request_error", .ucode = "invalid_api_key",
	  .tell = "Incorrect API key provided: ***." },
	/* limits */
	{ "usage limit", IN(429, "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"The usage limit has been reached\","
	  "\"plan_type\":\"plus\",\"resets_at\":1800000600,\"resets_in_seconds\":599}}"),
	  .code = ERR_UPSTREAM_LIMIT, .status = 429, .after = 599, .retry = 0, .type = "usage_limit_reached",
	  .ucode = "usage_limit_reached", .plan = "plus", .tell = "The usage limit has been reached",
	  .resets_at = 1800000600 },
	{ "usage limit, time by the clock", IN(429, "{\"error\":{\"type\":\"usage_limit_reached\",\"resets_at\":1800000600}}"),
	  .code = ERR_UPSTREAM_LIMIT, .status = 429, .after = 600, .retry = 0, .type = "usage_limit_reached",
	  .ucode = "usage_limit_reached", .tell = "Upstream refused the request with status 429.", .resets_at = 1800000600 },
	{ "not included", IN(403, "{\"error\":{\"type\":\"usage_not_included\",\"message\":\"Upgrade\"}}"),
	  .code = ERR_UPSTREAM_LIMIT, .status = 403, .retry = 0, .type = "usage_not_included",
	  .ucode = "usage_not_included", .tell = "Upgrade" },
	{ "quota, said with 500", IN(500, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"Quota\"}}"),
	  .code = ERR_UPSTREAM_LIMIT, .status = 429, .retry = 0, .ucode = "insufficient_quota", .tell = "Quota" },
	{ "a quota's header cannot say retry", IN_WITH(429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"Q\"}}",
	  HEADER(should_retry, "true")), .code = ERR_UPSTREAM_LIMIT, .status = 429, .retry = 0,
	  .ucode = "insufficient_quota", .tell = "Q" },
	{ "bare 429 with seconds", IN_WITH(429, "", HEADER(retry_after, "120")),
	  IS(UPSTREAM_LIMIT, 429), .after = 120, .tell = "Upstream refused the request with status 429." },
	{ "429 with a date", IN_WITH(429, "Slow", HEADER(retry_after, "Fri, 15 Jan 2027 08:01:00 GMT")),
	  IS(UPSTREAM_LIMIT, 429), .after = 60, .tell = "Slow" },
	{ "429 with milliseconds", IN_WITH(429, "Slow", HEADER(retry_after, "7"), HEADER(retry_after_ms, "1500")),
	  IS(UPSTREAM_LIMIT, 429), .after = 2, .tell = "Slow" },
	{ "429 by its words", IN(429, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Please try again in 6m0s.\"}}"),
	  IS(UPSTREAM_LIMIT, 429), .after = 360, .ucode = "rate_limit_exceeded", .tell = "Please try again in 6m0s." },
	{ "x-should-retry", IN_WITH(429, "Slow", HEADER(should_retry, "false")),
	  .code = ERR_UPSTREAM_LIMIT, .status = 429, .retry = 0, .tell = "Slow" },
	/* models */
	{ "model not for the account", IN(400, "{\"detail\":\"The 'gpt-9' model is not supported when using Codex with a ChatGPT account.\"}"),
	  IS(MODEL_NOT_FOUND, 404), .ucode = "model_not_found",
	  .tell = "The 'gpt-9' model is not supported when using Codex with a ChatGPT account." },
	{ "model_not_found", IN(404, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"No\",\"type\":\"invalid_request_error\"}}"),
	  IS(MODEL_NOT_FOUND, 404), .type = "invalid_request_error", .ucode = "model_not_found", .tell = "No" },
	{ "model_not_found with 400", IN(400, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"No\"}}"),
	  IS(MODEL_NOT_FOUND, 404), .ucode = "model_not_found", .tell = "No" },
	{ "Model not found X", IN(400, "{\"detail\":\"Model not found gpt-9\"}"),
	  IS(MODEL_NOT_FOUND, 404), .ucode = "model_not_found", .tell = "Model not found gpt-9" },
	{ "another server's words", IN(404, "{\"error\":{\"message\":\"model 'x' not found\",\"type\":\"not_found_error\"}}"),
	  IS(MODEL_NOT_FOUND, 404), .type = "not_found_error", .ucode = "model_not_found", .tell = "model 'x' not found" },
	{ "the public API's words", IN(404, "{\"error\":{\"message\":\"The model `x` does not exist or you do not have access to it.\"}}"),
	  IS(MODEL_NOT_FOUND, 404), .ucode = "model_not_found",
	  .tell = "The model `x` does not exist or you do not have access to it." },
	{ "a tool that is not found is no model", IN(400, "{\"detail\":\"No tool call found for function call output with call_id c.\"}"),
	  IS(UPSTREAM_REFUSED, 400), .tell = "No tool call found for function call output with call_id c." },
	{ "context length", IN(400, "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"Too long\",\"type\":\"invalid_request_error\"}}"),
	  IS(UPSTREAM_REFUSED, 400), .type = "invalid_request_error", .ucode = "context_length_exceeded", .tell = "Too long" },
	{ "context length in words", IN(400, "{\"detail\":\"Your input exceeds the context window of this model.\"}"),
	  IS(UPSTREAM_REFUSED, 400), .ucode = "context_length_exceeded",
	  .tell = "Your input exceeds the context window of this model." },
	/* upstream's own faults */
	{ "500", IN(500, "{\"error\":{\"message\":\"Oh\",\"type\":\"server_error\"}}"),
	  IS(UPSTREAM_ERROR, 500), .not_final = true, .type = "server_error", .tell = "Oh" },
	{ "503 overloaded", IN(503, "{\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"Busy\"}}"),
	  IS(UPSTREAM_ERROR, 503), .not_final = true, .ucode = "server_is_overloaded", .tell = "Busy" },
	{ "529", IN(529, "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"Busy\"}}"),
	  IS(UPSTREAM_ERROR, 529), .not_final = true, .type = "overloaded_error", .tell = "Busy" },
	{ "HTML with 5xx is 502", IN(503, HTML), IS(UPSTREAM_ERROR, 502), .not_final = true,
	  .tell = "Upstream answered with status 503 and no stream of events." },
	{ "empty 504 is 502", IN(504, ""), IS(UPSTREAM_ERROR, 502), .not_final = true,
	  .tell = "Upstream answered with status 504 and no stream of events." },
	{ "policy, said with 500", IN(500, "{\"error\":{\"code\":\"cyber_policy\",\"message\":\"No\"}}"),
	  IS(UPSTREAM_REFUSED, 403), .ucode = "cyber_policy", .tell = "No" },
	{ "HTML with 200", IN(200, HTML), IS(UPSTREAM_GARBLED, 502),
	  .tell = "Upstream answered with status 200 and no stream of events." },
	{ "JSON with 200", IN(200, "{\"id\":\"x\"}"), IS(UPSTREAM_GARBLED, 502),
	  .tell = "Upstream answered with status 200 and no stream of events." },
	{ "an error with 200", IN(200, "{\"error\":{\"message\":\"Oh\"}}"), IS(UPSTREAM_GARBLED, 502), .tell = "Oh" },
	{ "a redirect", IN(302, ""), IS(UPSTREAM_GARBLED, 502),
	  .tell = "Upstream answered with status 302 and no stream of events." },
	{ "wrong types", IN(400, "{\"error\":{\"message\":[],\"type\":1,\"code\":{},\"param\":2,\"resets_at\":\"x\"},\"detail\":[[]]}"),
	  IS(UPSTREAM_REFUSED, 400), .tell = REFUSED_WITH(400) },
	{ "absurd resets", IN(429, "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"L\",\"resets_at\":9223372036854775807,"
	  "\"resets_in_seconds\":-5,\"plan_type\":\"a plan whose name is far too long for us\"}}"),
	  .code = ERR_UPSTREAM_LIMIT, .status = 429, .retry = 0, .type = "usage_limit_reached",
	  .ucode = "usage_limit_reached", .tell = "L" },
};

static void check_note(const struct err_note *note, const struct shape *s)
{
	bool ok = check_int(note->code, s->code);

	ok &= check_int(note->status, s->status);
	ok &= check_int(note->retry_after_s, s->after);
	ok &= check_int(note->should_retry, s->retry);
	ok &= check_int(note->not_final, s->not_final);
	ok &= check_int(note->resets_at, s->resets_at);
	ok &= check_str(span_of(note->type), s->type ? s->type : "");
	ok &= check_str(span_of(note->ucode), s->ucode ? s->ucode : "");
	ok &= check_str(span_of(note->param), s->param ? s->param : "");
	ok &= check_str(span_of(note->plan), s->plan ? s->plan : "");
	ok &= check_str(span_of(note->tell), s->tell);
	if (!ok)
		printf("  in: %s\n", s->title);
}

static void test_shapes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct err_note note = ERR_NOTE_INIT;

		refusal_read(&shapes[i].in, shapes[i].chatgpt, &note);
		check_note(&note, &shapes[i]);
	}
}

static void test_events(void)
{
	static const struct {
		const char *code;
		int status;
		enum err err;
		bool not_final;
	} codes[] = {
		{ "server_error", 502, ERR_UPSTREAM_FAILED, true },
		{ "rate_limit_exceeded", 429, ERR_UPSTREAM_LIMIT, false },
		{ "invalid_prompt", 400, ERR_UPSTREAM_REFUSED, false },
		{ "data_residency_mismatch", 403, ERR_UPSTREAM_REFUSED, false },
		{ "bio_policy", 403, ERR_UPSTREAM_REFUSED, false },
		{ "cyber_policy", 403, ERR_UPSTREAM_REFUSED, false },
		{ "vector_store_timeout", 502, ERR_UPSTREAM_FAILED, true },
		{ "invalid_image", 400, ERR_UPSTREAM_REFUSED, false },
		{ "invalid_image_format", 400, ERR_UPSTREAM_REFUSED, false },
		{ "invalid_base64_image", 400, ERR_UPSTREAM_REFUSED, false },
		{ "invalid_image_url", 400, ERR_UPSTREAM_REFUSED, false },
		{ "image_too_large", 400, ERR_UPSTREAM_REFUSED, false },
		{ "image_too_small", 400, ERR_UPSTREAM_REFUSED, false },
		{ "image_parse_error", 400, ERR_UPSTREAM_REFUSED, false },
		{ "image_content_policy_violation", 403, ERR_UPSTREAM_REFUSED, false },
		{ "invalid_image_mode", 400, ERR_UPSTREAM_REFUSED, false },
		{ "image_file_too_large", 400, ERR_UPSTREAM_REFUSED, false },
		{ "unsupported_image_media_type", 400, ERR_UPSTREAM_REFUSED, false },
		{ "empty_image_file", 400, ERR_UPSTREAM_REFUSED, false },
		{ "failed_to_download_image", 400, ERR_UPSTREAM_REFUSED, false },
		{ "image_file_not_found", 400, ERR_UPSTREAM_REFUSED, false },
		{ "context_length_exceeded", 400, ERR_UPSTREAM_REFUSED, false },
		{ "insufficient_quota", 429, ERR_UPSTREAM_LIMIT, false },
		{ "usage_not_included", 429, ERR_UPSTREAM_LIMIT, false },
		{ "server_is_overloaded", 503, ERR_UPSTREAM_FAILED, true },
		{ "slow_down", 503, ERR_UPSTREAM_FAILED, true },
		{ "websocket_connection_limit_reached", 429, ERR_UPSTREAM_LIMIT, false },
		{ "previous_response_not_found", 400, ERR_UPSTREAM_REFUSED, false },
		{ "something_new", 502, ERR_UPSTREAM_FAILED, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *error = json_object_new_object();

		json_set_cstr(error, "code", codes[i].code);
		json_set_cstr(error, "message", "Words.");
		refusal_read_event(error, &note);
		if (!check_int(note.code, codes[i].err) ||
		    !check_int(note.status, codes[i].status) ||
		    !check_int(note.not_final, codes[i].not_final))
			printf("  in: %s\n", codes[i].code);
		check_str(span_of(note.ucode), codes[i].code);
		check_str(span_of(note.tell), "Words.");
		json_object_put(error);
	}
}

static void test_event_edges(void)
{
	struct err_note note = ERR_NOTE_INIT;

	refusal_read_event(NULL, &note);
	check_int(note.code, ERR_UPSTREAM_FAILED);
	check_int(note.status, 502);
	/* the first failure wins */
	refusal_read(&(struct refusal){ .status = 400 }, false, &note);
	check_int(note.code, ERR_UPSTREAM_FAILED);
}

static void test_mask(void)
{
	static const struct { const char *in, *want; } cases[] = {
		{ "nothing to hide", "nothing to hide" },
		{ "Bearer abcdefgh", "Bearer ***" },
		{ "authorization: bearer s3cret-token rest", "authorization: bearer *** rest" },
		{ "Authorization=Basic", "Authorization=***" },
		{ "A bearer token is required", "A bearer token is required" },
		{ "key sk-proj-abc_DEF-123456, sorry", "key ***, sorry" },
		{ "task-force and risk-averse-people", "task-force and risk-averse-people" },
		{ "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln.", "jwt ***." },
		{ "{\"access_token\":\"abcdef\",\"x\":1}", "{\"access_token\":\"***\",\"x\":1}" },
		{ "refresh_token=abc%20def", "refresh_token=***" },
		{ "refresh_token=abcd&x", "refresh_token=***&x" },
		{ "Incorrect API key provided: mysecret. See", "Incorrect API key provided: ***. See" },
		{ "eyJ", "eyJ" }, { "", "" }, { "Bearer ", "Bearer " }, { "Bearer", "Bearer" },
		{ "at-least it works", "at-least it works" },
		{ "at-0123456789abcdefghijklmn", "***" },
		{ "Bearer sk-abcdefghijkl Bearer xyzzyx", "Bearer *** Bearer ***" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[200];
		size_t len = strlen(cases[i].in);

		memcpy(text, cases[i].in, len);
		len = mask_secrets(text, len);
		check_str(((struct span){ text, len }), cases[i].want);
	}
}

static void test_wait(void)
{
	static const struct { const char *in; int want; } words[] = {
		{ "Please try again in 1.5s.", 2 }, { "try again in 20ms", 1 },
		{ "Try again in 6m0s", 360 }, { "try again in 1h2m3s", 3723 },
		{ "try again in 2 days, 3 hours", 183600 }, { "Retry after 12 seconds", 12 },
		{ "resets in 5 min", 300 }, { "try again in a moment", 0 },
		{ "try again in ", 0 }, { "try again in 5 parsecs", 0 },
		{ "try again in 99999999999999999999s", 2592000 },
		{ "try again in 1000000 days", 2592000 }, { "", 0 }, { "again", 0 },
	};
	static const struct { const char *ms, *s; int want; } headers[] = {
		{ "", "", 0 }, { "", "5", 5 }, { "", "0.2", 1 }, { "", "-1", 0 },
		{ "1", "", 1 }, { "x", "3", 3 }, { "0", "3", 3 },
		{ "", "Fri, 15 Jan 2027 08:00:30 GMT", 30 },
		{ "", "Friday, 15-Jan-27 08:00:30 GMT", 30 },
		{ "", "Fri Jan 15 08:00:30 2027", 30 },
		{ "", "Fri, 15 Jan 2026 08:00:30 GMT", 0 }, { "", "soon", 0 },
		{ "", " 7 ", 7 }, { "", "99999999999", 2592000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!check_int(wait_words(span_of(words[i].in)), words[i].want))
			printf("  in: %s\n", words[i].in);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (!check_int(wait_headers(span_of(headers[i].ms),
					    span_of(headers[i].s), NOW),
			       headers[i].want))
			printf("  in: %s %s\n", headers[i].ms, headers[i].s);
}

/* A message longer than a note is cut between two characters, masked first. */
static void test_long(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf body;

	buf_init(&body, 1u << 20);
	for (int i = 0; i < 3000; i++)
		buf_str(&body, "\xc3\xa9");
	refusal_read(&(struct refusal){ .status = 400, .body = buf_span(&body) },
		     false, &note);
	check_int((int64_t)strlen(note.tell), 398);
	buf_reset(&body);
	note = ERR_NOTE_INIT;
	buf_str(&body, "{\"detail\":\"");
	for (int i = 0; i < 390; i++)
		buf_char(&body, 'a');
	buf_str(&body, " sk-0123456789abcdef\"}");
	refusal_read(&(struct refusal){ .status = 400, .body = buf_span(&body) },
		     false, &note);
	check(!strstr(note.tell, "sk-"));
	check(!strstr(note.why, "sk-"));
	buf_free(&body);
}

static void test_instructions(void)
{
	struct err_note note = ERR_NOTE_INIT;

	check(!refusal_wants_instructions(&note));
	refusal_read(&(struct refusal){ .status = 400,
		     .body = SPAN("{\"detail\":\"Instructions are required\"}") },
		     true, &note);
	check(refusal_wants_instructions(&note));
}

int main(void)
{
	test_shapes();
	test_events();
	test_event_edges();
	test_mask();
	test_wait();
	test_long();
	test_instructions();
	return test_end("test_refusal");
}
