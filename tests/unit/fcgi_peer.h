/*
 * fcgi_peer.h - both ends of a FastCGI socket for tests: a web server made of
 * blocking calls, and the wire on a loop in a thread of its own, whose handler
 * does what the request's path says.
 */
#ifndef CHATMOCK_FCGI_PEER_H
#define CHATMOCK_FCGI_PEER_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fcgi/wire/conn.h"
#include "../../shared/buf.h"
#include "../../shared/clock.h"
#include "unix_socket.h"

/* How much slower than usual we are: valgrind takes its time. */
static inline int slowness(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload") ? 20 : 1;
}

static inline bool wait_for(const atomic_int *n, int value)
{
	for (int i = 0; i < 5000 && *n < value; i++)
		usleep(1000);
	return *n == value;
}

/* --- the wire in a thread */

struct server {
	pthread_t thread;
	struct loop *loop;
	struct wire *wire;
	struct loop_fd stop;
	struct unix_socket at;
	/* what the client's thread looks at */
	_Atomic int64_t gone_us;
	atomic_int requests, gone, drained, taken;
	atomic_size_t most_pending, conns;
	atomic_bool refuse;		/* may_accept says no */
	/* what its thread is to do: see server_do() */
	void (*_Atomic act)(struct server *s);
};

struct stream {
	struct conn *conn;
	struct request *req;
	size_t left;
};

static inline unsigned long body_sum(struct span s)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum = sum * 31 + (unsigned char)s.ptr[i];
	return sum;
}

static inline void stream_over(struct stream *st)
{
	request_free(st->req);
	free(st);
}

/* Writes until the conn is full: drained() goes on. */
static inline void stream_more(struct server *s, struct stream *st)
{
	static const char block[4096] = "a block of the stream";

	while (st->left && !conn_full(st->conn)) {
		size_t n = st->left < sizeof(block) ? st->left : sizeof(block);

		buf_add(conn_body(st->conn), block, n);
		st->left -= n;
		if (conn_pending(st->conn) > s->most_pending)
			s->most_pending = conn_pending(st->conn);
	}
	conn_flush(st->conn);
	if (!st->left && !conn_full(st->conn)) {
		conn_end(st->conn);
		stream_over(st);
	}
}

static inline void on_test_request(void *ctx, struct conn *conn, struct request *req)
{
	struct server *s = ctx;
	struct stream *st;

	s->requests++;
	s->conns = wire_conns(s->wire);
	if (span_starts(span_of(req->path), "/hold")) {
		st = calloc(1, sizeof(*st));
		*st = (struct stream){ .conn = conn, .req = req };
		conn_set_user(conn, st);
		request_let_go(req);
		return;
	}
	conn_begin(conn, req->note.code ? 400 : 200);
	conn_header(conn, "X-Test", "a\r\nb");
	if (strcmp(req->path, "/stream") == 0) {
		st = calloc(1, sizeof(*st));
		*st = (struct stream){ conn, req, (size_t)strtoul(req->query, NULL, 10) };
		conn_set_user(conn, st);
		stream_more(s, st);
		return;
	}
	buf_fmt(conn_body(conn), "note=%s method=%s path=%s query=%s body=%zu:%lu",
		err_name(req->note.code), req->method, req->path, req->query,
		req->body.len, body_sum(buf_span(&req->body)));
	conn_end(conn);
	request_free(req);
}

static inline void on_test_gone(void *ctx, struct conn *conn, void *user)
{
	struct server *s = ctx;

	(void)conn;
	s->gone_us = clock_mono_us();
	s->gone++;
	stream_over(user);
}

static inline void on_test_drained(void *ctx, struct conn *conn, void *user)
{
	struct server *s = ctx;

	(void)conn;
	s->drained++;
	stream_more(s, user);
}

static inline void on_test_taken(void *ctx)
{
	((struct server *)ctx)->taken++;
}

static inline bool peer_may_accept(void *ctx)
{
	return !((struct server *)ctx)->refuse;
}

static inline void on_test_stop(struct loop_fd *f, uint32_t events)
{
	struct server *s = CONTAINER_OF(f, struct server, stop);
	uint64_t value;

	(void)events;
	if (!s->act) {
		loop_stop(s->loop);
	} else if (read(f->fd, &value, sizeof(value)) > 0) {
		s->act(s);
		s->act = NULL;
	}
}

/* Has the server's own thread do something, and waits for it. */
static inline void server_do(struct server *s, void (*act)(struct server *s))
{
	uint64_t one = 1;

	s->act = act;
	if (write(s->stop.fd, &one, sizeof(one)) < 0)
		abort();
	while (s->act)
		usleep(200);
}

static inline void *server_run(void *arg)
{
	struct server *s = arg;

	loop_run(s->loop);
	return NULL;
}

static inline void server_start(struct server *s)
{
	static const struct wire_handler handler = {
		on_test_request, on_test_gone, on_test_drained, peer_may_accept, NULL,
		NULL, on_test_taken,
	};

	memset(s, 0, sizeof(*s));
	unix_listen(&s->at, 512);
	s->loop = loop_new();
	s->wire = wire_new(s->loop, s->at.fd, &handler, s);
	s->stop = (struct loop_fd){ .fd = eventfd(0, EFD_CLOEXEC), .fn = on_test_stop };
	loop_fd_add(s->loop, &s->stop, EPOLLIN);
	pthread_create(&s->thread, NULL, server_run, s);
}

