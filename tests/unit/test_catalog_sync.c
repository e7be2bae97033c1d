/*
 * test_catalog_sync.c - asking for the list, and a worker's keeper that takes
 * it: against a small server that counts how often it is asked, and how.
 */
#include "http_server.h"
#include "loop_help.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/catalog_file.h"
#include "../../shared/catalog_keeper.h"
#include "../../shared/ceilings.h"

static struct server server;
static struct config config;
static char base[64], home[] = "/tmp/cm-sync-XXXXXX", path[64], lock[80];
static _Atomic int status = 200;
static char etag[32] = "\"1\"", slug[32] = "one", asked_with[64], asked_as[200];
static const struct http_settings http = {
	.connect_timeout_ms = 2000, .user_agent = "test/1", .max_calls = 1,
};

static bool answer(struct conn *c, const char *p)
{
	char head[256], body[256];
	int code = atomic_load(&status);

	conn_header(c, "if-none-match", asked_with, sizeof(asked_with));
	snprintf(asked_as, sizeof(asked_as), "%s", p);
	snprintf(body, sizeof(body), "{\"models\":[{\"slug\":\"%s\"}],\"x\":1}", slug);
	if (code == 200 && asked_with[0] && !strcmp(asked_with, etag))
		code = 304;
	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nETag: %s\r\n"
		 "Content-Length: %zu\r\n\r\n", code, etag,
		 code == 304 ? (size_t)0 : strlen(body));
	return conn_text(c, head) && (code == 304 || conn_text(c, body));
}

static int asked(void)
{
	return atomic_exchange(&server.requests, 0);
}

static struct catalog_sync sync_once(bool force, const char *announced,
				     enum err want)
{
	struct err_note note = ERR_NOTE_INIT;
	struct catalog_sync s = {
		.config = &config, .http = &http, .force = force,
		.announced = announced, .authorization = "Bearer sk-canary",
	};

	if (!check_int(catalog_sync(&s, &note), want))
		printf("  %s\n", note.why);
	check(!strstr(note.why, "canary"));
	return s;
}

static void test_sync(void)
{
	struct catalog_sync s = sync_once(false, NULL, 0);
	struct stat st;

	check_int(s.result, SYNC_NEW);
	check_int((int64_t)s.models, 1);
	check_int(asked(), 1);
	check_str(span_of(asked_as), "/v1/models");
	check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	check_int(sync_once(false, NULL, 0).result, SYNC_FRESH);
	check_int(asked(), 0);
	check_int(sync_once(true, NULL, 0).result, SYNC_SAME);
	check_int(asked(), 1);
	check_str(span_of(asked_with), "\"1\"");

	/* told of what is there, and of what is not */
	check_int(sync_once(false, "\"1\"", 0).result, SYNC_FRESH);
	check_int(asked(), 0);
	check_int(sync_once(false, "\"elsewhere\"", 0).result, SYNC_SAME);
	check_int(sync_once(false, "\"elsewhere\"", 0).result, SYNC_FRESH);
	check_int(asked(), 1);
	/* within seconds of that, of a third */
	check_int(sync_once(false, "\"third\"", 0).result, SYNC_ELSEWHERE);
	check_int(asked(), 0);

	atomic_store(&status, 500);
	sync_once(true, NULL, ERR_UPSTREAM_ERROR);
	atomic_store(&status, 200);
	config.model_sync = false;
	asked();
	check_int(sync_once(true, NULL, 0).result, SYNC_OFF);
	config.model_sync = true;
	check_int(asked(), 0);
}

/* Held by another process: it leaves, or waits and finds the work done. */
static void test_locked(void)
{
	struct err_note note = ERR_NOTE_INIT;
	int fd = -1;

	asked();
	check_int(file_lock(lock, 0, &fd, &note), 0);
	check_int(sync_once(true, NULL, 0).result, SYNC_ELSEWHERE);
	check_int(asked(), 0);
	close(fd);
}

struct told { int read, lost, refreshed, failed; };

static void on_told(void *ctx, const char *event, const struct catalog *now,
		    const struct err_note *note)
{
	struct told *t = ctx;

	check(now && note);
	t->read += !strcmp(event, "models_read");
	t->lost += !strcmp(event, "models_lost");
	t->refreshed += !strcmp(event, "models_refreshed");
	t->failed += !strcmp(event, "models_refresh_failed");
}

/* Runs the loop until the keeper has that model, for 10 s at the most. */
static bool gets(struct catalog_keeper *k, const char *name)
{
	for (int i = 0; i < 100; i++) {
		if (catalog_find(catalog_keeper_now(k), span_of(name)))
			return true;
		run_for(100000);
	}
	return false;
}

static void test_keeper(void)
{
	struct told told = { 0 };
	struct catalog *held;
	struct catalog_keeper *k;

	loop = loop_new();
	k = catalog_keeper_new(&config, loop, &http, "Bearer sk-canary", NULL, true);
	if (!check(loop && k))
		return;
	catalog_keeper_listen(k, on_told, &told);
	check(catalog_find(catalog_keeper_now(k), SPAN("one")));
	held = catalog_ref(catalog_keeper_now(k));

	/* what is ours already is no news */
	asked();
	catalog_keeper_announced(k, SPAN("\"1\""));
	catalog_keeper_announced(k, SPAN("\"elsewhere\""));
	catalog_keeper_announced(k, SPAN(""));
	catalog_keeper_asked(k);
	run_for(300000);
	check_int(asked(), 0);

	unlink(lock);			/* so long ago */
	snprintf(etag, sizeof(etag), "\"2\"");
	snprintf(slug, sizeof(slug), "two");
	for (int i = 0; i < 64; i++)
		catalog_keeper_announced(k, SPAN("\"2\""));
	check(gets(k, "two"));
	check_int(asked(), 1);
	check(told.refreshed == 1 && told.read == 1 && !told.failed);
	/* who began with the old one still has it */
	check(catalog_find(held, SPAN("one")) && !catalog_find(held, SPAN("two")));
	catalog_free(held);

	/* a broken file changes nothing and is told once */
	check(truncate(path, 20) == 0);
	run_for(2500000);
	check(told.lost == 1 && catalog_find(catalog_keeper_now(k), SPAN("two")));
	/* a missing one does */
	unlink(path);
	for (int i = 0; i < 50 && told.read < 2; i++)
		run_for(100000);
	check(told.read == 2 && !catalog_find(catalog_keeper_now(k), SPAN("two")));
	check(catalog_find(catalog_keeper_now(k), SPAN("gpt-6-sol"))->visible);

	/* it goes while a thread asks */
	catalog_keeper_announced(k, SPAN("\"9\""));
	catalog_keeper_free(k);
	catalog_keeper_free(NULL);
	loop_free(loop);
}

int main(void)
{
	if (!check(mkdtemp(home)) || !check(http_global_init()))
		return 1;
	server_start(&server, answer);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d/v1", server.port);
	snprintf(path, sizeof(path), "%s/models.json", home);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	config = (struct config){
		.home = home, .upstream_base = base, .kind = KIND_RESPONSES,
		.model_sync = true, .dynamic_models = true,
		.model_refresh_ms = 3600000, .client_version = "0.169.0",
	};
	test_sync();
	test_locked();
	test_keeper();
	server_stop(&server);
	unlink(path);
	unlink(lock);
	rmdir(home);
	return test_end("test_catalog_sync");
}
