/* ask_chat.c - POST /v1/chat/completions becomes a Responses request. */
#include "ask.h"

static enum err refuse_audio(struct asking *q, const char *param)
{
	return ask_refuse(q, NULL, param,
			  "Audio output is not available here: '%s' can ask for "
			  "text only.", param);
}

static enum err take_modalities(struct asking *q, const struct ask_param *p,
				struct json_object *v)
{
	struct at at = { NULL, p->name, 0 };

	if (!ask_is(q, v, p->name, json_type_array, NULL))
		return q->note->code;
	for (; at.index < json_object_array_length(v); at.index++) {
		struct json_object *word = json_object_array_get_idx(v, at.index);

		if (!ask_is(q, word, NULL, json_type_string, &at))
			return q->note->code;
		if (span_eq(json_str(word), "audio"))
			return refuse_audio(q, p->name);
		if (!ask_one_of(q, word, NULL, &at, "text"))
			return q->note->code;
	}
	return ERR_NONE;
}

static enum err take_audio(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_object, NULL))
		return q->note->code;
	return refuse_audio(q, p->name);
}

/* false is what every answer is anyway */
static enum err take_logprobs(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	if (json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v))
		return ERR_NONE;
	return ask_take_bool(q, p, v);
}

static enum err take_top_logprobs(struct asking *q, const struct ask_param *p,
				  struct json_object *v)
{
	if (json_object_is_type(v, json_type_int) && !json_object_get_int64(v))
		return ERR_NONE;
	return ask_take_int(q, p, v);
}

/* The legacy functions have said already that calls come one by one. */
static enum err take_parallel(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	if (q->a->terms.legacy_functions)
		return ask_is(q, v, p->name, json_type_boolean, NULL) ?
			ERR_NONE : q->note->code;
	return ask_take_bool(q, p, v);
}

/* What ask_messages() and ask_tools() have read already has no take. */
static const struct ask_param chat[] = {
	{ "messages", NULL, NULL, 0, 0, ASK_BOTH },
	{ "tools", NULL, NULL, 0, 0, ASK_BOTH },
	{ "tool_choice", NULL, NULL, 0, 0, ASK_BOTH },
	{ "functions", NULL, NULL, 0, 0, ASK_BOTH },
	{ "function_call", NULL, NULL, 0, 0, ASK_BOTH },
	{ "responses_tools", NULL, NULL, 0, 0, ASK_BOTH },
	{ "responses_tool_choice", NULL, NULL, 0, 0, ASK_BOTH },
	{ "web_search_options", NULL, NULL, 0, 0, ASK_BOTH },
	{ "parallel_tool_calls", take_parallel, NULL, 0, 0, ASK_BOTH },
	{ "response_format", ask_take_format, NULL, 0, 0, ASK_BOTH },
	{ "modalities", take_modalities, NULL, 0, 0, ASK_BOTH },
	{ "audio", take_audio, NULL, 0, 0, ASK_BOTH },
	{ "logprobs", take_logprobs, NULL, 0, 0, ASK_LACKING },
	{ "top_logprobs", take_top_logprobs, NULL, 0, 20, ASK_LACKING },
	{ "prediction", ask_take_object, NULL, 0, 0, ASK_LACKING },
	{ "moderation", ask_take_object, NULL, 0, 0, ASK_RESPONSES },
};

enum err ask_chat(struct ask *a, struct json_object *body, struct err_note *note)
{
	struct asking q = { a, body, note };

	if (ask_begin(&q) || ask_messages(&q) || ask_tools(&q))
		return note->code;
	return ask_params(&q, chat, ARRAY_LEN(chat));
}
