/* store_items.c - see store_items.h. */
#include "store_items.h"

#include <stdlib.h>

void store_items_init(struct store_items *l, size_t max_bytes, size_t max_count)
{
	memset(l, 0, sizeof(*l));
	l->max_count = max_count;
	buf_init(&l->text, max_bytes);
}

void store_items_free(struct store_items *l)
{
	size_t max = l->text.max;

	free(l->all);
	buf_free(&l->text);
	store_items_init(l, max, l->max_count);
}

static bool make_room(struct store_items *l)
{
	size_t size = l->size ? l->size * 2 : 8;
	struct store_item *all;

	if (l->count < l->size)
		return true;
	if (l->count >= l->max_count) {
		l->text.err = ERR_TOO_LARGE;
		return false;
	}
	all = realloc(l->all, size * sizeof(*all));
	if (!all) {
		l->text.err = ERR_NO_MEMORY;
		return false;
	}
	l->all = all;
	l->size = size;
	return true;
}

void store_items_add(struct store_items *l, bool output, struct span id,
		     struct span json)
{
	struct store_item item = {
		.output = output, .id_len = id.len, .json_len = json.len,
	};

	if (buf_err(&l->text) || !make_room(l))
		return;
	item.id_at = l->text.len;
	buf_span_add(&l->text, id);
	item.json_at = l->text.len;
	buf_span_add(&l->text, json);
	if (!buf_err(&l->text))
		l->all[l->count++] = item;
}
