/*
 * load.c - the load generator of the benchmark: one thread, many streams.
 *
 *	load MODE --url http://127.0.0.1:PORT/PATH [options]
 *
 *	ttft	--n N		one after the other: time to the first event
 *	whole	--n N --conns C	keep-alive connections, whole answers per second
 *	hold	--n N --ramp R --seconds S	N streams open at once: events per
 *				second, their delay, loss and order
 *	abort	--n N --ramp R	N silent streams, then all closed: prints when
 *
 *	--tongue chat|responses	what is asked and how an event looks
 *	--body BYTES		size of the user's message
 *
 * The upstream (tests/tools, --bench) puts "<sequence>:<monotonic us> " into
 * each delta; both run on one machine, so the delay is a subtraction. Prints
 * one line of JSON. Connections come from 127.0.0.1, .2, .3 ... by turns, so
 * that the port range of one address does not limit their number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/buf.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"

#define PER_ADDRESS 4000	/* connections from one source address */
#define MAX_SAMPLES (4u << 20)

enum phase { CLOSED, CONNECTING, HEAD, BODY };
enum chunk { CHUNK_SIZE, CHUNK_DATA, CHUNK_END };

struct conn {
	int fd;
	enum phase phase;
	bool chunked;
	enum chunk chunk;
	size_t left;		/* of the chunk, or of Content-Length */
	int status;
	int64_t sent_us;
	long next;		/* sequence number expected */
	bool first_seen, ended;
	struct buf line;
};

struct load {
	const char *mode, *path;
	struct sockaddr_in to;
	bool chat, stream;
	long n, conns, ramp, seconds, body_bytes;
	struct buf request;
	int ep;
	struct conn *all;
	long started, finished, errors, events, lost, connected_max, open;
	uint32_t *ttft, *delay;
	size_t ttft_count, delay_count;
};

