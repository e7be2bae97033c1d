/*
 * emit_responses_whole.c - an answer as one response object: upstream's, as
 * it stands, with the request's part where upstream could not have it.
 *
 * A member is the request's where upstream was not told of it (it was
 * dropped, and the header says so), or says nothing of it; and the API's
 * default where nobody said anything.
 */
#include "responses.h"
#include "../../shared/json_walk.h"

static const char *const echoed[] = {
	"background", "instructions", "max_output_tokens", "max_tool_calls",
	"metadata", "parallel_tool_calls", "previous_response_id", "prompt",
	"prompt_cache_key", "prompt_cache_retention", "reasoning",
	"safety_identifier", "temperature", "text", "tool_choice", "tools",
	"top_logprobs", "top_p", "truncation", "user",
};

/* What a response always has. */
static const struct { const char *key, *value; } always[] = {
	{ "object", "\"response\"" }, { "error", "null" },
	{ "incomplete_details", "null" }, { "instructions", "null" },
	{ "max_output_tokens", "null" }, { "metadata", "{}" },
	{ "output", "[]" }, { "parallel_tool_calls", "true" },
	{ "previous_response_id", "null" }, { "store", "false" },
	{ "temperature", "1.0" }, { "text", "{\"format\":{\"type\":\"text\"}}" },
	{ "tool_choice", "\"auto\"" }, { "tools", "[]" }, { "top_p", "1.0" },
	{ "truncation", "\"disabled\"" },
};

#define MAX_SEEN 64	/* members of upstream's that are remembered */

struct writer {
	const struct terms *t;
	struct buf *out;
	struct span seen[MAX_SEEN];
	size_t seen_count;
	bool any;
};

static void put_member(struct writer *w, struct span key, struct span value)
{
	buf_char(w->out, w->any ? ',' : '{');
	w->any = true;
	buf_char(w->out, '"');
	buf_span_add(w->out, key);
	buf_str(w->out, "\":");
	buf_span_add(w->out, value);
	if (w->seen_count < MAX_SEEN)
		w->seen[w->seen_count++] = key;
}

static bool is_seen(const struct writer *w, struct span key)
{
	for (size_t i = 0; i < w->seen_count; i++)
		if (w->seen[i].len == key.len &&
		    !memcmp(w->seen[i].ptr, key.ptr, key.len))
			return true;
	return false;
}

/* The request's word for a member; false: it has none. */
static bool asked(const struct terms *t, struct span key, struct span *value)
{
	struct json_walk w;
	struct span name;

	json_walk_object(&w, buf_span(&t->echo));
	while (json_walk_next(&w, &name, value))
		if (name.len == key.len && !memcmp(name.ptr, key.ptr, key.len))
			return true;
	return false;
}

static void put_given(struct writer *w, struct span response)
{
	struct span key, value, own;
	struct json_walk in;

	json_walk_object(&in, response);
	while (json_walk_next(&in, &key, &value)) {
		if ((span_eq(value, "null") || terms_dropped(w->t, key)) &&
		    asked(w->t, key, &own))
			value = own;
		else if (span_eq(value, "null") && span_eq(key, "store"))
			value = SPAN("false");
		put_member(w, key, value);
	}
}

static void put_missing(struct writer *w)
{
	struct span key, value;
	struct json_walk in;

	json_walk_object(&in, buf_span(&w->t->echo));
	while (json_walk_next(&in, &key, &value))
		if (!is_seen(w, key))
			put_member(w, key, value);
	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		key = span_of(always[i].key);
		if (!is_seen(w, key))
			put_member(w, key, span_of(always[i].value));
	}
}

static void put_own(struct writer *w, const char *key, struct span value)
{
	struct buf text;

	if (is_seen(w, span_of(key)))
		return;
	buf_init(&text, SIZE_MAX);
	buf_json(&text, value);
	put_member(w, span_of(key), buf_span(&text));
	buf_free(&text);
}

void responses_whole(const struct terms *t, struct buf *out,
		     const struct answer *a)
{
	struct writer w = { .t = t, .out = out };
	char created[24];

	put_given(&w, buf_span(&a->response));
	put_own(&w, "id", span_of(a->id[0] ? a->id : t->id));
	put_own(&w, "model", span_of(a->model[0] ? a->model : t->model));
	put_own(&w, "status", a->finish == FINISH_STOP ? SPAN("completed") :
							 SPAN("incomplete"));
	if (!is_seen(&w, SPAN("created_at"))) {
		snprintf(created, sizeof(created), "%lld", (long long)t->created);
		put_member(&w, SPAN("created_at"), span_of(created));
	}
	put_missing(&w);
	buf_char(out, '}');
}

void responses_echo(struct terms *t, struct json_object *body)
{
	for (size_t i = 0; i < ARRAY_LEN(echoed); i++) {
		struct json_object *v = json_get(body, echoed[i]);

		if (!v)
			continue;
		buf_char(&t->echo, t->echo.len ? ',' : '{');
		buf_json(&t->echo, span_of(echoed[i]));
		buf_char(&t->echo, ':');
		json_write(&t->echo, v);
	}
	if (t->echo.len)
		buf_char(&t->echo, '}');
}
