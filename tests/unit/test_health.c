/* What health.fcgi says: the exact words of its documents, and a metrics page
 * of a file that is as full as it can be. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fcgi/health/accept.h"
#include "../../fcgi/health/exposition.h"
#include "../../fcgi/health/metrics_page.h"
#include "../../fcgi/health/page.h"
#include "../../fcgi/health/proc.h"
#include "../../fcgi/health/report.h"
#include "../../fcgi/health/status_page.h"
#include "../../shared/breaker.h"
#include "../../shared/clock.h"
#include "../../shared/json.h"
#include "test.h"

#define NOW_US INT64_C(1763805791482000)

static void accepts(void)
{
	static const struct { const char *accept; int want; } cases[] = {
		{ NULL, 0 }, { "", 0 }, { "*/*", 0 }, { "text/plain", 0 },
		{ "a/b", 1000 }, { "A/B", 1000 }, { " x/y , a/b ", 1000 },
		{ "a/b;q=0.5", 500 }, { "a/b; Q=0.25, a/b;q=0.2", 250 },
		{ "a/b;version=1.0.0", 1000 }, { "a/b;version=\"1.0.0\"", 1000 },
		{ "a/b;version=0.0.1", 0 }, { "a/b;q=0", 0 }, { "a/b;q=x", 0 },
		{ "a/b;version=0.0.1;q=1,a/b;version=1.0.0;q=0.1", 100 },
		{ "a/b;q", 1000 }, { ";;,;,", 0 }, { "a/bc", 0 }, { "a/b;q=9", 1000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (!check_int(accept_quality(cases[i].accept, "a/b", "1.0.0"),
			       cases[i].want))
			printf("  %s\n", cases[i].accept);
	check_int(accept_quality("a/b;version=7", "a/b", NULL), 1000);
}

static void lines(void)
{
	struct exposition e = { 0 };
	struct buf out;

	buf_init(&out, 4096);
	e.out = &out;
	expose_family(&e, "a_total", "counter", "A \"b\"\\c\nd.");
	expose_begin(&e, "a_total", "");
	expose_uint(&e, UINT64_MAX);
	expose_begin(&e, "a_total", "");
	expose_label(&e, "x", "q\"\\\ny");
	expose_labels(&e, "y=\"2\"");
	expose_int(&e, -7);
	expose_begin(&e, "b", "_bucket");
	expose_labels(&e, "");
	expose_le(&e, 50);
	expose_millis(&e, -1500);
	expose_begin(&e, "b", "_bucket");
	expose_le(&e, 2000000);
	expose_micros(&e, INT64_MIN);
	expose_begin(&e, "b", "_sum");
	expose_micros(&e, 1000001);
	expose_end(&e);
	check_str(buf_span(&out),
		  "# HELP a_total A \"b\"\\\\c\\nd.\n# TYPE a_total counter\n"
		  "a_total 18446744073709551615\n"
		  "a_total{x=\"q\\\"\\\\\\ny\",y=\"2\"} -7\n"
		  "b_bucket{le=\"0.00005\"} -1.5\n"
		  "b_bucket{le=\"2.0\"} -9223372036854.775808\n"
		  "b_sum 1.000001\n");
	buf_reset(&out);
	e.openmetrics = true;
	expose_family(&e, "a_total", "counter", "A \"b\".");
	expose_family(&e, "total", "gauge", "T.");
	expose_end(&e);
	check_str(buf_span(&out), "# HELP a A \\\"b\\\".\n# TYPE a counter\n"
				  "# HELP total T.\n# TYPE total gauge\n# EOF\n");
	buf_free(&out);
}

static void times(void)
{
	static const struct { int64_t s; const char *want; } cases[] = {
		{ 0, "0s" }, { 5, "5s" }, { 60, "1m 0s" }, { 125, "2m 5s" },
		{ 3723, "1h 2m 3s" }, { 93784, "1d 2h 3m 4s" },
		{ 86400, "1d 0h 0m 0s" },
	};
	struct buf out;

	buf_init(&out, 100);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		human_time(cases[i].s * 1000000 + 999999, &out);
		check_str(buf_span(&out), cases[i].want);
	}
	buf_free(&out);
}

static void processes(void)
{
	struct proc p;
	pid_t child;

	check(proc_read(getpid(), &p) && p.state == 'R' && p.resident > 100000);
	check(!proc_read(-1, &p) && !proc_read(INT64_MAX, &p));
	child = fork();
	if (child == 0)
		_exit(0);
	for (int i = 0; i < 1000 && proc_read(child, &p) && p.state != 'Z'; i++)
		usleep(5000);
	check_int(p.state, 'Z');
	waitpid(child, NULL, 0);
}

