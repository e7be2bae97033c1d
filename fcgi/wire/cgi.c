/*
 * cgi.c - one plain CGI request (RFC 3875) behind the face of conn.h.
 *
 * The request comes from the environment and fd 0, the answer goes to fd 1 as
 * it is. Both may be pipes, sockets, files or terminals, and may be shared
 * with other processes: so neither is made non-blocking. Input is read when
 * epoll says that it is there, or from a file, which epoll does not take, in
 * steps. Output is written to a pipe in pieces that fit when poll says so.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire_private.h"

struct cgi {
	struct wire wire;
	struct conn *conn;
	struct loop_fd in;
	struct loop_timer step;		/* the next read of a file */
	size_t left;			/* of the body, to be read */
	void (*done)(void *ctx);
};

ssize_t cgi_write(int fd, const char *bytes, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || errno != ENOTSOCK)
		return n;
	if (poll(&p, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
}

/* The rest of the environment is the process's own, secrets maybe. */
static bool is_meta_variable(const char *entry)
{
	static const char *const prefixes[] = {
		"HTTP_", "REQUEST_", "SERVER_", "REMOTE_", "CONTENT_", "SCRIPT_",
		"PATH_INFO=", "PATH_TRANSLATED=", "QUERY_STRING=",
		"GATEWAY_INTERFACE=", "AUTH_TYPE=", "HTTPS=", "DOCUMENT_ROOT=",
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(entry, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static char *copy_environment(char *const env[], size_t *len)
{
	struct buf b;

	/* A whole environment fits: the request's own ceiling comes after. */
	buf_init(&b, 8u << 20);
	for (; *env; env++)
		if (is_meta_variable(*env))
			buf_add(&b, *env, strlen(*env) + 1);
	*len = b.len;
	if (!b.len)
		buf_char(&b, '\0');
	return buf_take(&b);
}

static void cgi_free(struct cgi *g)
{
	struct loop *l = g->wire.loop;

	loop_fd_del(l, &g->in);
	loop_timer_cancel(l, &g->step);
	wire_teardown(&g->wire);
	free(g);
}

static void hand_over(struct cgi *g)
{
	struct conn *c = g->conn;

	loop_fd_del(g->wire.loop, &g->in);
	body_check(c->req, c->length);
	conn_hand_over(c);
}

/* One step; true when more is to be read. */
static bool read_some(struct cgi *g)
{
	struct conn *c = g->conn;
	char *scratch = g->wire.scratch;
	ssize_t n = 0;

	if (g->left) {
		n = read(0, scratch, g->left < SCRATCH_SIZE ? g->left : SCRATCH_SIZE);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return true;
	}
	if (n > 0) {
		c->heard_us = loop_now(g->wire.loop);
		g->left -= (size_t)n;
		(void)body_add(c->req, c->length, scratch, (size_t)n);
		if (g->left)
			return true;
	}
	hand_over(g);
	return false;
}

/* The conn may have gone, and on_over() not yet have run. */
static bool is_reading(const struct cgi *g)
{
	return g->wire.conns && g->conn->state == CONN_READING;
}

static void on_in(struct loop_fd *f, uint32_t events)
{
	struct cgi *g = CONTAINER_OF(f, struct cgi, in);

	(void)events;
	wire_enter(&g->wire);
	if (is_reading(g))
		(void)read_some(g);
	wire_leave(&g->wire);
}

static void on_step(struct loop_timer *t)
{
	struct cgi *g = CONTAINER_OF(t, struct cgi, step);

	wire_enter(&g->wire);
	if (is_reading(g) && read_some(g))
		loop_timer_in(g->wire.loop, &g->step, 0);
	wire_leave(&g->wire);
}

static void on_over(struct loop_timer *t)
{
	struct cgi *g = CONTAINER_OF(t, struct cgi, wire.over);
	void (*done)(void *) = g->done;
	void *ctx = g->wire.ctx;

	cgi_free(g);
	if (done)
		done(ctx);
}

static bool cgi_begin(struct cgi *g, char *const env[])
{
	struct loop *l = g->wire.loop;
	struct conn *c = conn_new(&g->wire, 1);
	size_t len = 0;
	char *block = copy_environment(env, &len);

	if (c) {
		c->raw = true;
		c->req = malloc(sizeof(*c->req));
	}
	if (!c || !c->req || !block) {
		free(block);
		return false;
	}
	request_init(c->req, block, len);
	c->req->on_heap = true;
	c->phase = PHASE_STDIN;
	c->length = body_length(c->req);
	if (c->length > 0)
		/* of a body that is too large as much as to be heard */
		g->left = c->length < 2 * (int64_t)MAX_REQUEST_BODY ?
			  (size_t)c->length : 2 * (size_t)MAX_REQUEST_BODY;
	g->conn = c;
	/* What is no pipe and no socket has no reader that could leave. */
	(void)loop_fd_add(l, &c->f, EPOLLRDHUP);
	if (g->left && loop_fd_add(l, &g->in, EPOLLIN))
		return true;
	return loop_timer_in(l, &g->step, 0);
}

bool wire_cgi(struct loop *l, char *const environ_[], const struct wire_handler *h,
	      void *ctx, void (*done)(void *ctx))
{
	struct cgi *g = malloc(sizeof(*g));

	if (!g)
		return false;
	*g = (struct cgi){ .in = { .fd = 0, .fn = on_in }, .step.fn = on_step };
	if (!wire_setup(&g->wire, l, h, ctx)) {
		free(g);
		return false;
	}
	watch_open(&g->wire);
	g->done = done;
	g->wire.over.fn = on_over;
	/* The web server may close the pipe between poll() and write(). */
	signal(SIGPIPE, SIG_IGN);
	if (cgi_begin(g, environ_))
		return true;
	cgi_free(g);
	return false;
}
