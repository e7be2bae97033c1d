/*
 * load_conn.c - one connection of the load generator: asks, takes the answer
 * apart (chunked or by length), and measures each event of it.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "load.h"

#define PER_ADDRESS 4000	/* connections from one source address */

static void sample(uint32_t *to, size_t *count, int64_t us)
{
	if (*count < MAX_SAMPLES)
		to[(*count)++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX :
							       (uint32_t)us;
}

/* While every stream is open what is offered is all of it: from the first
 * event of the last to begin to the end of the first to end. */
static void window_begin(struct load *l, int64_t now)
{
	if (l->finished)
		return;
	l->window_us = -now;
	l->window_events = -l->events;
}

static void window_end(struct load *l)
{
	if (l->window_us >= 0)
		return;
	l->window_us += clock_mono_us();
	l->window_events += l->events;
}

/* --- one connection --- */

bool conn_open(struct load *l, struct conn *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT |
					  EPOLLRDHUP | EPOLLET };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	from.sin_addr.s_addr = htonl(0x7f000001u +
				     (uint32_t)((c - l->all) / PER_ADDRESS));
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ev.data.ptr = c;
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) ||
	    (connect(c->fd, (struct sockaddr *)&l->to, sizeof(l->to)) &&
	     errno != EINPROGRESS) ||
	    epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &ev)) {
		close(c->fd);
		return false;
	}
	c->phase = CONNECTING;
	l->open++;
	return true;
}

void conn_close(struct load *l, struct conn *c)
{
	if (c->phase == CLOSED)
		return;
	close(c->fd);
	c->phase = CLOSED;
	buf_free(&c->line);
	buf_init(&c->line, 1 << 20);
	l->open--;
}

static void conn_fail(struct load *l, struct conn *c)
{
	l->errors++;
	l->finished++;
	window_end(l);
	conn_close(l, c);
}

/* All of the request; one that the socket does not take at once is waited for. */
static bool send_all(int fd, struct span left)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	while (left.len) {
		ssize_t n = send(fd, left.ptr, left.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno != EAGAIN || poll(&ready, 1, 10000) <= 0))
			return false;
		if (n > 0) {
			left.ptr += n;
			left.len -= (size_t)n;
		}
	}
	return true;
}

static void conn_ask(struct load *l, struct conn *c)
{
	c->phase = HEAD;
	c->status = 0;
	c->chunked = c->first_seen = c->ended = false;
	c->chunk = CHUNK_SIZE;
	c->left = 0;
	c->next = 0;
	c->sent_us = clock_mono_us();
	if (!send_all(c->fd, buf_span(&l->request)))
		conn_fail(l, c);
}

static void on_event(struct load *l, struct conn *c, struct span text)
{
	const char *colon = memchr(text.ptr, ':', text.len);
	int64_t seq, at, now = clock_mono_us();

	if (!colon || !text_int((struct span){ text.ptr,
				(size_t)(colon - text.ptr) }, &seq) ||
	    !text_int((struct span){ colon + 1,
		      text.len - (size_t)(colon + 1 - text.ptr) }, &at))
		return;
	if (!c->first_seen)
		sample(l->ttft, &l->ttft_count, now - c->sent_us);
	if (!c->first_seen && ++l->answered == l->n)
		window_begin(l, now);
	c->first_seen = true;
	if (seq != c->next)
		l->lost++;
	c->next = seq + 1;
	l->events++;
	sample(l->delay, &l->delay_count, now - at);
}

/* "delta":"12:345 " or "content":"12:345 " */
static void on_line(struct load *l, struct conn *c, struct span line)
{
	const char *key = l->chat ? "\"content\":\"" : "\"delta\":\"";
	const char *at = memmem(line.ptr, line.len, key, strlen(key));
	const char *end, *stop = line.ptr + line.len;

	if (memmem(line.ptr, line.len, l->chat ? "data: [DONE]" :
					       "\"response.completed\"",
		   l->chat ? 12 : 20))
		c->ended = true;
	if (!at)
		return;
	at += strlen(key);
	end = memchr(at, ' ', (size_t)(stop - at));
	if (end)
		on_event(l, c, (struct span){ at, (size_t)(end - at) });
}