/* --- documents, from facts made by hand */

static const struct config config = {
	.home = "/h", .workers = 2, .prompt_ttl_ms = 86400000,
};

static void facts_good(struct facts *f)
{
	*f = (struct facts){
		.config = &config, .wall_us = NOW_US, .have = true,
		.accepting = 2, .wanted = 2, .in_flight = 3,
		.uptime_us = 5200000, .total = 1, .last_request_us = NOW_US - 2000000,
	};
	buf_init(&f->prompts, 4096);
	f->findings[FINDING_WORKERS].known = true;
	f->findings[FINDING_WORKERS].value = 2;
}

static void says(void (*write)(const struct facts *f, struct buf *out),
		 const struct facts *f, const char *want)
{
	struct buf out;
	struct json_object *tree;
	struct err_note note = ERR_NOTE_INIT;

	buf_init(&out, MAX_PAGE);
	write(f, &out);
	check_str(buf_span(&out), want);
	tree = json_parse(buf_span(&out), &note);
	check(tree != NULL);
	json_object_put(tree);
	buf_free(&out);
}

#define OTHERS \
	"\"master\":{\"status\":\"pass\"},\"login\":{\"status\":\"pass\"}," \
	"\"breaker\":{\"status\":\"pass\"},\"limits\":{\"status\":\"pass\"}," \
	"\"prompt_cache\":{\"status\":\"pass\"},\"store\":{\"status\":\"pass\"}," \
	"\"fetcher\":{\"status\":\"pass\"},\"keys\":{\"status\":\"pass\"}," \
	"\"metrics_file\":{\"status\":\"pass\"},\"home\":{\"status\":\"pass\"}}}"

static void documents(void)
{
	struct config other;
	struct facts f;

	facts_good(&f);
	says(report_json, &f,
	     "{\"status\":\"healthy\",\"timestamp\":\"2025-11-22T10:03:11.482Z\","
	     "\"metrics\":{\"uptime_seconds\":5,\"uptime_human\":\"5s\","
	     "\"requests\":{\"total\":1,\"success\":1,\"error\":0,"
	     "\"success_rate\":100.0},"
	     "\"last_request\":\"2025-11-22T10:03:09.482Z\"},"
	     "\"prompt_cache\":{\"cache_dir\":\"/h/prompt_cache\",\"metadata\":{},"
	     "\"ttl_hours\":24},\"version\":\"" CHATMOCK_VERSION "\","
	     "\"workers\":{\"wanted\":2,\"accepting\":2,\"starting\":0,"
	     "\"draining\":0,\"silent\":0,\"in_flight\":3},"
	     "\"checks\":{\"workers\":{\"status\":\"pass\",\"value\":2,"
	     "\"unit\":\"workers\"}," OTHERS);
	check_int(report_status(facts_worst(&f)), 200);

	/* worse, with the fetcher's metadata, and without metrics */
	f.total = 30000;
	f.error = 1;
	f.have = false;
	f.last_request_us = 0;
	other = config;
	other.prompt_ttl_ms = 5400000;
	f.config = &other;
	buf_str(&f.prompts, "{\"base_instructions\": {\"size\": 7}}");
	f.findings[FINDING_WORKERS] = (struct finding){
		.verdict = VERDICT_WARN, .output = "one \"is\" gone",
	};
	says(report_json, &f,
	     "{\"status\":\"degraded\",\"timestamp\":\"2025-11-22T10:03:11.482Z\","
	     "\"metrics\":{\"uptime_seconds\":5,\"uptime_human\":\"5s\","
	     "\"requests\":{\"total\":30000,\"success\":29999,\"error\":1,"
	     "\"success_rate\":99.99},\"last_request\":null},"
	     "\"prompt_cache\":{\"cache_dir\":\"/h/prompt_cache\",\"metadata\":"
	     "{\"base_instructions\":{\"size\":7}},"
	     "\"ttl_hours\":1.50},\"version\":\"" CHATMOCK_VERSION "\","
	     "\"workers\":null,\"checks\":{\"workers\":{\"status\":\"warn\","
	     "\"output\":\"one \\\"is\\\" gone\"}," OTHERS);
	check_int(report_status(facts_worst(&f)), 200);
	f.findings[FINDING_LOGIN].verdict = VERDICT_FAIL;
	check_int(report_status(facts_worst(&f)), 503);
	check_str(span_of(report_word(facts_worst(&f))), "unhealthy");
	facts_free(&f);
}

