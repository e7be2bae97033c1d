/* test_http.c - HTTP/1.1 calls on the loop against a scripted upstream. */
#include "http_client.h"
#include "http_url.h"
#include "test.h"

static struct http *http;
static struct http_settings settings = {
	.connect_timeout_ms = 300,
	.user_agent = "test/1",
	.max_calls = 100,
	.proxy = "http://127.0.0.1:1",	/* would refuse; loopback goes round it */
};

static const char chunked[] =
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	"Transfer-Encoding: chunked\r\n\r\n"
	"5\r\nhello\r\n1;ext=1\r\n,\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n";

/* "hello" with gzip(1) */
static const unsigned char gzipped[] = {
	0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0,
	0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0
};

static bool answer_seen(struct conn *c)
{
	char head[128];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
		 strlen(c->head) + 1 + (c->body_len < 1024 ? c->body_len : 0));
	return conn_text(c, head) && conn_text(c, c->head) && conn_text(c, "\n") &&
	       conn_send(c, c->body, c->body_len < 1024 ? c->body_len : 0);
}

/* One line that is longer than curl's own ceiling. */
static bool answer_long_header(struct conn *c)
{
	static char line[200 << 10];

	memset(line, 'x', sizeof(line) - 1);
	return conn_text(c, "HTTP/1.1 200 OK\r\nX-Long: ") &&
	       conn_text(c, line) && conn_text(c, "\r\nContent-Length: 0\r\n\r\n");
}

static bool answer_many_headers(struct conn *c, int kb)
{
	conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
	for (int i = 0; i < kb; i++) {
		char line[1025];

		snprintf(line, sizeof(line), "X-%d: %01000d\r\n", i, 0);
		if (!conn_text(c, line))
			return false;
	}
	return conn_text(c, "\r\nok");
}

