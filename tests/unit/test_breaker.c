/*
 * test_breaker.c - the breaker's word: each change of state, one after the
 * other, with a clock that the test moves.
 */
#include "../../shared/breaker.h"
#include "../../shared/clock.h"
#include "test.h"

#define S INT64_C(1000000)
#define BOOT 7

static int64_t now;

static int64_t test_now(void)
{
	return now;
}

struct bench {
	struct breaker_cell cell;
	struct breaker b;
	struct breaker_ticket t;	/* of the last call */
	int64_t wait_us;
	int failures;
};

static const struct breaker_rules rules = {
	.failures = 5, .cooldown_us = 30 * S, .lease_us = 10 * S,
};

static void begin(struct bench *x)
{
	memset(x, 0, sizeof(*x));
	x->b.now_us = test_now;
	now = 1000 * S;
	breaker_init(&x->b, &x->cell, &rules, BOOT);
}

static enum breaker_entry enter(struct bench *x)
{
	return breaker_enter(&x->b, &x->t, &x->wait_us);
}

static enum breaker_change leave(struct bench *x, enum breaker_result r)
{
	return breaker_leave(&x->b, &x->t, r, &x->failures);
}

static enum breaker_change call(struct bench *x, enum breaker_result r)
{
	enter(x);
	return leave(x, r);
}

static struct breaker_view look(const struct bench *x)
{
	return breaker_look(&x->cell, &x->b.rules, BOOT, now);
}

static void open_it(struct bench *x)
{
	begin(x);
	for (int i = 0; i < 5; i++)
		call(x, BREAKER_FAILURE);
	check_int(look(x).state, BREAKER_OPEN);
}

static void test_fifth_failure(void)
{
	struct bench x;

	begin(&x);
	for (int i = 1; i < 5; i++) {
		check_int(enter(&x), BREAKER_PASS);
		check_int(leave(&x, BREAKER_FAILURE), BREAKER_SAME);
		check_int(look(&x).state, BREAKER_CLOSED);
		check_int(look(&x).failures, i);
	}
	check_int(call(&x, BREAKER_FAILURE), BREAKER_OPENED);
	check_int(x.failures, 5);
	check_int(look(&x).state, BREAKER_OPEN);
	check_int(look(&x).wait_us, 30 * S);
	check_int((int64_t)look(&x).opened, 1);
	now += 10 * S;
	check_int(enter(&x), BREAKER_SKIP);
	check(!x.t.inside);
	check_int(x.wait_us, 20 * S);
	check_int(leave(&x, BREAKER_SUCCESS), BREAKER_SAME);
	check_int(look(&x).state, BREAKER_OPEN);
	check(breaker_would_skip(&x.b, &x.wait_us));
	check_int(x.wait_us, 20 * S);
	check_int((int64_t)look(&x).skipped, 2);
}

static void test_consecutive(void)
{
	struct bench x;

	begin(&x);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			check_int(call(&x, BREAKER_FAILURE), BREAKER_SAME);
		check_int(call(&x, BREAKER_SUCCESS), BREAKER_SAME);
		check_int(look(&x).failures, 0);
	}
	/* what says nothing neither counts nor begins anew */
	for (int i = 0; i < 4; i++) {
		call(&x, BREAKER_FAILURE);
		check_int(call(&x, BREAKER_NEUTRAL), BREAKER_SAME);
	}
	check_int(look(&x).failures, 4);
	check_int(call(&x, BREAKER_FAILURE), BREAKER_OPENED);
}

static void test_ticket_counts_once(void)
{
	struct bench x;

	begin(&x);
	enter(&x);
	leave(&x, BREAKER_FAILURE);
	leave(&x, BREAKER_FAILURE);
	check_int(look(&x).failures, 1);
}

