/*
 * test_conn_peers.c - peers that ask for other things, leave, stop reading or
 * stop half-way, and what the others notice of them.
 */
#include <sys/resource.h>

#include "../../shared/ceilings.h"
#include "fcgi_peer.h"
#include "test.h"

#define STUCK 64
#define OK_BODY "note=ok method=POST path=/echo query= body=0:0"

static struct server server;

/* The server's own count, a moment after the last of them has closed. */
static bool wait_for_conns(size_t value)
{
	for (int i = 0; i < 5000 && wire_conns(server.wire) != value; i++)
		usleep(1000);
	return wire_conns(server.wire) == value;
}

static void send_call(int fd, const struct call *call)
{
	struct buf b;

	buf_init(&b, 4u << 20);
	add_call(&b, call);
	peer_send(fd, buf_span(&b));
	buf_free(&b);
}

static bool call_works(int fd, bool keep)
{
	struct answer a;
	bool ok;

	send_call(fd, &(struct call){ .keep = keep });
	peer_answer(fd, &a);
	ok = answer_is(&a, OK_BODY);
	answer_free(&a);
	return ok;
}

/* Management records, between requests and in the middle of one. */
static void test_management(void)
{
	static const struct {
		struct span record;
		int type;
		struct span want;
	} cases[] = {
		{ SPAN("\1\11\0\0\0\0\0\0"), 10, SPAN("") },
		{ SPAN("\1\11\0\0\0\53\5\0" "\16\0FCGI_MAX_CONNS" "\17\0FCGI_MPXS_CONNS"
		       "\3\5ABCworld" "-----"), 10,
		  SPAN("\16\5FCGI_MAX_CONNS65535" "\17\1FCGI_MPXS_CONNS0") },
		{ SPAN("\1\14\0\0\0\3\2\0" "abc--"), 11, SPAN("\14\0\0\0\0\0\0\0") },
		{ SPAN("\1\377\0\0\0\0\0\0"), 11, SPAN("\377\0\0\0\0\0\0\0") },
	};
	int fd = peer_connect(&server);

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct span s = cases[i / 2].record;
		struct answer a;

		if (i % 2) {	/* in two pieces */
			peer_send(fd, (struct span){ s.ptr, s.len - 1 });
			usleep(500);
			s = (struct span){ s.ptr + s.len - 1, 1 };
		}
		peer_send(fd, s);
		peer_answer(fd, &a);
		check_int(a.other_type, cases[i / 2].type);
		check(a.other.len == cases[i / 2].want.len &&
		      memcmp(a.other.ptr, cases[i / 2].want.ptr, a.other.len) == 0);
		answer_free(&a);
		check(call_works(fd, true));
	}
	close(fd);
}

static void test_roles(void)
{
	struct answer a;
	struct buf b;
	int fd = peer_connect(&server);

	buf_init(&b, 1u << 20);
	for (int role = 2; role < 5; role++) {
		buf_reset(&b);
		add_begin(&b, 7, role, true);
		add_stream(&b, 4, 7, SPAN("\1\1Ab"), 10, 0);
		add_stream(&b, 5, 7, SPAN("body"), 10, 0);
		peer_send(fd, buf_span(&b));
		peer_answer(fd, &a);
		check_int(a.status, 3);		/* UNKNOWN_ROLE */
		answer_free(&a);
	}
	check(call_works(fd, true));
	buf_reset(&b);
	add_begin(&b, 7, 3, false);
	peer_send(fd, buf_span(&b));
	peer_answer(fd, &a);
	check_int(a.status, 3);
	answer_free(&a);
	check_int(recv(fd, &(char){ 0 }, 1, 0), 0);
	buf_free(&b);
	close(fd);
}

/* A second request while the first is half here, and while it is answered. */
static void test_multiplexing(void)
{
	struct answer a;
	struct buf b;
	int fd = peer_connect(&server), gone = server.gone;
	size_t half;

	buf_init(&b, 1u << 20);
	add_call(&b, &(struct call){ .id = 1, .keep = true });
	half = b.len - 8;
	peer_send(fd, (struct span){ b.ptr, half });
	send_call(fd, &(struct call){ .id = 2, .keep = true });
	peer_answer(fd, &a);
	check_int(a.status, 1);			/* CANT_MPX_CONN */
	answer_free(&a);
	peer_send(fd, (struct span){ b.ptr + half, b.len - half });
	peer_answer(fd, &a);
	check(answer_is(&a, OK_BODY));
	answer_free(&a);

	send_call(fd, &(struct call){ .id = 1, .keep = true, .uri = "/hold" });
	send_call(fd, &(struct call){ .id = 2, .keep = true });
	peer_answer(fd, &a);
	check_int(a.status, 1);
	answer_free(&a);
	close(fd);
	check(wait_for(&server.gone, gone + 1));
	buf_free(&b);
}

