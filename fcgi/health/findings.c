/*
 * findings.c - see findings.h.
 *
 * FAIL is kept for what keeps every request from being answered: a restart or
 * a person is needed. An upstream that fails, a plan that is used up or a stale
 * cache are warnings: another gateway in its place would do no better.
 */
#include "findings.h"

#include <stdarg.h>

#include "../../shared/login.h"

#define LOW_DISK (16 << 20)		/* bytes */

static struct finding *say(struct facts *f, enum finding_id id,
			   enum verdict verdict, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static struct finding *say(struct facts *f, enum finding_id id,
			   enum verdict verdict, const char *fmt, ...)
{
	struct finding *found = &f->findings[id];
	va_list args;

	found->verdict = verdict;
	va_start(args, fmt);
	vsnprintf(found->output, sizeof(found->output), fmt, args);
	va_end(args);
	for (char *p = found->output; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	return found;
}

static void know(struct facts *f, enum finding_id id, int64_t value)
{
	f->findings[id].known = true;
	f->findings[id].value = value;
}

static void judge_workers(struct facts *f)
{
	if (!f->have) {
		if (!f->gate_open)
			say(f, FINDING_WORKERS, VERDICT_FAIL, "chatmock.fcgi "
			    "does not run");
		else
			say(f, FINDING_WORKERS, VERDICT_WARN, "chatmock.fcgi "
			    "takes connections; its workers are not known");
		return;
	}
	know(f, FINDING_WORKERS, f->accepting);
	if (!f->accepting)
		say(f, FINDING_WORKERS, VERDICT_FAIL, "no worker accepts "
		    "requests (%lld start, %lld drain, %lld are silent)",
		    (long long)f->starting, (long long)f->draining,
		    (long long)f->silent);
	else if (f->accepting < f->wanted || f->silent)
		say(f, FINDING_WORKERS, VERDICT_WARN, "%lld of %lld workers "
		    "accept requests, %lld are silent",
		    (long long)f->accepting, (long long)f->wanted,
		    (long long)f->silent);
}

static void judge_master(struct facts *f)
{
	if (!f->have && !f->gate_open)
		say(f, FINDING_MASTER, VERDICT_FAIL, "chatmock.fcgi does not run");
	else if (f->have && !f->findings[FINDING_MASTER].value)
		say(f, FINDING_MASTER, f->accepting ? VERDICT_WARN : VERDICT_FAIL,
		    "the master shows no sign of life; workers that end are "
		    "not replaced");
}

static void judge_login(struct facts *f)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };

	if (f->config->kind != KIND_CHATGPT || f->config->upstream_key ||
	    f->config->upstream_key_file)
		return;
	if (login_read(f->config, &login, &note))
		say(f, FINDING_LOGIN, VERDICT_FAIL, "%s",
		    err_words(&note));
	else if (login.expires_at)
		know(f, FINDING_LOGIN, login.expires_at - f->wall_us / 1000000);
	login_free(&login);
}

static void judge_metrics(struct facts *f)
{
	know(f, FINDING_METRICS, f->have);
	if (!f->have)
		say(f, FINDING_METRICS, VERDICT_WARN, "%s", f->note.why);
}

static void judge_breakers(struct facts *f)
{
	know(f, FINDING_BREAKER, f->open_breakers);
	if (f->open_breakers)
		say(f, FINDING_BREAKER, VERDICT_WARN, "upstream failed again and "
		    "again and is left alone for a while");
}

static void judge_limits(struct facts *f)
{
	static const enum metric_gauge used[] = {
		GAUGE_LIMIT_PRIMARY_USED, GAUGE_LIMIT_SECONDARY_USED,
	}, resets[] = {
		GAUGE_LIMIT_PRIMARY_RESET, GAUGE_LIMIT_SECONDARY_RESET,
	};
	int64_t most = -1, milli, at, reached = 0;

	for (size_t i = 0; i < ARRAY_LEN(used); i++) {
		if (!metrics_gauge_get(&f->snap, used[i], &milli))
			continue;
		/* a window that has begun anew since tells nothing */
		if (metrics_gauge_get(&f->snap, resets[i], &at) &&
		    at <= f->wall_us / 1000000)
			continue;
		if (milli > most)
			most = milli;
	}
	if (most < 0)
		return;
	know(f, FINDING_LIMITS, most / 1000);
	metrics_gauge_get(&f->snap, GAUGE_LIMIT_REACHED, &reached);
	if (most >= 100000 || reached)
		say(f, FINDING_LIMITS, VERDICT_WARN, "the plan's limit is reached");
}

