/*
 * loop.c - epoll, and what happens in one turn. See loop.h.
 *
 * A turn: wait, descriptors that are ready (at most BATCH_FDS), timers that
 * are due (at most BATCH_TIMERS). What is left over comes in the next turn,
 * which then does not wait: a burst of one kind never holds up the other.
 *
 * epoll is given a slot number and the slot's generation, not the caller's
 * pointer. An event for a descriptor that has gone meanwhile names a
 * generation that is past, whatever became of the caller's memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "loop_private.h"

#define BATCH_FDS	256
#define BATCH_TIMERS	256
#define FIRST_SLOTS	64
#define LINE		64		/* of the cache */
#define MAX_WAIT_MS	60000
#define SOON_US		20		/* not worth a rounded-up millisecond */

struct slot {
	struct loop_fd *f;		/* NULL: free */
	uint32_t generation;
	uint32_t next_free;		/* 1-based, 0: none */
};

struct loop {
	int epoll;
	bool running, stop, in_timers;
	bool joined;			/* no threads any more */
	int64_t now;
	int ready;			/* of this turn */
	struct slot *slots;
	uint32_t slot_count, first_free;
	struct timer_heap timers;
	struct loop_pool *pool;
	struct loop_after *after;
	struct epoll_event events[BATCH_FDS];
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		free(l);
		return NULL;
	}
	l->now = clock_mono_us();
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_pool_free(l->pool);
	timer_heap_free(&l->timers);
	for (uint32_t i = 0; i < l->slot_count; i++)
		if (l->slots[i].f)
			l->slots[i].f->added = false;
	free(l->slots);
	close(l->epoll);
	free(l);
}

void loop_join(struct loop *l)
{
	if (l->pool)
		loop_pool_join(l->pool);
	else
		l->joined = true;
}

int64_t loop_now(const struct loop *l)
{
	return l->running ? l->now : clock_mono_us();
}

int loop_ready(const struct loop *l)
{
	return l->ready;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

/* --- descriptors */

static bool slots_grow(struct loop *l)
{
	uint32_t count = l->slot_count ? l->slot_count * 2 : FIRST_SLOTS;
	struct slot *slots;

	if (count < l->slot_count)
		return false;
	slots = reallocarray(l->slots, count, sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = count; i-- > l->slot_count;) {
		slots[i] = (struct slot){ .next_free = l->first_free };
		l->first_free = i + 1;
	}
	l->slots = slots;
	l->slot_count = count;
	return true;
}

static int tell_epoll(struct loop *l, int op, struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = (uint64_t)l->slots[f->slot].generation << 32 | f->slot;
	return epoll_ctl(l->epoll, op, f->fd, &ev);
}

bool loop_fd_add(struct loop *l, struct loop_fd *f, uint32_t events)
{
	struct slot *slot;

	if (f->added)
		return loop_fd_mod(l, f, events);
	if (!l->first_free && !slots_grow(l))
		return false;
	f->slot = l->first_free - 1;
	slot = &l->slots[f->slot];
	if (tell_epoll(l, EPOLL_CTL_ADD, f, events) < 0)
		return false;
	l->first_free = slot->next_free;
	slot->f = f;
	f->events = events;
	f->added = true;
	return true;
}

bool loop_fd_mod(struct loop *l, struct loop_fd *f, uint32_t events)
{
	if (!f->added)
		return false;
	if (events == f->events)
		return true;
	if (tell_epoll(l, EPOLL_CTL_MOD, f, events) < 0)
		return false;
	f->events = events;
	return true;
}

static void slot_free(struct loop *l, struct loop_fd *f)
{
	struct slot *slot = &l->slots[f->slot];

	slot->f = NULL;
	slot->generation++;
	slot->next_free = l->first_free;
	l->first_free = f->slot + 1;
	f->added = false;
}

void loop_fd_del(struct loop *l, struct loop_fd *f)
{
	if (!f->added)
		return;
	/* It may be closed already: then epoll has dropped it by itself. */
	(void)tell_epoll(l, EPOLL_CTL_DEL, f, 0);
	slot_free(l, f);
}

void loop_fd_close(struct loop *l, struct loop_fd *f)
{
	if (f->added)
		slot_free(l, f);
	close(f->fd);
}

/* --- timers */

bool loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us)
{
	/* A timer that sets itself for at once waits for the next turn. */
	if (l->in_timers && at_us <= l->now)
		at_us = l->now + 1;
	return timer_heap_put(&l->timers, t, at_us);
}

