/*
 * ws.c - the WebSocket's listening socket, and all connections together.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ws_private.h"

#define ASK_AGAIN_US	5000		/* may_accept said no */
#define NO_FDS_US	100000		/* accept() failed */
/* Beyond the ceiling so many are taken only to be told that we are busy. */
#define BUSY_ROOM	64

/* --- listening */

static void pause_for(struct ws *ws, int64_t us)
{
	loop_fd_del(ws->wire.loop, &ws->listener);
	loop_timer_in(ws->wire.loop, &ws->again, us);
}

static bool may_accept(const struct ws *ws)
{
	const struct wire *w = &ws->wire;

	return ws->count < ws->limits.conns + BUSY_ROOM &&
	       (!w->h.may_accept || w->h.may_accept(w->ctx));
}

static void on_again(struct loop_timer *t)
{
	struct ws *ws = CONTAINER_OF(t, struct ws, again);

	if (ws->draining)
		return;
	if (!may_accept(ws))
		pause_for(ws, ASK_AGAIN_US);
	else if (!loop_fd_add(ws->wire.loop, &ws->listener,
			      EPOLLIN | EPOLLEXCLUSIVE))
		pause_for(ws, NO_FDS_US);
}

/* One a wake-up: siblings that wait get theirs. */
static void on_listener(struct loop_fd *f, uint32_t events)
{
	struct ws *ws = CONTAINER_OF(f, struct ws, listener);
	int fd;

	(void)events;
	if (!may_accept(ws)) {
		pause_for(ws, ASK_AGAIN_US);
		return;
	}
	fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		if (!ws_conn_new(ws, fd))
			pause_for(ws, NO_FDS_US);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		pause_for(ws, NO_FDS_US);
	}
}

/* --- all of them */

static void reap(struct ws *ws)
{
	while (!link_empty(&ws->dead))
		ws_conn_free(CONTAINER_OF(ws->dead.next, struct ws_conn, link));
}

static void on_reaper(struct loop_timer *t)
{
	reap(CONTAINER_OF(t, struct ws, reaper));
}

static void fill_limits(struct ws_limits *l)
{
	static const struct ws_limits usual = {
		MAX_PEER_SILENCE_MS, MAX_WS_IDLE_MS, MAX_WS_AGE_MS,
		MAX_WS_CLOSE_MS, MAX_WS_KEPT_ALL, MAX_WS_CONNS,
	};

	l->head_ms = l->head_ms ? l->head_ms : usual.head_ms;
	l->idle_ms = l->idle_ms ? l->idle_ms : usual.idle_ms;
	l->age_ms = l->age_ms ? l->age_ms : usual.age_ms;
	l->close_ms = l->close_ms ? l->close_ms : usual.close_ms;
	l->kept = l->kept ? l->kept : usual.kept;
	l->conns = l->conns ? l->conns : usual.conns;
}

struct ws *ws_new(struct loop *l, int fd, const struct wire_handler *h, void *ctx,
		  const struct ws_limits *limits)
{
	struct ws *ws = fd < 0 ? NULL : calloc(1, sizeof(*ws));
	int flags = fcntl(fd, F_GETFL);

	if (!ws)
		return NULL;
	wire_init(&ws->wire, l, h, ctx);
	link_init(&ws->conns);
	link_init(&ws->dead);
	if (limits)
		ws->limits = *limits;
	fill_limits(&ws->limits);
	ws->again.fn = on_again;
	ws->reaper.fn = on_reaper;
	ws->listener = (struct loop_fd){ .fd = fd, .fn = on_listener };
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	on_again(&ws->again);
	return ws;
}

void ws_drain(struct ws *ws)
{
	struct link *l, *next;

	if (!ws)
		return;
	ws->draining = true;
	loop_fd_del(ws->wire.loop, &ws->listener);
	loop_timer_cancel(ws->wire.loop, &ws->again);
	for (l = ws->conns.next; l != &ws->conns; l = next) {
		next = l->next;
		ws_idle_or_close(CONTAINER_OF(l, struct ws_conn, link));
	}
}

size_t ws_conns(const struct ws *ws)
{
	return ws ? ws->count : 0;
}

void ws_free(struct ws *ws)
{
	if (!ws)
		return;
	ws->draining = true;
	loop_fd_del(ws->wire.loop, &ws->listener);
	loop_timer_cancel(ws->wire.loop, &ws->again);
	while (!link_empty(&ws->conns))
		ws_dead(CONTAINER_OF(ws->conns.next, struct ws_conn, link));
	reap(ws);
	loop_timer_cancel(ws->wire.loop, &ws->reaper);
	wire_teardown(&ws->wire);
	free(ws);
}