static void judge_prompts(struct facts *f)
{
	int64_t fetched, expires;

	if (!metrics_gauge_get(&f->snap, GAUGE_PROMPT_FETCHED, &fetched))
		return;
	know(f, FINDING_PROMPTS, (f->wall_us - fetched) / 1000000);
	if (metrics_gauge_get(&f->snap, GAUGE_PROMPT_EXPIRES, &expires) &&
	    expires <= f->wall_us)
		say(f, FINDING_PROMPTS, VERDICT_WARN, "the cached prompts are "
		    "stale; does the crontab run chatmock-fetch?");
}

static void judge_store(struct facts *f)
{
	int64_t up;

	if (!f->config->store || f->config->kind != KIND_CHATGPT ||
	    !metrics_gauge_get(&f->snap, GAUGE_STORE_ON, &up))
		return;
	know(f, FINDING_STORE, up);
	if (!up)
		say(f, FINDING_STORE, VERDICT_WARN, "responses are not stored: "
		    "responses.db can not be written; the error log says why");
}

/* A job that has failed since it last succeeded, and a fetcher that has not
 * come any more. */
static void judge_fetcher(struct facts *f)
{
	char name[METRICS_NAME + 1], failing[METRICS_NAME + 1] = "";
	int64_t last = 0, ended;

	for (size_t i = 0; i < METRICS_JOBS; i++) {
		const struct metrics_job *job = &f->snap.file->jobs[i];

		if (!metrics_name_get(&job->name, name))
			continue;
		ended = (int64_t)metrics_get(&job->ended_us);
		if (ended > last)
			last = ended;
		if (metrics_get(&job->code) && !failing[0])
			memcpy(failing, name, sizeof(name));
	}
	if (!last)
		return;
	know(f, FINDING_FETCHER, (f->wall_us - last) / 1000000);
	if (failing[0])
		say(f, FINDING_FETCHER, VERDICT_WARN, "the fetcher's job %s "
		    "failed the last time", failing);
}

static void judge_disk(struct facts *f)
{
	if (f->free_bytes < 0) {
		say(f, FINDING_DISK, VERDICT_WARN, "CHATMOCK_HOME: %s",
		    strerror(f->disk_errno));
		return;
	}
	know(f, FINDING_DISK, f->free_bytes);
	if (f->free_bytes < LOW_DISK)
		say(f, FINDING_DISK, VERDICT_WARN, "the disk of CHATMOCK_HOME "
		    "is nearly full: logs and caches are not written any more");
}

void findings_make(struct facts *f, enum facts_depth depth)
{
	judge_workers(f);
	judge_master(f);
	judge_login(f);
	judge_metrics(f);
	if (depth != FACTS_ALL)
		return;
	if (f->have) {
		judge_breakers(f);
		judge_limits(f);
		judge_prompts(f);
		judge_store(f);
		judge_fetcher(f);
	}
	judge_disk(f);
}

void findings_keys(struct facts *f, bool wanted, size_t in_force,
		   const char *fault)
{
	if (fault[0]) {
		say(f, FINDING_KEYS, VERDICT_FAIL, "nobody is let in: %s", fault);
		return;
	}
	if (!wanted)
		return;
	know(f, FINDING_KEYS, (int64_t)in_force);
	if (!in_force)
		say(f, FINDING_KEYS, VERDICT_WARN, "no key is in force: nobody is "
		    "let in");
}

/* --- the table */

static const struct {
	const char *name, *type, *unit;
} table[] = {
#define X(id, name, type, unit) { name, type, unit },
	FINDING_TABLE(X)
#undef X
};

const char *finding_name(enum finding_id id)
{
	return table[id].name;
}

const char *finding_type(enum finding_id id)
{
	return table[id].type;
}

const char *finding_unit(enum finding_id id)
{
	return table[id].unit;
}

enum verdict facts_worst(const struct facts *f)
{
	enum verdict worst = VERDICT_PASS;

	for (size_t i = 0; i < FINDING__COUNT; i++)
		if (f->findings[i].verdict > worst)
			worst = f->findings[i].verdict;
	return worst;
}
