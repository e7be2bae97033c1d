/* See refer.h. */
#include "refer.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

bool refer_is(struct json_object *item)
{
	struct json_object *type = json_get(item, "type");

	if (span_eq(json_str(type), "item_reference"))
		return true;
	return !type && json_get(item, "id") &&
	       json_object_object_length(item) ==
		       1 + json_object_object_get_ex(item, "type", NULL);
}

/* Encrypted for an account that is not ours any more? */
static bool is_foreign(const struct store_chain *chain, size_t i,
		       const struct recall *r)
{
	size_t turn = chain->items.all[i].turn;

	return turn < chain->count && r->account[0] &&
	       chain->turns[turn].account[0] &&
	       strcmp(chain->turns[turn].account, r->account) != 0;
}

struct json_object *refer_item(const struct store_chain *chain, size_t i,
			       const struct recall *r, bool *thoughts,
			       struct err_note *note)
{
	struct json_object *item = json_parse(store_item_json(&chain->items, i), note);

	if (!item || !span_eq(json_get_str(item, "type"), "reasoning"))
		return item;
	if (is_foreign(chain, i, r)) {
		json_object_put(item);
		return NULL;
	}
	*thoughts = true;
	return item;
}

/* What the store says of it, in the API's words. */
static enum err told(enum err code, const char *param, struct err_note *note)
{
	char why[sizeof(note->why)];

	memcpy(why, note->why, sizeof(why));
	*note = ERR_NOTE_INIT;
	text_copy(note->param, sizeof(note->param), span_of(param));
	if (code == ERR_NOT_STORED)
		return err_tell(note, code, "Item with id '%s' not found.", why);
	if (code == ERR_TOO_LARGE)
		return err_tell(note, code, "The items that '%s' refers to are too "
				"many or too large: at most %d, of %u MiB together, "
				"are taken.", param, MAX_NAMED_ITEMS,
				MAX_CHAIN_BYTES >> 20);
	return err_set(note, code, "%s", why);
}

/* The ids of the array's references, which must be freed; *count may be 0. */
static struct span *ids_of(struct json_object *input, size_t *count)
{
	size_t all = json_object_array_length(input);
	struct span *ids = malloc((all + 1) * sizeof(*ids));

	*count = 0;
	for (size_t i = 0; ids && i < all; i++) {
		struct json_object *item = json_object_array_get_idx(input, i);

		if (refer_is(item))
			ids[(*count)++] = json_get_str(item, "id");
	}
	return ids;
}

/* Each in its place; what follows moves down over what is left out. */
static enum err put_found(struct json_object *input, const struct store_chain *found,
			  const struct recall *r, bool *thoughts,
			  struct err_note *note)
{
	size_t count = json_object_array_length(input), kept = 0, next = 0;

	for (size_t i = 0; i < count && !note->code; i++) {
		struct json_object *item = json_object_array_get_idx(input, i);

		if (refer_is(item))
			item = refer_item(found, next++, r, thoughts, note);
		else
			json_ref(item);
		if (item && json_object_array_put_idx(input, kept++, item)) {
			json_object_put(item);
			err_set(note, ERR_NO_MEMORY, "items by their ids");
		}
	}
	if (!note->code && kept < count)
		(void)json_object_array_del_idx(input, kept, count - kept);
	return note->code;
}

enum err refer_resolve(struct json_object *input, const char *param,
		       const struct recall *r, bool *thoughts,
		       struct err_note *note)
{
	struct store_chain found;
	enum err err = ERR_NONE;
	struct span *ids;
	size_t count;

	store_chain_init(&found);
	ids = ids_of(input, &count);
	if (!ids)
		err_set(note, ERR_NO_MEMORY, "items by their ids");
	else if (count && !r->store)
		err_set(note, ERR_STORE, "the store is off");
	else if (count)
		err = store_named(r->store, r->caller, ids, count, &found, note);
	if (err)
		told(err, param, note);
	else if (!note->code && count)
		put_found(input, &found, r, thoughts, note);
	free(ids);
	store_chain_free(&found);
	return note->code;
}