static void test_probe_succeeds(void)
{
	struct breaker_ticket other;
	struct bench x;

	open_it(&x);
	now += 30 * S - 20000;
	check_int(enter(&x), BREAKER_SKIP);
	now += 20000;
	check(!breaker_would_skip(&x.b, &x.wait_us));
	check_int(look(&x).state, BREAKER_OPEN);
	check_int(look(&x).wait_us, 0);
	check_int(enter(&x), BREAKER_PROBE);
	check(x.t.inside && x.t.probe);
	check_int(look(&x).state, BREAKER_PROBING);
	check(breaker_holds(&x.b, &x.t));
	/* one alone */
	check_int(breaker_enter(&x.b, &other, &x.wait_us), BREAKER_SKIP);
	check_int(x.wait_us, 0);
	check(breaker_would_skip(&x.b, &x.wait_us));
	check_int(leave(&x, BREAKER_SUCCESS), BREAKER_CLOSES);
	check_int(look(&x).state, BREAKER_CLOSED);
	check_int(look(&x).failures, 0);
	check_int(enter(&x), BREAKER_PASS);
}

static void test_probe_fails(void)
{
	struct bench x;

	open_it(&x);
	for (int round = 1; round <= 3; round++) {
		now += 30 * S;
		check_int(enter(&x), BREAKER_PROBE);
		now += 3 * S;
		check_int(leave(&x, BREAKER_FAILURE), BREAKER_OPENED);
		check_int(x.failures, 5 + round);
		check_int(look(&x).wait_us, 30 * S);
		check_int(enter(&x), BREAKER_SKIP);
	}
	check_int((int64_t)look(&x).opened, 4);
}

static void test_probe_without_verdict(void)
{
	struct bench x;

	open_it(&x);
	now += 30 * S;
	check_int(enter(&x), BREAKER_PROBE);
	check_int(leave(&x, BREAKER_NEUTRAL), BREAKER_SAME);
	check_int(look(&x).state, BREAKER_RIPE);
	check_int(look(&x).wait_us, 0);
	check(!breaker_would_skip(&x.b, &x.wait_us));
	/* the next is the probe, at once and alone */
	check_int(enter(&x), BREAKER_PROBE);
	check(breaker_would_skip(&x.b, &x.wait_us));
	check_int(leave(&x, BREAKER_SUCCESS), BREAKER_CLOSES);
}

static void test_lease(void)
{
	struct breaker_ticket old;
	struct bench x;

	open_it(&x);
	now += 30 * S;
	check_int(enter(&x), BREAKER_PROBE);
	old = x.t;
	now += 10 * S - 20000;
	check_int(enter(&x), BREAKER_SKIP);
	now += 20000;
	check_int(enter(&x), BREAKER_PROBE);
	/* who had lost it is not heard any more, and renews nothing */
	check(!breaker_holds(&x.b, &old));
	now += 9 * S;
	breaker_renew(&x.b, &old);
	check_int(breaker_leave(&x.b, &old, BREAKER_SUCCESS, &x.failures),
		  BREAKER_SAME);
	check_int(look(&x).state, BREAKER_PROBING);
	check_int(look(&x).wait_us, 1 * S);
	/* who has it keeps it for as long as he renews it */
	for (int i = 0; i < 100; i++) {
		breaker_renew(&x.b, &x.t);
		now += 9 * S;
		check(breaker_would_skip(&x.b, &x.wait_us));
	}
	check_int(leave(&x, BREAKER_SUCCESS), BREAKER_CLOSES);
}

static void test_old_generations(void)
{
	struct breaker_ticket early[8];
	struct bench x;

	begin(&x);
	for (int i = 0; i < 8; i++)
		breaker_enter(&x.b, &early[i], &x.wait_us);
	for (int i = 0; i < 5; i++)
		breaker_leave(&x.b, &early[i], BREAKER_FAILURE, &x.failures);
	check_int(look(&x).state, BREAKER_OPEN);
	check(!breaker_holds(&x.b, &early[5]));
	check_int(breaker_leave(&x.b, &early[5], BREAKER_SUCCESS, &x.failures),
		  BREAKER_SAME);
	check_int(look(&x).state, BREAKER_OPEN);
	now += 30 * S;
	enter(&x);
	check_int(breaker_leave(&x.b, &early[6], BREAKER_FAILURE, &x.failures),
		  BREAKER_SAME);
	check_int(look(&x).state, BREAKER_PROBING);
	leave(&x, BREAKER_SUCCESS);
	check_int(breaker_leave(&x.b, &early[7], BREAKER_FAILURE, &x.failures),
		  BREAKER_SAME);
	check_int(look(&x).failures, 0);
}

