#include "report.h"

#include <unistd.h>

#include "../shared/buf.h"
#include "../shared/ceilings.h"
#include "../shared/clock.h"

static bool on_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

static void member(struct buf *b, const char *key, const char *value)
{
	buf_fmt(b, ",\"%s\":", key);
	buf_json(b, span_of(value));
}

/* The head of a line; more members follow. */
static void line_begin(struct buf *b, const char *event, bool failed)
{
	char ts[32];

	clock_rfc3339(ts, clock_wall_us());
	buf_init(b, MAX_LOG_FIELD * 4);
	buf_fmt(b, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", ts,
		failed ? "error" : "info", event);
}

/* One write, so that lines of several runs into one file do not mix. */
static void line_end(struct buf *b)
{
	buf_str(b, "}\n");
	if (!buf_err(b))
		fwrite(b->ptr, 1, b->len, stdout);
	fflush(stdout);
	buf_free(b);
}

void report_begin(const char *job)
{
	if (!on_terminal())
		return;
	printf("%-8s ", job);
	fflush(stdout);
}

void report_end(const char *job, const char *result, enum err code,
		const char *words, int64_t took_ms)
{
	struct buf b;

	if (on_terminal()) {
		printf("%-6s %s (%lld.%lld s)\n", result, words,
		       (long long)took_ms / 1000, (long long)took_ms / 100 % 10);
		fflush(stdout);
		return;
	}
	line_begin(&b, "fetch_job", code != ERR_NONE);
	member(&b, "job", job);
	member(&b, "result", result);
	if (code)
		member(&b, "error", err_name(code));
	member(&b, "msg", words);
	buf_fmt(&b, ",\"ms\":%lld", (long long)took_ms);
	line_end(&b);
}

void report_run(const char *event, enum err code, const char *words)
{
	struct buf b;

	if (on_terminal()) {
		printf("%s\n", words);
		fflush(stdout);
		return;
	}
	line_begin(&b, event, code != ERR_NONE);
	if (code)
		member(&b, "error", err_name(code));
	member(&b, "msg", words);
	line_end(&b);
}
