/*
 * test_ws.c - WebSocket connections on a loop: how answers become messages,
 * and every time limit and ceiling, which are short here.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../fcgi/wire/ws.h"
#include "../../shared/clock.h"
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

static void say_response(struct conn *c, struct span body)
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

static void on_request(void *ctx, struct conn *c, struct request *req)
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

static void on_gone(void *ctx, struct conn *c, void *user)
{
	struct server *s = ctx;

	(void)c;
	if (user == s)
		s->gone++;
	s->held = NULL;
}

static void on_bell(struct loop_fd *f, uint32_t events)
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

static void wish(struct server *s, int what)
{
	uint64_t one = 1;

	s->wish = what;
	if (write(s->bell.fd, &one, sizeof(one)) < 0)
		abort();
	while (what != WISH_STOP && s->wish != -1)
		usleep(1000);
}

static void *run(void *arg)
{
	loop_run(((struct server *)arg)->loop);
	return NULL;
}

static void server_start(struct server *s, const struct ws_limits *limits)
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

static void server_stop(struct server *s)
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
static bool client_more(struct client *c)
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

static void client_dial(struct client *c, const struct server *s)
{
	c->fd = unix_connect(&s->at);
	c->off = 0;
	buf_init(&c->in, 1 << 20);
}

/* The head of the answer to the handshake, to be found at c->in's front. */
static void client_open(struct client *c, const struct server *s)
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

static void client_close(struct client *c)
{
	close(c->fd);
	buf_free(&c->in);
}

static void client_say(struct client *c, unsigned first, const char *text)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	client_frame(&b, first, span_of(text));
	peer_send(c->fd, buf_span(&b));
	buf_free(&b);
}

/* The next frame as words: its text, or "ping", "close 1000"; "": closed. */
static const char *client_hear(struct client *c, char words[512])
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

static bool hears(struct client *c, const char *want)
{
	char words[512];
	const char *got = client_hear(c, words);

	if (strstr(got, want) && (*want || !*got))
		return true;
	printf("  got  %s\n  want %s\n", got, want);
	return false;
}

#define CREATE "{\"type\":\"response.create\",\"input\":["

/* --- what holds */

static void answers(void)
{
	struct server s;
	struct client c;

	server_start(&s, NULL);
	client_open(&c, &s);
	check(strstr(c.in.ptr, "HTTP/1.1 101 Switching Protocols\r\nx-request-id: req_1\r\n"
		     "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
		     "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") == c.in.ptr);
	client_say(&c, FIN | TEXT, CREATE "]}");
	check(hears(&c, "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}"));
	check(hears(&c, "\"bytes\":26,\"ours\":true"));
	/* two data lines are one message */
	check(hears(&c, "{\"type\":\"response.completed\",\n\"response\":"));
	client_say(&c, FIN | TEXT, CREATE "],\"previous_response_id\":\"resp_1\"}");
	check(hears(&c, "response.created"));
	check(hears(&c, "\"bytes\":33,\"ours\":true"));	/* [{"a":1}] */
	check(hears(&c, "response.completed"));
	client_say(&c, FIN | TEXT, CREATE "\"refuse\"]}");
	check(hears(&c, "{\"type\":\"error\",\"status\":429,\"error\":{\"code\":\"c\"},"
			"\"headers\":{\"retry-after\":\"7\",\"x-codex-a\":\"b\"}}"));
	client_say(&c, FIN | TEXT, CREATE "\"drop\"]}");
	check(hears(&c, "{\"type\":\"chatmock.dropped_params\",\"params\":[\"a\",\"b\"]}"));
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	client_say(&c, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&c, "ping"));
	client_say(&c, FIN | TEXT, CREATE "]}");
	check(hears(&c, "response_in_progress"));
	client_say(&c, FIN | TEXT, "{\"type\":\"response.processed\"}");
	wish(&s, WISH_END_HELD);
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	client_say(&c, FIN | TEXT, CREATE "\"abort\"]}");
	check(hears(&c, "close 1011"));
	client_say(&c, FIN | CLOSE, "\x03\xf3");
	check(hears(&c, ""));
	check_int(s.gone, 0);
	client_close(&c);
	/* it leaves while it is answered */
	client_open(&c, &s);
	client_say(&c, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&c, "ping"));
	client_close(&c);
	for (int i = 0; i < SECONDS * 1000 && !s.gone; i++)
		usleep(1000);
	check_int(s.gone, 1);
	wish(&s, WISH_COUNT);
	check_int(s.conns, 0);
	server_stop(&s);
}

