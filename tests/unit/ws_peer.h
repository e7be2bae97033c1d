/*
 * ws_peer.h - both ends of a WebSocket for tests: connections on a loop in a
 * thread of its own, whose handler does what the message says, and a client.
 */
#ifndef CHATMOCK_WS_PEER_H
#define CHATMOCK_WS_PEER_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../fcgi/wire/ws.h"
#include "test.h"
#include "unix_socket.h"
#include "ws_help.h"

#define SECONDS 20

/* --- the server, in a thread */

struct server {
	pthread_t thread;
	struct loop *loop;
	struct ws *ws;
	struct loop_fd bell;
	struct unix_socket at;
	struct conn *held;
	atomic_int gone, conns;
	atomic_int wish;		/* what the bell is rung for */
};

enum { WISH_STOP, WISH_DRAIN, WISH_END_HELD, WISH_COUNT };

static inline void say_response(struct conn *c, struct span body)
{
	bool first = strstr(body.ptr, "previous_response_id") == NULL;

	buf_str(conn_body(c), "event: response.created\ndata: {\"type\":"
		"\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n");
	buf_fmt(conn_body(c), "event: echo\ndata: {\"type\":\"echo\",\"bytes\":%zu,"
		"\"ours\":%s}\n\n", body.len, first ? "true" : "false");
	conn_flush(c);
	buf_str(conn_body(c), "event: response.completed\ndata: {\"type\":"
		"\"response.completed\",\ndata: \"response\":{\"id\":\"resp_1\","
		"\"output\":[{\"a\":1}]}}\n\n");
}

static inline void on_request(void *ctx, struct conn *c, struct request *req)
{
	struct server *s = ctx;
	struct span body = buf_span(&req->body);

	conn_set_user(c, s);
	if (conn_is_socket(c) && !req->note.code) {
		conn_begin(c, 101);
		conn_header(c, "x-request-id", "req_1");
		conn_end(c);
	} else if (strcmp(req->method, "POST") != 0) {
		conn_begin(c, req->note.code == ERR_BUSY ? 503 : 400);
		buf_str(conn_body(c), err_name(req->note.code));
		conn_end(c);
	} else if (strstr(body.ptr, "refuse")) {
		conn_begin(c, 429);
		conn_header_lines(c, "Content-Type: application/json\r\n"
				  "Retry-After: 7\r\nx-codex-a: b\r\n");
		buf_str(conn_body(c), "{\"error\":{\"code\":\"c\"}}");
		conn_end(c);
	} else if (strstr(body.ptr, "abort")) {
		conn_begin(c, 200);
		conn_body(c);
		conn_flush(c);
		conn_abort(c);
	} else if (strstr(body.ptr, "hold")) {
		conn_begin(c, 200);
		buf_str(conn_body(c), ": beat\n\n");
		conn_flush(c);
		s->held = c;
	} else {
		conn_begin(c, 200);
		conn_header(c, "x-chatmock-dropped-params",
			    strstr(body.ptr, "drop") ? "a, b" : "");
		say_response(c, body);
		conn_end(c);
	}
	request_free(req);
}

static inline void on_gone(void *ctx, struct conn *c, void *user)
{
	struct server *s = ctx;

	(void)c;
	if (user == s)
		s->gone++;
	s->held = NULL;
}

static inline void on_bell(struct loop_fd *f, uint32_t events)
{
	struct server *s = CONTAINER_OF(f, struct server, bell);
	uint64_t rings;

	(void)events;
	if (read(f->fd, &rings, sizeof(rings)) < 0)
		return;
	switch (atomic_load(&s->wish)) {
	case WISH_STOP:
		loop_stop(s->loop);
		break;
	case WISH_DRAIN:
		ws_drain(s->ws);
		break;
	case WISH_END_HELD:
		if (s->held) {
			say_response(s->held, SPAN(""));
			conn_end(s->held);
		}
		s->held = NULL;
		break;
	}
	s->conns = (int)ws_conns(s->ws);
	s->wish = -1;
}

