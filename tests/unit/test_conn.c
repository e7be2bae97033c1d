/*
 * test_conn.c - FastCGI requests through the wire: whole, in pieces, one after
 * another, broken in every way, and given up.
 */
#include "../../shared/ceilings.h"
#include "fcgi_peer.h"
#include "test.h"

static struct server server;

/* Sends bytes on a new connection; the answer is the caller's to free. */
static int ask(struct span bytes, struct answer *a)
{
	int fd = peer_connect(&server);

	(void)peer_send(fd, bytes);	/* it may be closed on us: that is the test */
	peer_answer(fd, a);
	return fd;
}

static void ask_whole(struct span bytes, struct answer *a)
{
	close(ask(bytes, a));
}

static void test_small(void)
{
	struct answer a;
	struct buf b;

	buf_init(&b, 1u << 20);
	add_call(&b, &(struct call){ .uri = "/echo%20x?q=1", .body = SPAN("hello") });
	ask_whole(buf_span(&b), &a);
	check(answer_is(&a, "note=ok method=POST path=/echo x query=q=1 "
			"body=5:99162322"));
	check(span_starts(buf_span(&a.out), "Status: 200 OK\r\nX-Test: ab\r\n\r\n"));
	check_int(a.status, 0);
	answer_free(&a);
	buf_free(&b);
}

static void test_every_cut(void)
{
	struct buf b;

	buf_init(&b, 1u << 20);
	add_call(&b, &(struct call){ .body = SPAN("hello"), .step = 40, .padding = 3 });
	for (size_t cut = 1; cut < b.len; cut++) {
		int fd = peer_connect(&server);
		struct answer a;

		peer_send(fd, (struct span){ b.ptr, cut });
		usleep(300);
		peer_send(fd, (struct span){ b.ptr + cut, b.len - cut });
		peer_answer(fd, &a);
		check(answer_is(&a, "note=ok method=POST path=/echo query= "
				"body=5:99162322"));
		answer_free(&a);
		close(fd);
	}
	/* byte by byte */
	struct answer a;
	int fd = peer_connect(&server);

	for (size_t i = 0; i < b.len; i++) {
		peer_send(fd, (struct span){ b.ptr + i, 1 });
		usleep(50);
	}
	peer_answer(fd, &a);
	check(answer_is(&a, "note=ok method=POST path=/echo query= body=5:99162322"));
	answer_free(&a);
	close(fd);
	buf_free(&b);
}

static void test_record_sizes(void)
{
	static const size_t steps[] = { 65535, 65528, 8191, 777 };
	static char body[1u << 20];
	char want[128];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7 + i / 251);
	snprintf(want, sizeof(want), "note=ok method=POST path=/echo query= body=%zu:%lu",
		 sizeof(body), body_sum((struct span){ body, sizeof(body) }));
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct answer a;
		struct buf b;

		buf_init(&b, 4u << 20);
		add_call(&b, &(struct call){ .body = { body, sizeof(body) },
					     .step = steps[i],
					     .padding = (int)i * 85 });
		ask_whole(buf_span(&b), &a);
		check(answer_is(&a, want));
		answer_free(&a);
		buf_free(&b);
	}
}

static void test_keep_conn(void)
{
	int fd = peer_connect(&server);

	for (int i = 1; i <= 5; i++) {
		struct answer a;
		struct buf b;

		buf_init(&b, 1u << 20);
		add_call(&b, &(struct call){ .id = i * 251, .keep = i < 5,
					     .body = SPAN("hello"), .padding = 7 });
		peer_send(fd, buf_span(&b));
		peer_answer(fd, &a);
		check(answer_is(&a, "note=ok method=POST path=/echo query= "
				"body=5:99162322"));
		answer_free(&a);
		buf_free(&b);
	}
	check_int(recv(fd, &(char){ 0 }, 1, 0), 0);	/* the last was not kept */
	close(fd);
}