/* The generation has 16 bits: around they go. */
static void test_wrap(void)
{
	struct bench x;

	open_it(&x);
	for (int i = 0; i < 70000; i++) {
		now += 30 * S;
		if (enter(&x) != BREAKER_PROBE)
			break;
		leave(&x, BREAKER_FAILURE);
	}
	check_int((int64_t)look(&x).opened, 70001);
	check_int(look(&x).failures, BREAKER_MAX_FAILURES);
	now += 30 * S;
	check_int(enter(&x), BREAKER_PROBE);
	check_int(leave(&x, BREAKER_SUCCESS), BREAKER_CLOSES);
	check_int(call(&x, BREAKER_SUCCESS), BREAKER_SAME);
}

static void test_other_boot(void)
{
	struct bench x;

	open_it(&x);
	check_int(breaker_look(&x.cell, &rules, BOOT + 1, now).state,
		  BREAKER_CLOSED);
	breaker_init(&x.b, &x.cell, &rules, BOOT + 1);
	check_int(enter(&x), BREAKER_PASS);
	check_int(x.t.generation, 3);	/* closed, opened, closed */
	/* its own boot changes nothing */
	call(&x, BREAKER_FAILURE);
	breaker_init(&x.b, &x.cell, &rules, BOOT + 1);
	check_int(breaker_look(&x.cell, &rules, BOOT + 1, now).failures, 1);
	/* nor does a cell that was emptied under us hide what comes after */
	memset(&x.cell, 0, sizeof(x.cell));
	for (int i = 0; i < 5; i++)
		call(&x, BREAKER_FAILURE);
	check_int(breaker_look(&x.cell, &rules, BOOT + 1, now).state,
		  BREAKER_OPEN);
}

static void test_future(void)
{
	struct bench x;

	open_it(&x);
	now -= 100 * S;
	check(!breaker_would_skip(&x.b, &x.wait_us));
	check_int(look(&x).state, BREAKER_CLOSED);
	check_int(enter(&x), BREAKER_PASS);
	check_int(leave(&x, BREAKER_FAILURE), BREAKER_SAME);
	check_int(look(&x).failures, 1);
}

static void test_off(void)
{
	struct breaker_rules off = rules;
	struct bench x;

	open_it(&x);
	off.failures = 0;
	breaker_init(&x.b, &x.cell, &off, BOOT);
	check_int(enter(&x), BREAKER_PASS);
	check(!x.t.inside && breaker_holds(&x.b, &x.t));
	check(!breaker_would_skip(&x.b, &x.wait_us));
	check_int(leave(&x, BREAKER_FAILURE), BREAKER_SAME);
	breaker_init(&x.b, NULL, &rules, BOOT);
	for (int i = 0; i < 9; i++)
		check_int(call(&x, BREAKER_FAILURE), BREAKER_SAME);
	check_int(enter(&x), BREAKER_PASS);
}

static void test_rules(void)
{
	struct breaker_rules r = rules;
	struct bench x;

	begin(&x);
	r.failures = 1 << 20;
	breaker_init(&x.b, &x.cell, &r, BOOT);
	for (int i = 1; i < BREAKER_MAX_FAILURES; i++)
		call(&x, BREAKER_FAILURE);
	check_int(look(&x).state, BREAKER_CLOSED);
	check_int(call(&x, BREAKER_FAILURE), BREAKER_OPENED);
	check_int(x.failures, BREAKER_MAX_FAILURES);
	begin(&x);
	r.failures = 1;
	breaker_init(&x.b, &x.cell, &r, BOOT);
	check_int(call(&x, BREAKER_FAILURE), BREAKER_OPENED);
	check_int(breaker_lease(30 * S), 10 * S);
	check_int(breaker_lease(4 * S), 4 * S);
	check_int(breaker_lease(1), 2 * S);
}

static void test_clock(void)
{
	int64_t first = clock_boot_us();

	check(first > 0 && clock_boot_us() >= first);
	check(clock_boot_id() == clock_boot_id() && clock_boot_id() != 0);
}

int main(void)
{
	test_fifth_failure();
	test_consecutive();
	test_ticket_counts_once();
	test_probe_succeeds();
	test_probe_fails();
	test_probe_without_verdict();
	test_lease();
	test_old_generations();
	test_wrap();
	test_other_boot();
	test_future();
	test_off();
	test_rules();
	test_clock();
	return test_end("test_breaker");
}
