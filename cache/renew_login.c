/*
 * renew_login.c - the login is renewed here, ahead of its expiry, so that no
 * request ever waits for the issuer. Workers do it themselves where no
 * fetcher runs.
 */
#include "jobs.h"

#include <stdlib.h>

#include "../shared/clock.h"
#include "../shared/login.h"

#define LOCK_WAIT_MS	15000
#define SAVE_TRIES	12
#define SAVE_PAUSE_S	5

/* "good until 2026-11-22T10:03:11Z" or what is known instead. */
static void until(const struct login *l, char out[48])
{
	char at[32];

	if (!l->expires_at) {
		snprintf(out, 48, "its end is not known");
		return;
	}
	clock_rfc3339(at, l->expires_at * 1000000);
	snprintf(out, 48, "good until %.19sZ", at);
}

/* A key is never renewed, and without an account there is nothing to do. */
static bool has_work(struct fetch_run *run, struct login *l,
		     struct err_note *note)
{
	const struct config *c = run->config;
	struct err_note why = ERR_NOTE_INIT;
	enum err err;

	if (c->kind != KIND_CHATGPT || c->upstream_key || c->upstream_key_file) {
		fetch_idle(run, "upstream needs no login");
		return false;
	}
	err = login_read(c, l, &why);
	if (err == ERR_LOGIN_MISSING) {
		fetch_idle(run, "there is no login");
		return false;
	}
	if (err) {
		*note = why;
		return false;
	}
	if (l->api_key) {
		fetch_idle(run, "%s holds an API key", l->path);
		return false;
	}
	return true;
}

static void tell_expiry(const struct fetch_run *run, const struct login *l)
{
	if (l->expires_at)
		metrics_gauge(run->metrics, GAUGE_LOGIN_EXPIRY, l->expires_at);
}

/*
 * The issuer gave new tokens and the file could not be written: nobody else
 * has them, so we stay for a while and try again before they are lost.
 */
static void save_at_last(struct fetch_run *run, struct login *l)
{
	const struct timespec pause = { .tv_sec = SAVE_PAUSE_S };

	for (int try = 0; l->unsaved && try < SAVE_TRIES; try++) {
		struct err_note ignored = ERR_NOTE_INIT;

		nanosleep(&pause, NULL);
		if (login_renew(run->config, &run->http, l, NULL, "scheduled",
				LOCK_WAIT_MS, &ignored))
			return;
	}
}

enum err job_login(struct fetch_run *run, struct err_note *note)
{
	struct login login = { 0 };
	int64_t expired = 0;
	char good[48], *held = NULL;

	if (!has_work(run, &login, note))
		goto out;
	until(&login, good);
	tell_expiry(run, &login);
	if (!run->force && !login_due(&login, run->now_s, LOGIN_AHEAD_S)) {
		fetch_idle(run, "%s", good);
		goto out;
	}
	expired = login.expires_at;
	if (run->force && login.access_token &&
	    !(held = strdup(login.access_token))) {
		err_set(note, ERR_NO_MEMORY, "login");
		goto out;
	}
	/* as if upstream had refused it: then it is renewed, due or not */
	if (login_renew(run->config, &run->http, &login, held, "scheduled",
			LOCK_WAIT_MS, note))
		goto out;
	save_at_last(run, &login);
	until(&login, good);
	tell_expiry(run, &login);
	if (login.unsaved)
		err_set(note, ERR_LOGIN_RENEWAL, "the new tokens could not be "
			"written: %s", note->why);
	else
		fetch_did(run, "%s, %s", login.expires_at == expired ?
			  "renewed already" : "renewed", good);
out:
	if (held)
		explicit_bzero(held, strlen(held));
	free(held);
	login_free(&login);
	return note->code;
}
