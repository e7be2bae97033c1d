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
	err = prompt_fetch(run->config, &run->http, id, &patience, &news, note);
	if (err)
		return err;
	fetch_did(run, "%s %s, %zu bytes from %s", prompt_name(id),
		  news.changed ? "is new" : news.confirmed ?
		  "is still current" : "is the same", news.size, news.source);
	return ERR_NONE;
}

enum err job_prompts(struct fetch_run *run, struct err_note *note)
{
	if (!prompts_in_use(run->config) && !run->force && !run->named) {
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
	return note->code;
}
