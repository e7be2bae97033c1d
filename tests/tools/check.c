/*
 * check.c - what the backend would refuse: headers and top-level fields.
 *
 * Kind chatgpt keeps to what is known of the ChatGPT backend: an allow-list
 * of fields, {"detail": "..."} as the answer. Kind responses keeps to the
 * types of the public API. Every fault is noted; the first one is answered.
 */
#include <stdarg.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "upstream.h"

void check_fail(struct check *k, const char *param, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_push(k->problems, json_new_str(span_of(text)));
	if (k->status)
		return;
	k->status = 400;
	text_copy(k->detail, sizeof(k->detail), span_of(text));
	text_copy(k->param, sizeof(k->param), span_of(param));
}

/* {"detail": "..."}, but what it says of tokens it says as an error. */
void check_answer(struct conn *c, const struct check *k)
{
	struct json_object *v = json_object_new_object(), *e;

	if (k->kind == KIND_CHATGPT && !k->code) {
		json_set_cstr(v, "detail", k->detail);
		conn_reply_json(c, k->status, v);
		return;
	}
	e = json_object_new_object();
	json_set_cstr(e, "message", k->detail);
	json_set(e, "type", k->code ? NULL : json_new_str(SPAN("invalid_request_error")));
	json_set(e, "code", k->code ? json_new_str(span_of(k->code)) : NULL);
	json_set(e, "param", k->param[0] ? json_new_str(span_of(k->param)) : NULL);
	json_set(v, "error", e);
	if (k->kind == KIND_CHATGPT)
		json_set_int(v, "status", k->status);
	conn_reply_json(c, k->status, v);
}

bool check_word(struct check *k, struct json_object *v, const char *words,
		const char *path)
{
	struct span rest = span_of(words), word;

	while (json_is_str(v) && text_next(&rest, ' ', &word))
		if (word.len == json_str(v).len &&
		    memcmp(word.ptr, json_str(v).ptr, word.len) == 0)
			return true;
	check_fail(k, path, "Invalid value: '%s' for '%s'. Supported values are: %s.",
		   v ? json_object_get_string(v) : "null", path, words);
	return false;
}

/* --- headers --- */

/* The "exp" of a token that is a JWT, or -1. */
static int64_t expiry(struct span token)
{
	struct span head, claims;
	struct json_object *v;
	struct buf b;
	int64_t exp = -1;

	if (!text_next(&token, '.', &head) || !text_next(&token, '.', &claims))
		return -1;
	buf_init(&b, MAX_HEAD);
	if (base64url_decode(claims, &b)) {
		v = json_parse(buf_span(&b), NULL);
		exp = json_get_int(v, "exp", -1);
		json_object_put(v);
	}
	buf_free(&b);
	return exp;
}

void check_login(struct check *k, const struct server *srv,
		 const struct request *req)
{
	struct span auth = request_header(req, "authorization"), token;
	int64_t exp;
	bool old;

	if (!span_starts(auth, "Bearer ") || auth.len == 7) {
		check_fail(k, "", "Unauthorized");
		k->status = 401;
		return;
	}
	token = (struct span){ auth.ptr + 7, auth.len - 7 };
	exp = expiry(token);
	old = json_get_bool(srv->token_config, "newest_only", false) &&
	      srv->newest_token[0] && !span_eq(token, srv->newest_token);
	if ((exp >= 0 && exp <= clock_wall_us() / 1000000) || old) {
		check_fail(k, "", "Provided authentication token is expired. "
			   "Please try signing in again.");
		k->status = 401;
		k->code = "token_expired";
	}
	if (!request_header(req, "chatgpt-account-id").len)
		check_fail(k, "", "chatgpt-account-id header is missing");
}

static void check_headers(struct check *k, const struct server *srv,
			  const struct request *req)
{
	struct span accept = request_header(req, "accept");
	struct span type = request_header(req, "content-type");

	if (k->kind == KIND_CHATGPT)
		check_login(k, srv, req);
	if (!text_starts_nocase(type, "application/json"))
		check_fail(k, "", "Unsupported content type");
	if (k->kind == KIND_CHATGPT &&
	    !memmem(accept.ptr, accept.len, "text/event-stream", 17))
		check_fail(k, "", "accept must be text/event-stream");
	if (request_header(req, "cookie").len)
		check_fail(k, "", "a gateway sends no cookies");
}

/* --- fields of one type --- */

enum type { STRING, NUMBER, INTEGER, BOOLEAN, LIST, OBJECT, WORDS, OWN };