static void times(void)
{
	static const struct ws_limits limits = {
		.head_ms = 100, .idle_ms = 200, .age_ms = 1000, .close_ms = 100,
	};
	struct server s;
	struct client c;
	int64_t begun;

	server_start(&s, &limits);
	client_dial(&c, &s);
	peer_send(c.fd, SPAN("GET / HT"));
	check(hears(&c, ""));			/* half a head */
	client_close(&c);
	begun = clock_mono_us();
	client_open(&c, &s);
	check(hears(&c, "close 1000"));		/* nothing is asked */
	check(clock_mono_us() - begun >= 200000);
	check(hears(&c, ""));			/* and our close does not come */
	client_close(&c);
	begun = clock_mono_us();
	client_open(&c, &s);
	client_say(&c, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&c, "ping"));
	/* longer than it may be idle, and than it may live */
	usleep(1200000);
	wish(&s, WISH_END_HELD);
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	check(hears(&c, "websocket_connection_limit_reached"));
	check(hears(&c, "close 1000"));
	client_close(&c);
	check(clock_mono_us() - begun >= 1000000);
	server_stop(&s);
}

static void drains(void)
{
	static const struct ws_limits limits = { .close_ms = 200 };
	struct client idle, busy, half;
	struct server s;

	server_start(&s, &limits);
	client_open(&idle, &s);
	client_open(&busy, &s);
	client_dial(&half, &s);
	client_say(&busy, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&busy, "ping"));
	wish(&s, WISH_COUNT);
	check_int(s.conns, 3);
	wish(&s, WISH_DRAIN);
	check(hears(&idle, "close 1001"));
	check(hears(&half, ""));
	wish(&s, WISH_END_HELD);
	check(hears(&busy, "response.created") && hears(&busy, "echo") &&
	      hears(&busy, "completed"));
	check(hears(&busy, "close 1001"));
	client_say(&busy, FIN | CLOSE, "\x03\xe9");
	check(hears(&busy, "") && hears(&idle, ""));
	for (int i = 0; i < SECONDS * 100; i++) {
		wish(&s, WISH_COUNT);
		if (!s.conns)
			break;
		usleep(10000);
	}
	check_int(s.conns, 0);
	client_close(&idle);
	client_close(&busy);
	client_close(&half);
	server_stop(&s);
}

static void ceilings(void)
{
	static const struct ws_limits limits = { .kept = 3000, .conns = 2 };
	struct client c, other, third;
	struct server s;
	struct buf b;

	server_start(&s, &limits);
	client_open(&c, &s);
	client_open(&other, &s);
	client_open(&third, &s);
	while (client_more(&third))
		;
	check(strstr(third.in.ptr, "HTTP/1.1 503 Service Unavailable\r\n"
		     "Content-Length: 4\r\nConnection: close\r\n\r\nbusy") == third.in.ptr);
	client_close(&third);
	/* too much to be remembered: the id is somebody else's to know */
	buf_init(&b, 1 << 20);
	buf_str(&b, CREATE "\"");
	for (int i = 0; i < 2950; i++)
		buf_char(&b, 'x');
	buf_str(&b, "\"]}");
	client_say(&c, FIN | TEXT, b.ptr);
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	client_say(&c, FIN | TEXT, CREATE "],\"previous_response_id\":\"resp_1\"}");
	check(hears(&c, "response.created") && hears(&c, "\"ours\":false") &&
	      hears(&c, "completed"));
	/* half messages of all count together */
	buf_cut(&b, 2000);
	client_say(&c, TEXT, b.ptr);
	client_say(&other, TEXT, b.ptr);
	check(hears(&other, "close 1013") || hears(&c, "close 1013"));
	buf_free(&b);
	client_close(&c);
	client_close(&other);
	server_stop(&s);
}

int main(void)
{
	answers();
	times();
	drains();
	ceilings();
	ws_free(NULL);
	ws_drain(NULL);
	check(ws_new(NULL, -1, NULL, NULL, NULL) == NULL);
	return test_end("test_ws");
}
