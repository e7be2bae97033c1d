/*
 * load.c - the load generator of the benchmark: one thread, many streams.
 *
 *	load MODE --url http://127.0.0.1:PORT/PATH [options]
 *
 *	ttft	--n N		one after the other: time to the first event
 *	whole	--n N --conns C	keep-alive connections, whole answers per second
 *	hold	--n N --ramp R --seconds S	N streams open at once: events per
 *				second, their delay, loss and order
 *	abort	--n N --ramp R	N silent streams, then all closed, 2 ms apart
 *	awake	keeps one core from sleeping, out of everybody's way
 *
 *	--tongue chat|responses	what is asked and how an event looks
 *	--body BYTES		size of the user's message
 *
 * The upstream (tests/tools, --bench) puts "<sequence>:<monotonic us> " into
 * each delta; both run on one machine, so the delay is a subtraction. Prints
 * one line of JSON. Connections come from 127.0.0.1, .2, .3 ... by turns, so
 * that the port range of one address does not limit their number.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "load.h"

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

/* One client after the other leaves, as they do; each time is printed. */
static void close_all(struct load *l)
{
	printf(",\"closed_at_us\":[");
	for (long i = 0; i < l->n; i++) {
		printf("%s%" PRId64, i ? "," : "", clock_mono_us());
		conn_close(l, &l->all[i]);
		usleep(2000);
	}
	printf("]");
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
			conn_ready(l, ev[i].data.ptr, ev[i].events);
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
	       "\"per_second\":%.1f,"
	       "\"window_seconds\":%.3f,\"window_events\":%ld",
	       l->mode, (double)asked / 1e6, l->started, l->finished, l->errors,
	       l->connected_max, l->events, l->lost,
	       (double)l->finished * 1e6 / (double)asked,
	       l->window_us > 0 ? (double)l->window_us / 1e6 : 0.0,
	       l->window_us > 0 ? l->window_events : 0);
	print_times("ttft_us", l->ttft, l->ttft_count);
	print_times("delay_us", l->delay, l->delay_count);
	if (strcmp(l->mode, "abort") == 0)
		close_all(l);
	printf("}\n");
}

/* A core that sleeps is woken by the machine, or by the machine's host; how
 * long that takes says nothing of who is waited for. */
static void stay_awake(void)
{
	struct sched_param any = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &any))
		exit(71);
	for (;;)
#ifdef __x86_64__
		__builtin_ia32_pause();		/* leaves the core's twin its half */
#else
		__asm__ volatile("" ::: "memory");
#endif
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
	if (strcmp(l.mode, "awake") == 0)
		stay_awake();
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