struct field {
	const char *name;
	enum type type;
	const char *words;
	double low, high;
	bool chatgpt;		/* in the ChatGPT backend's allow-list */
};

static const struct field fields[] = {
	{ "model", STRING, NULL, 0, 0, true },
	{ "stream", BOOLEAN, NULL, 0, 0, true },
	{ "instructions", STRING, NULL, 0, 0, true },
	{ "input", OWN, NULL, 0, 0, true },
	{ "tools", LIST, NULL, 0, 0, true },
	{ "tool_choice", OWN, NULL, 0, 0, true },
	{ "parallel_tool_calls", BOOLEAN, NULL, 0, 0, true },
	{ "reasoning", OBJECT, NULL, 0, 0, true },
	{ "store", BOOLEAN, NULL, 0, 0, true },
	{ "include", LIST, NULL, 0, 0, true },
	{ "prompt_cache_key", STRING, NULL, 0, 0, true },
	{ "text", OBJECT, NULL, 0, 0, true },
	{ "service_tier", WORDS, "auto default flex scale priority", 0, 0, true },
	{ "client_metadata", OBJECT, NULL, 0, 0, true },
	{ "stream_options", OBJECT, NULL, 0, 0, true },
	{ "temperature", NUMBER, NULL, 0, 2, false },
	{ "top_p", NUMBER, NULL, 0, 1, false },
	{ "top_logprobs", INTEGER, NULL, 0, 20, false },
	{ "max_output_tokens", INTEGER, NULL, 16, 1e9, false },
	{ "max_tool_calls", INTEGER, NULL, 1, 1e9, false },
	{ "metadata", OBJECT, NULL, 0, 0, false },
	{ "user", STRING, NULL, 0, 0, false },
	{ "safety_identifier", STRING, NULL, 0, 0, false },
	{ "truncation", WORDS, "auto disabled", 0, 0, false },
	{ "background", BOOLEAN, NULL, 0, 0, false },
	{ "previous_response_id", STRING, NULL, 0, 0, false },
	{ "conversation", OWN, NULL, 0, 0, false },
	{ "prompt", OBJECT, NULL, 0, 0, false },
	{ "prompt_cache_retention", WORDS, "in-memory in_memory 24h", 0, 0, false },
	{ "prompt_cache_options", OBJECT, NULL, 0, 0, false },
	{ "context_management", OWN, NULL, 0, 0, false },
	{ "moderation", OBJECT, NULL, 0, 0, false },
};

static void check_type(struct check *k, const struct field *f, struct json_object *v)
{
	static const struct { json_type type; const char *name; } types[] = {
		[STRING] = { json_type_string, "a string" },
		[INTEGER] = { json_type_int, "an integer" },
		[BOOLEAN] = { json_type_boolean, "a boolean" },
		[LIST] = { json_type_array, "an array" },
		[OBJECT] = { json_type_object, "an object" },
	};
	bool number = f->type == NUMBER || f->type == INTEGER;
	double d = json_object_get_double(v);

	/* the public API takes null for what is not there */
	if (f->type == OWN || (!v && k->kind == KIND_RESPONSES))
		return;
	if (f->type == WORDS) {
		check_word(k, v, f->words, f->name);
		return;
	}
	if (f->type == NUMBER ? !json_object_is_type(v, json_type_int) &&
				!json_object_is_type(v, json_type_double) :
				!json_object_is_type(v, types[f->type].type))
		check_fail(k, f->name, "Invalid type for '%s': expected %s.", f->name,
			   f->type == NUMBER ? "a number" : types[f->type].name);
	else if (number && (d < f->low || d > f->high))
		check_fail(k, f->name, "Invalid '%s': out of range.", f->name);
}

static void check_fields(struct check *k, struct json_object *body)
{
	size_t i;

	json_object_object_foreach(body, key, value) {
		for (i = 0; i < ARRAY_LEN(fields); i++)
			if (strcmp(fields[i].name, key) == 0)
				break;
		if (i < ARRAY_LEN(fields) && (k->kind == KIND_RESPONSES ||
					      fields[i].chatgpt))
			check_type(k, &fields[i], value);
		else
			check_fail(k, key, k->kind == KIND_CHATGPT ?
				   "Unsupported parameter: %s" :
				   "Unknown parameter: '%s'.", key);
	}
}

/* --- fields with a shape of their own --- */

