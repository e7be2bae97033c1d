#include "status_page.h"

#include <inttypes.h>

#include "../../shared/clock.h"
#include "report.h"

#define MAX_ERRORS_SHOWN 12

static void put_ago(const struct facts *f, int64_t wall_us, struct buf *out)
{
	if (!wall_us || wall_us > f->wall_us) {
		buf_str(out, wall_us ? "just now" : "never");
		return;
	}
	human_time(f->wall_us - wall_us, out);
	buf_str(out, " ago");
}

static void put_findings(const struct facts *f, struct buf *out)
{
	static const char *const marks[] = { "ok  ", "WARN", "FAIL" };

	for (enum finding_id i = 0; i < FINDING__COUNT; i++) {
		const struct finding *found = &f->findings[i];

		buf_fmt(out, "  %s  %s", marks[found->verdict],
			finding_name(i));
		if (found->known)
			buf_fmt(out, ": %" PRId64 " %s", found->value,
				finding_unit(i));
		if (found->output[0])
			buf_fmt(out, " - %s", found->output);
		buf_char(out, '\n');
	}
}

static void put_slot(const struct facts *f, const struct metrics_slot *slot,
		     struct buf *out)
{
	int64_t age = f->snap.taken_us - (int64_t)metrics_get(&slot->started_us);
	bool lives = slot_lives(f, slot);

	buf_fmt(out, "  %-13s  pid %-8" PRIu64 "  %-9s  %6" PRIu64
		" in flight  %8" PRIu64 "%s  up ",
		metrics_role_name(slot_role(slot)),
		metrics_get(&slot->pid), lives ?
		metrics_state_name(slot_state(slot)) : "silent",
		metrics_get(&slot->in_flight), metrics_get(&slot->served),
		slot_role(slot) == ROLE_API_MASTER ? " workers" : " served ");
	human_time(age > 0 ? age : 0, out);
	buf_char(out, '\n');
}

static void put_processes(const struct facts *f, struct buf *out)
{
	buf_str(out, "\nProcesses\n");
	for (size_t i = 0; i < METRICS_SLOTS && !f->snap.other_boot; i++)
		if (metrics_get(&f->snap.file->slots[i].pid))
			put_slot(f, &f->snap.file->slots[i], out);
}

/* By how often, the most frequent first. */
static void put_errors(const struct facts *f, struct buf *out)
{
	bool shown[ERR__COUNT] = { false };

	if (!f->error)
		return;
	buf_str(out, "\nErrors by kind (\"end\" in the logs)\n");
	for (int n = 0; n < MAX_ERRORS_SHOWN; n++) {
		size_t best = 0;

		for (size_t e = 1; e < ERR__COUNT; e++)
			if (!shown[e] && (!best ||
			    metrics_get(&f->snap.sums->errors[e]) >
			    metrics_get(&f->snap.sums->errors[best])))
				best = e;
		if (!best || !metrics_get(&f->snap.sums->errors[best]))
			return;
		shown[best] = true;
		buf_fmt(out, "  %10" PRIu64 "  %s\n",
			metrics_get(&f->snap.sums->errors[best]),
			err_name((enum err)best));
	}
}

static void put_jobs(const struct facts *f, struct buf *out)
{
	char name[METRICS_NAME + 1];
	bool head = false;

	for (size_t i = 0; i < METRICS_JOBS; i++) {
		const struct metrics_job *job = &f->snap.file->jobs[i];
		uint64_t code = metrics_get(&job->code);

		if (!metrics_name_get(&job->name, name))
			continue;
		if (!head)
			buf_str(out, "\nFetcher\n");
		head = true;
		buf_fmt(out, "  %-14s  last success ", name);
		put_ago(f, (int64_t)metrics_get(&job->succeeded_us), out);
		buf_fmt(out, ", %" PRIu64 " runs, %" PRIu64 " failed%s%s\n",
			metrics_get(&job->runs), metrics_get(&job->failures),
			code ? ", the last one: " : "",
			code ? code < ERR__COUNT ? err_name((enum err)code) :
						   "unknown" : "");
	}
}

void status_page(const struct facts *f, struct buf *out)
{
	char now[32];

	clock_rfc3339(now, f->wall_us);
	buf_fmt(out, "ChatMock " CHATMOCK_VERSION " is %s          %s\n\n",
		report_word(facts_worst(f)), now);
	put_findings(f, out);
	if (f->have) {
		buf_str(out, "\nRequests\n  up ");
		human_time(f->uptime_us, out);
		buf_fmt(out, ", %" PRId64 " in flight, %" PRIu64 " answered, %"
			PRIu64 " of them errors, the last one ", f->in_flight,
			f->total, f->error);
		put_ago(f, f->last_request_us, out);
		buf_char(out, '\n');
		put_errors(f, out);
		put_processes(f, out);
		put_jobs(f, out);
	}
	buf_fmt(out, "\nLogs: %s/log/error.log, access.log. Settings: "
		"chatmock.fcgi --settings. Numbers: /metrics, /health.\n",
		f->config->home);
}
