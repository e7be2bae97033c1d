/*
 * ask_responses.c - POST /v1/responses: the request is upstream's own already.
 *
 * A plain Responses upstream gets all of it as it came. For the ChatGPT
 * backend the shapes that it does not know are written in those that it does,
 * and what only a server with a memory can do is refused with the way out;
 * parameters that it would refuse are left out by payload.c and named.
 * Types are looked at where we look ourselves; the rest is upstream's to judge.
 */
#include "ask.h"
#include "memory.h"
#include "responses.h"
#include "../../shared/text.h"

/* --- input --- */

static enum err take_items(struct asking *q, struct json_object *items)
{
	struct at at = { NULL, "input", 0 };
	bool backend = q->a->config->kind == KIND_CHATGPT;
	size_t count = json_object_array_length(items);
	struct json_object *input = json_object_new_array_ext(count ? (int)count : 1);

	if (!ask_put(q, q->a->request, "input", input))
		return q->note->code;
	for (; at.index < count && !q->note->code; at.index++) {
		struct json_object *item = json_object_array_get_idx(items, at.index);

		if (!ask_is(q, item, NULL, json_type_object, &at))
			break;
		item = backend ? responses_backend_item(q, item, &at) : json_ref(item);
		if (item)
			ask_push(q, input, item);
	}
	return q->note->code;
}

/* A list in the place of what the API takes beside one. */
static enum err take_single(struct asking *q, struct json_object *item)
{
	struct json_object *list = json_object_new_array_ext(1);

	if (ask_push(q, list, item))
		take_items(q, list);
	json_object_put(list);
	return q->note->code;
}

static enum err take_input(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	struct json_object *message;

	if (json_is_array(v))
		return take_items(q, v);
	if (json_is_object(v))
		return take_single(q, json_ref(v));
	if (!json_is_str(v))
		return ask_wrong_type(q, NULL, p->name, "a string or an array", v);
	if (q->a->config->kind != KIND_CHATGPT) {
		ask_put(q, q->a->request, "input", json_ref(v));
		return q->note->code;
	}
	message = ask_message(q, "user", v);
	return message ? take_single(q, message) : q->note->code;
}

/* --- tools --- */

/* As it came, but of this type, and without one of its members. */
static struct json_object *retyped(struct asking *q, struct json_object *from,
				   const char *type, const char *without)
{
	struct json_object *o = ask_item(q, type);

	for (struct lh_entry *e = json_object_get_object(from)->head; o && e; e = e->next)
		if (strcmp(lh_entry_k(e), "type") && strcmp(lh_entry_k(e), without) &&
		    !json_set(o, lh_entry_k(e), json_ref(lh_entry_v(e))))
			ask_no_memory(q);
	return o;
}

static struct json_object *renamed_search(struct asking *q, struct json_object *tool)
{
	return retyped(q, tool, "web_search", "");
}

/* The backend wants to be told what the API leaves open: the search by its
 * name of today, and whether a function is strict. What says nothing of it is
 * not, as no schema is refused then. */
static struct json_object *backend_tool(struct asking *q, struct json_object *tool)
{
	struct span type = json_get_str(tool, "type");
	struct json_object *o;

	if (span_starts(type, "web_search_preview"))
		return renamed_search(q, tool);
	if (!span_eq(type, "function") || json_get(tool, "strict"))
		return json_ref(tool);
	o = retyped(q, tool, "function", "strict");
	if (o)
		ask_put(q, o, "strict", json_object_new_boolean(0));
	return o;
}

static enum err take_tools(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	struct at at = { NULL, p->name, 0 };
	bool backend = q->a->config->kind == KIND_CHATGPT;
	struct json_object *tools;

	if (!ask_is(q, v, p->name, json_type_array, NULL))
		return q->note->code;
	tools = json_object_new_array_ext(4);
	if (!ask_put(q, q->a->request, "tools", tools))
		return q->note->code;
	for (; at.index < json_object_array_length(v) && !q->note->code; at.index++) {
		struct json_object *tool = json_object_array_get_idx(v, at.index);

		if (!ask_is(q, tool, NULL, json_type_object, &at))
			break;
		ask_push(q, tools, backend ? backend_tool(q, tool) : json_ref(tool));
	}
	return q->note->code;
}

/* The choice of a search by its name of yesterday. */
static enum err take_choice(struct asking *q, const struct ask_param *p,
			    struct json_object *v)
{
	bool backend = q->a->config->kind == KIND_CHATGPT;

	if (!json_is_str(v) && !json_is_object(v))
		return ask_wrong_type(q, NULL, p->name, "a string or an object", v);
	ask_put(q, q->a->request, p->name,
		backend && span_starts(json_get_str(v, "type"), "web_search_preview") ?
		renamed_search(q, v) : json_ref(v));
	return q->note->code;
}

/* --- what only a server with a memory can do --- */

