/*
 * count.c - the tokens of a Responses request; see count.h.
 *
 * Texts count by what they say, images by their size, files by their bytes;
 * what stands around them by a few tokens for each item. Reasoning that is
 * sealed is upstream's own and not counted: what of it is read again is not
 * for us to know.
 */
#include "anthropic.h"
#include "count.h"
#include "openai.h"

#include "../../shared/ceilings.h"
#include "../../shared/tokens.h"

#define AROUND_ALL	3	/* tokens: what begins the answer */
#define AROUND_ITEM	4	/* a message's or result's role and ends */
#define AROUND_TOOLS	12	/* the heading of all tools, once */
#define AROUND_TOOL	8
#define AROUND_MEMBER	2	/* a name in a schema: its quotes, its colon */
#define FILE_BYTES	24	/* of a file's base64, for each of its tokens */

static int64_t count_image(struct json_object *part, struct span url)
{
	bool low = span_eq(json_get_str(part, "detail"), "low");
	const char *comma = memchr(url.ptr, ',', url.len);

	if (url.len < 5 || memcmp(url.ptr, "data:", 5) != 0 || !comma)
		return tokens_image(SPAN(""), low);
	comma++;
	return tokens_image((struct span){ comma,
				url.len - (size_t)(comma - url.ptr) }, low);
}

/* A schema or a tool: names count as well as what they hold. */
static int64_t count_schema(struct json_object *v, int depth)
{
	int64_t sum = 0;

	if (json_is_str(v))
		return tokens_estimate(json_str(v)) + 1;
	if (depth > MAX_JSON_DEPTH)
		return 0;
	if (json_is_array(v)) {
		for (size_t i = 0; i < json_object_array_length(v); i++)
			sum += count_schema(json_object_array_get_idx(v, i), depth + 1);
		return sum;
	}
	if (!json_is_object(v))
		return 1;
	json_object_object_foreach(v, key, member)
		sum += tokens_estimate(span_of(key)) + AROUND_MEMBER +
		       count_schema(member, depth + 1);
	return sum;
}

static int64_t count_texts(struct json_object *v, int depth);

/* What of an object's members the model reads. */
static int64_t count_member(struct json_object *o, const char *key,
			    struct json_object *v, int depth)
{
	static const char *const hidden[] = {
		"type", "id", "call_id", "status", "role", "detail",
		"encrypted_content", "phase", "strict"
	};

	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (strcmp(key, hidden[i]) == 0)
			return 0;
	if (strcmp(key, "image_url") == 0 && json_is_str(v))
		return count_image(o, json_str(v));
	if (strcmp(key, "file_data") == 0 && json_is_str(v))
		return (int64_t)json_str(v).len / FILE_BYTES;
	return count_texts(v, depth + 1);
}

static int64_t count_texts(struct json_object *v, int depth)
{
	int64_t sum = 0;

	if (json_is_str(v))
		return tokens_estimate(json_str(v));
	if (depth > MAX_JSON_DEPTH)
		return 0;
	if (json_is_array(v))
		for (size_t i = 0; i < json_object_array_length(v); i++)
			sum += count_texts(json_object_array_get_idx(v, i), depth + 1);
	if (!json_is_object(v))
		return sum;
	json_object_object_foreach(v, key, member)
		sum += count_member(v, key, member, depth);
	return sum;
}

int64_t count_request(struct json_object *request)
{
	struct json_object *input = json_get(request, "input");
	struct json_object *tools = json_get_array(request, "tools");
	struct json_object *format = json_get_object(json_get(request, "text"), "format");
	size_t items = json_is_array(input) ? json_object_array_length(input) : 1;
	int64_t sum = AROUND_ALL + (int64_t)items * AROUND_ITEM;

	sum += count_texts(input, 0);
	sum += tokens_estimate(json_get_str(request, "instructions"));
	if (tools && json_object_array_length(tools))
		sum += AROUND_TOOLS + count_schema(tools, 0) +
		       (int64_t)json_object_array_length(tools) * AROUND_TOOL;
	if (format)
		sum += count_schema(json_get(format, "schema"), 0);
	return sum;
}

/* --- the two tongues --- */

/* The terms of a number: nothing is streamed, nothing was dropped. */
static enum err counted(struct ask *a, struct err_note *note)
{
	if (note->code)
		return note->code;
	a->terms.tokens = count_request(a->request);
	a->terms.at_once = "counted";
	a->terms.stream = false;
	buf_reset(&a->terms.dropped);
	return ERR_NONE;
}

static enum err ask_anthropic_count(struct ask *a, struct json_object *body,
				    struct err_note *note)
{
	(void)anthropic_unlimited(a, body, note);
	return counted(a, note);
}

static enum err ask_responses_count(struct ask *a, struct json_object *body,
				    struct err_note *note)
{
	(void)tongue_responses.ask(a, body, note);
	return counted(a, note);
}

static void whole_anthropic(const struct terms *t, struct buf *out,
			    const struct answer *a)
{
	(void)a;
	buf_str(out, "{\"input_tokens\":");
	buf_int(out, t->tokens);
	buf_char(out, '}');
}

static void whole_responses(const struct terms *t, struct buf *out,
			    const struct answer *a)
{
	(void)a;
	buf_str(out, "{\"object\":\"response.input_tokens\",\"input_tokens\":");
	buf_int(out, t->tokens);
	buf_char(out, '}');
}

const struct tongue tongue_anthropic_count = {
	.name = "anthropic",
	.id_prefix = "msg_",
	.id_header = "request-id",
	.ask = ask_anthropic_count,
	.whole = whole_anthropic,
	.error_status = anthropic_error_status,
	.error_body = anthropic_error_body,
	.error_event = anthropic_error_event,
};

const struct tongue tongue_responses_count = {
	.name = "responses",
	.id_prefix = "resp_",
	.ask = ask_responses_count,
	.whole = whole_responses,
	.error_body = openai_error_body,
	.error_event = openai_error_event,
};
