/*
 * fetch_limits.c - what the plan still allows, asked for where no answer has
 * told it for a while: each answer does, so a gateway that is used never asks.
 */
#include "jobs.h"

#include "../shared/usage.h"

#define FRESH_S		1800

/* False: nobody has to be asked, and the run says why, or the note does. */
static bool is_due(struct fetch_run *run, struct login *l, struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	struct plan known;
	int64_t age_s;
	enum err err;

	if (!usage_known(run->config)) {
		fetch_idle(run, "upstream has no plan");
		return false;
	}
	if (!run->force && !plan_read(run->config->home, &known, &why)) {
		age_s = run->now_s - known.captured_s;
		if (age_s >= 0 && age_s + (run->next_s - run->now_s) < FRESH_S) {
			fetch_idle(run, "told %lld min ago", (long long)age_s / 60);
			return false;
		}
	}
	why = ERR_NOTE_INIT;
	err = login_read(run->config, l, &why);
	if (err && err != ERR_LOGIN_MISSING) {
		*note = why;
		return false;
	}
	if (err || !l->access_token) {
		fetch_idle(run, err ? "there is no login" : "a key has no plan");
		return false;
	}
	return true;
}

enum err job_limits(struct fetch_run *run, struct err_note *note)
{
	struct login login = { 0 };
	struct plan plan;
	int again_ms;

	if (is_due(run, &login, note) &&
	    !usage_ask(run->config, &run->http, run->metrics, &login, &plan,
		       &again_ms, note))
		fetch_did(run, again_ms ? "an answer told them just now" :
			  "asked for, and kept");
	login_free(&login);
	return note->code;
}
