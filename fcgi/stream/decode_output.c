/*
 * decode_output.c - the items of response.completed against those told.
 *
 * The ChatGPT backend sends an empty list, other upstreams repeat everything,
 * some under new ids. So an item counts as told when its id or call id was, or
 * else when one of its kind was told that no other item here accounts for.
 */
#include "../../shared/ceilings.h"
#include "decode_state.h"

struct item_key {
	enum item_kind kind;
	uint64_t id, call_id;
};

static struct item_key key_of(struct json_object *item)
{
	return (struct item_key){
		.kind = item_kind_of(json_get_str(item, "type")),
		.id = decode_id(json_get_str(item, "id")),
		.call_id = decode_id(json_get_str(item, "call_id")),
	};
}

static bool same_id(const struct item *it, struct item_key key)
{
	return (key.id && it->id == key.id) ||
	       (key.call_id && it->call_id == key.call_id);
}

/* The told item not accounted for that this one is; marked. NULL: none. */
static struct item *take_told(struct decoder *d, struct item_key key, bool by_id)
{
	for (size_t i = 0; i < d->item_count; i++) {
		struct item *it = &d->items[i];

		if (it->seen || it->kind != key.kind ||
		    (by_id && !same_id(it, key)))
			continue;
		it->seen = true;
		return it;
	}
	return NULL;
}

static enum err tell_item(struct decoder *d, struct item *it,
			  struct json_object *item)
{
	struct item_key key = key_of(item);

	if (!it)
		it = take_told(d, key, false);
	if (it && it->done)
		return ERR_NONE;
	if (!it)
		it = item_new(d, key.kind, -1, json_get_str(item, "id"));
	if (!it)
		return d->note->code;
	it->seen = true;
	it->custom = span_eq(json_get_str(item, "type"), "custom_tool_call");
	return item_finish(d, it, item);
}

static enum err end_all(struct decoder *d)
{
	enum err err = ERR_NONE;

	if (d->open_text)
		err = item_end_text(d, &d->parts[d->open_text - 1]);
	for (size_t i = 0; i < d->item_count && !err; i++)
		if (d->items[i].begun)
			err = item_end_call(d, &d->items[i], span_of(""));
	return err;
}

enum err decode_output(struct decoder *d, struct json_object *output)
{
	size_t count = output ? json_object_array_length(output) : 0;
	uint16_t told[MAX_ANSWER_ITEMS];	/* item + 1 */
	enum err err = ERR_NONE;

	if (count > MAX_ANSWER_ITEMS)
		count = MAX_ANSWER_ITEMS;
	for (size_t i = 0; i < count; i++) {
		struct item_key key = key_of(json_object_array_get_idx(output, i));
		struct item *it = take_told(d, key, true);

		told[i] = it ? (uint16_t)(it - d->items + 1) : 0;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = tell_item(d, told[i] ? &d->items[told[i] - 1] : NULL,
				json_object_array_get_idx(output, i));
	return err ? err : end_all(d);
}
