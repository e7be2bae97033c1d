/*
 * move.c - kept connections go from a worker that leaves to those that stay.
 *
 * A web server writes its next request on a kept connection when it likes: to
 * close one is to fail that request now and then. So who leaves puts them into
 * a queue that all workers have (fdqueue.h), and who accepts takes them from
 * there as it takes new ones from the listener (wire.c). Only one of which
 * nothing is in our memory may go: what has come in the meantime is in its
 * socket, and goes along.
 *
 * It may be that nobody takes them: no worker accepts just now, or those that
 * do are of a version that does not know the queue. Then they are taken back
 * after UNTAKEN_US and served here, as long as this worker lives; every
 * REST_US it is tried again. From the third time on a connection is closed
 * with the end of an answer, the best moment that is left, or this worker would
 * be held by a busy web server until its time is up.
 */
#include <sys/epoll.h>

#include "wire_private.h"

#define LOOK_US		5000
#define UNTAKEN_US	250000
#define REST_US		2000000
#define MAX_REFUSALS	3

/* Nothing of a request or of an answer is in our memory. */
static bool is_between(const struct conn *c)
{
	return c->phase == PHASE_NONE && !c->reader.head_have && !c->control.len &&
	       !c->raw;
}

/* False: the queue does not take it, it stays. */
static bool give(struct conn *c)
{
	struct wire *w = c->wire;

	/* epoll does not forget what somebody else has open */
	loop_fd_del(w->loop, &c->f);
	if (fdqueue_put(&w->queue, c->f.fd, c->kept)) {
		w->given = true;
		w->untaken_us = 0;	/* there was room: some were taken */
		conn_close(c);
		return true;
	}
	if (!loop_fd_add(w->loop, &c->f, EPOLLIN | EPOLLRDHUP))
		conn_close(c);
	return false;
}

static bool give_list(struct wire *w, enum conn_state state)
{
	struct link *head = &w->lists[state], *l = head->next;

	while (l != head) {
		struct conn *c = conn_of_link(l);

		l = l->next;
		if (is_between(c) && !give(c))
			return false;
	}
	return true;
}

static void take_back(struct wire *w)
{
	bool kept;
	int fd;

	while ((fd = fdqueue_take(&w->queue, &kept)) >= 0)
		(void)conn_admit(w, fd, true, kept);
	w->untaken_us = 0;
	w->refusals++;
}

/* What lies in the queue has lain there for too long. */
static bool is_left(struct wire *w)
{
	int64_t now = loop_now(w->loop);

	if (fdqueue_empty(&w->queue))
		w->untaken_us = 0;
	else if (!w->untaken_us)
		w->untaken_us = now;
	return w->untaken_us && now - w->untaken_us > UNTAKEN_US;
}

static void on_move(struct loop_timer *t)
{
	struct wire *w = CONTAINER_OF(t, struct wire, move);
	bool all;

	wire_enter(w);
	if (is_left(w)) {
		take_back(w);
		loop_timer_in(w->loop, t, REST_US);
	} else {
		all = give_list(w, CONN_IDLE) && give_list(w, CONN_READING);
		if (!all || !fdqueue_empty(&w->queue))
			loop_timer_in(w->loop, t, LOOK_US);
	}
	wire_leave(w);
}

void move_init(struct wire *w)
{
	w->queue = FDQUEUE_NONE;
	w->arrivals.fd = -1;
	w->move.fn = on_move;
}

void move_soon(struct wire *w)
{
	if (w->giving && !loop_timer_is_set(&w->move))
		loop_timer_in(w->loop, &w->move, 0);
}

void move_end(struct wire *w)
{
	w->giving = false;
	loop_timer_cancel(w->loop, &w->move);
}

bool move_may(const struct wire *w)
{
	return w->giving && w->refusals < MAX_REFUSALS;
}

void wire_give(struct wire *w)
{
	w->giving = !w->accepting && w->queue.put >= 0;
	move_soon(w);
}

size_t wire_open(const struct wire *w)
{
	bool waits = w->giving && w->given && !fdqueue_empty(&w->queue);

	return w->conns + (waits ? 1 : 0);
}
