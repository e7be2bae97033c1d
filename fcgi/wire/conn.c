/*
 * conn.c - the life of a connection: states, closing, reading.
 *
 * Bytes are received into one scratch buffer per worker and fed to record.c
 * at once, at most MAX_READ_TURN from one peer in a turn: a peer that sends
 * megabytes gets its share, one that sends half a request none.
 *
 * conn_close() takes a conn out of the loop at once and leaves its memory
 * until the outermost callback of ours ends: the functions that are running
 * may still look at it.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire_private.h"

/* --- a conn */

static void conn_free(struct conn *c)
{
	link_del(&c->link);
	buf_free(&c->small);
	buf_free(&c->params);
	buf_free(&c->out);
	buf_free(&c->control);
	request_free(c->req);
	free(c);
}

static void reap(struct wire *w)
{
	while (!link_empty(&w->lists[CONN_DEAD]))
		conn_free(conn_of_link(w->lists[CONN_DEAD].next));
}

void wire_enter(struct wire *w)
{
	w->depth++;
}

void wire_leave(struct wire *w)
{
	if (--w->depth == 0)
		reap(w);
}

void conn_move(struct conn *c, enum conn_state state)
{
	struct wire *w = c->wire;

	link_del(&c->link);
	c->state = state;
	if (state != CONN_ANSWERING)
		watch_end(c);
	link_add(&w->lists[state], &c->link);
	if ((state == CONN_READING || state == CONN_ENDING) &&
	    !loop_timer_is_set(&w->sweep))
		loop_timer_in(w->loop, &w->sweep, SWEEP_US);
	if (state == CONN_IDLE)
		move_soon(w);
}

void conn_close(struct conn *c)
{
	struct wire *w = c->wire;

	if (c->state == CONN_DEAD)
		return;
	loop_timer_cancel(w->loop, &c->soon);
	/* who had it before us may not have closed it yet */
	if (c->raw || c->moved)
		loop_fd_del(w->loop, &c->f);
	if (!c->raw)
		loop_fd_close(w->loop, &c->f);
	conn_move(c, CONN_DEAD);
	w->conns--;
	if (w->over.fn)
		loop_timer_in(w->loop, &w->over, 0);
	if (!w->depth)
		reap(w);
}

void conn_lost(struct conn *c)
{
	struct wire *w = c->wire;
	bool told = c->state != CONN_ANSWERING;

	wire_enter(w);
	conn_close(c);
	if (!told)
		w->h.gone(w->ctx, c, c->user);
	wire_leave(w);
}

void conn_hand_over(struct conn *c)
{
	struct request *req = c->req;
	struct peer peer;
	bool asks = peer_of(&peer, req);

	c->req = NULL;
	c->phase = PHASE_WHOLE;
	conn_move(c, CONN_ANSWERING);
	c->wire->h.request(c->wire->ctx, c, req);
	if (asks && c->state == CONN_ANSWERING)
		watch_begin(c, &peer);
}

void conn_finished(struct conn *c)
{
	request_free(c->req);
	c->req = NULL;
	buf_free(&c->params);
	c->phase = PHASE_NONE;
	c->user = NULL;
	c->kept = true;
	if (c->keep && (c->wire->accepting || move_may(c->wire))) {
		conn_out_reset(c);
		conn_move(c, CONN_IDLE);
	} else if (c->control.len) {
		conn_move(c, CONN_ENDING);
	} else {
		conn_close(c);
	}
}

/* What could not be told inside a conn_ function. */
static void on_soon(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, soon);
	struct wire *w = c->wire;

	wire_enter(w);
	if (c->broken) {
		conn_lost(c);
	} else if (c->was_full && c->state == CONN_ANSWERING &&
		   conn_pending(c) < OUT_LOW_WATER) {
		c->was_full = false;
		w->h.drained(w->ctx, c, c->user);
	}
	wire_leave(w);
}

/* --- reading */

static void feed(struct conn *c, size_t len)
{
	/* not while ending: there it counts what the peer takes */
	if (c->state == CONN_READING || c->state == CONN_IDLE)
		c->heard_us = loop_now(c->wire->loop);
	record_feed(c, c->wire->scratch, len);
}

void conn_read(struct conn *c, bool closed)
{
	size_t budget = MAX_READ_TURN;

	while (budget && c->state != CONN_DEAD) {
		size_t ask = budget < SCRATCH_SIZE ? budget : SCRATCH_SIZE;
		ssize_t n = recv(c->f.fd, c->wire->scratch, ask, MSG_DONTWAIT);

		if (n > 0) {
			feed(c, (size_t)n);
			budget -= (size_t)n;
			if ((size_t)n < ask && !closed)
				return;
		} else if (n == 0 || errno != EINTR) {
			if (n == 0 || closed ||
			    (errno != EAGAIN && errno != EWOULDBLOCK))
				conn_lost(c);
			return;
		}
	}
}

static void on_conn(struct loop_fd *f, uint32_t events)
{
	struct conn *c = CONTAINER_OF(f, struct conn, f);
	struct wire *w = c->wire;
	uint32_t closed = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	wire_enter(w);
	if (events & EPOLLOUT)
		conn_push(c);
	if (c->state != CONN_DEAD && c->raw && closed)
		conn_lost(c);
	else if (c->state != CONN_DEAD && !c->raw && (events & EPOLLIN || closed))
		conn_read(c, closed != 0);
	wire_leave(w);
}

struct conn *conn_new(struct wire *w, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->wire = w;
	c->f = (struct loop_fd){ .fd = fd, .fn = on_conn };
	c->soon.fn = on_soon;
	c->heard_us = loop_now(w->loop);
	buf_init(&c->small, MAX_SMALL);
	buf_init(&c->params, MAX_REQUEST_HEAD);
	buf_init(&c->out, MAX_OUT);
	buf_init(&c->control, MAX_CONTROL);
	link_init(&c->link);
	link_init(&c->watched);
	conn_move(c, CONN_READING);
	w->conns++;
	return c;
}

struct conn *conn_admit(struct wire *w, int fd, bool moved, bool kept)
{
	struct conn *c = conn_new(w, fd);

	if (!c) {
		close(fd);
		return NULL;
	}
	c->moved = moved;
	c->kept = kept;
	if (kept)
		conn_move(c, CONN_IDLE);
	if (loop_fd_add(w->loop, &c->f, EPOLLIN | EPOLLRDHUP))
		return c;
	conn_close(c);
	return NULL;
}

void conn_set_user(struct conn *c, void *user)
{
	c->user = user;
}