static inline void wish(struct server *s, int what)
{
	uint64_t one = 1;

	s->wish = what;
	if (write(s->bell.fd, &one, sizeof(one)) < 0)
		abort();
	while (what != WISH_STOP && s->wish != -1)
		usleep(1000);
}

static inline void *run(void *arg)
{
	loop_run(((struct server *)arg)->loop);
	return NULL;
}

static inline void server_start(struct server *s, const struct ws_limits *limits)
{
	static const struct wire_handler handler = {
		.request = on_request, .gone = on_gone,
	};

	memset(s, 0, sizeof(*s));
	unix_listen(&s->at, 64);
	s->loop = loop_new();
	s->ws = ws_new(s->loop, s->at.fd, &handler, s, limits);
	s->bell = (struct loop_fd){ .fd = eventfd(0, EFD_CLOEXEC), .fn = on_bell };
	loop_fd_add(s->loop, &s->bell, EPOLLIN);
	pthread_create(&s->thread, NULL, run, s);
}

static inline void server_stop(struct server *s)
{
	wish(s, WISH_STOP);
	pthread_join(s->thread, NULL);
	ws_free(s->ws);
	loop_free(s->loop);
	close(s->bell.fd);
	unix_close(&s->at);
}

/* --- the client */

struct client {
	int fd;
	struct buf in;
	size_t off;
};

/* More bytes; false: closed, or nothing for long. */
static inline bool client_more(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char bytes[4096];
	ssize_t n;

	if (poll(&p, 1, SECONDS * 1000) <= 0)
		return false;
	n = recv(c->fd, bytes, sizeof(bytes), 0);
	if (n <= 0)
		return false;
	buf_add(&c->in, bytes, (size_t)n);
	return true;
}

static inline void client_dial(struct client *c, const struct server *s)
{
	c->fd = unix_connect(&s->at);
	c->off = 0;
	buf_init(&c->in, 1 << 20);
}

/* The head of the answer to the handshake, to be found at c->in's front. */
static inline void client_open(struct client *c, const struct server *s)
{
	static const char head[] = "GET /v1/responses HTTP/1.1\r\nHost: a\r\n"
		"Connection: upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Version: 13\r\nX-Forwarded-For: 127.0.0.1\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	const char *end;

	client_dial(c, s);
	peer_send(c->fd, span_of(head));
	while (!(end = strstr(c->in.ptr, "\r\n\r\n")))
		if (!client_more(c))
			return;
	c->off = (size_t)(end - c->in.ptr) + 4;
}

static inline void client_close(struct client *c)
{
	close(c->fd);
	buf_free(&c->in);
}

static inline void client_say(struct client *c, unsigned first, const char *text)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	client_frame(&b, first, span_of(text));
	peer_send(c->fd, buf_span(&b));
	buf_free(&b);
}

/* The next frame as words: its text, or "ping", "close 1000"; "": closed. */
static inline const char *client_hear(struct client *c, char words[512])
{
	struct span rest, text;
	unsigned first;

	for (;;) {
		rest = (struct span){ c->in.ptr + c->off, c->in.len - c->off };
		if (server_frame(&rest, &first, &text))
			break;
		if (!client_more(c))
			return "";
	}
	c->off = (size_t)(rest.ptr - c->in.ptr);
	if (first == (FIN | PING))
		return "ping";
	if (first == (FIN | CLOSE))
		snprintf(words, 512, "close %u", text.len < 2 ? 0 :
			 (unsigned)(unsigned char)text.ptr[0] << 8 |
			 (unsigned char)text.ptr[1]);
	else
		snprintf(words, 512, "%.*s", (int)text.len, text.ptr);
	return words;
}

static inline bool hears(struct client *c, const char *want)
{
	char words[512];
	const char *got = client_hear(c, words);

	if (strstr(got, want) && (*want || !*got))
		return true;
	printf("  got  %s\n  want %s\n", got, want);
	return false;
}

#define CREATE "{\"type\":\"response.create\",\"input\":["

#endif
