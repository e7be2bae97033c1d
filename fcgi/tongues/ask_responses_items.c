/*
 * ask_responses_items.c - an item of an input in the shape that the ChatGPT
 * backend and our lists have; see responses.h.
 */
#include "ask.h"
#include "memory.h"
#include "refer.h"
#include "responses.h"

static struct json_object *text_part(struct asking *q, struct span role,
				     struct json_object *text)
{
	struct json_object *part = ask_item(q, span_eq(role, "assistant") ?
					    "output_text" : "input_text");

	if (part)
		ask_put(q, part, "text", json_ref(text));
	return part;
}

/* An easy message: without a type, or with a string for content. */
static struct json_object *full_message(struct asking *q, struct json_object *item)
{
	struct json_object *content = json_get(item, "content"), *parts;
	struct json_object *o = ask_item(q, "message");

	for (struct lh_entry *e = json_object_get_object(item)->head; o && e; e = e->next)
		if (strcmp(lh_entry_k(e), "type") && lh_entry_v(e) &&
		    !json_set(o, lh_entry_k(e), json_ref(lh_entry_v(e))))
			ask_no_memory(q);
	if (!o || !json_is_str(content))
		return o;
	parts = json_object_new_array_ext(1);
	if (ask_push(q, parts, text_part(q, json_get_str(item, "role"), content)))
		ask_put(q, o, "content", parts);
	else
		json_object_put(parts);
	return o;
}

static bool is_easy(struct json_object *item)
{
	struct span type = json_get_str(item, "type");

	return (!type.len && json_get_str(item, "role").len) ||
	       (span_eq(type, "message") && json_is_str(json_get(item, "content")));
}

struct json_object *responses_full_item(struct asking *q, struct json_object *item)
{
	return is_easy(item) ? full_message(q, item) : json_ref(item);
}

/* The store is asked for what it names, in a thread. */
static struct json_object *reference(struct asking *q, struct json_object *item,
				     const struct at *at)
{
	struct json_object *id = ask_need(q, item, "id", json_type_string, at);

	if (!id)
		return NULL;
	q->a->terms.memory->refers = true;
	if (q->a->config->store)
		return json_ref(item);
	err_at(q->note, ERR_NOT_STORED, "input", "Item with id '%.80s' not found: "
	       "nothing is stored here (CHATMOCK_STORE). Send the item itself in "
	       "its place.", json_str(id).ptr);
	return NULL;
}

struct json_object *responses_backend_item(struct asking *q,
					   struct json_object *item,
					   const struct at *at)
{
	return refer_is(item) ? reference(q, item, at) :
				responses_full_item(q, item);
}
