/*
 * emit_responses_whole.c - an answer as one response object: upstream's, as
 * it stands, with the request's part where upstream could not have it.
 *
 * A member is the request's where upstream was not told of it (it was
 * dropped, and the header says so), or says nothing of it; and the API's
 * default where nobody said anything.
 */
#include "memory.h"
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
	const struct responses_said *said;
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

/* A member that is ours to say, whatever upstream's word for it. */
static bool put_ours(struct writer *w, struct span key, bool is_new)
{
	struct span own = SPAN("");
	struct buf text;
	bool ours;

	if (span_eq(key, "status"))
		own = w->said->status;
	else if (span_eq(key, "error"))
		own = w->said->error;
	else if (span_eq(key, "output"))
		own = w->said->output;
	if (own.len) {
		put_member(w, key, own);
		return true;
	}
	if (!w->t->memory)
		return false;
	buf_init(&text, 1024);
	ours = memory_member(w->t->memory, key, is_new, &text);
	if (ours)
		put_member(w, key, buf_span(&text));
	buf_free(&text);
	return ours;
}

static void put_given(struct writer *w, struct span response)
{
	struct span key, value, own;
	struct json_walk in;

	json_walk_object(&in, response);
	while (json_walk_next(&in, &key, &value)) {
		if (put_ours(w, key, false))
			continue;
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

static void put_string(struct writer *w, const char *key, struct span value)
{
	struct buf text;

	if (is_seen(w, span_of(key)))
		return;
	buf_init(&text, SIZE_MAX);
	buf_json(&text, value);
	put_member(w, span_of(key), buf_span(&text));
	buf_free(&text);
}

/* Those of put_ours() that upstream did not say at all. */
static void put_ours_missing(struct writer *w)
{
	static const char *const ended[] = { "status", "error", "output" };

	for (size_t i = 0; i < ARRAY_LEN(ended); i++)
		if (!is_seen(w, span_of(ended[i])))
			put_ours(w, span_of(ended[i]), true);
	for (const char *const *name = memory_members; *name; name++)
		if (!is_seen(w, span_of(*name)))
			put_ours(w, span_of(*name), true);
}

void responses_object(const struct terms *t, struct buf *out,
		      const struct responses_said *said)
{
	struct writer w = { .t = t, .out = out, .said = said };
	char created[24];

	put_given(&w, said->response);
	put_ours_missing(&w);
	put_string(&w, "id", said->id);
	put_string(&w, "model", said->model);
	put_string(&w, "status", said->finish == FINISH_STOP ? SPAN("completed") :
							      SPAN("incomplete"));
	if (!is_seen(&w, SPAN("created_at"))) {
		snprintf(created, sizeof(created), "%lld", (long long)t->created);
		put_member(&w, SPAN("created_at"), span_of(created));
	}
	put_missing(&w);
	buf_char(out, '}');
}

void responses_whole(const struct terms *t, struct buf *out,
		     const struct answer *a)
{
	responses_object(t, out, &(struct responses_said){
		.response = buf_span(&a->response),
		.id = span_of(a->id[0] ? a->id : t->id),
		.model = span_of(a->model[0] ? a->model : t->model),
		.finish = a->finish,
	});
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
