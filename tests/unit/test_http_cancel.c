/*
 * test_http_cancel.c - calls cancelled from everywhere: outside, inside their
 * own callbacks, inside another's. Upstream must see it at once.
 */
#include "http_client.h"
#include "http_url.h"
#include "test.h"

static struct http *http;
static struct http_settings settings = {
	.connect_timeout_ms = 1000, .max_calls = 100,
};

static bool answer(struct conn *c, const char *path)
{
	if (!strcmp(path, "/hello"))
		return conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
				 "hello");
	if (!strcmp(path, "/begun"))
		conn_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
	if (!strcmp(path, "/busy"))
		for (int i = 0; i < 5000; i++)
			if (!conn_text(c, i ? "abcdefgh" : "HTTP/1.1 200 OK\r\n"
				       "Connection: close\r\n\r\n"))
				break;
	return conn_await_end(c), false;
}

/* Time from now until the server notices that a client has closed. */
static int64_t time_until_gone(int64_t since)
{
	for (int i = 0; i < 2000; i++) {
		int64_t at = atomic_load(&server.gone_at);

		if (at)
			return at - since;
		usleep(100);
	}
	return INT64_MAX;
}

static void test_silent(const char *path)
{
	int64_t best = INT64_MAX, took, at;
	struct client c;

	for (int i = 0; i < 5; i++) {
		client_init(&c);
		check(client_get(&c, http, url(path)));
		run(20);
		check_int(c.dones, 0);
		atomic_store(&server.gone_at, 0);
		at = clock_mono_us();
		client_cancel(&c);
		took = time_until_gone(at);	/* with no turn of the loop */
		best = took < best ? took : best;
		run(5);
		check_int(c.dones, 0);
		buf_free(&c.body);
	}
	check(best < 1000);
}

static void test_before_first_turn(void)
{
	struct client c;

	client_init(&c);
	check(client_get(&c, http, url("/hello")));
	client_cancel(&c);
	run(10);
	check_int(c.heads + c.pieces + c.dones, 0);
	http_cancel(NULL);
}

static void cancel_self(struct client *c)
{
	client_cancel(c);
	loop_stop(loop);
}

static void cancel_other(struct client *c)
{
	client_cancel(c->other);
}

static void test_in_own_callback(bool at_head)
{
	int64_t at;
	struct client c;

	client_init(&c);
	if (at_head)
		c.at_head = cancel_self;
	else
		c.at_bytes = cancel_self;
	check(client_get(&c, http, url("/busy")));
	atomic_store(&server.gone_at, 0);
	run(2000);
	at = clock_mono_us();
	check(time_until_gone(at) < 100000);
	run(5);
	check_int(c.heads, 1);
	check_int(c.pieces, at_head ? 0 : 1);
	check_int(c.dones, 0);
	buf_free(&c.body);
}

static void cancel_in(struct client *c, int where)
{
	if (where == 0)
		c->at_head = cancel_other;
	else if (where == 1)
		c->at_bytes = cancel_other;
	else
		c->at_done = cancel_other;
}

/* One cancels the other, of the same multi, within the same turn maybe, in
 * whatever state that one is. Where both may end, whichever is first does. */
static void test_in_others_callback(const char *path, bool both)
{
	struct client a, b;

	for (int where = 0; where < 3; where++) {
		client_init(&a);
		client_init(&b);
		a.other = &b;
		b.other = &a;
		cancel_in(&a, where);
		if (both)
			cancel_in(&b, where);
		check(client_get(&a, http, url("/hello")));
		check(client_get(&b, http, url(path)));
		run(2000);
		check_int(a.dones + b.dones, 1);
		check_int(clients_running, 0);
		run(5);
		check_int(a.dones + b.dones, 1);
		buf_free(&a.body);
		buf_free(&b.body);
	}
}

static struct client second;

static void start_second(struct client *c)
{
	(void)c;
	if (!second.call && !second.dones)
		check(client_get(&second, http, url("/hello")));
	check_int(second.heads, 0);
}

static void test_start_in_callback(void)
{
	for (int where = 0; where < 3; where++) {
		struct client c;

		client_init(&c);
		client_init(&second);
		if (where == 0)
			c.at_head = start_second;
		else if (where == 1)
			c.at_bytes = start_second;
		else
			c.at_done = start_second;
		check(client_get(&c, http, url("/hello")));
		run(2000);
		if (second.call)
			run(2000);
		check_int(c.dones, 1);
		check_int(second.dones, 1);
		check_int(second.code, 0);
		check_str(buf_span(&second.body), "hello");
		buf_free(&c.body);
		buf_free(&second.body);
	}
}

static void test_while_held(void)
{
	int64_t at;
	struct client c;

	for (int resumed = 0; resumed < 2; resumed++) {
		client_init(&c);
		c.hold = c.stop_on_hold = true;
		check(client_get(&c, http, url("/busy")));
		run(2000);
		check_int(c.pieces, 0);
		atomic_store(&server.gone_at, 0);
		if (resumed)
			http_resume(c.call);	/* its timer must not fire */
		at = clock_mono_us();
		client_cancel(&c);
		check(time_until_gone(at) < 100000);
		run(5);
		check_int(c.pieces + c.dones, 0);
	}

	/* inside bytes() that http_resume() brought about */
	client_init(&c);
	c.hold = c.stop_on_hold = true;
	c.at_bytes = cancel_self;
	check(client_get(&c, http, url("/busy")));
	run(2000);
	c.hold = false;
	http_resume(c.call);
	run(2000);
	run(5);
	check_int(c.pieces, 1);
	check_int(c.dones, 0);
	buf_free(&c.body);
}

/* A storm: many calls, cancelled at random from each other's callbacks. */
static struct client crowd[60];
static unsigned seed = 3;

static void cancel_some(struct client *c)
{
	struct client *other = &crowd[rand_r(&seed) % ARRAY_LEN(crowd)];

	(void)c;
	if (rand_r(&seed) % 3 == 0)
		client_cancel(other);
}

static void test_storm(void)
{
	int done = 0;

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
			client_init(&crowd[i]);
			crowd[i].at_head = crowd[i].at_bytes =
				crowd[i].at_done = cancel_some;
			check(client_get(&crowd[i], http, url("/hello")));
		}
		if (clients_running)
			run(5000);
		check_int(clients_running, 0);
		run(2);
		for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
			check(crowd[i].call == NULL);
			check(crowd[i].dones <= 1);
			done += crowd[i].dones;
			buf_free(&crowd[i].body);
		}
	}
	check(done > 20 && done < 20 * (int)ARRAY_LEN(crowd));
}

int main(void)
{
	check(http_global_init());
	server_start(&server, answer);
	loop = loop_new();
	http = http_new(loop, &settings);
	if (!check(loop && http))
		return test_end("test_http_cancel");
	test_silent("/silent");
	test_silent("/begun");
	test_before_first_turn();
	test_in_own_callback(true);
	test_in_own_callback(false);
	test_in_others_callback("/hello", true);
	test_in_others_callback("/begun", false);
	test_in_others_callback("/silent", false);
	test_start_in_callback();
	test_while_held();
	test_storm();
	http_free(http);
	loop_free(loop);
	server_stop(&server);
	return test_end("test_http_cancel");
}
