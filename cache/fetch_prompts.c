/*
 * fetch_prompts.c - the system prompts, once a day, where a setting puts them
 * into requests. By name or force they are got all the same.
 */
#include "jobs.h"

#include "../shared/prompts.h"

/* "23 h", "5 min" */
static void span_words(int64_t s, char out[24])
{
	if (s >= 5400)
		snprintf(out, 24, "%lld h", (long long)(s + 1800) / 3600);
	else
		snprintf(out, 24, "%lld min", (long long)(s + 30) / 60);
}

static enum err fetch_one(struct fetch_run *run, enum prompt_id id,
			  struct err_note *note)
{
	const struct prompt_patience patience = PROMPT_PATIENCE;
	struct prompt_news news;
	char left[24];
	int64_t left_s;
	enum err err;

	if (!prompt_due(run->config, id, run->now_s, run->next_s, &left_s) &&
	    !run->force) {
		span_words(left_s, left);
		fetch_idle(run, "%s is fresh for %s", prompt_name(id), left);
		return ERR_NONE;
	}
	err = prompt_fetch(run->config, &run->http, run->metrics, id, &patience, &news, note);
	if (err)
		return err;
	fetch_did(run, "%s %s, %zu bytes from %s", prompt_name(id),
		  news.changed ? "is new" : news.confirmed ?
		  "is still current" : "is the same", news.size, news.source);
	return ERR_NONE;
}

/* How old they are and when they get stale is health's to tell; where nothing
 * makes use of them, nobody cares. */
static void tell_health(const struct fetch_run *run)
{
	int64_t ttl_s = run->config->prompt_ttl_ms / 1000, oldest_s = INT64_MAX;

	for (int id = 0; id < PROMPT__COUNT; id++) {
		int64_t left_s;

		(void)prompt_due(run->config, (enum prompt_id)id, run->now_s,
				 run->now_s, &left_s);
		if (left_s < oldest_s)
			oldest_s = left_s;
	}
	metrics_gauge(run->metrics, GAUGE_PROMPT_EXPIRES,
		      (run->now_s + oldest_s) * 1000000);
	metrics_gauge(run->metrics, GAUGE_PROMPT_FETCHED,
		      (run->now_s + oldest_s - ttl_s) * 1000000);
}

enum err job_prompts(struct fetch_run *run, struct err_note *note)
{
	bool in_use = prompts_in_use(run->config);

	if (!in_use) {
		metrics_gauge_forget(run->metrics, GAUGE_PROMPT_EXPIRES);
		metrics_gauge_forget(run->metrics, GAUGE_PROMPT_FETCHED);
	}
	if (!in_use && !run->force && !run->named) {
		fetch_idle(run, "no setting makes use of them");
		return ERR_NONE;
	}
	for (int id = 0; id < PROMPT__COUNT; id++) {
		struct err_note one = ERR_NOTE_INIT;

		/* one that fails keeps the other from nothing */
		if (fetch_one(run, (enum prompt_id)id, &one))
			err_set(note, one.code, "%s: %s",
				prompt_name((enum prompt_id)id), one.why);
	}
	if (in_use)
		tell_health(run);
	return note->code;
}
