/*
 * ask_ollama_generate.c - POST /api/generate becomes a Responses request.
 *
 * The prompt is a user message as it stands, raw or not: upstream's models
 * have no templates that could be left out or replaced.
 */
#include "ask_ollama.h"

static enum err take_context(struct asking *q, const struct ask_param *p,
			     struct json_object *v)
{
	if (json_is_array(v) && !json_object_array_length(v))
		return ERR_NONE;
	return ask_refuse(q, NULL, p->name, "'context' cannot be taken here: "
			  "upstream's tokens are not ours to read. Send the "
			  "conversation to /api/chat.");
}

/* A text that is dropped and named when there is one. */
static enum err take_unused(struct asking *q, const struct ask_param *p,
			    struct json_object *v)
{
	if (ask_is(q, v, p->name, json_type_string, NULL) && json_str(v).len)
		terms_drop(&q->a->terms, p->name);
	return q->note->code;
}

static enum err take_raw(struct asking *q, const struct ask_param *p,
			 struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_boolean, NULL) ||
	    !json_object_get_boolean(v))
		return q->note->code;
	if (json_get_str(q->body, "system").len ||
	    json_get_str(q->body, "template").len)
		return ask_fault(q, NULL, p->name, "raw mode does not support "
				 "template or system.");
	return ERR_NONE;
}

static const struct ask_param generate[] = {
	{ "prompt", NULL, NULL, 0, 0, ASK_BOTH },
	{ "suffix", NULL, NULL, 0, 0, ASK_BOTH },
	{ "system", NULL, NULL, 0, 0, ASK_BOTH },
	{ "images", NULL, NULL, 0, 0, ASK_BOTH },
	{ "context", take_context, NULL, 0, 0, ASK_BOTH },
	{ "template", take_unused, NULL, 0, 0, ASK_BOTH },
	{ "raw", take_raw, NULL, 0, 0, ASK_BOTH },
};

static void push_message(struct asking *q, struct json_object *input,
			 struct json_object *text)
{
	struct json_object *o;

	if (!json_str(text).len || q->note->code)
		return;
	o = ask_message(q, "developer", text);
	if (o)
		ask_push(q, input, o);
}

/* The prompt and its images, one message. */
static void push_prompt(struct asking *q, struct json_object *input,
			struct json_object *prompt)
{
	struct json_object *o = ask_message(q, "user", prompt);

	if (!o)
		return;
	if (ollama_images(q, q->body, NULL, json_get(o, "content")))
		json_object_put(o);
	else
		ask_push(q, input, o);
}

enum err ask_ollama_generate(struct ask *a, struct json_object *body,
			     struct err_note *note)
{
	struct asking q = { a, body, note };
	struct json_object *prompt, *suffix, *system, *images, *input, *o;

	if (ollama_begin(&q, generate, ARRAY_LEN(generate)))
		return note->code;
	prompt = ask_get(&q, body, "prompt", json_type_string, NULL);
	suffix = ask_get(&q, body, "suffix", json_type_string, NULL);
	system = ask_get(&q, body, "system", json_type_string, NULL);
	images = ask_get(&q, body, "images", json_type_array, NULL);
	if (note->code)
		return note->code;
	if (!json_str(prompt).len && !json_str(suffix).len &&
	    !(images && json_object_array_length(images))) {
		ollama_at_once(&q);
		return ERR_NONE;
	}
	input = ollama_input(&q);
	if (!input)
		return note->code;
	push_message(&q, input, system);
	if (json_str(suffix).len && !note->code && (o = ask_between(&q, suffix)))
		ask_push(&q, input, o);
	if (!note->code)
		push_prompt(&q, input, prompt);
	return note->code;
}
