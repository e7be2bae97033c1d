/*
 * test_login_keeper.c - the login as a worker's loop holds it: never blocked,
 * one renewal for all who wait, changes of the file seen within a second.
 */
#include <sys/resource.h>

#include "../../shared/text.h"
#include "login_fixture.h"

#define TICK_US		2000
#define WAITERS		200

/* One loop with a keeper, and what its waiters and its log heard. */
struct rig {
	struct place *p;
	struct issuer *s;
	struct loop *loop;
	struct login_keeper *k;
	struct loop_timer tick;
	int64_t end_us, last_us, worst_us;
	int ticks, late_ticks, wanted, called;
	struct waiter {
		struct login_wait wait;
		struct rig *rig;
		int calls;
		enum err code;
		int64_t exp;
		char token[512], why[200];
	} w[WAITERS];
	char events[512];
	const char *until;	/* stop once events ends so */
};

static void on_ready(struct login_wait *wait, const struct login *login,
		     const struct err_note *note)
{
	struct waiter *w = CONTAINER_OF(wait, struct waiter, wait);

	w->calls++;
	w->rig->called++;
	w->code = note->code;
	w->token[0] = '\0';
	snprintf(w->why, sizeof(w->why), "%s", note->why);
	if (login) {
		snprintf(w->token, sizeof(w->token), "%s", login->api_key ?
			 login->api_key : login->access_token);
		w->exp = login->expires_at;
	}
}

static void on_told(void *ctx, const char *event, const struct login *login,
		    const struct err_note *note)
{
	struct rig *r = ctx;
	size_t len = strlen(r->events);

	(void)login;
	snprintf(r->events + len, sizeof(r->events) - len, "%s%s:%s",
		 len ? " " : "", event, err_name(note->code));
}

static void on_tick(struct loop_timer *t)
{
	struct rig *r = CONTAINER_OF(t, struct rig, tick);
	int64_t now = clock_mono_us(), gap = now - r->last_us;

	r->last_us = now;
	r->ticks++;
	r->late_ticks += gap > 20000;
	if (gap > r->worst_us)
		r->worst_us = gap;
	if (now >= r->end_us || (r->wanted && r->called >= r->wanted) ||
	    (r->until && strstr(r->events, r->until)))
		loop_stop(r->loop);
	else
		(void)loop_timer_in(r->loop, t, TICK_US);
}

/* Runs until wanted answers came (0: never enough) or ms went by. */
static void run(struct rig *r, int wanted, int ms)
{
	r->last_us = clock_mono_us();
	r->end_us = r->last_us + (int64_t)ms * 1000;
	r->wanted = wanted;
	r->ticks = r->late_ticks = 0;
	r->worst_us = 0;
	r->tick.fn = on_tick;
	(void)loop_timer_in(r->loop, &r->tick, TICK_US);
	check_int(loop_run(r->loop), 0);
}

/* Runs until the log hears of event, which must be soon and the first it
 * hears of; what follows from it may be told in the same moment. */
static void run_until(struct rig *r, int ms, const char *event)
{
	r->events[0] = '\0';
	r->until = event;
	run(r, 0, ms);
	if (!check(span_starts(span_of(r->events), event)))
		printf("  got %s, want %s\n", r->events, event);
	r->until = NULL;
}

static void forget(struct rig *r)
{
	r->called = 0;
	r->events[0] = '\0';
	for (int i = 0; i < WAITERS; i++)
		r->w[i] = (struct waiter){ .wait.ready = on_ready, .rig = r };
	atomic_store(&r->s->posts, 0);
}

/* Asks with the first waiter. True when the answer came at once. */
static bool want(struct rig *r, const char *refused)
{
	r->w[0].calls = 0;
	r->called = 0;
	return login_want(r->k, &r->w[0].wait, refused);
}

/* The first answer of a keeper that starts now. */
static void start(struct rig *r)
{
	forget(r);
	r->loop = loop_new();
	r->k = login_keeper_new(&r->p->c, r->loop, &r->p->http);
	login_keeper_listen(r->k, on_told, r);
	if (!want(r, NULL))
		run(r, 1, 5000);
}

static void stop(struct rig *r)
{
	int64_t began = clock_mono_us();

	login_keeper_free(r->k);
	loop_free(r->loop);
	check(clock_mono_us() - began < 2000000);
	r->k = NULL;
	r->loop = NULL;
}

static void issuer_reset(struct issuer *s, int turn)
{
	atomic_store(&s->reused, 0);
	atomic_store(&s->mode, ISSUER_ROTATE);
	atomic_store(&s->turn, turn);
	atomic_store(&s->delay_ms, 0);
	atomic_store(&s->life_s, 3600);
}

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
	snprintf(old, sizeof(old), "%s", r->w[0].token);
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
		snprintf(token, sizeof(token), "%s", r->w[0].token);
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
	struct rlimit limit;

	issuer_reset(r->s, 1);
	put_login(r->p->auth, -10, "rt-1");
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 64;
	setrlimit(RLIMIT_FSIZE, &limit);
	start(r);
	check_int(r->w[0].code, ERR_NONE);
	check_str(span_of(r->events), "login_read:ok login_unsaved:ok");
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	check(strstr(slurp(r->p->auth), "\"rt-1\"") != NULL);
	check(!want(r, r->w[0].token));
	run(r, 1, 2000);
	check_int(r->w[0].code, ERR_NONE);
	check(strstr(slurp(r->p->auth), "\"rt-3\"") != NULL);
	check_int(atomic_load(&r->s->reused), 0);
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
	struct issuer *s = issuer_start();
	static struct rig rig;
	struct place p;

	signal(SIGXFSZ, SIG_IGN);
	http_global_init();
	place_make(&p, s->port);
	rig.p = &p;
	rig.s = s;
	test_fresh(&rig);
	test_lock_held(&rig);
	test_expired(&rig);
	test_ahead(&rig);
	test_missing(&rig);
	test_left(&rig);
	test_trouble(&rig);
	test_dead(&rig);
	test_always_refused(&rig);
	test_full_disk(&rig);
	test_free(&rig);
	place_free(&p);
	issuer_stop(s);
	return test_end("test_login_keeper");
}
