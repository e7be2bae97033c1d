/*
 * decode_output.c - the items of response.completed against those told.
 *
 * The ChatGPT backend sends an empty list, other upstreams repeat everything,
 * some under new ids. So an item counts as told when its id or call id was, or
 * else when one of its kind was told that no other item here accounts for.
 */
#include "../../shared/ceilings.h"
#include "decode_state.h"

struct item *item_take_told(struct decoder *d, const struct item_words *words,
			    bool by_id)
{
	enum item_kind kind = item_kind_of(words->type);
	uint64_t id = decode_id(words->id), call_id = decode_id(words->call_id);

	for (size_t i = 0; i < d->item_count; i++) {
		struct item *it = &d->items[i];
		bool same = (id && it->id == id) ||
			    (call_id && it->call_id == call_id);

		if (it->seen || it->kind != kind || (by_id && !same))
			continue;
		it->seen = true;
		return it;
	}
	return NULL;
}

static enum err tell_item(struct decoder *d, struct item *it,
			  struct json_object *item)
{
	struct item_words words = item_words_of(item);

	if (!it)
		it = item_take_told(d, &words, false);
	if (it && it->done)
		return ERR_NONE;
	if (!it)
		it = item_new(d, item_kind_of(words.type), -1, words.id);
	if (!it)
		return d->note->code;
	it->seen = true;
	it->custom = span_eq(words.type, "custom_tool_call");
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
		struct item_words words =
			item_words_of(json_object_array_get_idx(output, i));
		struct item *it = item_take_told(d, &words, true);

		told[i] = it ? (uint16_t)(it - d->items + 1) : 0;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = tell_item(d, told[i] ? &d->items[told[i] - 1] : NULL,
				json_object_array_get_idx(output, i));
	return err ? err : end_all(d);
}