bool loop_timer_in(struct loop *l, struct loop_timer *t, int64_t after_us)
{
	return loop_timer_set(l, t, loop_now(l) + after_us);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	timer_heap_take(&l->timers, t);
}

/* --- right behind a callback */

void loop_after(struct loop *l, struct loop_after *a)
{
	if (a->link)
		return;
	a->next = l->after;
	if (a->next)
		a->next->link = &a->next;
	a->link = &l->after;
	l->after = a;
}

void loop_after_cancel(struct loop_after *a)
{
	if (!a->link)
		return;
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	a->link = NULL;
}

static void run_after(struct loop *l)
{
	struct loop_after *a;

	while ((a = l->after)) {
		loop_after_cancel(a);
		a->fn(a);
	}
}

static void run_timers(struct loop *l)
{
	l->in_timers = true;
	for (int i = 0; i < BATCH_TIMERS && !l->stop; i++) {
		struct loop_timer *t;

		if (!l->timers.count || l->timers.entries[0].at_us > l->now)
			break;
		t = l->timers.entries[0].timer;
		timer_heap_take(&l->timers, t);
		t->fn(t);
		run_after(l);
	}
	l->in_timers = false;
}

/* --- work for threads */

bool loop_submit(struct loop *l, enum loop_lane lane, struct loop_job *job)
{
	if (!l->pool && !l->joined)
		l->pool = loop_pool_new(l);
	return l->pool && loop_pool_submit(l->pool, lane, job);
}

/* --- the turn */

static int wait_ms(const struct loop *l)
{
	int64_t us;

	if (!l->timers.count)
		return MAX_WAIT_MS;
	us = l->timers.entries[0].at_us - clock_mono_us();
	if (us <= SOON_US)
		return 0;
	if (us > (int64_t)MAX_WAIT_MS * 1000)
		return MAX_WAIT_MS;
	return (int)((us + 999) / 1000);
}

/*
 * With thousands of streams nothing of the next one is in the cache, and
 * waiting for memory would be a good part of what its event costs.
 */
static void fetch_ahead(const struct loop *l, int i, int count)
{
	const struct loop_fd *f;

	if (i + 2 < count)
		__builtin_prefetch(l->slots[(uint32_t)l->events[i + 2].data.u64].f);
	f = i + 1 < count ? l->slots[(uint32_t)l->events[i + 1].data.u64].f : NULL;
	for (size_t n = 0; f && n < ARRAY_LEN(f->near); n++)
		for (size_t at = 0; at < f->near[n].len; at += LINE)
			__builtin_prefetch(f->near[n].at + at);
}

static void run_fds(struct loop *l, int count)
{
	for (int i = 0; i < count && !l->stop; i++) {
		uint64_t tag = l->events[i].data.u64;
		struct slot *slot = &l->slots[(uint32_t)tag];

		fetch_ahead(l, i, count);
		if (slot->f && slot->generation == (uint32_t)(tag >> 32))
			slot->f->fn(slot->f, l->events[i].events);
		run_after(l);
	}
}

int loop_run(struct loop *l)
{
	int rc = 0;

	l->running = true;
	l->now = clock_mono_us();
	run_after(l);
	while (!l->stop) {
		int count = epoll_wait(l->epoll, l->events, BATCH_FDS, wait_ms(l));

		if (count < 0 && errno != EINTR) {
			rc = -1;
			break;
		}
		l->now = clock_mono_us();
		l->ready = count > 0 ? count : 0;
		run_fds(l, l->ready);
		run_timers(l);
	}
	l->running = false;
	l->stop = false;
	return rc;
}