static void test_lengths(void)
{
	static const struct { const char *length; const char *want; } cases[] = {
		{ "5", "note=ok method=POST path=/echo query= body=5:99162322" },
		{ "", "note=ok method=POST path=/echo query= body=5:99162322" },
		{ "4", "note=bad_length method=POST path=/echo query= body=5:99162322" },
		{ "6", "note=bad_length method=POST path=/echo query= body=5:99162322" },
		{ "0", "note=bad_length method=POST path=/echo query= body=5:99162322" },
		{ "-1", "note=bad_length method=POST path=/echo query= body=0:0" },
		{ "five", "note=bad_length method=POST path=/echo query= body=0:0" },
		{ "99999999999999999999",
		  "note=bad_length method=POST path=/echo query= body=0:0" },
		{ "33554433", "note=too_large method=POST path=/echo query= body=0:0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a;
		struct buf b;

		buf_init(&b, 1u << 20);
		add_call(&b, &(struct call){ .body = SPAN("hello"),
					     .length = cases[i].length });
		ask_whole(buf_span(&b), &a);
		check(answer_is(&a, cases[i].want));
		answer_free(&a);
		buf_free(&b);
	}
}

/* One byte more than the ceiling, with and without saying so before. */
static void test_large_body(void)
{
	static const struct { int extra; const char *want; } cases[] = {
		{ 0, "note=ok method=POST path=/echo query= body=33554432:0" },
		{ 1, "note=too_large method=POST path=/echo query= body=0:0" },
	};
	char *body = calloc(1, MAX_REQUEST_BODY + 1);

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct span s = { body, MAX_REQUEST_BODY + (size_t)cases[i / 2].extra };
		struct answer a;
		struct buf b;

		buf_init(&b, 64u << 20);
		add_call(&b, &(struct call){ .body = s, .length = i % 2 ? "" : NULL });
		ask_whole(buf_span(&b), &a);
		check(answer_is(&a, cases[i / 2].want));
		answer_free(&a);
		buf_free(&b);
	}
	free(body);
}

/* A body that never ends is answered when it is past twice the ceiling. */
static void test_endless_body(void)
{
	static char block[65528];
	struct answer a;
	struct buf b;
	int fd = peer_connect(&server);

	buf_init(&b, 1u << 20);
	add_call(&b, &(struct call){ .length = "" });
	buf_cut(&b, b.len - 8);		/* without the end of STDIN */
	peer_send(fd, buf_span(&b));
	buf_reset(&b);
	add_record(&b, 5, 1, (struct span){ block, sizeof(block) }, 0);
	for (int i = 0; i < 2000 && peer_send(fd, buf_span(&b)); i++)
		;
	peer_answer(fd, &a);
	check(answer_is(&a, "note=too_large method=POST path=/echo query= body=0:0"));
	answer_free(&a);
	buf_free(&b);
	close(fd);
}

static void test_head(void)
{
	static const struct { size_t value; int count; const char *want; } cases[] = {
		{ 32000, 1, "note=ok" },
		{ 32800, 1, "note=head_too_large" },
		{ 200000, 1, "note=head_too_large" },
		{ 10, 100, "note=ok" },
		{ 10, 101, "note=head_too_large" },
		{ 400, 90, "note=head_too_large" },
	};
	char *value = calloc(1, 200000), name[32];

	memset(value, 'v', 200000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a;
		struct buf b, p;

		buf_init(&b, 1u << 20);
		buf_init(&p, 1u << 20);
		add_pair(&p, SPAN("REQUEST_URI"), SPAN("/echo"));
		for (int n = 0; n < cases[i].count; n++) {
			snprintf(name, sizeof(name), "HTTP_X_%d", n);
			add_pair(&p, span_of(name), (struct span){ value, cases[i].value });
		}
		add_begin(&b, 1, 1, false);
		add_stream(&b, 4, 1, buf_span(&p), 30000, 0);
		add_stream(&b, 5, 1, SPAN(""), 1, 0);
		ask_whole(buf_span(&b), &a);
		check(strstr(a.out.ptr, cases[i].want));
		/* the path came before the ceiling: it is known */
		check(strstr(a.out.ptr, "path=/echo "));
		answer_free(&a);
		buf_free(&p);
		buf_free(&b);
	}
	free(value);
}

