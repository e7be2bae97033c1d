/*
 * wire.c - listening, time limits, and the wire as a whole.
 *
 * A conn is in one list of its wire, by state. Only two of the lists are
 * looked at for silence, and they are short: a stream that is held costs no
 * timer.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "wire_private.h"

#define ASK_AGAIN_US	5000		/* may_accept said no */
#define TAKE_AGAIN_US	1000		/* may_take did */
#define NO_FDS_US	100000		/* accept() failed */
#define LONG_TURN_US	100
#define ACCEPTS_OF_LONG_TURN 8
#define READY_PER_ACCEPT	4
#define MAX_ACCEPTS		32	/* its events wait meanwhile */

/* --- listening */

static bool may_accept(const struct wire *w)
{
	return !w->h.may_accept || w->h.may_accept(w->ctx);
}

/* Out of epoll for a while, so that a sibling is woken instead. */
static void listener_pause(struct wire *w, int64_t us)
{
	loop_fd_del(w->loop, &w->listener);
	loop_timer_in(w->loop, &w->again, us);
}

static void listener_resume(struct wire *w)
{
	if (!w->accepting)
		return;
	if (!may_accept(w))
		listener_pause(w, ASK_AGAIN_US);
	else if (!loop_fd_add(w->loop, &w->listener, EPOLLIN | EPOLLEXCLUSIVE))
		listener_pause(w, NO_FDS_US);
}

static void on_again(struct loop_timer *t)
{
	listener_resume(CONTAINER_OF(t, struct wire, again));
}

static void accept_failed(struct wire *w)
{
	w->accept_failures++;
	listener_pause(w, NO_FDS_US);
}

/* One connection; false: none, or no more now. */
static bool accept_one(struct wire *w)
{
	struct conn *c;
	int fd;

	if (!may_accept(w)) {
		listener_pause(w, ASK_AGAIN_US);
		return false;
	}
	fd = accept4(w->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			accept_failed(w);
		return false;
	}
	if (w->tcp)	/* an event is to leave when it is written */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
				 sizeof(int));
	c = conn_admit(w, fd, false, false);
	if (!c) {
		accept_failed(w);
		return false;
	}
	conn_read(c, false);	/* mostly its request is here already */
	return w->accepting;
}

/*
 * One a wake-up, so that siblings that wait get theirs. A turn that is long
 * already, or will be for all that is ready, is a busy worker's: one a turn
 * would then be too slow.
 */
static void on_listener(struct loop_fd *f, uint32_t events)
{
	struct wire *w = CONTAINER_OF(f, struct wire, listener);
	int64_t age = clock_mono_us() - loop_now(w->loop);
	int left = age > LONG_TURN_US ? ACCEPTS_OF_LONG_TURN : 1;

	(void)events;
	left += loop_ready(w->loop) / READY_PER_ACCEPT;
	if (left > MAX_ACCEPTS)
		left = MAX_ACCEPTS;
	wire_enter(w);
	while (left-- > 0 && accept_one(w))
		;
	wire_leave(w);
}

/* --- kept connections that other workers give away */

static void arrivals_pause(struct wire *w, int64_t us)
{
	loop_fd_del(w->loop, &w->arrivals);
	loop_timer_in(w->loop, &w->take_again, us);
}

/* All workers are woken, not one: each knows best whether it is its turn. */
static void arrivals_accept(struct wire *w, bool on)
{
	loop_fd_del(w->loop, &w->arrivals);
	loop_timer_cancel(w->loop, &w->take_again);
	if (on && w->arrivals.fd >= 0 &&
	    !loop_fd_add(w->loop, &w->arrivals, EPOLLIN))
		arrivals_pause(w, NO_FDS_US);
}

static void on_take_again(struct loop_timer *t)
{
	arrivals_accept(CONTAINER_OF(t, struct wire, take_again), true);
}

static void on_arrival(struct loop_fd *f, uint32_t events)
{
	struct wire *w = CONTAINER_OF(f, struct wire, arrivals);
	bool kept;
	int fd;

	(void)events;
	if (!may_accept(w) || (w->h.may_take && !w->h.may_take(w->ctx))) {
		arrivals_pause(w, TAKE_AGAIN_US);
		return;
	}
	wire_enter(w);
	fd = fdqueue_take(&w->queue, &kept);
	if (fd >= 0 ? !conn_admit(w, fd, true, kept) : errno != EAGAIN) {
		w->accept_failures++;
		arrivals_pause(w, NO_FDS_US);
	} else if (fd >= 0 && w->h.taken) {
		w->h.taken(w->ctx);
	}
	wire_leave(w);
}

