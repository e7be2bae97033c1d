/*
 * fuzz_wire.c - bytes of a FastCGI peer: however they are cut, the same
 * requests come out and the same records go back.
 *
 * The first byte says how they are cut and what the handler does with a
 * request; the rest is what the peer sends.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fcgi/wire/wire_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct buf *log;
	struct conn *held;
	bool hold;
};

static void on_request(void *ctx, struct conn *conn, struct request *req)
{
	struct seen *seen = ctx;
	const char *name, *value;
	size_t at = 0;

	buf_fmt(seen->log, "%s %s %zu\n", err_name(req->note.code), req->path,
		req->body.len);
	while (request_param_next(req, &at, &name, &value))
		buf_str(seen->log, value);
	request_free(req);
	if (seen->hold) {
		seen->held = conn;
		return;
	}
	conn_begin(conn, 200);
	buf_str(conn_body(conn), "hello");
	conn_end(conn);
}

static void on_gone(void *ctx, struct conn *conn, void *user)
{
	struct seen *seen = ctx;

	(void)user;
	if (seen->held != conn)
		abort();
	seen->held = NULL;
	buf_str(seen->log, "gone\n");
}

static const struct wire_handler handler = { .request = on_request, .gone = on_gone };

/* What has come back so far; it must be room for the next. */
static void take_replies(int fd, struct buf *log)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		buf_add(log, bytes, (size_t)n);
}

static void run(const uint8_t *data, size_t size, size_t step, bool hold,
		struct buf *log)
{
	struct loop *l = loop_new();
	struct seen seen = { log, NULL, hold };
	struct buf replies;		/* apart: when they come is no matter */
	struct wire w;
	struct conn *c;
	int pair[2];

	buf_init(&replies, 16u << 20);
	if (!l || !wire_setup(&w, l, &handler, &seen) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	w.accepting = true;
	c = conn_new(&w, pair[0]);
	if (!c || !loop_fd_add(l, &c->f, EPOLLIN | EPOLLRDHUP))
		abort();
	for (size_t at = 0; at < size && w.conns; at += step) {
		size_t n = step < size - at ? step : size - at;
		char *copy = malloc(n);		/* overruns are seen */

		memcpy(copy, data + at, n);
		wire_enter(&w);
		record_feed(c, copy, n);
		wire_leave(&w);
		free(copy);
		take_replies(pair[1], &replies);
	}
	take_replies(pair[1], &replies);
	buf_fmt(log, "%zu left", w.conns);
	buf_span_add(log, buf_span(&replies));
	buf_free(&replies);
	wire_teardown(&w);
	loop_free(l);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, cut;

	if (size < 2)
		return 0;
	buf_init(&whole, 64u << 20);
	buf_init(&cut, 64u << 20);
	run(data + 1, size - 1, size - 1, data[0] & 1, &whole);
	run(data + 1, size - 1, 1 + (data[0] >> 1), data[0] & 1, &cut);
	if (whole.len != cut.len || memcmp(whole.ptr, cut.ptr, cut.len))
		abort();
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
