/*
 * loop_timer.c - the heap behind loop_timer_set(). See loop_private.h.
 *
 * A stream moves its silence timer with every event, nearly always later:
 * that is a short sift near the leaves, not a walk through the whole heap.
 */
#include <stdlib.h>

#include "loop_private.h"

#define FIRST_SIZE 64

static void entry_set(struct timer_heap *h, uint32_t i, struct heap_entry e)
{
	h->entries[i] = e;
	e.timer->place = i + 1;
}

static void sift_up(struct timer_heap *h, uint32_t i, struct heap_entry e)
{
	while (i) {
		uint32_t parent = (i - 1) / 2;

		if (h->entries[parent].at_us <= e.at_us)
			break;
		entry_set(h, i, h->entries[parent]);
		i = parent;
	}
	entry_set(h, i, e);
}

static void sift_down(struct timer_heap *h, uint32_t i, struct heap_entry e)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= h->count)
			break;
		if (child + 1 < h->count &&
		    h->entries[child + 1].at_us < h->entries[child].at_us)
			child++;
		if (e.at_us <= h->entries[child].at_us)
			break;
		entry_set(h, i, h->entries[child]);
		i = child;
	}
	entry_set(h, i, e);
}

static void sift(struct timer_heap *h, uint32_t i, struct heap_entry e)
{
	if (i && h->entries[(i - 1) / 2].at_us > e.at_us)
		sift_up(h, i, e);
	else
		sift_down(h, i, e);
}

static bool heap_grow(struct timer_heap *h)
{
	uint32_t size = h->size ? h->size * 2 : FIRST_SIZE;
	struct heap_entry *entries;

	if (size < h->size)
		return false;
	entries = reallocarray(h->entries, size, sizeof(*entries));
	if (!entries)
		return false;
	h->entries = entries;
	h->size = size;
	return true;
}

bool timer_heap_put(struct timer_heap *h, struct loop_timer *t, int64_t at_us)
{
	struct heap_entry e = { at_us, t };

	if (!t->place) {
		if (h->count == h->size && !heap_grow(h))
			return false;
		t->at_us = at_us;
		sift_up(h, h->count++, e);
		return true;
	}
	t->at_us = at_us;
	sift(h, t->place - 1, e);
	return true;
}

void timer_heap_take(struct timer_heap *h, struct loop_timer *t)
{
	uint32_t i;

	if (!t->place)
		return;
	i = t->place - 1;
	t->place = 0;
	h->count--;
	if (i != h->count)
		sift(h, i, h->entries[h->count]);
}

void timer_heap_free(struct timer_heap *h)
{
	for (uint32_t i = 0; i < h->count; i++)
		h->entries[i].timer->place = 0;
	free(h->entries);
	*h = (struct timer_heap){ 0 };
}