static void sample(uint32_t *to, size_t *count, int64_t us)
{
	if (*count < MAX_SAMPLES)
		to[(*count)++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX :
							       (uint32_t)us;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_times(const char *name, uint32_t *v, size_t n)
{
	static const double q[] = { 0.5, 0.9, 0.99, 1.0 };
	static const char *const names[] = { "p50", "p90", "p99", "max" };

	qsort(v, n, sizeof(*v), by_value);
	printf(",\"%s\":{\"count\":%zu", name, n);
	for (size_t i = 0; n && i < ARRAY_LEN(q); i++)
		printf(",\"%s\":%u", names[i], v[(size_t)((double)(n - 1) * q[i])]);
	printf("}");
}

/* --- one connection --- */

static bool conn_open(struct load *l, struct conn *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
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

static void conn_close(struct load *l, struct conn *c)
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
	conn_close(l, c);
}

static void conn_ask(struct load *l, struct conn *c)
{
	ssize_t n = send(c->fd, l->request.ptr, l->request.len, MSG_NOSIGNAL);

	c->phase = HEAD;
	c->status = 0;
	c->chunked = c->first_seen = c->ended = false;
	c->chunk = CHUNK_SIZE;
	c->left = 0;
	c->next = 0;
	c->sent_us = clock_mono_us();
	if (n != (ssize_t)l->request.len)
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

static void on_ready(struct load *l, struct conn *c, uint32_t events)
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
	}
}

/* --- the run --- */

static void make_request(struct load *l)
{
	struct buf body;

	buf_init(&body, 64 << 20);
	buf_fmt(&body, "{\"model\":\"gpt-5.5\",\"stream\":%s,",
		l->stream ? "true" : "false");
	buf_str(&body, l->chat ? "\"messages\":[{\"role\":\"user\",\"content\":\"" :
		"\"store\":false,\"input\":[{\"type\":\"message\",\"role\":\"user\","
		"\"content\":[{\"type\":\"input_text\",\"text\":\"");
	for (long i = 0; i < l->body_bytes; i++)
		buf_char(&body, i % 7 ? 'a' : ' ');
	buf_str(&body, l->chat ? "\"}]}" : "\"}]}]}");
	buf_init(&l->request, 65 << 20);
	buf_fmt(&l->request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		l->path, body.len);
	buf_span_add(&l->request, buf_span(&body));
	buf_free(&body);
}

static void start_due(struct load *l, int64_t begun)
{
	long due = l->n, most = l->stream ? l->n : l->conns;

	if (l->ramp)
		due = (long)((clock_mono_us() - begun) * l->ramp / 1000000) + 1;
	if (strcmp(l->mode, "ttft") == 0)
		due = l->finished + 1;
	while (l->started < due && l->started < most) {
		struct conn *c = &l->all[l->started++];

		if (!conn_open(l, c))
			l->errors++, l->finished++;
	}
}

static void run(struct load *l)
{
	int64_t begun = clock_mono_us(), now = begun, loaded = 0, asked;
	struct epoll_event ev[512];
	int n;

	while (l->finished < l->n) {
		start_due(l, begun);
		n = epoll_wait(l->ep, ev, ARRAY_LEN(ev), 2);
		for (int i = 0; i < n; i++)
			on_ready(l, ev[i].data.ptr, ev[i].events);
		now = clock_mono_us();
		if (l->open > l->connected_max)
			l->connected_max = l->open;
		if (!loaded && l->started >= l->n)
			loaded = now;
		if (l->seconds && loaded && now - loaded > l->seconds * 1000000)
			break;
	}
	asked = now - begun;
	printf("{\"mode\":\"%s\",\"seconds\":%.3f,\"asked\":%ld,\"finished\":%ld,"
	       "\"errors\":%ld,\"held\":%ld,\"events\":%ld,\"lost\":%ld,"
	       "\"per_second\":%.1f,\"events_per_second\":%.1f",
	       l->mode, (double)asked / 1e6, l->started, l->finished, l->errors,
	       l->connected_max, l->events, l->lost,
	       (double)l->finished * 1e6 / (double)asked,
	       (double)l->events * 1e6 / (double)asked);
	print_times("ttft_us", l->ttft, l->ttft_count);
	print_times("delay_us", l->delay, l->delay_count);
	if (strcmp(l->mode, "abort") == 0) {
		printf(",\"closed_at_us\":%" PRId64, clock_mono_us());
		for (long i = 0; i < l->n; i++)
			conn_close(l, &l->all[i]);
	}
	printf("}\n");
}

static bool take_url(struct load *l, const char *url)
{
	const char *colon = strrchr(url, ':'), *slash;

	if (!colon || !(slash = strchr(colon, '/')))
		return false;
	l->to.sin_family = AF_INET;
	l->to.sin_addr.s_addr = htonl(0x7f000001u);
	l->to.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
	l->path = slash;
	return true;
}

static bool take_option(struct load *l, const char *name, const char *value)
{
	long number = strtol(value, NULL, 10);

	if (strcmp(name, "--url") == 0)
		return take_url(l, value);
	else if (strcmp(name, "--tongue") == 0)
		l->chat = strcmp(value, "chat") == 0;
	else if (strcmp(name, "--n") == 0)
		l->n = number;
	else if (strcmp(name, "--conns") == 0)
		l->conns = number;
	else if (strcmp(name, "--ramp") == 0)
		l->ramp = number;
	else if (strcmp(name, "--seconds") == 0)
		l->seconds = number;
	else if (strcmp(name, "--body") == 0)
		l->body_bytes = number;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct load l = { .chat = true, .stream = true, .n = 100, .conns = 32,
			  .body_bytes = 1000 };
	struct rlimit lim;

	l.mode = argc > 1 ? argv[1] : "";
	l.stream = strcmp(l.mode, "whole") != 0;
	for (int i = 2; i < argc; i += 2) {
		if (i + 1 == argc || !take_option(&l, argv[i], argv[i + 1])) {
			fprintf(stderr, "load: bad option %s\n", argv[i]);
			return 64;
		}
	}
	if (!l.path) {
		fprintf(stderr, "load: --url is missing\n");
		return 64;
	}
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	l.ep = epoll_create1(EPOLL_CLOEXEC);
	l.all = calloc((size_t)(l.n > l.conns ? l.n : l.conns), sizeof(*l.all));
	l.ttft = malloc(MAX_SAMPLES * sizeof(*l.ttft));
	l.delay = malloc(MAX_SAMPLES * sizeof(*l.delay));
	if (l.ep < 0 || !l.all || !l.ttft || !l.delay)
		return 71;
	for (long i = 0; i < (l.n > l.conns ? l.n : l.conns); i++)
		buf_init(&l.all[i].line, 1 << 20);
	make_request(&l);
	run(&l);
	return 0;
}
