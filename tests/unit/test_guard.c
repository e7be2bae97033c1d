/*
 * test_guard.c - the breaker in the metrics file: found by its name, by all
 * processes; which ends count; and auxiliary calls under it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/guard.h"
#include "http_server.h"
#include "test.h"

static struct config config = {
	.breaker_failures = 3, .breaker_cooldown_ms = 60000,
};

static struct metrics *open_at(const char *dir)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m = metrics_open_home(dir, &note);

	check_int(note.code, ERR_NONE);
	check(m && metrics_is_shared(m));
	return m;
}

static enum breaker_change fail(struct guard *g)
{
	struct breaker_ticket t;
	int64_t wait_us;
	int failures;

	guard_enter(g, &t, &wait_us);
	return guard_leave(g, &t, BREAKER_FAILURE, &failures);
}

/* Two processes' views of one file. */
static void test_shared(const char *dir)
{
	struct metrics *one = open_at(dir), *two = open_at(dir);
	struct guard a, b, other, purpose;
	int64_t wait_us;

	guard_init(&a, one, &config, "", "https://up.example:1234/v1/responses");
	guard_init(&b, two, &config, "", "https://up.example:1234");
	guard_init(&other, two, &config, "", "https://up.example/v1");
	guard_init(&purpose, two, &config, "models", "https://up.example:1234");
	check_int(fail(&a), BREAKER_SAME);
	check_int(fail(&b), BREAKER_SAME);
	check_int(fail(&a), BREAKER_OPENED);
	check(guard_would_skip(&a, &wait_us));
	check(guard_would_skip(&b, &wait_us));
	check(wait_us > 50000000 && wait_us <= 60000000);
	check(!guard_would_skip(&other, &wait_us));
	check(!guard_would_skip(&purpose, &wait_us));
	metrics_close(one);
	metrics_close(two);
	/* the next process finds it open, too; one of another boot does not */
	one = open_at(dir);
	guard_init(&a, one, &config, "", "https://up.example:1234/");
	check(guard_would_skip(&a, &wait_us));
	metrics_close(one);
	setenv("CHATMOCK_TEST_BOOT", "1234abcd", 1);
	one = open_at(dir);
	guard_init(&a, one, &config, "", "https://up.example:1234/");
	check(!guard_would_skip(&a, &wait_us));
	check_int(fail(&a), BREAKER_SAME);
	metrics_close(one);
	unsetenv("CHATMOCK_TEST_BOOT");
}

static void test_without(void)
{
	struct guard g;
	int64_t wait_us;

	guard_init(&g, NULL, &config, "", "https://up.example");
	for (int i = 0; i < 9; i++)
		check_int(fail(&g), BREAKER_SAME);
	check(!guard_would_skip(&g, &wait_us));
}

