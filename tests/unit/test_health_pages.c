/* What each address answers, from a home and the processes in its metrics file. */

#include "../../fcgi/health/page.h"
#include "../../fcgi/health/report.h"
#include "../../shared/breaker.h"
#include "health_help.h"

static const char *ask(const struct config *c, const char *path,
		       const char *accept, struct page_call *call)
{
	const struct page *page = page_find(path);

	*call = (struct page_call){ .config = c, .accept = accept };
	buf_init(&call->body, MAX_PAGE);
	if (check(page != NULL))
		page_write(page, call);
	check_int(buf_err(&call->body), 0);
	return call->body.ptr;
}

static bool says(const struct config *c, const char *path, const char *words)
{
	struct page_call call;
	bool said = strstr(ask(c, path, NULL, &call), words) != NULL;

	buf_free(&call.body);
	return said;
}

static int status_of(const struct config *c, const char *path)
{
	struct page_call call;

	ask(c, path, NULL, &call);
	buf_free(&call.body);
	return call.status;
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void nothing_runs(const struct config *c)
{
	struct page_call call;

	write_file("metrics", "");
	check(strstr(ask(c, "/health/live", NULL, &call), "does not run"));
	check_int(call.status, 503);
	buf_free(&call.body);
	check(strstr(ask(c, "/metrics", NULL, &call),
		     "chatmock_metrics_file_readable 0\n"));
	check_int(call.status, 200);
	buf_free(&call.body);
}

static void a_worker(const struct config *c, struct metrics *m)
{
	struct page_call call;

	metrics_beat(m, STATE_ACCEPTING, 2, 9);
	check(strstr(ask(c, "/health/live", NULL, &call), "\"fail\""));
	check_int(call.status, 503);	/* nobody would replace the worker */
	buf_free(&call.body);
	check_str(span_of(ask(c, "/health/ready", NULL, &call)),
		  "{\"status\":\"pass\"}");
	check_int(call.status, 200);
	check_str(span_of(call.content_type), "application/json");
	buf_free(&call.body);
	check(strstr(ask(c, "/metrics", NULL, &call),
		     "\nchatmock_requests_in_flight 2\n"));
	check(strstr(call.body.ptr,
		     "\nprocess_resident_memory_bytes{role=\"api\",slot="));
	check(strstr(call.body.ptr, "\nchatmock_metrics_file_readable 1\n"));
	buf_free(&call.body);

	/* it drains: nobody takes requests */
	metrics_beat(m, STATE_DRAINING, 2, 9);
	ask(c, "/health/ready", "application/health+json", &call);
	check_int(call.status, 503);
	check_str(span_of(call.content_type), "application/health+json");
	buf_free(&call.body);
	metrics_beat(m, STATE_ACCEPTING, 0, 9);
}

static void a_login(struct config c)
{
	struct page_call call;

	c.kind = KIND_CHATGPT;
	check(strstr(ask(&c, "/health/ready", NULL, &call), "login"));
	check_int(call.status, 503);
	buf_free(&call.body);
	c.upstream_key = "sk-secret-7";
	check_int(status_of(&c, "/health/ready"), 200);
	check(!says(&c, "/health", "secret"));
	check(!strstr(ask(&c, "/status", NULL, &call), "secret"));
	check(strstr(call.body.ptr, "api"));
	buf_free(&call.body);
}

/* A master in another process, as it stands in the file. */
static void a_master(const struct config *c, struct metrics *m)
{
	struct metrics_slot *slot = &m->file->slots[METRICS_SLOTS - 1];
	struct page_call call;

	*slot = (struct metrics_slot){
		.pid = (uint64_t)getppid(), .role = ROLE_API_MASTER,
		.state = STATE_ACCEPTING, .served = 3,
		.started_us = (uint64_t)clock_boot_us() - 7000000,
		.heartbeat_us = (uint64_t)clock_boot_us(),
	};
	check_str(span_of(ask(c, "/health/live", NULL, &call)),
		  "{\"status\":\"pass\"}");
	buf_free(&call.body);
	/* of three workers, as it says, one is there */
	check(strstr(ask(c, "/health", NULL, &call),
		     "\"status\":\"degraded\""));
	check(strstr(call.body.ptr, "\"uptime_seconds\":7,"));
	check(strstr(call.body.ptr, "\"wanted\":3,\"accepting\":1,"));
	check_int(call.status, 200);
	buf_free(&call.body);
	slot->served = 1;
	slot->heartbeat_us = (uint64_t)clock_boot_us();
	check(says(c, "/health", "\"status\":\"healthy\""));
	slot->heartbeat_us = (uint64_t)(clock_boot_us() - 2 * SILENT_US);
	check_int(status_of(c, "/health/live"), 503);
}

static void an_open_breaker(const struct config *c, struct metrics *m)
{
	static const struct breaker_rules rules = {
		.failures = 1, .cooldown_us = 60000000, .lease_us = 2000000,
	};
	struct metrics_label origin = metrics_label(SPAN("https://up.example"));
	struct breaker_ticket ticket = { 0 };
	struct page_call call;
	struct breaker b = { 0 };
	int64_t wait_us;
	int failures;

	breaker_init(&b, (struct breaker_cell *)metrics_breaker(m, &origin),
		     &rules, clock_boot_id());
	check(says(c, "/metrics",
		     "\nchatmock_circuit_state{upstream=\"https://up.example\"} 0\n"));
	check(breaker_enter(&b, &ticket, &wait_us) == BREAKER_PASS);
	check(breaker_leave(&b, &ticket, BREAKER_FAILURE, &failures) ==
	      BREAKER_OPENED);
	check(says(c, "/metrics",
		     "\nchatmock_circuit_state{upstream=\"https://up.example\"} 1\n"));
	check(strstr(ask(c, "/health", NULL, &call),
		     "\"breaker\":{\"status\":\"warn\",\"value\":1,"));
	check(strstr(call.body.ptr, "\"status\":\"degraded\""));
	check_int(call.status, 200);
	buf_free(&call.body);
	check_int(status_of(c, "/health/ready"), 200);
}

static void stale_caches(const struct config *c, struct metrics *m)
{
	struct page_call call;

	metrics_gauge(m, GAUGE_PROMPT_FETCHED, clock_wall_us() - 9000000);
	metrics_gauge(m, GAUGE_PROMPT_EXPIRES, clock_wall_us() - 1000000);
	metrics_job_end(m, SPAN("prompts"), clock_wall_us(), 5, ERR_UPSTREAM_DNS);
	check(strstr(ask(c, "/health", NULL, &call),
		     "\"prompt_cache\":{\"status\":\"warn\""));
	check(strstr(call.body.ptr, "job prompts failed"));
	check(strstr(call.body.ptr, "\"status\":\"degraded\""));
	check_int(call.status, 200);
	buf_free(&call.body);
}

static void pages(void)
{
	struct config c = { .home = home, .kind = KIND_RESPONSES, .workers = 1 };
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m;

	check(!page_find("/") && !page_find("") && !page_find("/healthy") &&
	      !page_find("/health/x"));
	check(page_find("/health") == page_find("/health//"));
	nothing_runs(&c);
	m = metrics_open_home(home, &note);
	metrics_join(m, ROLE_API, 1);
	a_worker(&c, m);
	a_login(c);
	a_master(&c, m);
	an_open_breaker(&c, m);
	stale_caches(&c, m);
	metrics_leave(m);
	metrics_close(m);
}

int main(void)
{
	home_begin();
	pages();
	home_end();
	return test_end("test_health_pages");
}
