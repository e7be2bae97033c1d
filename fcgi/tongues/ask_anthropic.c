/* ask_anthropic.c - POST /v1/messages becomes a Responses request. */
#include "anthropic.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

/* The Responses API refuses a smaller limit. */
#define LEAST_OUTPUT_TOKENS 16
#define MAX_USER_ID 64		/* of upstream's safety_identifier */

/* --- limits and sampling --- */

static enum err need_limit(struct asking *q)
{
	struct json_object *v = ask_need(q, q->body, "max_tokens", json_type_int, NULL);

	if (v && json_object_get_int64(v) < 1)
		ask_fault(q, NULL, "max_tokens", "it must be at least 1.");
	return q->note->code;
}

static enum err take_limit(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	int64_t limit = json_object_get_int64(v);

	if (q->a->config->kind == KIND_CHATGPT)
		terms_drop(&q->a->terms, p->name);
	else if (limit < LEAST_OUTPUT_TOKENS)
		ask_put(q, q->a->request, "max_output_tokens",
			json_object_new_int64(LEAST_OUTPUT_TOKENS));
	else
		ask_put(q, q->a->request, "max_output_tokens", json_ref(v));
	return q->note->code;
}

static enum err take_stops(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	struct at at = { NULL, p->name, 0 };

	if (!ask_is(q, v, p->name, json_type_array, NULL))
		return q->note->code;
	if (json_object_array_length(v) > MAX_STOPS_KEPT)
		return ask_fault(q, NULL, p->name, "at most %d stop sequences.",
				 MAX_STOPS_KEPT);
	for (; at.index < json_object_array_length(v); at.index++)
		if (!ask_add_stop(q, json_object_array_get_idx(v, at.index), &at))
			break;
	return q->note->code;
}

/* --- who asks, and how fast --- */

/* A plain upstream's word for the same is safety_identifier; what is longer
 * than it takes, as Claude Code's is, goes as its hash. */
static enum err take_metadata(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	const struct at at = { NULL, p->name, AT_WHOLE };
	struct json_object *user;
	char hex[65];

	if (!ask_is(q, v, p->name, json_type_object, NULL))
		return q->note->code;
	user = ask_get(q, v, "user_id", json_type_string, &at);
	if (!user || !json_str(user).len)
		return q->note->code;
	if (q->a->config->kind == KIND_CHATGPT) {
		terms_drop(&q->a->terms, "metadata.user_id");
		return ERR_NONE;
	}
	if (json_str(user).len <= MAX_USER_ID) {
		ask_put(q, q->a->request, "safety_identifier", json_ref(user));
		return q->note->code;
	}
	sha256_hex(json_str(user), hex);
	ask_put_cstr(q, q->a->request, "safety_identifier", hex);
	return q->note->code;
}

/* auto is what no tier means; standard_only holds against the setting. */
static enum err take_tier(struct asking *q, const struct ask_param *p,
			  struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_string, NULL) ||
	    !ask_one_of(q, v, p->name, NULL, "auto|standard_only"))
		return q->note->code;
	if (span_eq(json_str(v), "standard_only") && !json_get(q->body, "speed"))
		ask_put_cstr(q, q->a->request, "service_tier", "default");
	return q->note->code;
}

/* The nearest upstream has to fast is its priority tier. */
static enum err take_speed(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	const struct model *m = q->a->model.known;
	bool fast = span_eq(json_str(v), "fast");

	if (!ask_is(q, v, p->name, json_type_string, NULL) ||
	    !ask_one_of(q, v, p->name, NULL, "fast|standard"))
		return q->note->code;
	if (fast && m && !m->has_priority_tier)
		terms_drop(&q->a->terms, p->name);
	else
		ask_put_cstr(q, q->a->request, "service_tier",
			     fast ? "priority" : "default");
	return q->note->code;
}

/* Servers that upstream should call on its own: an answer without them would
 * be another one. */
static enum err refuse_servers(struct asking *q, const struct ask_param *p,
			       struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_array, NULL) ||
	    !json_object_array_length(v))
		return q->note->code;
	return ask_refuse(q, NULL, p->name, "MCP servers are not called from "
			  "here: '%s' must be empty.", p->name);
}

/* What was read before has no take, nor has what asks for nothing. */
static const struct ask_param params[] = {
	{ "model", NULL, NULL, 0, 0, ASK_BOTH },
	{ "messages", NULL, NULL, 0, 0, ASK_BOTH },
	{ "system", NULL, NULL, 0, 0, ASK_BOTH },
	{ "tools", NULL, NULL, 0, 0, ASK_BOTH },
	{ "tool_choice", NULL, NULL, 0, 0, ASK_BOTH },
	{ "thinking", NULL, NULL, 0, 0, ASK_BOTH },
	{ "output_config", NULL, NULL, 0, 0, ASK_BOTH },
	{ "output_format", NULL, NULL, 0, 0, ASK_BOTH },
	{ "cache_control", NULL, NULL, 0, 0, ASK_BOTH },
	{ "betas", NULL, NULL, 0, 0, ASK_BOTH },
	{ "max_tokens", take_limit, NULL, 0, 0, ASK_RESPONSES },
	{ "stop_sequences", take_stops, NULL, 0, 0, ASK_BOTH },
	{ "stream", ask_take_stream, NULL, 0, 0, ASK_BOTH },
	{ "temperature", ask_take_number, NULL, 0, 1, ASK_RESPONSES },
	{ "top_p", ask_take_number, NULL, 0, 1, ASK_RESPONSES },
	{ "top_k", ask_take_int, NULL, 0, 1e9, ASK_LACKING },
	{ "metadata", take_metadata, NULL, 0, 0, ASK_BOTH },
	{ "service_tier", take_tier, NULL, 0, 0, ASK_BOTH },
	{ "speed", take_speed, NULL, 0, 0, ASK_BOTH },
	{ "mcp_servers", refuse_servers, NULL, 0, 0, ASK_BOTH },
};

/* Conversations are not kept here. Anthropic's SDKs begin a thread where they
 * run tools, and know from this refusal to send all of it without one. First
 * of all: the messages of a thread are a part only, and make no sense. */
static enum err refuse_thread(struct asking *q)
{
	if (!json_get(q->body, "thread"))
		return ERR_NONE;
	return ask_refuse(q, NULL, "thread", "Threads are not kept here: send the "
			  "whole conversation without one.");
}

static enum err translate(struct asking *q)
{
	if (refuse_thread(q) || anthropic_messages(q) || anthropic_tools(q) ||
	    anthropic_reasoning(q))
		return q->note->code;
	return ask_own_params(q, params, ARRAY_LEN(params));
}

enum err ask_anthropic(struct ask *a, struct json_object *body,
		       struct err_note *note)
{
	struct asking q = { a, body, note };

	if (ask_begin(&q) || need_limit(&q))
		return note->code;
	return translate(&q);
}

enum err anthropic_unlimited(struct ask *a, struct json_object *body,
			     struct err_note *note)
{
	struct asking q = { a, body, note };

	return ask_begin(&q) ? note->code : translate(&q);
}
