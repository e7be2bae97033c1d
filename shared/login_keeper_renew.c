/*
 * login_keeper_renew.c - when a worker renews its login, and how often.
 *
 * Whatever upstream and the issuer do, requests never turn into a storm of
 * renewals: each kind of trouble has a pause of its own that grows.
 */
#include "clock.h"
#include "login_keeper_private.h"

#define FIRST_PAUSE_US	1000000		/* then doubled */
#define MAX_PAUSE_US	30000000
#define MAX_ASKED_US	300000000	/* of the issuer's Retry-After */
#define SAVE_PAUSE_US	30000000	/* before unsaved tokens are tried again */

static int64_t now_s(void)
{
	return clock_wall_us() / 1000000;
}

static void pause_longer(struct pause *p, int64_t at_least_us)
{
	p->length_us = p->length_us ? p->length_us * 2 : FIRST_PAUSE_US;
	if (p->length_us > MAX_PAUSE_US)
		p->length_us = MAX_PAUSE_US;
	if (at_least_us > MAX_ASKED_US)
		at_least_us = MAX_ASKED_US;
	p->until_us = clock_mono_us() + (at_least_us > p->length_us ?
					 at_least_us : p->length_us);
}

static bool pause_is_on(const struct pause *p)
{
	return clock_mono_us() < p->until_us;
}

/* How soon upstream may refuse the new token, or we find it due, again. */
static void renewed(struct login_keeper *k, struct login_task *t)
{
	bool other;

	if (t->refused) {
		if (clock_mono_us() - k->refused.until_us > MAX_PAUSE_US)
			k->refused.length_us = 0;
		pause_longer(&k->refused, 0);
	}
	other = keeper_take(k, &t->login);
	k->failed = (struct pause){ 0 };
	k->stale = false;
	k->renew_note = ERR_NOTE_INIT;
	k->save_at_us = clock_mono_us() + SAVE_PAUSE_US;
	if (login_due(&k->login, now_s(), LOGIN_SKEW_S))
		pause_longer(&k->ahead, 0);
	else
		k->ahead = (struct pause){ 0 };
	if (k->login.unsaved)
		keeper_tell(k, "login_unsaved", &t->note);
	else if (other)
		keeper_tell(k, "login_renewed", &t->note);
}

static void renewal_failed(struct login_keeper *k, struct login_task *t)
{
	/* The tokens may be new all the same, and only here. */
	if (t->login.unsaved && t->generation == k->generation)
		(void)keeper_take(k, &t->login);
	k->renew_note = t->note;
	k->stale = t->note.code == ERR_LOGIN_STALE;
	pause_longer(&k->failed, (int64_t)t->note.retry_after_s * 1000000);
	keeper_tell(k, "login_renewal_failed", &t->note);
}

static void renewal_done(struct loop_job *job)
{
	struct login_task *t = CONTAINER_OF(job, struct login_task, job);
	struct login_keeper *k = t->keeper;

	if (k) {
		k->renewal = NULL;
		if (t->err)
			renewal_failed(k, t);
		else
			renewed(k, t);
		keeper_settle(k);
	}
	login_task_free(t);
}

bool keeper_renew(struct login_keeper *k, bool refused,
		  const struct err_note **note)
{
	struct login_mend mend;
	struct login_task *t;

	*note = &k->renew_note;
	if (k->renewal)
		return true;
	if (k->stale || pause_is_on(&k->failed))
		return false;
	if (refused && pause_is_on(&k->refused)) {
		k->refused_note = ERR_NOTE_INIT;
		err_tell(&k->refused_note, ERR_LOGIN_STALE, "Upstream refuses "
			 "the login in %s, though it was renewed just now: "
			 "run `%s`.", k->login.path,
			 login_mend(k->c, &mend));
		*note = &k->refused_note;
		return false;
	}
	t = login_task_new(k);
	if (t && refused) {
		const char *token = k->login.api_key ? k->login.api_key
						     : k->login.access_token;

		t->refused = token ? strdup(token) : NULL;
	}
	if (login_task_start(k, &k->renewal, t, LANE_LOGIN, login_task_renew,
			     renewal_done))
		return true;
	k->renew_note = ERR_NOTE_INIT;
	err_set(&k->renew_note, ERR_NO_MEMORY, "no thread to renew the login");
	return false;
}

/* Ahead of time, with nobody waiting: what fails here is tried again. */
void keeper_renew_ahead(struct login_keeper *k)
{
	const struct err_note *ignored;
	bool save = k->login.unsaved && clock_mono_us() >= k->save_at_us;

	if (!k->login.path || k->look_note.code)
		return;
	if (save || (login_due(&k->login, now_s(), LOGIN_SKEW_S) &&
		     !pause_is_on(&k->ahead)))
		(void)keeper_renew(k, false, &ignored);
}
