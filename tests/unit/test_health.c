/* What health.fcgi says: the exact words of its documents. */

#include <sys/wait.h>

#include "../../fcgi/health/accept.h"
#include "../../fcgi/health/exposition.h"
#include "../../fcgi/health/page.h"
#include "../../fcgi/health/proc.h"
#include "../../fcgi/health/report.h"
#include "../../shared/json.h"
#include "health_help.h"

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

int main(void)
{
	accepts();
	lines();
	times();
	processes();
	documents();
	metadata();
	draft();
	probes();
	return test_end("test_health");
}
