/*
 * test_conn_limits.c - time limits and memory of connections, looked at from
 * the inside: half a minute of silence is made by moving the clock back.
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fcgi/wire/wire_private.h"
#include "../../shared/clock.h"
#include "test.h"

#define SILENCE_US ((int64_t)MAX_PEER_SILENCE_MS * 1000)

static const char begin[] = "\1\1\0\1\0\10\0\0" "\0\1\0\0\0\0\0\0";
static const char whole[] = "\1\1\0\1\0\10\0\0" "\0\1\1\0\0\0\0\0"
			    "\1\4\0\1\0\0\0\0" "\1\5\0\1\0\0\0";

static struct loop *loop;
static struct wire wire;
static struct conn *held;
static int gone, drained;

static void on_request(void *ctx, struct conn *conn, struct request *req)
{
	(void)ctx;
	request_free(req);
	held = conn;
}

static void on_gone(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn, (void)user;
	gone++;
}

static void on_drained(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn, (void)user;
	drained++;
}

static void stop(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

static void run_ms(int ms)
{
	struct loop_timer t = { .fn = stop };

	check(loop_timer_in(loop, &t, (int64_t)ms * 1000));
	loop_run(loop);
}

/* The second's end has come. */
static void sweep_now(void)
{
	check(loop_timer_in(loop, &wire.sweep, 0));
	run_ms(2);
}

/* A conn to which these bytes have come; the peer's end is *fd. */
static struct conn *conn_with(const char *bytes, size_t len, int *fd)
{
	struct conn *c;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	c = conn_new(&wire, pair[0]);
	if (!c || !loop_fd_add(loop, &c->f, EPOLLIN | EPOLLRDHUP) ||
	    write(pair[1], bytes, len) != (ssize_t)len)
		abort();
	*fd = pair[1];
	run_ms(5);
	return c;
}

static void test_silence(void)
{
	static const struct { const char *bytes; size_t len; bool closed; } cases[] = {
		{ "", 0, true },
		{ begin, 3, true },
		{ begin, 16, true },
		{ whole, sizeof(whole) - 1, true },	/* all but one byte */
		{ whole, sizeof(whole), false },	/* being answered */
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		bool late = i % 2;
		int fd;
		struct conn *c = conn_with(cases[i / 2].bytes, cases[i / 2].len, &fd);

		check_int((int64_t)wire.conns, 1);
		c->heard_us -= SILENCE_US + (late ? 1000 : -10000000);
		sweep_now();
		check_int((int64_t)wire.conns, late && cases[i / 2].closed ? 0 : 1);
		close(fd);
		run_ms(5);
		check_int((int64_t)wire.conns, 0);
	}
	check_int(gone, 2);
}

/* An ended answer that nobody takes; the handler has nothing to do with it. */
static void test_stalled_end(void)
{
	int fd;
	struct conn *c = conn_with(whole, sizeof(whole), &fd);

	gone = 0;
	check(c == held && c->state == CONN_ANSWERING);
	conn_begin(c, 200);
	for (int i = 0; i < 1000; i++)
		buf_add(conn_body(c), (char[1000]){ 0 }, 1000);
	conn_end(c);
	sweep_now();
	check_int((int64_t)wire.conns, 1);
	check_int(c->state, CONN_ENDING);
	c->heard_us -= SILENCE_US + 1000;
	sweep_now();
	check_int((int64_t)wire.conns, 0);
	check_int(gone, 0);
	close(fd);
}

/* A buffer past its ceiling: closed without END_REQUEST. */
static void test_failed_buf(void)
{
	char bytes[256];
	int fd;
	struct conn *c = conn_with(whole, sizeof(whole), &fd);
	ssize_t n;

	conn_begin(c, 200);
	buf_str(conn_body(c), "part");
	conn_flush(c);
	check(!buf_room(conn_body(c), MAX_OUT + 1));
	conn_flush(c);
	conn_end(c);
	check_int((int64_t)wire.conns, 0);
	n = read(fd, bytes, sizeof(bytes));
	check(n > 12 && memcmp(bytes + n - 4, "part", 4) == 0);
	check_int(read(fd, bytes, sizeof(bytes)), 0);
	close(fd);
}

/* After a connection has gone, what the handler still calls does no harm. */
static void test_calls_in_gone(void)
{
	int fd;
	struct conn *c = conn_with(whole, sizeof(whole), &fd);

	conn_abort(c);
	check_int((int64_t)wire.conns, 0);
	check_int(read(fd, (char[1]){ 0 }, 1), 0);
	close(fd);
}

/* Control records that are not read are not gathered without end. */
static void test_unread_replies(void)
{
	int fd;
	struct conn *c = conn_with("", 0, &fd);
	size_t sent = 0;

	for (int i = 0; i < 200000 && wire.conns; i++) {
		wire_enter(&wire);
		record_feed(c, "\1\14\0\0\0\0\0\0", 8);
		sent++;
		wire_leave(&wire);
	}
	check_int((int64_t)wire.conns, 0);
	check(sent > 100 && sent < 100000);
	close(fd);
}

