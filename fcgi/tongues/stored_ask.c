/*
 * stored_ask.c - the bodies of requests about conversations; see stored.h.
 */
#include "ask.h"
#include "memory.h"
#include "responses.h"
#include "stored.h"

#include "../../shared/ceilings.h"

/* As the API has them. */
#define MAX_PAIRS 16
#define MAX_PAIR_KEY 64
#define MAX_PAIR_VALUE 512
#define MAX_ITEMS_AT_ONCE 20

static enum err ask_metadata(struct asking *q, struct json_object *v,
			     struct buf *out)
{
	const struct at at = { NULL, "metadata", AT_WHOLE };

	if (!ask_is(q, v, "metadata", json_type_object, NULL))
		return q->note->code;
	if (json_object_object_length(v) > MAX_PAIRS)
		return ask_fault(q, NULL, "metadata", "at most %d pairs.", MAX_PAIRS);
	json_object_object_foreach(v, key, value) {
		if (strlen(key) > MAX_PAIR_KEY)
			return ask_fault(q, NULL, "metadata", "a key has at most %d "
					 "characters.", MAX_PAIR_KEY);
		if (!json_is_str(value))
			return ask_wrong_type(q, &at, key, "a string", value);
		if (json_str(value).len > MAX_PAIR_VALUE * 4)
			return ask_fault(q, &at, key, "at most %d characters.",
					 MAX_PAIR_VALUE);
	}
	json_write(out, v);
	return buf_err(out) ? ask_no_memory(q) : ERR_NONE;
}

static void ask_one(struct asking *q, struct json_object *full,
		    struct json_object *item, const struct at *at)
{
	if (!ask_is(q, item, NULL, json_type_object, at))
		return;
	if (!refer_is(item))
		ask_push(q, full, responses_full_item(q, item));
	else if (ask_need(q, item, "id", json_type_string, at))
		ask_push(q, full, json_ref(item));
}

static enum err ask_items(struct asking *q, struct json_object *v,
			  const struct stored_asked *to)
{
	bool thoughts;
	struct at at = { NULL, "items", 0 };
	size_t count = json_is_array(v) ? json_object_array_length(v) : 0;
	struct json_object *full;

	if (!ask_is(q, v, "items", json_type_array, NULL))
		return q->note->code;
	if (count > MAX_ITEMS_AT_ONCE)
		return ask_fault(q, NULL, "items", "at most %d items at a time.",
				 MAX_ITEMS_AT_ONCE);
	full = json_object_new_array_ext((int)count + 1);
	if (!full)
		return ask_no_memory(q);
	for (; at.index < count && !q->note->code; at.index++)
		ask_one(q, full, json_object_array_get_idx(v, at.index), &at);
	if (!q->note->code &&
	    !refer_resolve(full, "items", to->recall, &thoughts, q->note) &&
	    !memory_give(to->items, full))
		ask_no_memory(q);
	json_object_put(full);
	return q->note->code;
}

enum err stored_ask(struct json_object *body, const struct stored_asked *to,
		    struct err_note *note)
{
	struct asking q = { NULL, body, note };
	struct json_object *metadata = json_get(body, "metadata");
	struct json_object *items = json_get(body, "items");

	if (!json_is_object(body))
		return err_tell(note, ERR_BAD_REQUEST,
				"The request body must be a JSON object.");
	if (to->metadata && (metadata || to->needed))
		ask_metadata(&q, metadata, to->metadata);
	if (!note->code && to->items && (items || to->needed))
		ask_items(&q, items, to);
	return note->code;
}
