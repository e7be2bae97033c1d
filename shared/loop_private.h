/*
 * loop_private.h - what the loop*.c files share; nobody else includes it.
 */
#ifndef CHATMOCK_LOOP_PRIVATE_H
#define CHATMOCK_LOOP_PRIVATE_H

#include "loop.h"

/* --- loop_timer.c: a binary heap, the earliest on top. The time is kept
 * beside the pointer so that sifting touches no caller's memory but places. */
struct heap_entry {
	int64_t at_us;
	struct loop_timer *timer;
};

struct timer_heap {
	struct heap_entry *entries;
	uint32_t count, size;
};

void timer_heap_free(struct timer_heap *h);
bool timer_heap_put(struct timer_heap *h, struct loop_timer *t, int64_t at_us);
void timer_heap_take(struct timer_heap *h, struct loop_timer *t);

/* --- loop_pool.c: threads for blocking work. */
struct loop_pool;

/* Registers its eventfd with the loop; NULL: no memory or no descriptors. */
struct loop_pool *loop_pool_new(struct loop *l);
bool loop_pool_submit(struct loop_pool *p, enum loop_lane lane,
		      struct loop_job *job);

/* Lets the threads finish what was submitted, joins them, runs every done()
 * that is due. Takes no job from then on. Safe twice. */
void loop_pool_join(struct loop_pool *p);

/* The same, and frees. NULL is fine. */
void loop_pool_free(struct loop_pool *p);

#endif