/* ABORT_REQUEST of half a request is answered, and the connection kept. */
static void test_abort_of_half(void)
{
	int fd = peer_connect(&server), before = server.requests;
	struct answer a;
	struct buf b;

	buf_init(&b, 1u << 20);
	add_call(&b, &(struct call){ .keep = true, .body = SPAN("hello") });
	buf_cut(&b, b.len - 8);		/* without the end of STDIN */
	add_record(&b, 2, 1, SPAN(""), 0);
	peer_send(fd, buf_span(&b));
	peer_answer(fd, &a);
	check_int(a.status, 0);
	answer_free(&a);
	/* and the same right behind another request */
	buf_reset(&b);
	add_begin(&b, 1, 1, true);
	add_record(&b, 2, 1, SPAN(""), 0);
	add_begin(&b, 1, 1, true);
	add_record(&b, 2, 1, SPAN(""), 0);
	peer_send(fd, buf_span(&b));
	peer_answer(fd, &a);
	check_int(a.status, 0);
	answer_free(&a);
	peer_answer(fd, &a);
	check_int(a.status, 0);
	check_int((int64_t)a.out.len, 0);
	answer_free(&a);
	check_int(server.requests, before);
	check(call_works(fd, true));
	buf_free(&b);
	close(fd);
}

/* However the peer leaves a request that is being answered, it is told at once. */
static void test_gone(void)
{
	static const char *const ways[] = { "close", "shutdown", "abort", "garbage" };

	for (size_t i = 0; i < 4 * ARRAY_LEN(ways); i++) {
		int fd = peer_connect(&server), gone = server.gone;
		int requests = server.requests;
		int64_t at;

		send_call(fd, &(struct call){ .uri = "/hold", .keep = i % 2 });
		check(wait_for(&server.requests, requests + 1));
		usleep(2000);
		check_int(server.gone, gone);
		at = clock_mono_us();
		if (i / 4 == 0)
			close(fd);
		else if (i / 4 == 1)
			shutdown(fd, SHUT_WR);
		else if (i / 4 == 2)
			peer_send(fd, SPAN("\1\2\0\1\0\0\0\0"));
		else
			peer_send(fd, SPAN("garbage!"));
		check(wait_for(&server.gone, gone + 1));
		if (!check(server.gone_us - at < 5000 * slowness()))
			printf("  %s: %d us\n", ways[i / 4], (int)(server.gone_us - at));
		if (i / 4) {
			check_int(recv(fd, &(char){ 0 }, 1, 0), 0);
			close(fd);
		}
	}
}

/* Sent, and gone before it was read: nobody waits for it. */
static void test_gone_at_once(void)
{
	int requests = server.requests, gone = server.gone;

	for (int i = 0; i < 20; i++) {
		int fd = peer_connect(&server);

		send_call(fd, &(struct call){ .uri = i % 2 ? "/hold" : "/echo" });
		close(fd);
	}
	usleep(50000);
	check(server.requests - requests <= 20);
	check(server.gone - gone <= 10);
	check(wait_for_conns(0));
}

/* A peer that does not read holds what fits and no more; then gets it all. */
static void test_slow_reader(void)
{
	int fd = peer_connect(&server), drained = server.drained, other;
	struct answer a;
	const char *body;

	server.most_pending = 0;
	send_call(fd, &(struct call){ .uri = "/stream?20000000" });
	usleep(100000);
	other = peer_connect(&server);
	check(call_works(other, false));
	close(other);
	check(server.most_pending > OUT_HIGH_WATER);
	check(server.most_pending <= OUT_HIGH_WATER + 4096);
	/* the socket's own buffer may have taken the first lot */
	check(server.drained - drained <= 2);
	drained = server.drained;
	peer_answer(fd, &a);
	check_int(a.status, 0);
	check(a.stdout_ended);
	body = strstr(a.out.ptr, "\r\n\r\n");
	check(body && a.out.len - (size_t)(body + 4 - a.out.ptr) == 20000000);
	check(server.drained > drained);
	answer_free(&a);
	close(fd);
}

