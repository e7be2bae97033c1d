/*
 * login_keeper_help.h - a loop with the keeper of a login, who waits for it, and
 * what its log heard, for tests.
 */
#ifndef CHATMOCK_LOGIN_KEEPER_HELP_H
#define CHATMOCK_LOGIN_KEEPER_HELP_H

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

static inline void on_ready(struct login_wait *wait, const struct login *login,
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

static inline void on_told(void *ctx, const char *event, const struct login *login,
			   const struct err_note *note)
{
	struct rig *r = ctx;
	size_t len = strlen(r->events);

	(void)login;
	snprintf(r->events + len, sizeof(r->events) - len, "%s%s:%s",
		 len ? " " : "", event, err_name(note->code));
}

static inline void on_tick(struct loop_timer *t)
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
static inline void run(struct rig *r, int wanted, int ms)
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
static inline void run_until(struct rig *r, int ms, const char *event)
{
	r->events[0] = '\0';
	r->until = event;
	run(r, 0, ms);
	if (!check(span_starts(span_of(r->events), event)))
		printf("  got %s, want %s\n", r->events, event);
	r->until = NULL;
}

static inline void forget(struct rig *r)
{
	r->called = 0;
	r->events[0] = '\0';
	for (int i = 0; i < WAITERS; i++)
		r->w[i] = (struct waiter){ .wait.ready = on_ready, .rig = r };
	atomic_store(&r->s->posts, 0);
}

/* Asks with the first waiter. True when the answer came at once. */
static inline bool want(struct rig *r, const char *refused)
{
	r->w[0].calls = 0;
	r->called = 0;
	return login_want(r->k, &r->w[0].wait, refused);
}

/* The first answer of a keeper that starts now. */
static inline void start(struct rig *r)
{
	forget(r);
	r->loop = loop_new();
	r->k = login_keeper_new(&r->p->c, r->loop, &r->p->http);
	login_keeper_listen(r->k, on_told, r);
	if (!want(r, NULL))
		run(r, 1, 5000);
}

static inline void stop(struct rig *r)
{
	int64_t began = clock_mono_us();

	login_keeper_free(r->k);
	loop_free(r->loop);
	check(clock_mono_us() - began < 2000000);
	r->k = NULL;
	r->loop = NULL;
}

static inline struct rig *rig_begin(struct place *p)
{
	static struct rig rig;

	signal(SIGXFSZ, SIG_IGN);
	http_global_init();
	rig.s = issuer_start();
	place_make(p, rig.s->port);
	rig.p = p;
	return &rig;
}

static inline void rig_end(struct rig *r)
{
	place_free(r->p);
	issuer_stop(r->s);
}

#endif
