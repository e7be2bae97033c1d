/* test_http_hold.c - a handler that refuses bytes, over HTTP/1.1. */
#include "http_client.h"
#include "http_url.h"
#include "test.h"

static struct http *http;
static const struct http_settings settings = {
	.connect_timeout_ms = 1000, .max_calls = 100,
};

static bool answer_big(struct conn *c, size_t len)
{
	char head[128], block[8192];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
	if (!conn_text(c, head))
		return false;
	for (size_t at = 0; at < len; at += sizeof(block)) {
		size_t n = len - at < sizeof(block) ? len - at : sizeof(block);

		for (size_t i = 0; i < n; i++)
			block[i] = (char)('a' + (at + i) % 23);
		if (!conn_send(c, block, n))
			return false;
	}
	return true;
}

static bool answer(struct conn *c, const char *path)
{
	int n;

	if (sscanf(path, "/big/%d", &n) == 1)
		return answer_big(c, (size_t)n);
	return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static void test_hold(void)
{
	enum { LEN = 5 << 20 };
	struct client c;

	client_init(&c);
	c.hold = c.stop_on_hold = true;
	check(client_get(&c, http, url_n("big", LEN)));
	run(2000);
	check_int(c.heads, 1);
	check_int(c.pieces, 0);
	run(50);
	check_int(c.bytes, 0);
	check_int(c.dones, 0);
	http_resume(c.call);			/* still refused: held again */
	check_int(c.pieces, 0);
	run(50);
	check_int(c.bytes, 0);
	c.hold = false;
	http_resume(c.call);
	http_resume(c.call);
	check_int(c.bytes, 0);			/* not inside http_resume() */
	run(5000);
	check_int(c.code, 0);
	check_int(c.dones, 1);
	check_int(c.bytes, LEN);
	for (size_t i = 0; i < c.body.len; i++)
		if (c.body.ptr[i] != (char)('a' + i % 23)) {
			check_int(i, -1);
			break;
		}
	buf_free(&c.body);

	/* held when all of it has come already */
	client_init(&c);
	c.hold = c.stop_on_hold = true;
	check(client_get(&c, http, url("/hello")));
	run(2000);
	run(20);
	check_int(c.dones, 0);
	c.hold = false;
	http_resume(c.call);
	run(2000);
	check_int(c.code, 0);
	check_str(buf_span(&c.body), "hello");
	buf_free(&c.body);
}

/* Each byte or two a piece of its own, each refused once. */
static void hold_next(struct client *c)
{
	c->hold = true;
}

static void test_hold_each_piece(void)
{
	struct client c;

	client_init(&c);
	c.at_bytes = hold_next;
	c.stop_on_hold = true;
	check(client_get(&c, http, url_n("big", 1 << 20)));
	for (int i = 0; i < 2000 && c.call; i++) {
		c.hold = false;
		http_resume(c.call);
		run(2000);
	}
	check_int(c.bytes, 1 << 20);
	check_int(c.code, 0);
	check(c.pieces > 10);
	buf_free(&c.body);
}

int main(void)
{
	check(http_global_init());
	server_start(&server, answer);
	loop = loop_new();
	http = http_new(loop, &settings);
	if (!check(loop && http))
		return test_end("test_http_hold");
	test_hold();
	test_hold_each_piece();
	http_free(http);
	loop_free(loop);
	server_stop(&server);
	return test_end("test_http_hold");
}