static enum err take_memory(struct asking *q, const struct ask_param *p,
			    struct json_object *v)
{
	if (q->a->config->kind != KIND_CHATGPT) {
		ask_put(q, q->a->request, p->name, json_ref(v));
		return q->note->code;
	}
	if (json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v))
		return ERR_NONE;	/* background: false is what there is */
	return ask_refuse(q, NULL, p->name, "%s", p->choices);
}

/* --- what our store is asked for --- */

static enum err take_store(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	struct memory *m = q->a->terms.memory;

	if (ask_take_bool(q, p, v) == ERR_NONE && m)
		m->store = m->store && json_object_get_boolean(v);
	return q->note->code;
}

static enum err take_background(struct asking *q, const struct ask_param *p,
				struct json_object *v)
{
	struct memory *m = q->a->terms.memory;

	if (!m)
		ask_put(q, q->a->request, p->name, json_ref(v));
	else if (ask_is(q, v, p->name, json_type_boolean, NULL))
		m->background = json_object_get_boolean(v);
	return q->note->code;
}

/* An id longer than any of ours is told as one that is not there. */
static enum err take_id(struct asking *q, const struct ask_param *p,
			struct json_object *v, char id[STORE_ID])
{
	struct span s = json_str(v);

	if (!q->a->config->store && q->a->socket &&
	    !strcmp(p->name, "previous_response_id")) {
		/* at this word clients of a WebSocket send all of it */
		err_at(q->note, ERR_BAD_REQUEST, p->name, "Previous response with "
		       "id '%.80s' not found.", json_str(v).ptr);
		memcpy(q->note->ucode, "previous_response_not_found",
		       sizeof("previous_response_not_found"));
		return q->note->code;
	}
	if (!q->a->config->store)
		return ask_refuse(q, NULL, p->name, "'%s' cannot be had: nothing "
				  "is stored here (CHATMOCK_STORE). Send the items "
				  "of the earlier turns in 'input' instead, "
				  "reasoning items with their encrypted_content.",
				  p->name);
	if (!s.len)
		return ask_fault(q, NULL, p->name, "it is empty.");
	text_copy(id, STORE_ID, s);
	return ERR_NONE;
}

static enum err take_previous(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	if (!q->a->terms.memory) {
		ask_put(q, q->a->request, p->name, json_ref(v));
		return q->note->code;
	}
	if (!ask_is(q, v, p->name, json_type_string, NULL))
		return q->note->code;
	return take_id(q, p, v, q->a->terms.memory->previous);
}

static enum err take_conversation(struct asking *q, const struct ask_param *p,
				  struct json_object *v)
{
	const struct at at = { NULL, p->name, AT_WHOLE };

	if (!q->a->terms.memory) {
		ask_put(q, q->a->request, p->name, json_ref(v));
		return q->note->code;
	}
	if (json_is_object(v))
		v = ask_need(q, v, "id", json_type_string, &at);
	else if (!json_is_str(v))
		return ask_wrong_type(q, NULL, p->name, "a string or an object", v);
	return v ? take_id(q, p, v, q->a->terms.memory->conversation) :
		   q->note->code;
}

/* What the answer shall be found by, and what is kept of the question. */
static enum err take_memories(struct asking *q)
{
	struct memory *m = q->a->terms.memory;

	if (m->previous[0] && m->conversation[0]) {
		text_copy(q->note->ucode, sizeof(q->note->ucode),
			  SPAN("mutually_exclusive_parameters"));
		return err_tell(q->note, ERR_BAD_REQUEST, "Mutually exclusive "
				"parameters: 'previous_response_id' and "
				"'conversation'. Ensure you are only providing "
				"one of them.");
	}
	if (m->background && !m->store)
		return ask_refuse(q, NULL, "background", "'background' needs "
				  "'store': what runs on is found again by its id%s.",
				  q->a->config->store ? "" :
				  ", and nothing is stored here (CHATMOCK_STORE)");
	if (memory_recalls(m) && !json_get(q->a->request, "input"))
		ask_put(q, q->a->request, "input", json_object_new_array_ext(1));
	if (ask_need(q, q->a->request, "input", json_type_array, NULL) &&
	    memory_keeps(m) && !m->refers &&
	    !memory_give(&m->given, json_get(q->a->request, "input")))
		return ask_no_memory(q);
	return q->note->code;
}

static enum err take_list(struct asking *q, const struct ask_param *p,
			  struct json_object *v)
{
	if (ask_is(q, v, p->name, json_type_array, NULL))
		ask_put(q, q->a->request, p->name, json_ref(v));
	return q->note->code;
}

/* 0 asks for nothing. */
static enum err take_logprobs(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	static const struct ask_param lacking = {
		"top_logprobs", NULL, NULL, 0, 20, ASK_LACKING
	};

	if (q->a->config->kind != KIND_CHATGPT) {
		ask_put(q, q->a->request, p->name, json_ref(v));
		return q->note->code;
	}
	if (json_object_is_type(v, json_type_int) && !json_object_get_int64(v))
		return ERR_NONE;
	return ask_take_int(q, &lacking, v);
}