/* What the metadata file holds is of no concern but that it is an object. */
static void metadata(void)
{
	static const char *const broken[] = { "{\"a\":", "[1]", "7", "null", "{}x" };
	struct facts f;
	struct buf out;

	buf_init(&out, MAX_PAGE);
	facts_good(&f);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		buf_reset(&f.prompts);
		buf_str(&f.prompts, broken[i]);
		buf_reset(&out);
		report_json(&f, &out);
		check(strstr(out.ptr, "\"metadata\":{},") != NULL);
	}
	facts_free(&f);
	buf_free(&out);
}

#define AT "\"time\":\"2025-11-22T10:03:11.482Z\""
#define FINE(name, type) \
	"\"" name "\":[{\"componentType\":\"" type "\",\"status\":\"pass\"," AT "}]"

static void draft(void)
{
	struct facts f;

	facts_good(&f);
	f.findings[FINDING_DISK] = (struct finding){
		.verdict = VERDICT_WARN, .known = true, .value = 7,
		.output = "nearly full",
	};
	says(report_health_json, &f,
	     "{\"status\":\"warn\",\"version\":\"1\",\"releaseId\":\""
	     CHATMOCK_VERSION "\",\"serviceId\":\"chatmock\","
	     "\"description\":\"health of the ChatMock gateway\","
	     "\"output\":\"nearly full\",\"checks\":{"
	     "\"workers:accepting\":[{\"componentType\":\"component\","
	     "\"observedValue\":2,\"observedUnit\":\"workers\","
	     "\"status\":\"pass\"," AT "}],"
	     FINE("master:alive", "component") "," FINE("login:expiry", "component")
	     "," FINE("breaker:open", "component") ","
	     FINE("limits:used", "component") ","
	     FINE("prompt_cache:age", "datastore") ","
	     FINE("store:up", "datastore") ","
	     FINE("fetcher:age", "component") ","
	     FINE("keys:in_force", "component") ","
	     FINE("metrics_file:readable", "datastore") ","
	     "\"home:free\":[{\"componentType\":\"system\",\"observedValue\":7,"
	     "\"observedUnit\":\"bytes\",\"status\":\"warn\"," AT ","
	     "\"output\":\"nearly full\"}]}}");
	facts_free(&f);
}

static void probes(void)
{
	struct buf out;

	buf_init(&out, 1000);
	report_probe(VERDICT_PASS, "unheard", &out);
	buf_char(&out, ' ');
	report_probe(VERDICT_FAIL, "no \"worker\"", &out);
	check_str(buf_span(&out), "{\"status\":\"pass\"} {\"status\":\"fail\","
				  "\"output\":\"no \\\"worker\\\"\"}");
	buf_free(&out);
}

/* --- metrics, from a real file */

static char home[64] = "/tmp/test_health.XXXXXX";

static void snap(struct facts *f, const struct metrics *m)
{
	struct err_note note = ERR_NOTE_INIT;

	facts_good(f);
	check_int(metrics_snapshot_of(m, &f->snap, &note), ERR_OK);
}

static bool has(const struct buf *page, const char *line)
{
	bool found = strstr(page->ptr, line) != NULL;

	if (!found)
		printf("  not there: %s\n", line);
	return found;
}