static void test_header_injection(void)
{
	static const char want[] = "Status: 418 Unknown\r\nX: a: bSet: c\td\xc3\xa4\r\n\r\n!";
	char bytes[256] = "";
	int fd;
	struct conn *c = conn_with(whole, sizeof(whole), &fd);
	ssize_t n;

	check(!conn_begun(c));
	conn_header(c, "Early", "ignored");
	conn_begin(c, 418);
	conn_begin(c, 200);
	check(conn_begun(c));
	conn_header(c, "X", "a\r\n\x01\x7f: b\nSet: c\td\xc3\xa4");
	buf_str(conn_body(c), "!");
	conn_header(c, "Late", "ignored");
	conn_flush(c);
	n = read(fd, bytes, sizeof(bytes) - 1);
	check_int(n, 8 + (int64_t)sizeof(want) - 1);
	check_str(span_of(bytes + 8), want);
	conn_end(c);
	n = read(fd, bytes, sizeof(bytes));
	check(n == 24 && memcmp(bytes, "\1\6\0\1\0\0\0\0" "\1\3\0\1\0\10\0\0"
				"\0\0\0\0\0\0\0\0", 24) == 0);
	close(fd);
	run_ms(5);
	check_int((int64_t)wire.conns, 0);		/* it was kept */
}

/*
 * The socket takes part of what is sent, cut at any byte of the last records:
 * Linux takes two pieces of half a small buffer less 64.
 */
static void test_partial_sends(void)
{
	static char content[8192], got[16384];
	int buffer = 4096;

	memset(content, 'c', sizeof(content));
	for (size_t len = 8010; len < 8070; len++) {
		size_t have = 0;
		ssize_t n;
		int fd;
		struct conn *c = conn_with(whole, sizeof(whole), &fd);

		setsockopt(c->f.fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
		buf_add(conn_body(c), content, len);
		conn_end(c);
		for (int i = 0; i < 3; i++) {
			while ((n = read(fd, got + have, sizeof(got) - have)) > 0)
				have += (size_t)n;
			run_ms(0);
		}
		check_int((int64_t)have, 8 + (int64_t)len + 24);
		check(memcmp(got + 8, content, len) == 0 &&
		      memcmp(got + have - 24, "\1\6\0\1\0\0\0\0" "\1\3\0\1", 12) == 0);
		close(fd);
		run_ms(0);
	}
	run_ms(2);
	check_int((int64_t)wire.conns, 0);
}

/* Whoever sends much gets his share of a turn and no more. */
static void test_fair_reading(void)
{
	static char bytes[1u << 20] = "\1\5\0\7\377\370";	/* of no request */
	int size = 1 << 20, unread = 0, fd;
	struct conn *c = conn_with("", 0, &fd);
	ssize_t n;

	for (size_t at = 65536; at + 65536 <= sizeof(bytes); at += 65536)
		memcpy(bytes + at, bytes, 8);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	n = write(fd, bytes, sizeof(bytes));
	wire_enter(&wire);
	conn_read(c, false);
	ioctl(c->f.fd, FIONREAD, &unread);
	wire_leave(&wire);
	if (n > MAX_READ_TURN)		/* as far as the kernel lets us send */
		check_int(n - unread, MAX_READ_TURN);
	close(fd);
	run_ms(5);
	check_int((int64_t)wire.conns, 0);
}

/* What a stream that is held costs here, once its request is let go. */
static void test_held_memory(void)
{
	enum { COUNT = 200 };
	static int fds[COUNT];
	struct mallinfo2 before, after;

	before = mallinfo2();
	for (int i = 0; i < COUNT; i++) {
		struct conn *c = conn_with(whole, sizeof(whole), &fds[i]);

		conn_begin(c, 200);
		for (int n = 0; n < 100; n++)
			buf_str(conn_body(c), "some event of a stream, as long as this. ");
		conn_flush(c);
	}
	after = mallinfo2();
	if (after.uordblks)	/* not under a sanitizer's own malloc */
		check((after.uordblks - before.uordblks) / COUNT < 700);
	printf("test_conn_limits: %zu bytes a held stream\n",
	       (size_t)(after.uordblks - before.uordblks) / COUNT);
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	run_ms(20);
	check_int((int64_t)wire.conns, 0);
}

int main(void)
{
	static const struct wire_handler handler = {
		.request = on_request, .gone = on_gone, .drained = on_drained,
	};

	loop = loop_new();
	if (!loop || !wire_setup(&wire, loop, &handler, NULL))
		return 1;
	wire.accepting = true;	/* as far as keeping goes: nothing listens */
	test_silence();
	test_stalled_end();
	test_failed_buf();
	test_calls_in_gone();
	test_unread_replies();
	test_header_injection();
	test_partial_sends();
	test_fair_reading();
	test_held_memory();
	wire_teardown(&wire);
	loop_free(loop);
	return test_end("test_conn_limits");
}
