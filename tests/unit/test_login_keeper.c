/*
 * test_login_keeper.c - the login as a worker's loop holds it: never blocked,
 * one renewal for all who wait.
 */

#include "../../shared/text.h"
#include "login_keeper_help.h"

/* Another process that has the login's lock for so long. */
static pid_t hold_lock(struct rig *r, int ms)
{
	char path[128], c;
	int told[2], fd;
	pid_t pid;

	snprintf(path, sizeof(path), "%s.lock", r->p->auth);
	if (pipe(told) < 0)
		exit(1);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (file_lock(path, 5000, &fd, NULL))
			_exit(1);
		(void)!write(told[1], "x", 1);
		nap_ms(ms);
		_exit(0);
	}
	check_int(read(told[0], &c, 1), 1);
	close(told[0]);
	close(told[1]);
	return pid;
}

/* A blocked loop would show gaps of seconds; a busy machine shows a few. */
static void check_never_blocked(const struct rig *r)
{
	if (!check(r->ticks > 100 && r->late_ticks * 100 <= r->ticks) ||
	    !check(r->worst_us < 1000000))
		printf("  %d ticks, %d late, worst %lld us\n", r->ticks,
		       r->late_ticks, (long long)r->worst_us);
}

static void test_fresh(struct rig *r)
{
	issuer_reset(r->s, 1);
	put_login(r->p->auth, 3600, "rt-1");
	start(r);
	check_int(r->w[0].calls, 1);
	check_int(r->w[0].code, ERR_NONE);
	check(want(r, NULL));
	check_int(r->w[0].calls, 1);
	check(want(r, "a token of before"));
	run(r, 0, 100);
	check_int(atomic_load(&r->s->posts), 0);
	check_str(span_of(r->events), "login_read:ok");
	stop(r);
}

/* The lock is elsewhere for two seconds: due tokens go out at once, those
 * whose token upstream refuses wait, and the loop turns on. */
static void test_lock_held(struct rig *r)
{
	char old[512];
	pid_t pid;

	issuer_reset(r->s, 1);
	put_login(r->p->auth, 200, "rt-1");
	pid = hold_lock(r, 2000);
	start(r);
	check_int(r->w[0].code, ERR_NONE);
	text_copy(old, sizeof(old), span_of(r->w[0].token));
	forget(r);
	check(want(r, NULL));
	check_str(span_of(r->w[0].token), old);
	forget(r);
	for (int i = 0; i < WAITERS; i++)
		check(!login_want(r->k, &r->w[i].wait, old));
	login_unwait(&r->w[7].wait);
	login_unwait(&r->w[7].wait);
	run(r, WAITERS - 1, 6000);
	check_never_blocked(r);
	check(r->ticks > 500);
	for (int i = 0; i < WAITERS; i++) {
		check_int(r->w[i].calls, i != 7);
		check_int(r->w[i].code, ERR_NONE);
		check(i == 7 || strcmp(r->w[i].token, old) != 0);
	}
	check_int(atomic_load(&r->s->posts), 1);
	check_str(span_of(r->events), "login_renewed:ok");
	waitpid(pid, NULL, 0);
	stop(r);
}

static void test_expired(struct rig *r)
{
	issuer_reset(r->s, 1);
	atomic_store(&r->s->delay_ms, 300);
	put_login(r->p->auth, -10, "rt-1");
	forget(r);
	r->loop = loop_new();
	r->k = login_keeper_new(&r->p->c, r->loop, &r->p->http);
	for (int i = 0; i < WAITERS; i++)
		check(!login_want(r->k, &r->w[i].wait, NULL));
	run(r, WAITERS, 5000);
	for (int i = 0; i < WAITERS; i++) {
		check_int(r->w[i].calls, 1);
		check(r->w[i].exp > time(NULL) + 3000);
	}
	check_int(atomic_load(&r->s->posts), 1);
	stop(r);
}

/* Nobody asks, and it is renewed before it runs out. */
static void test_ahead(struct rig *r)
{
	issuer_reset(r->s, 1);
	atomic_store(&r->s->delay_ms, 100);
	put_login(r->p->auth, 299, "rt-1");
	start(r);
	check(r->w[0].exp < time(NULL) + 300);
	run_until(r, 2000, "login_renewed:ok");
	check(want(r, NULL));
	check(r->w[0].exp > time(NULL) + 3000);
	check_int(atomic_load(&r->s->posts), 1);

	/* Written by hand: seen within a second or so. */
	put_login(r->p->auth, 7200, "rt-70");
	run_until(r, 2000, "login_read:ok");
	check(want(r, NULL));
	check(r->w[0].exp > time(NULL) + 7000);
	stop(r);
}

/* Freed while it waits for the lock: soon over, and nobody is called. */
static void test_free(struct rig *r)
{
	pid_t pid;

	issuer_reset(r->s, 1);
	put_login(r->p->auth, -10, "rt-1");
	pid = hold_lock(r, 8000);
	forget(r);
	r->loop = loop_new();
	r->k = login_keeper_new(&r->p->c, r->loop, &r->p->http);
	check(!want(r, NULL));
	run(r, 0, 200);
	stop(r);
	check_int(r->w[0].calls, 0);
	login_unwait(&r->w[0].wait);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	login_keeper_free(NULL);
}

int main(void)
{
	struct place p;
	struct rig *r = rig_begin(&p);

	test_fresh(r);
	test_lock_held(r);
	test_expired(r);
	test_ahead(r);
	test_free(r);
	rig_end(r);
	return test_end("test_login_keeper");
}
