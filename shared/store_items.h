/*
 * store_items.h - a list of items as the store takes and gives them: an id and
 * the JSON bytes each, and what is known of where they come from.
 *
 * The list owns its bytes and keeps the first failure (no memory, or past the
 * ceiling it was born with), as a buf does: fill it, then ask once.
 */
#ifndef CHATMOCK_STORE_ITEMS_H
#define CHATMOCK_STORE_ITEMS_H

#include "buf.h"

struct store_item {
	bool output;		/* made by the model; else the caller's */
	uint32_t turn;		/* store_chain(): whose of store_chain.turns */
	/* private */
	size_t id_at, id_len, json_at, json_len;
};

struct store_items {
	struct store_item *all;
	size_t count;
	/* private */
	size_t size, max_count;
	struct buf text;
};

void store_items_init(struct store_items *l, size_t max_bytes, size_t max_count);
void store_items_free(struct store_items *l);

/* Copied. The item's other members may be set afterwards. */
void store_items_add(struct store_items *l, bool output, struct span id,
		     struct span json);

/* 0, ERR_NO_MEMORY or ERR_TOO_LARGE. */
static inline enum err store_items_err(const struct store_items *l)
{
	return buf_err(&l->text);
}

/* Good until the list is added to or freed. */
static inline struct span store_item_id(const struct store_items *l, size_t i)
{
	return (struct span){ l->text.ptr + l->all[i].id_at, l->all[i].id_len };
}
static inline struct span store_item_json(const struct store_items *l, size_t i)
{
	return (struct span){ l->text.ptr + l->all[i].json_at, l->all[i].json_len };
}

#endif
