/*
 * decode_find.c - items and parts by their keys.
 *
 * output_index is what decides; where an upstream leaves it out the item's id
 * does; where it leaves out both, the item of that kind which is not done yet.
 * Ids are kept as hashes: they are compared, never said.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "decode_state.h"

#define MAX_PARTS (MAX_ANSWER_ITEMS * 4)

uint64_t decode_hash(uint64_t h, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
	return h;
}

uint64_t decode_id(struct span s)
{
	uint64_t h;

	if (!s.len)
		return 0;
	h = decode_hash(DECODE_HASH_SEED, s);
	return h ? h : 1;
}

/* Room for one more in a growing array; NULL: d->note says why. */
static void *grow(struct decoder *d, void *array, size_t count, size_t *size,
		  size_t one, size_t max)
{
	size_t more = *size ? *size * 2 : 4;
	void *moved;

	if (count >= max) {
		err_set(d->note, ERR_UPSTREAM_GARBLED,
			"more than %zu output items or parts", max);
		return NULL;
	}
	if (count < *size)
		return array;
	moved = realloc(array, more * one);
	if (!moved) {
		err_set(d->note, ERR_NO_MEMORY, "output item");
		return NULL;
	}
	*size = more;
	return moved;
}

struct item *item_new(struct decoder *d, enum item_kind kind,
		      int64_t output_index, struct span id)
{
	struct item *items = grow(d, d->items, d->item_count, &d->item_size,
				  sizeof(*items), MAX_ANSWER_ITEMS);

	if (!items)
		return NULL;
	d->items = items;
	items += d->item_count++;
	*items = (struct item){
		.index = output_index, .id = decode_id(id), .kind = kind,
	};
	return items;
}

static struct item *by_index(struct decoder *d, enum item_kind kind,
			     int64_t index, uint64_t id)
{
	for (size_t i = d->item_count; index >= 0 && i-- > 0;) {
		struct item *it = &d->items[i];

		/* some number every item 0: a done one's id tells them apart */
		if (it->kind == kind && it->index == index &&
		    !(it->done && id && it->id && it->id != id))
			return it;
	}
	return NULL;
}

static struct item *by_id(struct decoder *d, enum item_kind kind, uint64_t id)
{
	for (size_t i = d->item_count; id && i-- > 0;)
		if (d->items[i].kind == kind && d->items[i].id == id)
			return &d->items[i];
	return NULL;
}

static struct item *by_kind(struct decoder *d, enum item_kind kind,
			    int64_t index, uint64_t id)
{
	for (size_t i = d->item_count; i-- > 0;) {
		struct item *it = &d->items[i];
		bool nameless = it->index < 0 && !it->id;

		if (it->kind == kind && !it->done &&
		    (nameless || (index < 0 && !id)))
			return it;
	}
	return NULL;
}

struct item *item_find(struct decoder *d, enum item_kind kind,
		       int64_t output_index, struct span id)
{
	struct item *it = NULL;
	uint64_t hash;

	if (d->part_count)
		it = &d->items[d->parts[d->last].item];
	if (it && output_index >= 0 && it->index == output_index &&
	    it->kind == kind && !it->done)
		return it;
	hash = decode_id(id);
	it = by_index(d, kind, output_index, hash);
	if (!it)
		it = by_id(d, kind, hash);
	if (!it)
		it = by_kind(d, kind, output_index, hash);
	if (!it)
		return NULL;
	if (it->index < 0)
		it->index = output_index;
	if (!it->id)
		it->id = hash;
	return it;
}

struct part *part_get(struct decoder *d, struct item *it, enum part_kind kind,
		      int64_t index)
{
	size_t item = (size_t)(it - d->items);
	struct part *p = d->part_count ? &d->parts[d->last] : NULL;

	if (p && p->item == item && p->kind == kind && p->index == index)
		return p;
	for (size_t i = d->part_count; i-- > 0;) {
		p = &d->parts[i];
		if (p->item == item && p->kind == kind && p->index == index) {
			d->last = i;
			return p;
		}
	}
	p = grow(d, d->parts, d->part_count, &d->part_size, sizeof(*p),
		 MAX_PARTS);
	if (!p)
		return NULL;
	d->parts = p;
	d->last = d->part_count++;
	p += d->last;
	*p = (struct part){
		.item = item, .index = index, .kind = kind,
		.hash = DECODE_HASH_SEED,
	};
	return p;
}
