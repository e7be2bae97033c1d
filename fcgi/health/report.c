#include "report.h"

#include <inttypes.h>

#include "../../shared/clock.h"
#include "../../shared/json.h"
#include "../../shared/text.h"

static const char *const pass_words[] = { "pass", "warn", "fail" };
static const char *const words[] = { "healthy", "degraded", "unhealthy" };

int report_status(enum verdict worst)
{
	return worst == VERDICT_FAIL ? 503 : 200;
}

const char *report_word(enum verdict worst)
{
	return words[worst];
}

static void put_str(struct buf *out, const char *key, const char *value)
{
	buf_fmt(out, "\"%s\":", key);
	buf_json(out, span_of(value));
}

static void put_time(struct buf *out, const char *key, int64_t wall_us)
{
	char text[32];

	clock_rfc3339(text, wall_us);
	put_str(out, key, text);
}

/* In percent with two digits, rounded down: a failure is never rounded away. */
static void put_rate(struct buf *out, uint64_t total, uint64_t success)
{
	uint64_t basis = total ? (uint64_t)((double)success / (double)total *
					    10000.0) : 10000;

	if (success < total && basis == 10000)
		basis = 9999;
	buf_fmt(out, "\"success_rate\":%" PRIu64 ".%" PRIu64, basis / 100,
		basis / 10 % 10);
	if (basis % 10)
		buf_fmt(out, "%" PRIu64, basis % 10);
}

static void put_metrics(const struct facts *f, struct buf *out)
{
	buf_fmt(out, "\"metrics\":{\"uptime_seconds\":%" PRId64
		",\"uptime_human\":\"", f->uptime_us / 1000000);
	human_time(f->uptime_us, out);
	buf_fmt(out, "\",\"requests\":{\"total\":%" PRIu64 ",\"success\":%" PRIu64
		",\"error\":%" PRIu64 ",", f->total, f->total - f->error, f->error);
	put_rate(out, f->total, f->total - f->error);
	buf_str(out, "},");
	if (f->last_request_us)
		put_time(out, "last_request", f->last_request_us);
	else
		buf_str(out, "\"last_request\":null");
	buf_char(out, '}');
}

/* Whole ones as such, 24 and not 24.0. */
static void put_hours(int64_t ms, struct buf *out)
{
	int64_t hundredths = ms / 36000;

	buf_fmt(out, ",\"ttl_hours\":%" PRId64, hundredths / 100);
	if (hundredths % 100)
		buf_fmt(out, ".%02" PRId64, hundredths % 100);
}

/* The fetcher's file as it is, when it is an object. */
static void put_prompts(const struct facts *f, struct buf *out)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *metadata = NULL;
	struct buf dir;

	buf_init(&dir, 8192);
	buf_fmt(&dir, "%s/prompt_cache", f->config->home);
	buf_str(out, "\"prompt_cache\":{");
	put_str(out, "cache_dir", dir.ptr);
	buf_str(out, ",\"metadata\":");
	if (f->prompts.len)
		metadata = json_parse(buf_span(&f->prompts), &ignored);
	if (json_is_object(metadata))
		json_write(out, metadata);
	else
		buf_str(out, "{}");
	json_object_put(metadata);
	put_hours(f->config->prompt_ttl_ms, out);
	buf_char(out, '}');
	buf_free(&dir);
}

static void put_workers(const struct facts *f, struct buf *out)
{
	if (!f->have) {
		buf_str(out, "\"workers\":null");
		return;
	}
	buf_fmt(out, "\"workers\":{\"wanted\":%" PRId64 ",\"accepting\":%" PRId64
		",\"starting\":%" PRId64 ",\"draining\":%" PRId64
		",\"silent\":%" PRId64 ",\"in_flight\":%" PRId64 "}", f->wanted,
		f->accepting, f->starting, f->draining, f->silent, f->in_flight);
}

/* "workers:accepting" is "workers" in our own document. */
static void put_checks(const struct facts *f, struct buf *out)
{
	buf_str(out, "\"checks\":{");
	for (enum finding_id i = 0; i < FINDING__COUNT; i++) {
		const struct finding *found = &f->findings[i];
		const char *name = finding_name(i);

		buf_fmt(out, "%s\"%.*s\":{", i ? "," : "",
			(int)strcspn(name, ":"), name);
		put_str(out, "status", pass_words[found->verdict]);
		if (found->known)
			buf_fmt(out, ",\"value\":%" PRId64 ",\"unit\":\"%s\"",
				found->value, finding_unit(i));
		if (found->output[0]) {
			buf_char(out, ',');
			put_str(out, "output", found->output);
		}
		buf_char(out, '}');
	}
	buf_char(out, '}');
}

void report_json(const struct facts *f, struct buf *out)
{
	buf_char(out, '{');
	put_str(out, "status", words[facts_worst(f)]);
	buf_char(out, ',');
	put_time(out, "timestamp", f->wall_us);
	buf_char(out, ',');
	put_metrics(f, out);
	buf_char(out, ',');
	put_prompts(f, out);
	buf_char(out, ',');
	put_str(out, "version", CHATMOCK_VERSION);
	buf_char(out, ',');
	put_workers(f, out);
	buf_char(out, ',');
	put_checks(f, out);
	buf_char(out, '}');
}

/* --- the draft's format */

static void put_measurement(const struct facts *f, enum finding_id id,
			    struct buf *out)
{
	const struct finding *found = &f->findings[id];

	buf_fmt(out, "\"%s\":[{\"componentType\":\"%s\",", finding_name(id),
		finding_type(id));
	if (found->known)
		buf_fmt(out, "\"observedValue\":%" PRId64
			",\"observedUnit\":\"%s\",", found->value,
			finding_unit(id));
	put_str(out, "status", pass_words[found->verdict]);
	buf_char(out, ',');
	put_time(out, "time", f->wall_us);
	if (found->output[0]) {
		buf_char(out, ',');
		put_str(out, "output", found->output);
	}
	buf_str(out, "}]");
}

/* Of the gravest finding, the first. */
static const char *first_output(const struct facts *f, enum verdict worst)
{
	for (size_t i = 0; i < FINDING__COUNT; i++)
		if (f->findings[i].verdict == worst)
			return f->findings[i].output;
	return "";
}

void report_health_json(const struct facts *f, struct buf *out)
{
	enum verdict worst = facts_worst(f);

	buf_char(out, '{');
	put_str(out, "status", pass_words[worst]);
	buf_str(out, ",\"version\":\"1\",\"releaseId\":\"" CHATMOCK_VERSION
		     "\",\"serviceId\":\"chatmock\",\"description\":"
		     "\"health of the ChatMock gateway\",");
	if (worst != VERDICT_PASS) {
		put_str(out, "output", first_output(f, worst));
		buf_char(out, ',');
	}
	buf_str(out, "\"checks\":{");
	for (enum finding_id i = 0; i < FINDING__COUNT; i++) {
		if (i)
			buf_char(out, ',');
		put_measurement(f, i, out);
	}
	buf_str(out, "}}");
}

void report_probe(enum verdict verdict, const char *output, struct buf *out)
{
	buf_char(out, '{');
	put_str(out, "status", pass_words[verdict]);
	if (verdict != VERDICT_PASS && *output) {
		buf_char(out, ',');
		put_str(out, "output", output);
	}
	buf_char(out, '}');
}