/* Stopped in every way that there is; returns how much of the call was sent. */
static int stuck_peer(int kind)
{
	static char body[1u << 20];
	int fd = peer_connect(&server);
	struct buf b;

	buf_init(&b, 4u << 20);
	add_call(&b, &(struct call){ .body = { body, sizeof(body) } });
	if (kind == 0)
		buf_cut(&b, 0);			/* nothing */
	else if (kind == 1)
		buf_cut(&b, 5);			/* half a header */
	else if (kind == 2)
		buf_cut(&b, 16);		/* BEGIN only */
	else if (kind == 3)
		buf_cut(&b, 40);		/* half of PARAMS */
	else if (kind == 4)
		buf_cut(&b, b.len - 8);		/* all but the end */
	else
		buf_cut(&b, b.len / (size_t)kind);	/* inside the body */
	peer_send(fd, buf_span(&b));
	buf_free(&b);
	return fd;
}

static int64_t slowest_call_us(struct span body, int rounds)
{
	int64_t worst = 0;

	for (int i = 0; i < rounds; i++) {
		int fd = peer_connect(&server);
		int64_t at = clock_mono_us();
		struct answer a;

		send_call(fd, &(struct call){ .body = body });
		peer_answer(fd, &a);
		at = clock_mono_us() - at;
		worst = at > worst ? at : worst;
		check_int(a.status, 0);
		check(strstr(a.out.ptr, "note=ok"));
		answer_free(&a);
		close(fd);
	}
	return worst;
}

static void test_stuck_peers(void)
{
	static char body[1u << 20];
	int fds[STUCK];
	int64_t small, large;

	for (int i = 0; i < STUCK; i++)
		fds[i] = stuck_peer(i % 8);
	small = slowest_call_us(SPAN("hello"), 50);
	large = slowest_call_us((struct span){ body, sizeof(body) }, 20);
	printf("test_conn_peers: %d stuck: small %d us, 1 MB %d us at worst\n",
	       STUCK, (int)small, (int)large);
	check(small < 50000 * slowness());
	check(large < 50000 * slowness());
	for (int i = 0; i < STUCK; i++)
		close(fds[i]);
	check(wait_for_conns(0));
}

static void test_may_accept(void)
{
	struct timespec cpu[2];
	clockid_t clock;
	int fd;

	pthread_getcpuclockid(server.thread, &clock);
	server.refuse = true;
	fd = peer_connect(&server);
	usleep(20000);
	clock_gettime(clock, &cpu[0]);
	usleep(200000);
	clock_gettime(clock, &cpu[1]);
	check_int((int64_t)wire_conns(server.wire), 0);
	/* asked now and then, not all the time */
	check((cpu[1].tv_sec - cpu[0].tv_sec) * 1000000000LL + cpu[1].tv_nsec -
	      cpu[0].tv_nsec < 50000000LL * slowness());
	server.refuse = false;
	check(call_works(fd, false));
	close(fd);
}

/* Out of descriptors: counted, and it goes on when there are some again. */
static void test_no_descriptors(void)
{
	struct rlimit old, few;
	size_t failures = wire_accept_failures(server.wire);
	int fd;

	getrlimit(RLIMIT_NOFILE, &old);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	few = (struct rlimit){ (rlim_t)fd + 1, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	connect(fd, (struct sockaddr *)&server.at.addr, sizeof(server.at.addr));
	usleep(300000);
	setrlimit(RLIMIT_NOFILE, &old);
	check(call_works(fd, false));
	failures = wire_accept_failures(server.wire) - failures;
	check(failures >= 1 && failures <= 5);
	close(fd);
}

/* A hundred held, all of them told. */
static void test_held(void)
{
	int held[100];
	int gone = server.gone, requests = server.requests;

	for (int i = 0; i < 100; i++) {
		held[i] = peer_connect(&server);
		send_call(held[i], &(struct call){ .uri = "/hold", .keep = i % 2 });
	}
	check(wait_for(&server.requests, requests + 100));
	check_int((int64_t)wire_conns(server.wire), 100);
	for (int i = 0; i < 100; i++)
		close(held[i]);
	check(wait_for(&server.gone, gone + 100));
}

int main(void)
{
	server_start(&server);
	test_management();
	test_roles();
	test_multiplexing();
	test_abort_of_half();
	test_gone();
	test_gone_at_once();
	test_slow_reader();
	test_stuck_peers();
	test_may_accept();
	if (slowness() == 1)	/* valgrind keeps descriptors of its own */
		test_no_descriptors();
	test_held();
	server_stop(&server);
	return test_end("test_conn_peers");
}