static void on_body(struct load *l, struct conn *c, const char *p, size_t n)
{
	const char *nl;

	if (!l->stream)
		return;
	while ((nl = memchr(p, '\n', n)) != NULL) {
		size_t len = (size_t)(nl - p);

		if (c->line.len) {
			buf_add(&c->line, p, len);
			on_line(l, c, buf_span(&c->line));
			buf_reset(&c->line);
		} else {
			on_line(l, c, (struct span){ p, len });
		}
		p = nl + 1;
		n -= len + 1;
	}
	if (n)
		buf_add(&c->line, p, n);
}

static void conn_answered(struct load *l, struct conn *c)
{
	if (l->stream && !c->ended) {
		conn_fail(l, c);
		return;
	}
	window_end(l);
	if (!l->stream)
		sample(l->ttft, &l->ttft_count, clock_mono_us() - c->sent_us);
	l->finished++;
	if (!l->stream && l->started < l->n) {
		l->started++;
		conn_ask(l, c);
	} else {
		conn_close(l, c);
	}
}

/* Returns the bytes used of a chunked body; *over at its end. */
static size_t dechunk(struct load *l, struct conn *c, const char *p, size_t n,
		      bool *over)
{
	size_t used = 0;

	while (used < n && !*over) {
		if (c->chunk == CHUNK_DATA) {
			size_t part = n - used < c->left ? n - used : c->left;

			on_body(l, c, p + used, part);
			used += part;
			c->left -= part;
			if (!c->left)
				c->chunk = CHUNK_END;
			continue;
		}
		char ch = p[used++];

		if (c->chunk == CHUNK_END) {
			if (ch == '\n')
				c->chunk = CHUNK_SIZE;
		} else if (ch == '\n') {
			*over = c->left == 0;
			c->chunk = CHUNK_DATA;
		} else if (ch != '\r') {
			c->left = c->left * 16 + (size_t)(ch <= '9' ? ch - '0' :
							  (ch | 32) - 'a' + 10);
		}
	}
	return used;
}

static size_t on_head(struct conn *c, const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4), *at;

	if (!end)
		return 0;
	n = (size_t)(end + 4 - p);
	c->status = n > 12 ? (int)strtol(p + 9, NULL, 10) : 0;
	c->chunked = memmem(p, n, "chunked", 7) != NULL;
	at = memmem(p, n, "Content-Length: ", 16);
	if (!at)
		at = memmem(p, n, "content-length: ", 16);
	c->left = at ? (size_t)strtol(at + 16, NULL, 10) : 0;
	c->phase = BODY;
	return n;
}

static void on_bytes(struct load *l, struct conn *c, const char *p, size_t n)
{
	bool over = false;

	while (n && c->phase == HEAD) {
		size_t used = on_head(c, p, n);

		if (!used || c->status != 200) {
			conn_fail(l, c);
			return;
		}
		p += used;
		n -= used;
	}
	if (c->phase != BODY)
		return;
	if (c->chunked) {
		dechunk(l, c, p, n, &over);
	} else {
		on_body(l, c, p, n);
		c->left -= n < c->left ? n : c->left;
		over = c->left == 0;
	}
	if (over)
		conn_answered(l, c);
}

void conn_ready(struct load *l, struct conn *c, uint32_t events)
{
	static char bytes[256 << 10];
	ssize_t n;

	if (c->phase == CONNECTING && (events & (EPOLLOUT | EPOLLERR))) {
		if (events & EPOLLERR)
			conn_fail(l, c);
		else
			conn_ask(l, c);
	}
	while (c->phase == HEAD || c->phase == BODY) {
		n = recv(c->fd, bytes, sizeof(bytes), 0);
		if (n > 0)
			on_bytes(l, c, bytes, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			break;
		else
			conn_fail(l, c);
		/* less than asked for: that was all, but for an end to see */
		if (n < (ssize_t)sizeof(bytes) && !(events & EPOLLRDHUP))
			break;
	}
}