static size_t count_of(const struct buf *page, const char *word)
{
	size_t n = 0;

	for (const char *at = page->ptr; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static const struct metrics_request one_request = {
	.tongue = TONGUE_CHAT, .status = 200, .end = ERR_OK,
	.total_us = 2600000, .ttft_us = 400000, .upstream_us = 2500000,
	.own_us = 120,
};

static void a_page(struct metrics *m)
{
	struct metrics_request r = one_request;
	uint64_t tokens[TOKEN__COUNT] = { [TOKEN_INPUT] = 7, [TOKEN_OUTPUT] = 9 };
	struct metrics_label route =
		metrics_label(SPAN("POST /v1/chat/completions chat"));
	struct buf out;
	struct facts f;

	r.route = &route;
	metrics_request(m, &r);
	r.status = 502;
	r.end = ERR_UPSTREAM_CONNECT;
	metrics_request(m, &r);
	metrics_retry(m, ERR_UPSTREAM_CONNECT);
	metrics_tokens(m, SPAN("gpt\"5"), tokens);
	metrics_count(m, COUNT_TRUNCATED);
	metrics_gauge(m, GAUGE_LIMIT_PRIMARY_USED, 12500);
	metrics_gauge(m, GAUGE_LIMITS_SEEN, 1500000);
	metrics_job_begin(m, SPAN("models"), 1000000);
	metrics_job_end(m, SPAN("models"), 3000000, 2000000, ERR_OK);
	snap(&f, m);
	buf_init(&out, MAX_PAGE);
	metrics_page(&f, false, &out);
	check_int(buf_err(&out), 0);
	check(has(&out, "\nhttp_requests_total{route=\"/v1/chat/completions\","
			"method=\"POST\",status=\"200\",tongue=\"chat\"} 1\n"
			"http_requests_total{route=\"/v1/chat/completions\","
			"method=\"POST\",status=\"502\",tongue=\"chat\"} 1\n"));
	check(has(&out, "http_request_duration_seconds_bucket{tongue=\"chat\","
			"le=\"2.5\"} 0\n"
			"http_request_duration_seconds_bucket{tongue=\"chat\","
			"le=\"5.0\"} 2\n"));
	check(has(&out, "\nhttp_request_duration_seconds_bucket{tongue=\"chat\","
			"le=\"+Inf\"} 2\n"
			"http_request_duration_seconds_sum{tongue=\"chat\"} 5.2\n"
			"http_request_duration_seconds_count{tongue=\"chat\"} 2\n"));
	check(has(&out, "\nchatmock_time_to_first_token_seconds_sum{tongue=\"chat\"} 0.8\n"));
	check(has(&out, "\nchatmock_own_duration_seconds_bucket{tongue=\"chat\",le=\"0.00015\"} 2\n"));
	check(has(&out, "\nchatmock_request_ends_total{end=\"upstream_connect\"} 1\n"));
	check(has(&out, "\nchatmock_upstream_errors_total{kind=\"upstream_connect\"} 1\n"));
	check(has(&out, "\nchatmock_upstream_retries_total{reason=\"upstream_connect\"} 1\n"));
	check(has(&out, "\nchatmock_stream_truncated_total 1\n"));
	check(has(&out, "\nchatmock_limit_used_percent{window=\"primary\"} 12.5\n"));
	check(has(&out, "\nchatmock_limit_seen_timestamp_seconds 1.5\n"));
	check(has(&out, "\nchatmock_workers{state=\"accepting\"} 2\n"));
	check(has(&out, "\nchatmock_fetch_last_success_timestamp_seconds{task=\"models\"} 3\n"));
	check(has(&out, "\nchatmock_fetch_duration_seconds{task=\"models\"} 2\n"));
	check(has(&out, "\n# TYPE chatmock_tokens_total counter\n"));
	check(has(&out, "\nchatmock_tokens_total{type=\"input\",model=\"gpt\\\"5\"} 7\n"
			"chatmock_tokens_total{type=\"output\",model=\"gpt\\\"5\"} 9\n"));
	check_int((int64_t)count_of(&out, "# TYPE chatmock_stream_aborts_total "), 1);
	check(!strstr(out.ptr, "# EOF"));
	facts_free(&f);
	buf_free(&out);
}

static void open_metrics(struct metrics *m)
{
	struct buf out;
	struct facts f;

	snap(&f, m);
	buf_init(&out, MAX_PAGE);
	metrics_page(&f, true, &out);
	check(has(&out, "# TYPE chatmock_tokens counter\n"));
	check(has(&out, "# TYPE http_requests counter\n"));
	check(out.len > 6 && strcmp(out.ptr + out.len - 6, "# EOF\n") == 0);
	facts_free(&f);
	buf_free(&out);
}

/* Every place taken, every value as long as it gets. */
static void a_full_page(struct metrics *m)
{
	struct metrics_file *file = m->file;
	struct metrics_shard *s = &file->shards[0];
	size_t words = sizeof(*s) / sizeof(metric_word), series = 0;
	struct metrics_request r = one_request;
	struct metrics_label label;
	struct buf name, out;
	struct facts f;

	buf_init(&name, 1000);
	for (int i = 0; i < METRICS_ROUTES; i++) {
		buf_reset(&name);
		buf_fmt(&name, "DELETE /%070d/%d responses", 0, i);
		label = metrics_label(buf_span(&name));
		r.route = &label;
		metrics_request(m, &r);
		buf_reset(&name);
		buf_fmt(&name, "%d%090d", i, 0);
		metrics_tokens(m, buf_span(&name), (uint64_t[TOKEN__COUNT]){ 1 });
		metrics_key_tokens(m, buf_span(&name),
				   (uint64_t[TOKEN__COUNT]){ 1 });
	}
	for (int i = 0; i < METRICS_JOBS; i++) {
		buf_reset(&name);
		buf_fmt(&name, "%d%090d", i, 0);
		metrics_job_end(m, buf_span(&name), NOW_US, 1, ERR_BUSY);
	}
	for (int i = 0; i < METRICS_BREAKERS; i++) {
		buf_reset(&name);
		buf_fmt(&name, "https://%d.%090d", i, 0);
		label = metrics_label(buf_span(&name));
		metrics_breaker(m, &label);
	}
	for (size_t i = 0; i < words; i++)
		((metric_word *)s)[i] = INT64_C(1) << 53;
	for (enum metric_gauge g = 0; g < GAUGE__COUNT; g++)
		metrics_gauge(m, g, NOW_US);
	for (size_t i = 0; i < METRICS_SLOTS; i++)
		file->slots[i] = (struct metrics_slot){
			.pid = (uint64_t)getpid(), .role = 77, .state = 77,
			.heartbeat_us = (uint64_t)clock_boot_us(),
		};
	snap(&f, m);
	buf_init(&out, MAX_PAGE);
	metrics_page(&f, true, &out);
	check_int(buf_err(&out), 0);
	for (const char *at = out.ptr; *at; at = strchr(at, '\n') + 1)
		series += *at != '#';
	printf("a full page has %zu series, %zu bytes\n", series, out.len);
	check(series > 1000 && series <= MAX_SERIES);
	check_int((int64_t)count_of(&out, "\nhttp_requests_total{"),
		  MAX_REQUEST_SERIES + STATUS__COUNT);
	buf_reset(&out);
	status_page(&f, &out);
	check_int(buf_err(&out), 0);
	facts_free(&f);
	buf_free(&out);
	buf_free(&name);
}

static void metrics_pages(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m = metrics_open_home(home, &note);

	check(m && metrics_is_shared(m));
	a_page(m);
	open_metrics(m);
	a_full_page(m);
	metrics_close(m);
}

/* --- pages, from a directory */

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
	ask(&c, "/health/ready", NULL, &call);
	check_int(call.status, 200);
	buf_free(&call.body);
	check(!strstr(ask(&c, "/health", NULL, &call), "secret"));
	buf_free(&call.body);
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
	check(strstr(ask(c, "/health", NULL, &call), "\"status\":\"healthy\""));
	buf_free(&call.body);
	slot->heartbeat_us = (uint64_t)(clock_boot_us() - 2 * SILENT_US);
	ask(c, "/health/live", NULL, &call);
	check_int(call.status, 503);
	buf_free(&call.body);
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
	check(strstr(ask(c, "/metrics", NULL, &call),
		     "\nchatmock_circuit_state{upstream=\"https://up.example\"} 0\n"));
	buf_free(&call.body);
	check(breaker_enter(&b, &ticket, &wait_us) == BREAKER_PASS);
	check(breaker_leave(&b, &ticket, BREAKER_FAILURE, &failures) ==
	      BREAKER_OPENED);
	check(strstr(ask(c, "/metrics", NULL, &call),
		     "\nchatmock_circuit_state{upstream=\"https://up.example\"} 1\n"));
	buf_free(&call.body);
	check(strstr(ask(c, "/health", NULL, &call),
		     "\"breaker\":{\"status\":\"warn\",\"value\":1,"));
	check(strstr(call.body.ptr, "\"status\":\"degraded\""));
	check_int(call.status, 200);
	buf_free(&call.body);
	ask(c, "/health/ready", NULL, &call);
	check_int(call.status, 200);
	buf_free(&call.body);
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
	char command[128];

	if (!mkdtemp(home))
		return 1;
	/* no login of whoever runs this */
	setenv("HOME", home, 1);
	unsetenv("CODEX_HOME");
	unsetenv("CHATGPT_LOCAL_HOME");
	accepts();
	lines();
	times();
	processes();
	documents();
	metadata();
	draft();
	probes();
	metrics_pages();
	pages();
	snprintf(command, sizeof(command), "%s/metrics", home);
	unlink(command);
	rmdir(home);
	return test_end("test_health");
}
