/*
 * breaker.h - leaves an upstream alone for a while that has failed again and
 * again, for all processes together.
 *
 * What they share is one cell, in plain memory or in a mapped file: one word
 * that is changed by compare-and-swap alone, so that a process killed at any
 * instant leaves nothing locked. A zeroed cell is a closed breaker.
 *
 *	CLOSED	 calls pass. rules.failures failures behind each other, of
 *		 whatever process, open it; a success begins the count anew
 *	OPEN	 nobody calls for rules.cooldown_us
 *	PROBING	 one call is under way, and its caller has a lease. Success
 *		 closes, failure opens it again; who lets the lease run out
 *		 (killed, hung) loses it to the next that asks
 *	RIPE	 the probe ended without a verdict: the next that asks is it
 *
 * Each change of state begins a new generation. What was begun in an older
 * one is not heard any more, whenever it ends.
 *
 * Time:	CLOCK_BOOTTIME. A cell that another boot has written, or that
 *		was opened in the future, is a closed one.
 * Calls:	any number of processes and threads. While it is CLOSED,
 *		breaker_enter() is one relaxed load, and so is a success.
 * Failure:	none; a breaker without cell, or with rules.failures 0, lets
 *		everything pass.
 */
#ifndef CHATMOCK_BREAKER_H
#define CHATMOCK_BREAKER_H

#include <stdatomic.h>

#include "base.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING, BREAKER_RIPE };

/* Most that rules.failures can be; the count stops there. */
#define BREAKER_MAX_FAILURES 1000

struct breaker_cell {
	_Atomic uint64_t word;		/* state, failures, generation, time */
	_Atomic uint64_t boot;		/* the boot whose time it is */
	_Atomic uint64_t opened;	/* how often it was opened, so far */
	_Atomic uint64_t skipped;	/* calls not made because of it */
};
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
	       "a lock inside a shared mapping would be private to its process");
_Static_assert(sizeof(struct breaker_cell) == 32, "as the metrics file has it");

struct breaker_rules {
	int failures;			/* behind each other; 0: it is off */
	int64_t cooldown_us;
	int64_t lease_us;		/* breaker_lease() */
};

/* One process's view. The cell is borrowed for its life. */
struct breaker {
	struct breaker_cell *cell;
	struct breaker_rules rules;
	uint64_t boot;
	int64_t (*now_us)(void);	/* clock_boot_us, but for tests */
};

/* One call's way through it. Zeroed: not inside. */
struct breaker_ticket {
	uint16_t generation;
	bool inside, probe;
};

/* boot: clock_boot_id(). A cell of another boot is closed here. */
void breaker_init(struct breaker *b, struct breaker_cell *cell,
		  const struct breaker_rules *rules, uint64_t boot);

/* A lease that fits the cool-down: as long, but of 2 to 10 s. */
int64_t breaker_lease(int64_t cooldown_us);

enum breaker_entry {
	BREAKER_PASS,			/* call */
	BREAKER_PROBE,			/* call: you are the one */
	BREAKER_SKIP			/* do not */
};

/*
 * May a call be made? With BREAKER_SKIP *wait_us is when it makes sense to ask
 * again, 0 where that is not known (a probe is under way); the ticket is not
 * inside then. Else breaker_leave() is due, once; a process that ends without
 * it does no harm.
 */
enum breaker_entry breaker_enter(struct breaker *b, struct breaker_ticket *t,
				 int64_t *wait_us);

/* Would breaker_enter() say BREAKER_SKIP just now? Changes nothing. */
bool breaker_would_skip(const struct breaker *b, int64_t *wait_us);

/* The probe goes on: its lease counts from now. Due well within each lease. */
void breaker_renew(struct breaker *b, const struct breaker_ticket *t);

/* False when the call that has the ticket is not waited for any more: another
 * attempt of it would be one too many. */
bool breaker_holds(const struct breaker *b, const struct breaker_ticket *t);

enum breaker_result {
	BREAKER_NEUTRAL,		/* says nothing of the upstream */
	BREAKER_SUCCESS,
	BREAKER_FAILURE
};
enum breaker_change { BREAKER_SAME, BREAKER_OPENED, BREAKER_CLOSES };

/* How it ended. *failures, with BREAKER_OPENED: how many there were. */
enum breaker_change breaker_leave(struct breaker *b, struct breaker_ticket *t,
				  enum breaker_result result, int *failures);

/* What stands in a cell, for those who only look. An open one whose cool-down
 * is over stays BREAKER_OPEN until somebody calls; wait_us is 0 then. */
struct breaker_view {
	enum breaker_state state;
	int failures;
	int64_t wait_us;
	uint64_t opened, skipped;
};
struct breaker_view breaker_look(const struct breaker_cell *cell,
				 const struct breaker_rules *rules,
				 uint64_t boot, int64_t now_us);

#endif
