/*
 * toy_server.h - a program that a master serves: it answers a connection by what
 * is sent on it.
 *
 *	'?'	"<pid>\n" and closes
 *	'h'	holds it: "cut\n" when the drain limit is reached
 *	'a'	the worker aborts
 */
#ifndef CHATMOCK_TOY_SERVER_H
#define CHATMOCK_TOY_SERVER_H

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fcgi/process/master.h"

struct held {
	struct loop_fd fd;
	struct toy *toy;
	struct held *next;
};

struct toy {
	struct worker *w;
	struct loop_fd listener;
	struct held *first;
	int64_t served;
};

static inline void let_go(struct held *h)
{
	struct toy *t = h->toy;

	for (struct held **p = &t->first; *p; p = &(*p)->next)
		if (*p == h) {
			*p = h->next;
			break;
		}
	loop_fd_del(t->w->loop, &h->fd);
	close(h->fd.fd);
	free(h);
	if (worker_draining(t->w) && !t->first)
		worker_done(t->w);
}

static inline void on_conn(struct loop_fd *f, uint32_t events)
{
	struct held *h = CONTAINER_OF(f, struct held, fd);
	struct toy *t = h->toy;
	char what = 0;

	(void)events;
	if (read(f->fd, &what, 1) != 1) {
		let_go(h);
		return;
	}
	if (what == 'a')
		abort();
	if (what == 'h')
		return;
	dprintf(f->fd, "%d\n", (int)getpid());
	t->served++;
	if (t->w->config->max_requests && t->served >= t->w->config->max_requests)
		worker_recycle(t->w);
	let_go(h);
}

static inline void on_accept(struct loop_fd *f, uint32_t events)
{
	struct toy *t = CONTAINER_OF(f, struct toy, listener);
	struct held *h;
	int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	h->toy = t;
	h->next = t->first;
	t->first = h;
	h->fd.fd = fd;
	h->fd.fn = on_conn;
	loop_fd_add(t->w->loop, &h->fd, EPOLLIN);
}

static inline bool toy_start(struct worker *w)
{
	struct toy *t = calloc(1, sizeof(*t));
	const char *crash = getenv("TOY_CRASH");

	if (!t || (crash && access(crash, F_OK) == 0)) {
		free(t);
		return false;
	}
	t->w = w;
	w->app = t;
	t->listener.fd = w->listen_fd;
	t->listener.fn = on_accept;
	return loop_fd_add(w->loop, &t->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

static inline void toy_drain(struct worker *w)
{
	struct toy *t = w->app;

	loop_fd_del(w->loop, &t->listener);
	if (!t->first)
		worker_done(w);
}

static inline void toy_cut(struct worker *w)
{
	struct toy *t = w->app;

	while (t->first) {
		dprintf(t->first->fd.fd, "cut\n");
		let_go(t->first);
	}
}

static inline void toy_stop(struct worker *w)
{
	free(w->app);
	w->app = NULL;
}

static const struct worker_hooks toy_hooks = {
	.start = toy_start, .drain = toy_drain, .cut = toy_cut, .stop = toy_stop,
};

static inline int toy_workers(const struct config *c)
{
	return (int)c->workers;
}

/* argv: serve HOME WORKERS MAX_REQUESTS DRAIN_MS [--check] */
static inline int be_server(char *argv[])
{
	static const struct program program = {
		.name = "toy", .workers = toy_workers, .hooks = &toy_hooks,
	};
	struct config c = {
		.home = argv[2], .workers = strtol(argv[3], NULL, 10),
		.max_requests = strtol(argv[4], NULL, 10),
		.drain_timeout_ms = strtol(argv[5], NULL, 10),
		.watchdog_ms = 1000,
	};
	struct handover h;
	const char *refuse = getenv("TOY_REFUSE");

	if (argv[6])
		return refuse && access(refuse, F_OK) == 0 ? 78 : 0;
	if (!handover_take(&h))
		return 71;
	return master_run(&program, &c, argv, &h);
}

#endif