static void test_failures(void)
{
	static const struct { enum err code; int status; bool counts; } rows[] = {
		{ ERR_UPSTREAM_CONNECT, 0, true }, { ERR_UPSTREAM_DNS, 0, true },
		{ ERR_UPSTREAM_TLS, 0, true }, { ERR_UPSTREAM_TIMEOUT, 0, true },
		{ ERR_UPSTREAM_BROKE, 200, true }, { ERR_UPSTREAM_SILENT, 200, true },
		{ ERR_UPSTREAM_TOTAL, 0, true }, { ERR_UPSTREAM_TOTAL, 200, false },
		{ ERR_UPSTREAM_ERROR, 500, true }, { ERR_UPSTREAM_ERROR, 501, false },
		{ ERR_UPSTREAM_ERROR, 502, true }, { ERR_UPSTREAM_ERROR, 503, true },
		{ ERR_UPSTREAM_ERROR, 504, true }, { ERR_UPSTREAM_ERROR, 505, false },
		{ ERR_UPSTREAM_ERROR, 522, true }, { ERR_UPSTREAM_ERROR, 525, false },
		{ ERR_UPSTREAM_ERROR, 529, true }, { ERR_UPSTREAM_LIMIT, 429, false },
		{ ERR_UPSTREAM_LIMIT, 503, false },
		{ ERR_UPSTREAM_REFUSED, 400, false },
		{ ERR_UPSTREAM_BLOCKED, 403, false }, { ERR_LOGIN_STALE, 401, false },
		{ ERR_CLIENT_GONE, 0, false }, { ERR_SHUTDOWN, 200, false },
		{ ERR_NO_MEMORY, 0, false }, { ERR_UPSTREAM_GARBLED, 200, false },
		{ ERR_NONE, 200, false }, { ERR_NONE, 500, true },
		{ ERR_NONE, 404, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!check(guard_is_failure(rows[i].code, rows[i].status) ==
			   rows[i].counts))
			printf("  %s %d\n", err_name(rows[i].code), rows[i].status);
}

/* --- auxiliary calls */

static struct server server;
static _Atomic bool well;

static bool answer(struct conn *c, const char *path)
{
	(void)path;
	return conn_text(c, atomic_load(&well) ?
			 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" :
			 "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
}

static enum err get(struct guard *g, const char *url, int *status)
{
	static const struct http_settings settings = {
		.connect_timeout_ms = 60000, .user_agent = "test/1",
	};
	struct http_request r = { .method = "GET", .url = url };
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply = { 0 };
	enum err code = guard_fetch(g, &settings, &r, 20000, 100, &reply, &note);

	check_int(code, note.code);
	*status = reply.status;
	http_reply_free(&reply);
	return code;
}

static void test_fetch(const char *dir)
{
	struct config quick = config;
	struct metrics *m = open_at(dir);
	struct guard g;
	char url[64];
	int status;

	quick.breaker_cooldown_ms = 300;
	server_start(&server, answer);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", server.port);
	guard_init(&g, m, &quick, "test", url);
	for (int i = 0; i < 3; i++) {
		check_int(get(&g, url, &status), ERR_NONE);
		check_int(status, 503);
	}
	check_int(get(&g, url, &status), ERR_CIRCUIT_OPEN);
	check_int(status, 0);
	check_int(server.requests, 3);
	atomic_store(&well, true);
	usleep(320000);
	check_int(get(&g, url, &status), ERR_NONE);
	check_int(get(&g, url, &status), ERR_NONE);
	check_int(server.requests, 5);
	metrics_close(m);
	server_stop(&server);
}

/* Whoever lets nobody in holds nobody up for long. */
static void test_deaf(const char *dir)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	struct metrics *m = open_at(dir);
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[4], status;
	struct guard g;
	int64_t begun;
	char url[64];

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 0) ||
	    getsockname(fd, (void *)&a, &len))
		exit(1);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fill[i], (void *)&a, sizeof(a));
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", ntohs(a.sin_port));
	guard_init(&g, m, &config, "test", url);
	begun = clock_mono_us();
	check_int(get(&g, url, &status), ERR_UPSTREAM_TIMEOUT);
	check(clock_mono_us() - begun < 10000000);
	check(clock_mono_us() - begun > 1900000);
	check_int(breaker_look(g.breaker.cell, &g.breaker.rules, clock_boot_id(),
			       clock_boot_us()).failures, 1);
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
	metrics_close(m);
}

int main(void)
{
	char dir[] = "/tmp/chatmock-guard-XXXXXX", name[64];

	if (!mkdtemp(dir) || !http_global_init())
		return 1;
	test_shared(dir);
	test_without();
	test_failures();
	test_fetch(dir);
	test_deaf(dir);
	snprintf(name, sizeof(name), "%s/metrics", dir);
	unlink(name);
	snprintf(name, sizeof(name), "%s/metrics.lock", dir);
	unlink(name);
	check(rmdir(dir) == 0);
	return test_end("test_guard");
}