/* PARAMS content that is refused; NULL: the connection is closed. */
static void test_hostile_params(void)
{
	static const struct { struct span params; const char *want; } cases[] = {
		{ SPAN(""), "note=ok method= path= query= body=0:0" },
		{ SPAN("\x05"), NULL },
		{ SPAN("\x05\x05"), NULL },
		{ SPAN("\x05\x05HELLO"), NULL },
		{ SPAN("\x05\x05HELLOworl"), NULL },
		{ SPAN("\xff\xff\xff\xff\xff\xff\xff\xff"), NULL },
		{ SPAN("\xff\xff\xff\xfe\xff\xff\xff\xfeHELLO"), NULL },
		{ SPAN("\x80\x00\x00\x05\x80\x00\x00\x05HELLOworld"),
		  "note=ok method= path= query= body=0:0" },
		{ SPAN("\x7f\xff\xff\xff"), NULL },
		{ SPAN("\x00\xff\xff\xff\xff"), NULL },
		{ SPAN("\x80\x00\x00"), NULL },
		{ SPAN("\x01\x03" "Aa\0b"), "note=bad_request method= path= query= body=0:0" },
		{ SPAN("\x02\x01" "A\0b"), "note=bad_request method= path= query= body=0:0" },
		{ SPAN("\x03\x01" "A=Cb"), "note=bad_request method= path= query= body=0:0" },
		{ SPAN("\x00\x01" "b"), "note=bad_request method= path= query= body=0:0" },
		{ SPAN("\x06\x02" "HTTP_Aa\n"), "note=bad_request method= path= query= body=0:0" },
		{ SPAN("\x06\x02" "HTTP_Aa\t"), "note=ok method= path= query= body=0:0" },
		{ SPAN("\x0b\x02" "SERVER_PORTa\n"), "note=bad_request method= path= query= body=0:0" },
		/* nobody looks at it */
		{ SPAN("\x0b\x02" "SERVER_NAMEa\n"), "note=ok method= path= query= body=0:0" },
		{ SPAN("\x0f\x02" "HTTP_CONNECTIONa\n"), "note=ok method= path= query= body=0:0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a;
		struct buf b;

		buf_init(&b, 1u << 20);
		add_begin(&b, 1, 1, false);
		add_stream(&b, 4, 1, cases[i].params, 7, 0);
		add_stream(&b, 5, 1, SPAN(""), 1, 0);
		ask_whole(buf_span(&b), &a);
		if (cases[i].want)
			check(answer_is(&a, cases[i].want));
		else
			check(a.eof && a.status == -1 && !a.out.len);
		answer_free(&a);
		buf_free(&b);
	}
}

/* Records that break the protocol: closed, and nothing is answered. */
static void test_malformed(void)
{
#define BEGIN "\1\1\0\1\0\10\0\0" "\0\1\0\0\0\0\0\0"
	static const struct span cases[] = {
		SPAN("GET / HTTP/1.1\r\n\r\n"),
		SPAN("\0\1\0\1\0\10\0\0"),			/* version 0 */
		SPAN("\2\1\0\1\0\10\0\0"),			/* version 2 */
		SPAN("\1\1\0\1\0\7\0\0"),			/* short BEGIN */
		SPAN("\1\1\0\1\0\0\0\0"),			/* empty BEGIN */
		SPAN("\1\1\0\1\0\11\0\0" "\0\1\0\0\0\0\0\0\0"),
		SPAN("\1\1\0\0\0\10\0\0"),			/* BEGIN without id */
		SPAN("\1\3\0\1\0\10\0\0"),			/* what we send */
		SPAN("\1\6\0\1\0\0\0\0"),
		SPAN("\1\14\0\1\0\0\0\0"),			/* unknown, with id */
		SPAN("\1\11\0\0\377\377\0\0"),			/* endless names */
		SPAN("\1\11\0\0\0\2\0\0" "\7\7"),		/* names cut */
		SPAN(BEGIN BEGIN),				/* the same id */
		SPAN(BEGIN "\1\5\0\1\0\0\0\0"),			/* STDIN first */
		SPAN(BEGIN "\1\10\0\1\0\0\0\0"),		/* DATA */
		SPAN(BEGIN "\1\4\0\1\0\0\0\0" "\1\4\0\1\0\0\0\0"),
		SPAN(BEGIN "\1\4\0\1\0\0\0\0" "\1\1\0\1\0\10\0\0" "\0\1\0\0\0\0\0\0"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a;

		ask_whole(cases[i], &a);
		if (!check(a.eof && a.status == -1 && !a.out.len && !a.other.len))
			printf("  case %zu\n", i);
		answer_free(&a);
	}
}

int main(void)
{
	server_start(&server);
	test_small();
	test_every_cut();
	test_record_sizes();
	test_keep_conn();
	test_lengths();
	test_large_body();
	test_endless_body();
	test_head();
	test_hostile_params();
	test_malformed();
	server_stop(&server);
	return test_end("test_conn");
}