static inline void server_stop(struct server *s)
{
	uint64_t one = 1;

	if (write(s->stop.fd, &one, sizeof(one)) < 0)
		abort();
	pthread_join(s->thread, NULL);
	wire_free(s->wire);
	loop_free(s->loop);
	close(s->stop.fd);
	unix_close(&s->at);
}

/* --- records */

static inline void add_record(struct buf *b, int type, int id, struct span content,
			      int padding)
{
	unsigned char head[] = { 1, (unsigned char)type, (unsigned char)(id >> 8),
				 (unsigned char)id, (unsigned char)(content.len >> 8),
				 (unsigned char)content.len, (unsigned char)padding, 0 };

	buf_add(b, head, sizeof(head));
	buf_span_add(b, content);
	while (padding-- > 0)
		buf_char(b, 'p');
}

static inline void add_begin(struct buf *b, int id, int role, bool keep)
{
	char body[8] = { (char)(role >> 8), (char)role, keep };

	add_record(b, 1, id, (struct span){ body, 8 }, 0);
}

static inline void add_length(struct buf *b, size_t len)
{
	if (len < 0x80) {
		buf_char(b, (char)len);
		return;
	}
	buf_char(b, (char)(0x80 | len >> 24));
	buf_char(b, (char)(len >> 16));
	buf_char(b, (char)(len >> 8));
	buf_char(b, (char)len);
}

static inline void add_pair(struct buf *b, struct span name, struct span value)
{
	add_length(b, name.len);
	add_length(b, value.len);
	buf_span_add(b, name);
	buf_span_add(b, value);
}

/* A stream of records of at most step bytes, and the empty one at its end. */
static inline void add_stream(struct buf *b, int type, int id, struct span s,
			      size_t step, int padding)
{
	while (s.len) {
		size_t n = s.len < step ? s.len : step;

		add_record(b, type, id, (struct span){ s.ptr, n }, padding);
		s.ptr += n;
		s.len -= n;
	}
	add_record(b, type, id, SPAN(""), 0);
}

struct call {
	const char *method, *uri;
	struct span body;
	int id;
	bool keep;
	size_t step;		/* content of one record, 0: 65535 */
	int padding;
	const char *length;	/* CONTENT_LENGTH, NULL: the body's */
};

static inline void add_call(struct buf *b, const struct call *c)
{
	struct buf params;
	char length[24];
	int id = c->id ? c->id : 1;
	size_t step = c->step ? c->step : 65535;

	buf_init(&params, 1u << 20);
	snprintf(length, sizeof(length), "%zu", c->body.len);
	add_pair(&params, SPAN("REQUEST_METHOD"), span_of(c->method ? c->method : "POST"));
	add_pair(&params, SPAN("REQUEST_URI"), span_of(c->uri ? c->uri : "/echo"));
	add_pair(&params, SPAN("CONTENT_LENGTH"), span_of(c->length ? c->length : length));
	add_begin(b, id, 1, c->keep);
	add_stream(b, 4, id, buf_span(&params), step, c->padding);
	add_stream(b, 5, id, c->body, step, c->padding);
	buf_free(&params);
}

/* --- the client's end */

static inline int peer_connect(const struct server *s)
{
	return unix_connect(&s->at);
}

struct answer {
	struct buf out;		/* STDOUT */
	struct buf other;	/* content of other records */
	int other_type;
	int status;		/* protocolStatus of END_REQUEST, -1: none came */
	bool eof, silent;	/* how it ended otherwise */
	bool stdout_ended;
};

static inline bool peer_take(int fd, void *out, size_t len, struct answer *a)
{
	char *p = out;

	while (len) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&pf, 1, 5000) <= 0) {
			a->silent = true;
			return false;
		}
		n = recv(fd, p, len, 0);
		if (n <= 0) {
			a->eof = true;
			return false;
		}
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Reads records until END_REQUEST, another type's record, or the end. */
static inline void peer_answer(int fd, struct answer *a)
{
	static char content[65536 + 256];
	unsigned char h[8];

	*a = (struct answer){ .status = -1 };
	buf_init(&a->out, 64u << 20);
	buf_init(&a->other, 1u << 20);
	while (peer_take(fd, h, 8, a)) {
		size_t len = (size_t)h[4] << 8 | h[5];

		if (!peer_take(fd, content, len + h[6], a))
			return;
		if (h[1] == 6) {
			buf_add(&a->out, content, len);
			a->stdout_ended = !len;
			continue;
		}
		a->other_type = h[1];
		buf_add(&a->other, content, len);
		if (h[1] == 3)
			a->status = content[4];
		return;
	}
}

static inline void answer_free(struct answer *a)
{
	buf_free(&a->out);
	buf_free(&a->other);
}

/* True when the body of the answer, after its head, is this. */
static inline bool answer_is(const struct answer *a, const char *body)
{
	const char *p = strstr(a->out.ptr, "\r\n\r\n");

	if (a->status == 0 && a->stdout_ended && p && strcmp(p + 4, body) == 0)
		return true;
	printf("  status %d, eof %d, silent %d, got: %s\n", a->status, a->eof,
	       a->silent, a->out.ptr);
	return false;
}

#endif
