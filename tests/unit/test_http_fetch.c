/* test_http_fetch.c - the blocking call and its limits. */
#include "../../shared/ceilings.h"
#include "../../shared/http.h"
#include "http_url.h"
#include "test.h"

static const struct http_settings settings = {
	.connect_timeout_ms = 1000, .user_agent = "test/1",
};

/* "hello" with gzip(1) */
static const unsigned char gzipped[] = {
	0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0,
	0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0
};

static bool answer_bytes(struct conn *c, int len, bool said)
{
	char head[128], block[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s: %d\r\n\r\n",
		 said ? "Content-Length" : "X-Length", len);
	memset(block, 'x', sizeof(block));
	if (!conn_text(c, head))
		return false;
	for (; len > 0; len -= (int)sizeof(block))
		if (!conn_send(c, block, len < 1024 ? (size_t)len : 1024))
			return false;
	return false;
}

static bool answer(struct conn *c, const char *path)
{
	int n;

	if (!strcmp(path, "/token"))
		return conn_text(c, "HTTP/1.1 103 Early\r\nX-A: early\r\n\r\n"
				 "HTTP/1.1 400 Bad\r\nX-A:one\r\nx-a:  two \r\n"
				 "X-AB: three\r\nContent-Length: 2\r\n\r\n{}");
	if (!strcmp(path, "/seen")) {
		conn_text(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
		conn_text(c, c->head);
		return conn_send(c, c->body, c->body_len), false;
	}
	if (!strcmp(path, "/gzip"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
				 "Content-Length: 25\r\n\r\n") &&
		       conn_send(c, gzipped, sizeof(gzipped));
	if (!strcmp(path, "/silent"))
		return conn_await_end(c), false;
	if (!strcmp(path, "/drip")) {
		conn_text(c, "HTTP/1.1 200 OK\r\n\r\n");
		while (conn_text(c, "."))
			usleep(20000);
		return false;
	}
	if (!strcmp(path, "/short"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"),
		       false;
	if (!strcmp(path, "/cut-head"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-"), false;
	if (sscanf(path, "/said/%d", &n) == 1)
		return answer_bytes(c, n, true);
	if (sscanf(path, "/unsaid/%d", &n) == 1)
		return answer_bytes(c, n, false);
	return conn_text(c, "HTTP/1.1 302 No\r\nLocation: /token\r\n"
			 "Content-Length: 0\r\n\r\n");
}

static enum err get(const char *path, int total_ms, size_t max,
		    struct http_reply *reply, struct err_note *note)
{
	struct http_request r = { .method = "GET", .url = url(path) };

	*note = ERR_NOTE_INIT;
	return http_fetch(&settings, &r, total_ms, max, reply, note);
}

static void test_reply(void)
{
	struct http_reply reply = { 0 };
	struct err_note note;

	check_int(get("/token", 2000, 100, &reply, &note), 0);
	check_int(reply.status, 400);
	check_str(buf_span(&reply.body), "{}");
	check_str(http_reply_header(&reply, "X-A"), "two");
	check_str(http_reply_header(&reply, "x-ab"), "three");
	check_str(http_reply_header(&reply, "X"), "");
	check_str(http_reply_header(&reply, "CONTENT-LENGTH"), "2");
	check_str(buf_span(&reply.headers), "X-A: one\nx-a: two\nX-AB: three\n"
		  "Content-Length: 2\n");
	http_reply_free(&reply);
	http_reply_free(&reply);

	check_int(get("/elsewhere", 2000, 100, &reply, &note), 0);
	check_int(reply.status, 302);
	http_reply_free(&reply);

	check_int(get("/gzip", 2000, 5, &reply, &note), 0);
	check_str(buf_span(&reply.body), "hello");
	http_reply_free(&reply);

	reply = (struct http_reply){ 0 };
	http_reply_free(&reply);
}

static void test_request(void)
{
	const char *headers[] = { "Content-Type: application/json" };
	struct http_request r = {
		.method = "POST", .url = url("/seen"), .body = SPAN("{\"a\":1}"),
		.headers = headers, .header_count = 1,
	};
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply;

	check_int(http_fetch(&settings, &r, 2000, 4096, &reply, &note), 0);
	check(strstr(reply.body.ptr, "POST /seen HTTP/1.1\r\n") != NULL);
	check(strstr(reply.body.ptr, "User-Agent: test/1\r\n") != NULL);
	check(strstr(reply.body.ptr, "Content-Type: application/json\r\n") != NULL);
	check(strstr(reply.body.ptr, "{\"a\":1}") != NULL);
	check(!strstr(reply.body.ptr, "Expect"));
	http_reply_free(&reply);
}

static void test_sizes(void)
{
	static const struct {
		const char *path;
		enum err want;
	} cases[] = {
		{ "/said/10000", ERR_NONE },
		{ "/said/10001", ERR_UPSTREAM_GARBLED },
		{ "/unsaid/10000", ERR_NONE },
		{ "/unsaid/10001", ERR_UPSTREAM_GARBLED },
		{ "/unsaid/9000000", ERR_UPSTREAM_GARBLED },
		{ "/short", ERR_UPSTREAM_BROKE },
		{ "/cut-head", ERR_UPSTREAM_BROKE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_reply reply;
		struct err_note note;

		check_int(get(cases[i].path, 2000, 10000, &reply, &note),
			  cases[i].want);
		check_int(note.code, cases[i].want);
		check(reply.body.len <= 10000);
		http_reply_free(&reply);
	}
}

static void test_total_time(void)
{
	const char *paths[] = { "/silent", "/drip" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int64_t start = clock_mono_us(), took;
		struct http_reply reply;
		struct err_note note;

		check_int(get(paths[i], 200, 1 << 20, &reply, &note),
			  ERR_UPSTREAM_TOTAL);
		took = clock_mono_us() - start;
		check(took >= 150000 && took < 1500000);
		http_reply_free(&reply);
	}
}

static void test_refused_url(void)
{
	struct http_request r = { .method = "GET",
				  .url = "http://user:secret@127.0.0.1/" };
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply;

	check_int(http_fetch(&settings, &r, 100, 10, &reply, &note), ERR_CONFIG);
	check(!strstr(note.why, "secret"));
	http_reply_free(&reply);
	check_int(http_fetch(&settings, &r, 100, 10, &reply, NULL), ERR_CONFIG);
	http_reply_free(&reply);
}

int main(void)
{
	check(http_global_init());
	server_start(&server, answer);
	test_reply();
	test_request();
	test_sizes();
	test_total_time();
	test_refused_url();
	server_stop(&server);
	return test_end("test_http_fetch");
}