/* --- both */

void wire_accept(struct wire *w, bool on)
{
	w->accepting = on;
	if (!on) {
		loop_fd_del(w->loop, &w->listener);
		loop_timer_cancel(w->loop, &w->again);
	} else if (!loop_timer_is_set(&w->again) &&
		   !loop_fd_add(w->loop, &w->listener, EPOLLIN | EPOLLEXCLUSIVE)) {
		listener_pause(w, NO_FDS_US);
	}
	arrivals_accept(w, on);
}

void wire_share(struct wire *w, const struct fdqueue *q)
{
	w->queue = *q;
	w->arrivals = (struct loop_fd){ .fd = q->take, .fn = on_arrival };
	w->take_again.fn = on_take_again;
	arrivals_accept(w, w->accepting);
}

/* --- time limits */

static void sweep_list(struct wire *w, enum conn_state state)
{
	int64_t limit = (int64_t)MAX_PEER_SILENCE_MS * 1000;
	struct link *head = &w->lists[state], *l = head->next;

	while (l != head) {
		struct conn *c = conn_of_link(l);

		l = l->next;
		if (loop_now(w->loop) - c->heard_us > limit)
			conn_close(c);
	}
}

/* Peers that say nothing, or do not take what they asked for. */
static void on_sweep(struct loop_timer *t)
{
	struct wire *w = CONTAINER_OF(t, struct wire, sweep);

	wire_enter(w);
	sweep_list(w, CONN_READING);
	sweep_list(w, CONN_ENDING);
	if (!link_empty(&w->lists[CONN_READING]) ||
	    !link_empty(&w->lists[CONN_ENDING]))
		loop_timer_in(w->loop, &w->sweep, SWEEP_US);
	wire_leave(w);
}

/* --- the wire */

void wire_init(struct wire *w, struct loop *l, const struct wire_handler *h,
	       void *ctx)
{
	*w = (struct wire){ .loop = l, .h = *h, .ctx = ctx, .pair = { -1, -1 } };
	w->listener.fd = -1;
	w->again.fn = on_again;
	w->sweep.fn = on_sweep;
	w->peers.fd = -1;
	buf_init(&w->spare, MAX_SPARE);
	move_init(w);
	for (size_t i = 0; i < ARRAY_LEN(w->watched); i++)
		link_init(&w->watched[i]);
	for (size_t i = 0; i < ARRAY_LEN(w->lists); i++)
		link_init(&w->lists[i]);
}

bool wire_setup(struct wire *w, struct loop *l, const struct wire_handler *h,
		void *ctx)
{
	wire_init(w, l, h, ctx);
	w->scratch = malloc(SCRATCH_SIZE);
	if (!w->scratch)
		return false;
	params_init(w);
	return true;
}

void wire_teardown(struct wire *w)
{
	wire_accept(w, false);
	move_end(w);
	for (size_t i = 0; i < ARRAY_LEN(w->lists); i++)
		while (i != CONN_DEAD && !link_empty(&w->lists[i]))
			conn_close(conn_of_link(w->lists[i].next));
	wire_enter(w);
	wire_leave(w);		/* frees them */
	loop_timer_cancel(w->loop, &w->sweep);
	loop_timer_cancel(w->loop, &w->over);
	loop_timer_cancel(w->loop, &w->watch);
	peers_close(&w->peers);
	params_end(w);
	buf_free(&w->spare);
	free(w->scratch);
}

static bool is_tcp(int fd)
{
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain != AF_UNIX;
}

struct wire *wire_new(struct loop *l, int fd, const struct wire_handler *h,
		      void *ctx)
{
	struct wire *w = malloc(sizeof(*w));
	int flags = fcntl(fd, F_GETFL);

	if (!w || !wire_setup(w, l, h, ctx)) {
		free(w);
		return NULL;
	}
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	w->listener = (struct loop_fd){ .fd = fd, .fn = on_listener };
	w->tcp = is_tcp(fd);
	watch_open(w);
	wire_accept(w, true);
	return w;
}

void wire_free(struct wire *w)
{
	if (!w)
		return;
	wire_teardown(w);
	free(w);
}

size_t wire_conns(const struct wire *w)
{
	return w->conns;
}

size_t wire_accept_failures(const struct wire *w)
{
	return w->accept_failures;
}

void wire_close_idle(struct wire *w)
{
	move_end(w);
	wire_enter(w);
	while (!link_empty(&w->lists[CONN_IDLE]))
		conn_close(conn_of_link(w->lists[CONN_IDLE].next));
	wire_leave(w);
}
