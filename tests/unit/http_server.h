/*
 * http_server.h - a small scripted upstream inside a unit test.
 *
 * It listens on a port of its own on 127.0.0.1; each connection has a thread
 * which hands every request to the test's answer(). The request's body has
 * been read when answer() is called. It returns false to close.
 */
#ifndef CHATMOCK_TEST_HTTP_SERVER_H
#define CHATMOCK_TEST_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/clock.h"

struct conn {
	struct server *server;
	int fd;
	int requests;			/* on this connection, with this one */
	char head[16384];		/* of the request, NUL-terminated */
	size_t body_len;
	char body[1024];		/* its beginning */
};

struct server {
	int fd;
	int port;
	bool (*answer)(struct conn *c, const char *path);
	pthread_t thread;
	_Atomic int connections;	/* ever accepted */
	_Atomic int open;
	_Atomic int requests;
	_Atomic int64_t gone_at;	/* when a client last closed */
};

static bool conn_send(struct conn *c, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool conn_text(struct conn *c, const char *text)
{
	return conn_send(c, text, strlen(text));
}

/* Waits until the client closes; never longer than 5 s. */
static inline void conn_await_end(struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char junk[64];

	while (poll(&p, 1, 5000) > 0 && read(c->fd, junk, sizeof(junk)) > 0)
		;
	atomic_store(&c->server->gone_at, clock_mono_us());
}

/* The value of a header of the request into out; "" when there is none. */
static inline void conn_header(struct conn *c, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	out[0] = '\0';
	for (char *l = strchr(c->head, '\n'); l && l[1]; l = strchr(l + 1, '\n'))
		if (!strncasecmp(l + 1, name, len) && l[1 + len] == ':')
			snprintf(out, size, "%.*s",
				 (int)strcspn(l + len + 3, "\r\n"), l + len + 3);
}

static inline bool conn_read_request(struct conn *c)
{
	size_t len = 0, left;
	char *end, value[32];

	for (;;) {
		ssize_t n = read(c->fd, c->head + len, sizeof(c->head) - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		c->head[len] = '\0';
		end = strstr(c->head, "\r\n\r\n");
		if (end)
			break;
	}
	left = len - (size_t)(end + 4 - c->head);
	memcpy(c->body, end + 4, left < sizeof(c->body) ? left : sizeof(c->body));
	end[2] = '\0';
	conn_header(c, "content-length", value, sizeof(value));
	c->body_len = strtoul(value, NULL, 10);
	while (left < c->body_len) {
		char junk[65536];
		ssize_t n = read(c->fd, junk, sizeof(junk));

		if (n <= 0)
			return false;
		left += (size_t)n;
	}
	return true;
}

static inline void *conn_main(void *arg)
{
	struct conn *c = arg;
	struct server *s = c->server;
	char path[256];

	while (conn_read_request(c)) {
		c->requests++;
		atomic_fetch_add(&s->requests, 1);
		if (sscanf(c->head, "%*s %255s", path) != 1 ||
		    !s->answer(c, path))
			break;
	}
	close(c->fd);
	free(c);
	atomic_fetch_sub(&s->open, 1);
	return NULL;
}

static inline void *server_main(void *arg)
{
	struct server *s = arg;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept(s->fd, NULL, NULL), one = 1;
		struct conn *c;
		pthread_t t;

		if (fd < 0)
			break;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = calloc(1, sizeof(*c));
		c->server = s;
		c->fd = fd;
		atomic_fetch_add(&s->connections, 1);
		atomic_fetch_add(&s->open, 1);
		if (pthread_create(&t, &attr, conn_main, c))
			abort();
	}
	pthread_attr_destroy(&attr);
	return NULL;
}

static int listen_on_loopback(int backlog, int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(fd, backlog) || getsockname(fd, (struct sockaddr *)&a, &len))
		abort();
	*port = ntohs(a.sin_port);
	return fd;
}

static inline void server_start(struct server *s,
			 bool (*answer)(struct conn *, const char *))
{
	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->fd = listen_on_loopback(128, &s->port);
	if (pthread_create(&s->thread, NULL, server_main, s))
		abort();
}

/* The clients must have closed their connections. */
static inline void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; atomic_load(&s->open) && i < 2000; i++)
		usleep(1000);
}

#endif
