/* The metrics page, of a file that is as full as it can be, too. */

#include "../../fcgi/health/metrics_page.h"
#include "../../fcgi/health/page.h"
#include "../../fcgi/health/status_page.h"
#include "health_help.h"

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

int main(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m;

	home_begin();
	m = metrics_open_home(home, &note);
	check(m && metrics_is_shared(m));
	a_page(m);
	open_metrics(m);
	a_full_page(m);
	metrics_close(m);
	home_end();
	return test_end("test_health_metrics");
}