static void check_reasoning(struct check *k, struct json_object *v)
{
	if (!v)
		return;
	json_object_object_foreach(v, key, value) {
		if (!value && k->kind == KIND_RESPONSES)
			continue;
		if (strcmp(key, "effort") == 0)
			check_word(k, value, "none minimal low medium high xhigh max",
				   "reasoning.effort");
		else if (strcmp(key, "summary") == 0)
			check_word(k, value, "auto concise detailed",
				   "reasoning.summary");
		else if (strcmp(key, "context") == 0)
			check_word(k, value, "auto current_turn all_turns",
				   "reasoning.context");
		else if (strcmp(key, "generate_summary") || k->kind == KIND_CHATGPT)
			check_fail(k, "reasoning", "Unknown parameter: 'reasoning.%s'.",
				   key);
	}
}

static void check_format(struct check *k, struct json_object *format)
{
	if (!format || !check_word(k, json_get(format, "type"),
				   "text json_object json_schema", "text.format.type"))
		return;
	if (!span_eq(json_get_str(format, "type"), "json_schema"))
		return;
	check_name(k, format, "name", "text.format");
	if (!json_get_object(format, "schema"))
		check_fail(k, "text.format.schema", "Missing required parameter: "
			   "'text.format.schema'.");
	if (json_get(format, "json_schema"))
		check_fail(k, "text.format", "Unknown parameter: "
			   "'text.format.json_schema'.");
}

static void check_text(struct check *k, struct json_object *v)
{
	if (!v)
		return;
	json_object_object_foreach(v, key, value) {
		if (strcmp(key, "verbosity") == 0) {
			if (value || k->kind == KIND_CHATGPT)
				check_word(k, value, "low medium high",
					   "text.verbosity");
		} else if (strcmp(key, "format") == 0) {
			check_format(k, value);
		} else {
			check_fail(k, "text", "Unknown parameter: 'text.%s'.", key);
		}
	}
}

static void check_include(struct check *k, struct json_object *list)
{
	size_t i;

	for (i = 0; list && i < json_object_array_length(list); i++)
		check_word(k, json_object_array_get_idx(list, i),
			   "reasoning.encrypted_content web_search_call.action.sources "
			   "web_search_call.results message.output_text.logprobs "
			   "file_search_call.results code_interpreter_call.outputs "
			   "message.input_image.image_url "
			   "computer_call_output.output.image_url", "include");
}

static void check_string_map(struct check *k, struct json_object *v, const char *name,
			     int max)
{
	if (!v)
		return;
	if (max && json_object_object_length(v) > max)
		check_fail(k, name, "Invalid '%s': too many properties.", name);
	json_object_object_foreach(v, key, value)
		if (!json_is_str(value))
			check_fail(k, name, "Invalid type for '%s.%s': expected a "
				   "string.", name, key);
}

/* What the ChatGPT backend alone insists on. */
static void check_chatgpt(struct check *k, struct json_object *body)
{
	struct json_object *options = json_get_object(body, "stream_options");
	struct span tier = json_get_str(body, "service_tier");

	if (!json_get_bool(body, "stream", false))
		check_fail(k, "stream", "Stream must be set to true");
	if (json_get_bool(body, "store", true))
		check_fail(k, "store", "Store must be set to false");
	if (!json_is_array(json_get(body, "input")))
		check_fail(k, "input", "Input must be a list");
	if (tier.len && !span_eq(tier, "priority"))
		check_fail(k, "service_tier", "Unsupported service_tier: %s", tier.ptr);
	if (!options)
		return;
	json_object_object_foreach(options, key, value) {
		(void)value;
		if (strcmp(key, "reasoning_summary_delivery"))
			check_fail(k, "stream_options",
				   "Unsupported parameter: stream_options.%s", key);
	}
}

void check_request(struct check *k, const struct server *srv,
		   const struct request *req, struct json_object *body)
{
	check_headers(k, srv, req);
	if (!json_is_object(body)) {
		check_fail(k, "", "The body is not a JSON object");
		return;
	}
	check_fields(k, body);
	if (k->kind == KIND_CHATGPT)
		check_chatgpt(k, body);
	else if (!json_get_bool(body, "stream", false))
		check_fail(k, "stream", "this upstream only streams");
	if (!json_get_str(body, "model").len)
		check_fail(k, "model", "Missing required parameter: 'model'.");
	check_reasoning(k, json_get_object(body, "reasoning"));
	check_text(k, json_get_object(body, "text"));
	check_include(k, json_get_array(body, "include"));
	check_string_map(k, json_get_object(body, "metadata"), "metadata", 16);
	check_string_map(k, json_get_object(body, "client_metadata"),
			 "client_metadata", 0);
	check_input(k, json_get(body, "input"));
	check_tools(k, json_get_array(body, "tools"), "tools");
	check_choice(k, json_get(body, "tool_choice"), json_get_array(body, "tools"));
}
