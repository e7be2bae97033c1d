/*
 * watch.c - clients that leave while their web server does not look.
 *
 * The conns that are being answered stand in two queues: those whose client
 * waits for the first byte, and those whose client has been told something.
 * After a queue's delay the kernel is asked after the client (peer.h), and
 * the conn goes to the end again; one of whose client the kernel knows nothing
 * leaves the queue for good. All in a queue wait equally long, so its head is
 * the next, and one timer does for all.
 *
 * An answer that comes within the first delay costs no question. Neither does
 * one that flows: once it has begun the web server looks for itself, but
 * Apache only when there is something to write, so silence is asked about.
 *
 * However many wait, a worker asks TURN_ASKS times in TURN_US at most: 4,000
 * questions a second. One costs 1.4 us, and 2.3 us among 8,000 connections; a
 * worker with 6,000 that wait spends 1.7 % of a core on it all. Of 8,000 each
 * is asked after every two seconds.
 */
#include "wire_private.h"

#define TURN_US		5000
#define TURN_ASKS	20

static const int64_t delay_us[WATCH__QUEUES] = {
	[WATCH_WAITING] = 250000, [WATCH_TOLD] = 1000000,
};

static struct conn *first_of(struct link *queue)
{
	return CONTAINER_OF(queue->next, struct conn, watched);
}

static void enqueue(struct conn *c)
{
	enum watch which = c->begun ? WATCH_TOLD : WATCH_WAITING;

	link_add(&c->wire->watched[which], &c->watched);
	c->look_us = loop_now(c->wire->loop) + delay_us[which];
}

/* It has left its queue, and goes back unless there is nothing to look for. */
static void look(struct conn *c)
{
	struct wire *w = c->wire;

	if (c->begun && loop_now(w->loop) - c->heard_us < delay_us[WATCH_TOLD]) {
		enqueue(c);
		return;
	}
	switch (peer_ask(&w->peers, &c->peer)) {
	case PEER_STANDS:
		enqueue(c);
		break;
	case PEER_LEFT:
		conn_lost(c);
		break;
	case PEER_UNKNOWN:
		break;
	}
}

/* When the next of the queue is due, at turn_us the earliest. */
static int64_t due(struct wire *w, enum watch which, int64_t turn_us)
{
	struct link *queue = &w->watched[which];
	int64_t at;

	if (link_empty(queue))
		return INT64_MAX;
	at = first_of(queue)->look_us;
	return at > turn_us ? at : turn_us;
}

/* The kernel cannot be asked (any more). */
static void watch_off(struct wire *w)
{
	loop_timer_cancel(w->loop, &w->watch);
	for (size_t i = 0; i < ARRAY_LEN(w->watched); i++)
		while (!link_empty(&w->watched[i]))
			watch_end(first_of(&w->watched[i]));
	if (w->h.unwatched)
		w->h.unwatched(w->ctx, w->peers.why);
}

static void on_watch(struct loop_timer *t)
{
	struct wire *w = CONTAINER_OF(t, struct wire, watch);
	int64_t now = loop_now(w->loop), next = now + delay_us[WATCH_WAITING];
	bool any = false;
	int left = TURN_ASKS;

	wire_enter(w);
	for (int which = 0; which < WATCH__QUEUES; which++) {
		for (; left > 0 && due(w, which, 0) <= now; left--) {
			struct conn *c = first_of(&w->watched[which]);

			watch_end(c);
			look(c);
		}
	}
	for (int which = 0; which < WATCH__QUEUES; which++) {
		int64_t at = due(w, which, now + TURN_US);

		any |= at < INT64_MAX;
		next = at < next ? at : next;
	}
	if (any)
		loop_timer_set(w->loop, t, next);
	if (w->peers.fd < 0)
		watch_off(w);
	wire_leave(w);
}

void watch_open(struct wire *w)
{
	w->watch.fn = on_watch;
	if (!peers_open(&w->peers))
		watch_off(w);
}

void watch_begin(struct conn *c, const struct peer *p)
{
	struct wire *w = c->wire;

	if (w->peers.fd < 0)
		return;
	c->peer = *p;
	enqueue(c);
	/* one that is set already goes off no later than the shortest delay */
	if (!loop_timer_is_set(&w->watch))
		loop_timer_set(w->loop, &w->watch, c->look_us);
}

void watch_end(struct conn *c)
{
	link_del(&c->watched);
	link_init(&c->watched);
}