/* What chat knows of it is looked at as there; what it does not stays. */
static enum err take_reasoning(struct asking *q, const struct ask_param *p,
			       struct json_object *v)
{
	static const char known[] = "effort|summary|context|generate_summary";
	struct json_object *into;

	if (ask_param_common(q, p->name, v))
		return q->note->code;
	into = ask_sub(q, p->name);
	for (struct lh_entry *e = json_object_get_object(v)->head; into && e; e = e->next)
		if (!ask_word_in(span_of(lh_entry_k(e)), known) && lh_entry_v(e) &&
		    !json_set(into, lh_entry_k(e), json_ref(lh_entry_v(e))))
			return ask_no_memory(q);
	return q->note->code;
}

/* Of a WebSocket: false asks for an id to go on with, and for no answer. */
static enum err take_generate(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	if (!q->a->socket)
		ask_put(q, q->a->request, p->name, json_ref(v));
	else if (ask_is(q, v, p->name, json_type_boolean, NULL) &&
		 !json_object_get_boolean(v))
		q->a->terms.at_once = "prepared";
	return q->note->code;
}

static enum err take_common(struct asking *q, const struct ask_param *p,
			    struct json_object *v)
{
	return ask_param_common(q, p->name, v);
}

static const struct ask_param kept[] = {
	{ "input", take_input, NULL, 0, 0, ASK_BOTH },
	{ "stream", ask_take_stream, NULL, 0, 0, ASK_BOTH },
	{ "generate", take_generate, NULL, 0, 0, ASK_BOTH },
	{ "instructions", ask_take_str, NULL, 0, 0, ASK_BOTH },
	{ "tools", take_tools, NULL, 0, 0, ASK_BOTH },
	{ "tool_choice", take_choice, NULL, 0, 0, ASK_BOTH },
	{ "parallel_tool_calls", ask_take_bool, NULL, 0, 0, ASK_BOTH },
	{ "reasoning", take_reasoning, NULL, 0, 0, ASK_BOTH },
	{ "service_tier", take_common, NULL, 0, 0, ASK_BOTH },
	{ "fast_mode", take_common, NULL, 0, 0, ASK_BOTH },
	{ "include", take_list, NULL, 0, 0, ASK_BOTH },
	{ "top_logprobs", take_logprobs, NULL, 0, 0, ASK_BOTH },
	{ "stream_options", ask_take_object, NULL, 0, 0, ASK_BOTH },
	{ "text", ask_take_object, NULL, 0, 0, ASK_BOTH },
	{ "store", take_store, NULL, 0, 0, ASK_BOTH },
	{ "prompt_cache_key", ask_take_str, NULL, 0, 0, ASK_BOTH },
	{ "previous_response_id", take_previous, NULL, 0, 0, ASK_BOTH },
	{ "conversation", take_conversation, NULL, 0, 0, ASK_BOTH },
	{ "prompt", take_memory,
	  "'prompt' cannot be had: the ChatGPT backend has no stored prompts. "
	  "Send its text in 'instructions' or 'input' instead.", 0, 0, ASK_BOTH },
	{ "background", take_background, NULL, 0, 0, ASK_BOTH },
};

static enum err take_member(struct asking *q, const char *name,
			    struct json_object *v)
{
	if (!v || !strcmp(name, "model"))
		return ERR_NONE;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (!strcmp(kept[i].name, name))
			return kept[i].take(q, &kept[i], v);
	if (!json_set(q->a->request, name, json_ref(v)))
		return ask_no_memory(q);
	return ERR_NONE;
}

/* The ChatGPT backend has no memory: ours serves. */
static enum err begin_memory(struct asking *q)
{
	if (q->a->config->kind != KIND_CHATGPT)
		return ERR_NONE;
	q->a->terms.memory = memory_new();
	if (!q->a->terms.memory)
		return ask_no_memory(q);
	q->a->terms.memory->store = q->a->config->store;
	if (q->a->continues)
		text_copy(q->a->terms.memory->continues, STORE_ID,
			  span_of(q->a->continues));
	return ERR_NONE;
}

enum err ask_responses(struct ask *a, struct json_object *body,
		       struct err_note *note)
{
	struct asking q = { a, body, note };
	struct lh_entry *e;

	a->native = true;
	if (ask_begin(&q) || begin_memory(&q))
		return note->code;
	for (e = json_object_get_object(body)->head; e && !note->code; e = e->next)
		take_member(&q, lh_entry_k(e), lh_entry_v(e));
	if (!note->code && a->terms.memory)
		take_memories(&q);
	if (!note->code && (!a->terms.stream || memory_keeps(a->terms.memory)))
		responses_echo(&a->terms, body);
	if (buf_err(&a->terms.echo))
		ask_no_memory(&q);
	return note->code;
}
