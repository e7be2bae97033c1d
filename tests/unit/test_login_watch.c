/*
 * test_login_watch.c - what happens to the login beneath a worker's loop: changes
 * of the file are seen within a second, refusals and full disks told once.
 */

#include "../../shared/text.h"
#include "login_keeper_help.h"

static void test_missing(struct rig *r)
{
	issuer_reset(r->s, 1);
	unlink(r->p->auth);
	start(r);
	check_int(r->w[0].code, ERR_LOGIN_MISSING);
	check(want(r, NULL));
	check_int(r->w[0].code, ERR_LOGIN_MISSING);
	check_str(span_of(r->events), "login_lost:login_missing");
	put_file(r->p->auth, "{\"OPENAI_API_KEY\":\"sk-1\"}");
	run_until(r, 2000, "login_read:ok");
	check(want(r, NULL));
	check_str(span_of(r->w[0].token), "sk-1");
	check(!want(r, "sk-1"));
	run(r, 1, 2000);
	check_int(r->w[0].code, ERR_LOGIN_STALE);
	check_str(span_of(r->events),
		  "login_read:ok login_renewal_failed:login_stale");

	/* Broken and gone: the old one serves on, and it is said once. */
	put_login(r->p->auth, 3600, "rt-1");
	run_until(r, 2000, "login_read:ok");
	forget(r);
	put_file(r->p->auth, "{\"tokens\":");
	run_until(r, 2000, "login_lost:login_broken");
	run(r, 0, 1100);
	check(want(r, NULL));
	check_int(r->w[0].code, ERR_NONE);
	check_str(span_of(r->events), "login_lost:login_broken");
	check(want(r, r->w[0].token));
	check_int(r->w[0].code, ERR_LOGIN_BROKEN);
	check_int(atomic_load(&r->s->posts), 0);
	stop(r);
}

/* Gone by mistake it serves on; gone by command it does not. */
static void test_left(struct rig *r)
{
	char hash[65];

	sha256_hex(SPAN("rt-1"), hash);
	for (int left = 0; left < 2; left++) {
		issuer_reset(r->s, 1);
		put_login(r->p->auth, 3600, "rt-1");
		start(r);
		check_int(r->w[0].code, ERR_NONE);
		forget(r);
		if (left)
			login_refused_set(&r->p->c, r->p->auth, hash, LOGIN_LEFT);
		unlink(r->p->auth);
		run_until(r, 3000, "login_lost:login_missing");
		check(want(r, NULL));
		check_int(r->w[0].code, left ? ERR_LOGIN_MISSING : ERR_NONE);
		/* the same login, put back */
		login_refused_forget(r->p->auth);
		put_login(r->p->auth, 3600, "rt-1");
		run_until(r, 3000, "login_read:ok");
		check(want(r, NULL));
		check_int(r->w[0].code, ERR_NONE);
		check_int(atomic_load(&r->s->posts), 0);
		stop(r);
	}
}

static void test_trouble(struct rig *r)
{
	issuer_reset(r->s, 1);
	atomic_store(&r->s->mode, ISSUER_HANG_UP);
	put_login(r->p->auth, -10, "rt-1");
	start(r);
	check_int(r->w[0].code, ERR_LOGIN_RENEWAL);
	for (int i = 0; i < 50; i++) {
		check(want(r, NULL));
		check_int(r->w[0].code, ERR_LOGIN_RENEWAL);
	}
	check_int(atomic_load(&r->s->posts), 1);
	atomic_store(&r->s->mode, ISSUER_ROTATE);
	run_until(r, 3000, "login_renewed:ok");	/* by itself */
	check(want(r, NULL));
	check_int(r->w[0].code, ERR_NONE);
	check_int(atomic_load(&r->s->posts), 2);
	stop(r);
}

static void test_dead(struct rig *r)
{
	issuer_reset(r->s, 1);
	put_login(r->p->auth, -10, "rt-0");
	start(r);
	check_int(r->w[0].code, ERR_LOGIN_STALE);
	run(r, 0, 1300);
	check(want(r, NULL));
	check_int(r->w[0].code, ERR_LOGIN_STALE);
	check(strstr(r->w[0].why, "chatmock login") != NULL);
	check_int(atomic_load(&r->s->posts), 1);
	check_str(span_of(r->events), "login_read:ok "
		  "login_renewal_failed:login_stale");
	put_login(r->p->auth, -10, "rt-1");
	run_until(r, 2000, "login_read:ok");
	if (!want(r, NULL))
		run(r, 1, 2000);
	check_int(r->w[0].code, ERR_NONE);
	check_int(atomic_load(&r->s->posts), 2);
	stop(r);
}

/* Upstream refuses whatever it is shown: no renewal for each request. */
static void test_always_refused(struct rig *r)
{
	char token[512];

	issuer_reset(r->s, 1);
	put_login(r->p->auth, 3600, "rt-1");
	start(r);
	for (int i = 0; i < 300; i++) {
		text_copy(token, sizeof(token), span_of(r->w[0].token));
		if (!want(r, token))
			run(r, 1, 2000);
		if (r->w[0].code)
			check(want(r, NULL));
	}
	check_int(atomic_load(&r->s->posts), 1);
	stop(r);
}

/* The disk is full: the new tokens serve, and the log hears of it. */
static void test_full_disk(struct rig *r)
{
	issuer_reset(r->s, 1);
	put_login(r->p->auth, -10, "rt-1");
	set_file_limit(64);
	start(r);
	check_int(r->w[0].code, ERR_NONE);
	check_str(span_of(r->events), "login_read:ok login_unsaved:ok");
	set_file_limit(RLIM_INFINITY);
	check(strstr(slurp(r->p->auth), "\"rt-1\"") != NULL);
	check(!want(r, r->w[0].token));
	run(r, 1, 2000);
	check_int(r->w[0].code, ERR_NONE);
	check(strstr(slurp(r->p->auth), "\"rt-3\"") != NULL);
	check_int(atomic_load(&r->s->reused), 0);
	stop(r);
}

int main(void)
{
	struct place p;
	struct rig *r = rig_begin(&p);

	test_missing(r);
	test_left(r);
	test_trouble(r);
	test_dead(r);
	test_always_refused(r);
	test_full_disk(r);
	rig_end(r);
	return test_end("test_login_watch");
}
