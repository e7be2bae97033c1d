/*
 * ask_completion.c - POST /v1/completions becomes a Responses request.
 *
 * The prompt is a user message as it stands. Models of today answer a prompt
 * rather than carry it on; only where the client says what shall follow
 * (suffix) are they told to write what lies between.
 */
#include "ask.h"

#define BETWEEN \
	"The user's message is the beginning of a text. Write only what comes " \
	"between it and the ending given below, so that beginning, your answer " \
	"and ending read as one text when they are joined without anything " \
	"added. Repeat neither of them; no explanations, no code fences.\n" \
	"The ending:\n"

static struct json_object *prompt_text(struct asking *q)
{
	const struct at at = { NULL, "prompt", 0 };
	struct json_object *v = json_get(q->body, "prompt"), *first;

	if (!v)
		return ask_need(q, q->body, "prompt", json_type_string, NULL);
	if (json_is_str(v))
		return v;
	if (!json_is_array(v)) {
		ask_wrong_type(q, NULL, "prompt", "a string", v);
		return NULL;
	}
	first = json_object_array_get_idx(v, 0);
	if (json_object_is_type(first, json_type_int) || json_is_array(first)) {
		ask_refuse(q, NULL, "prompt", "A prompt of tokens cannot be taken "
			   "here; send it as text.");
		return NULL;
	}
	if (json_object_array_length(v) > 1) {
		ask_refuse(q, NULL, "prompt", "Several prompts in one request "
			   "cannot be taken here; send one request for each.");
		return NULL;
	}
	if (!json_object_array_length(v)) {
		ask_fault(q, NULL, "prompt", "it has no text.");
		return NULL;
	}
	return ask_is(q, first, NULL, json_type_string, &at) ? first : NULL;
}

/* The developer message that makes the answer join the suffix. */
struct json_object *ask_between(struct asking *q, struct json_object *suffix)
{
	struct json_object *text, *o;
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_str(&b, BETWEEN);
	buf_span_add(&b, json_str(suffix));
	text = ask_str_of(q, &b);
	if (!text)
		return NULL;
	o = ask_message(q, "developer", text);
	json_object_put(text);
	return o;
}

static enum err ask_prompt(struct asking *q)
{
	struct json_object *input, *o;
	struct json_object *suffix = ask_get(q, q->body, "suffix",
					     json_type_string, NULL);
	struct json_object *text = q->note->code ? NULL : prompt_text(q);

	if (!text)
		return q->note->code;
	input = json_object_new_array_ext(2);
	if (!ask_put(q, q->a->request, "input", input))
		return q->note->code;
	if (json_str(suffix).len && (o = ask_between(q, suffix)))
		ask_push(q, input, o);
	if (!q->note->code && (o = ask_message(q, "user", text)))
		ask_push(q, input, o);
	return q->note->code;
}

static enum err take_echo(struct asking *q, const struct ask_param *p,
			  struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_boolean, NULL))
		return q->note->code;
	if (json_object_get_boolean(v))
		return ask_refuse(q, NULL, p->name, "'echo' is not available here: "
				  "the prompt is not sent back.");
	return ERR_NONE;
}

/* The best of one is what every answer is. */
static enum err take_best_of(struct asking *q, const struct ask_param *p,
			     struct json_object *v)
{
	if (json_object_is_type(v, json_type_int) &&
	    (json_object_get_int64(v) == 0 || json_object_get_int64(v) == 1))
		return ERR_NONE;
	return ask_take_int(q, p, v);
}

static const struct ask_param completion[] = {
	{ "prompt", NULL, NULL, 0, 0, ASK_BOTH },
	{ "suffix", NULL, NULL, 0, 0, ASK_BOTH },
	{ "echo", take_echo, NULL, 0, 0, ASK_BOTH },
	{ "best_of", take_best_of, NULL, 0, 20, ASK_LACKING },
	/* 0 asks for something too: the probabilities of the answer's tokens */
	{ "logprobs", ask_take_int, NULL, 0, 5, ASK_LACKING },
};

enum err ask_completion(struct ask *a, struct json_object *body,
			struct err_note *note)
{
	struct asking q = { a, body, note };

	if (ask_begin(&q) || ask_prompt(&q))
		return note->code;
	return ask_params(&q, completion, ARRAY_LEN(completion));
}