static bool answer(struct conn *c, const char *path)
{
	int n = 0;

	if (!strcmp(path, "/hello"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
				 "X-One:  1 \r\nx-two: a\r\nX-Two: b\r\n\r\nhello");
	if (!strcmp(path, "/seen"))
		return answer_seen(c);
	if (!strcmp(path, "/teapot"))
		return conn_text(c, "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n"
				 "HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n");
	if (!strcmp(path, "/silent"))
		return conn_await_end(c), false;
	if (!strcmp(path, "/head-then-silent")) {
		conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
		return conn_await_end(c), false;
	}
	if (!strcmp(path, "/once"))	/* the second request finds it closed */
		return c->requests == 1 &&
		       conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	if (!strcmp(path, "/never"))
		return false;
	if (!strcmp(path, "/gzip"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
				 "Content-Length: 25\r\n\r\n") &&
		       conn_send(c, gzipped, sizeof(gzipped));
	if (!strcmp(path, "/zstd"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n"
				 "Content-Length: 4\r\n\r\nabcd");
	if (!strcmp(path, "/moved"))
		return conn_text(c, "HTTP/1.1 302 Found\r\nLocation: /hello\r\n"
				 "Content-Length: 0\r\n\r\n");
	if (!strcmp(path, "/junk"))
		return conn_text(c, "SSH-2.0-OpenSSH_9.2\r\n"), false;
	if (strcmp(path, "/header") == 0)
		return answer_long_header(c);
	if (sscanf(path, "/headers/%d", &n) == 1)
		return answer_many_headers(c, n);
	if (sscanf(path, "/cut/%d", &n) == 1) {	/* in two pieces */
		conn_send(c, chunked, (size_t)n);
		usleep(500);
		return conn_text(c, chunked + n);
	}
	if (sscanf(path, "/end/%d", &n) == 1)	/* and then no more */
		return conn_send(c, chunked, (size_t)n), false;
	return conn_text(c, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
}

static void look_at_headers(struct client *c)
{
	check_str(http_header(c->call, "x-ONE"), "1");
	check_str(http_header(c->call, "X-TWO"), "b");
	check_str(http_header(c->call, "x-three"), "");
}

static void test_plain(void)
{
	struct client c;

	client_init(&c);
	c.at_head = c.at_done = look_at_headers;
	check(client_get(&c, http, url("/hello")));
	check_int(c.heads, 0);			/* nothing inside http_start() */
	run(2000);
	check_int(c.status, 200);
	check_int(c.heads, 1);
	check_int(c.dones, 1);
	check_int(c.code, 0);
	check_str(span_of(c.why), "");
	check_str(buf_span(&c.body), "hello");
	buf_free(&c.body);
}

static bool seen(struct client *c, const char *what)
{
	return strstr(c->body.ptr, what) != NULL;
}

static void test_what_is_sent(void)
{
	const char *headers[] = { "Content-Type: application/json", "X-A: b c" };
	struct http_request r = { .method = "POST", .url = url("/seen"),
				  .body = SPAN("{\"a\":1}"), .headers = headers,
				  .header_count = 2 };
	struct client c;

	client_init(&c);
	check(client_start(&c, http, &r));
	run(2000);
	check(seen(&c, "POST /seen HTTP/1.1\r\n"));
	check(seen(&c, "Content-Length: 7\r\n"));
	check(seen(&c, "Content-Type: application/json\r\n"));
	check(seen(&c, "X-A: b c\r\n"));
	check(seen(&c, "User-Agent: test/1\r\n"));
	check(seen(&c, "Accept-Encoding: identity\r\n"));
	check(seen(&c, "\n{\"a\":1}"));
	check(!seen(&c, "Expect"));
	check(!seen(&c, "Cookie"));
	buf_free(&c.body);

	/* the same handle again, as GET: nothing of the POST is left */
	client_init(&c);
	r = (struct http_request){ .method = "GET", .url = url("/seen") };
	check(client_start(&c, http, &r));
	run(2000);
	check(seen(&c, "GET /seen HTTP/1.1\r\n"));
	check(!seen(&c, "Content-Length"));
	check(!seen(&c, "Content-Type"));
	check(!seen(&c, "X-A"));
	buf_free(&c.body);

	/* and without a body or a type of its own */
	client_init(&c);
	r = (struct http_request){ .method = "POST", .url = url("/seen") };
	check(client_start(&c, http, &r));
	run(2000);
	check(seen(&c, "POST /seen HTTP/1.1\r\n"));
	check(seen(&c, "Content-Length: 0\r\n"));
	check(!seen(&c, "Content-Type"));
	buf_free(&c.body);
}

static void test_refused_requests(void)
{
	const char *split[] = { "X-A: b\r\nX-B: c" };
	struct http_request bad[] = {
		{ .method = "GET", .url = url("/hello"), .headers = split,
		  .header_count = 1 },
		{ .method = "GET X", .url = url("/hello") },
		{ .method = "GET", .url = "http://192.0.2.1/" },
		{ .method = "GET", .url = "ftp://127.0.0.1/" },
		{ .method = "GET", .url = "" },
	};
	struct client c;

	client_init(&c);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check(!client_start(&c, http, &bad[i]));
}

static char *big_body;

static void body_goes(struct client *c)
{
	check(http_body_sent(c->call));
	free(big_body);				/* no longer needed */
}

static void test_big_body(void)
{
	enum { LEN = 3 << 20 };
	struct http_request r = { .method = "POST", .url = url("/seen") };
	struct client c;

	big_body = malloc(LEN);
	memset(big_body, 'x', LEN);
	r.body = (struct span){ big_body, LEN };
	client_init(&c);
	c.at_head = body_goes;
	check(client_start(&c, http, &r));
	check(!http_body_sent(c.call));
	run(3000);
	check_int(c.heads, 1);
	check_int(c.code, 0);
	check(seen(&c, "Content-Length: 3145728\r\n"));
	check(!seen(&c, "Expect"));
	buf_free(&c.body);
}

static void test_keep_alive(void)
{
	int before = atomic_load(&server.connections);
	struct client c;

	for (int i = 0; i < 20; i++) {
		client_init(&c);
		check(client_get(&c, http, url(i % 2 ? "/hello" : "/gzip")));
		run(2000);
		check_int(c.code, 0);
		check_str(buf_span(&c.body), "hello");
		buf_free(&c.body);
	}
	check(atomic_load(&server.connections) - before <= 1);
}

/* A kept connection that upstream closes just when it is used again. */
static void test_stale(void)
{
	struct http_request r = { .method = "POST", .url = url("/once"),
				  .body = SPAN("body") };
	int before;
	struct client c;

	for (int i = 0; i < 3; i++) {
		client_init(&c);
		check(client_start(&c, http, &r));
		run(2000);
		check_int(c.code, 0);
		check_str(buf_span(&c.body), "ok");
		buf_free(&c.body);
	}
	/* But a new connection that is closed at once is a failure, not a loop. */
	before = atomic_load(&server.requests);
	client_init(&c);
	check(client_get(&c, http, url("/never")));
	run(2000);
	check_int(c.code, ERR_UPSTREAM_BROKE);
	check(atomic_load(&server.requests) - before <= 2);
}

static void test_statuses(void)
{
	struct client c;

	client_init(&c);
	check(client_get(&c, http, url("/teapot")));
	run(2000);
	check_int(c.heads, 1);			/* none for the 103 */
	check_int(c.status, 418);
	check_int(c.code, 0);

	client_init(&c);
	check(client_get(&c, http, url("/moved")));
	run(2000);
	check_int(c.status, 302);		/* not followed */

	client_init(&c);
	check(client_get(&c, http, url("/junk")));
	run(2000);
	check_int(c.code, ERR_UPSTREAM_BROKE);
	check_int(c.heads, 0);

	client_init(&c);
	check(client_get(&c, http, url("/zstd")));
	run(2000);
	check_int(c.code, ERR_UPSTREAM_BROKE);
	check(strstr(c.why, "compressed") != NULL);
	check_int(c.heads, 0);
}

static void test_header_ceiling(void)
{
	struct client c;

	client_init(&c);
	check(client_get(&c, http, url_n("headers", 60)));
	run(2000);
	check_int(c.code, 0);
	check_str(buf_span(&c.body), "ok");
	buf_free(&c.body);

	client_init(&c);
	check(client_get(&c, http, url_n("headers", 70)));
	run(2000);
	check_int(c.code, ERR_UPSTREAM_BROKE);
	check_int(c.heads, 0);
	check(strstr(c.why, "headers") != NULL);

	client_init(&c);
	check(client_get(&c, http, url("/header")));
	run(2000);
	check_int(c.code, ERR_UPSTREAM_BROKE);
	check(strstr(c.why, "headers") != NULL);
}

/* A chunked answer cut at every byte: in two pieces it is whole, broken off
 * it is never taken for whole. */
static void test_every_cut(void)
{
	for (int i = 1; i < (int)sizeof(chunked); i++) {
		struct client c;

		client_init(&c);
		check(client_get(&c, http, url_n("cut", i)));
		run(2000);
		check_int(c.code, 0);
		check_int(c.heads, 1);
		check_str(buf_span(&c.body), "hello, world");
		buf_free(&c.body);
	}
	for (int i = 1; i < (int)sizeof(chunked) - 1; i++) {
		struct client c;

		client_init(&c);
		check(client_get(&c, http, url_n("end", i)));
		run(2000);
		check_int(c.dones, 1);
		/* after the last chunk only the trailer is missing */
		if (i < (int)sizeof(chunked) - 20)
			check_int(c.code, ERR_UPSTREAM_BROKE);
		buf_free(&c.body);
	}
}

int main(void)
{
	struct http_request r = { .method = "GET" };
	struct client c;

	check(http_global_init());
	server_start(&server, answer);
	loop = loop_new();
	http = http_new(loop, &settings);
	if (!check(loop && http))
		return test_end("test_http");
	test_plain();
	test_what_is_sent();
	test_refused_requests();
	test_big_body();
	test_keep_alive();
	test_stale();
	test_statuses();
	test_header_ceiling();
	test_every_cut();

	/* freed with calls in all states: no callback, nothing leaks */
	client_init(&c);
	r.url = url("/silent");
	check(client_start(&c, http, &r));
	run(20);
	check(client_get(&c, http, url("/hello")));
	http_free(http);
	http_free(NULL);
	check_int(c.heads + c.dones, 0);
	loop_free(loop);
	server_stop(&server);
	return test_end("test_http");
}
