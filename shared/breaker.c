/*
 * breaker.c - the word and its changes.
 *
 * Time is kept in hundredths of a second, rounded down: 36 bits of them are
 * 21 years. The clock is read after the word, never before: else a process
 * that is held up between the two would find the breaker opened in its future
 * and take it for another boot's.
 */
#include "breaker.h"

#include "clock.h"

#define TICK_US 10000
#define TICK_MASK ((UINT64_C(1) << 36) - 1)
#define FAILURE_MASK 1023u

#define LEAST_LEASE_US 2000000
#define MOST_LEASE_US 10000000

struct word {
	enum breaker_state state;
	uint16_t generation;
	int failures;
	int64_t at_us;		/* opened, or the lease begun */
};

static uint64_t pack(struct word w)
{
	return (uint64_t)w.state | (uint64_t)w.failures << 2 |
	       (uint64_t)w.generation << 12 |
	       ((uint64_t)(w.at_us / TICK_US) & TICK_MASK) << 28;
}

static struct word unpack(uint64_t bits)
{
	return (struct word){
		.state = (enum breaker_state)(bits & 3),
		.failures = (int)(bits >> 2 & FAILURE_MASK),
		.generation = (uint16_t)(bits >> 12),
		.at_us = (int64_t)(bits >> 28 & TICK_MASK) * TICK_US,
	};
}

static uint64_t load(const struct breaker *b)
{
	return atomic_load_explicit(&b->cell->word, memory_order_acquire);
}

/* False: another was quicker, and *bits is what it wrote. */
static bool swap(struct breaker *b, uint64_t *bits, struct word w)
{
	return atomic_compare_exchange_strong_explicit(
		&b->cell->word, bits, pack(w), memory_order_acq_rel,
		memory_order_acquire);
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool is_off(const struct breaker *b)
{
	return !b->cell || b->rules.failures <= 0;
}

static void set_boot(struct breaker *b)
{
	atomic_store_explicit(&b->cell->boot, b->boot, memory_order_release);
}

static struct word next(struct word w, enum breaker_state state, int64_t at_us)
{
	w.state = state;
	w.generation++;
	w.at_us = at_us;
	if (state == BREAKER_CLOSED)
		w.failures = 0;
	return w;
}

int64_t breaker_lease(int64_t cooldown_us)
{
	if (cooldown_us < LEAST_LEASE_US)
		return LEAST_LEASE_US;
	return cooldown_us > MOST_LEASE_US ? MOST_LEASE_US : cooldown_us;
}

/*
 * The word is read before the boot it belongs to. Whoever has closed it
 * meanwhile, and written its boot after that, has changed the word: the swap
 * fails, and the boot is looked at again.
 */
static void forget_other_boot(struct breaker *b)
{
	uint64_t bits = load(b);

	while (atomic_load_explicit(&b->cell->boot, memory_order_acquire) !=
	       b->boot)
		if (swap(b, &bits, next(unpack(bits), BREAKER_CLOSED, 0)))
			set_boot(b);
}

void breaker_init(struct breaker *b, struct breaker_cell *cell,
		  const struct breaker_rules *rules, uint64_t boot)
{
	b->cell = cell;
	b->rules = *rules;
	b->boot = boot;
	if (b->rules.failures > BREAKER_MAX_FAILURES)
		b->rules.failures = BREAKER_MAX_FAILURES;
	if (!b->now_us)
		b->now_us = clock_boot_us;
	if (cell)
		forget_other_boot(b);
}

/* How long nobody may call, of a word that is not closed; 0: one may. */
static int64_t left_us(struct word w, const struct breaker_rules *rules,
		       int64_t now_us)
{
	int64_t most = w.state == BREAKER_OPEN ? rules->cooldown_us :
		       w.state == BREAKER_PROBING ? rules->lease_us : 0;
	int64_t left = w.at_us + most - now_us;

	return left > 0 ? left : 0;
}

static bool is_of_the_future(struct word w, int64_t now_us)
{
	return w.state != BREAKER_CLOSED && w.at_us > now_us;
}

static enum breaker_entry enter_open(struct breaker *b,
				     struct breaker_ticket *t, uint64_t bits,
				     int64_t *wait_us)
{
	for (;;) {
		struct word w = unpack(bits), to;
		int64_t now = b->now_us();

		if (w.state == BREAKER_CLOSED) {
			*t = (struct breaker_ticket){ w.generation, true, false };
			return BREAKER_PASS;
		}
		if (is_of_the_future(w, now)) {
			(void)swap(b, &bits, next(w, BREAKER_CLOSED, 0));
			bits = load(b);
			continue;
		}
		*wait_us = left_us(w, &b->rules, now);
		if (*wait_us) {
			if (w.state == BREAKER_PROBING)
				*wait_us = 0;
			count(&b->cell->skipped);
			return BREAKER_SKIP;
		}
		to = next(w, BREAKER_PROBING, now);
		if (swap(b, &bits, to)) {
			*t = (struct breaker_ticket){ to.generation, true, true };
			return BREAKER_PROBE;
		}
	}
}

enum breaker_entry breaker_enter(struct breaker *b, struct breaker_ticket *t,
				 int64_t *wait_us)
{
	uint64_t bits;

	*t = (struct breaker_ticket){ 0 };
	*wait_us = 0;
	if (is_off(b))
		return BREAKER_PASS;
	bits = atomic_load_explicit(&b->cell->word, memory_order_relaxed);
	if ((bits & 3) != BREAKER_CLOSED)
		return enter_open(b, t, load(b), wait_us);
	t->generation = unpack(bits).generation;
	t->inside = true;
	return BREAKER_PASS;
}

bool breaker_would_skip(const struct breaker *b, int64_t *wait_us)
{
	struct word w;
	int64_t now;

	*wait_us = 0;
	if (is_off(b))
		return false;
	w = unpack(load(b));
	if (w.state == BREAKER_CLOSED)
		return false;
	now = b->now_us();
	if (is_of_the_future(w, now))
		return false;
	*wait_us = left_us(w, &b->rules, now);
	if (!*wait_us)
		return false;
	if (w.state == BREAKER_PROBING)
		*wait_us = 0;
	count(&b->cell->skipped);
	return true;
}

void breaker_renew(struct breaker *b, const struct breaker_ticket *t)
{
	uint64_t bits;
	struct word w;

	if (!t->inside || !t->probe || is_off(b))
		return;
	bits = load(b);
	w = unpack(bits);
	if (w.state != BREAKER_PROBING || w.generation != t->generation)
		return;
	w.at_us = b->now_us();
	/* it fails only for one who has lost the lease just now */
	(void)swap(b, &bits, w);
}

bool breaker_holds(const struct breaker *b, const struct breaker_ticket *t)
{
	return !t->inside || is_off(b) ||
	       unpack(load(b)).generation == t->generation;
}

/* What a result makes of a word; the same word where it makes nothing. */
static struct word judge(const struct breaker *b, struct word w,
			 enum breaker_result result)
{
	bool probing = w.state == BREAKER_PROBING;

	if (result == BREAKER_NEUTRAL)
		return probing ? next(w, BREAKER_RIPE, b->now_us()) : w;
	if (result == BREAKER_SUCCESS) {
		if (probing)
			return next(w, BREAKER_CLOSED, 0);
		w.failures = 0;
		return w;
	}
	if (w.failures < BREAKER_MAX_FAILURES)
		w.failures++;
	if (probing || w.failures >= b->rules.failures)
		return next(w, BREAKER_OPEN, b->now_us());
	return w;
}

enum breaker_change breaker_leave(struct breaker *b, struct breaker_ticket *t,
				  enum breaker_result result, int *failures)
{
	bool inside = t->inside;
	struct word w, to;
	uint64_t bits;

	t->inside = false;
	/* the place may have been lost since it was entered */
	if (!inside || is_off(b))
		return BREAKER_SAME;
	bits = load(b);
	do {
		w = unpack(bits);
		if (w.generation != t->generation)
			return BREAKER_SAME;
		to = judge(b, w, result);
		if (pack(to) == bits)
			return BREAKER_SAME;
	} while (!swap(b, &bits, to));
	*failures = to.failures;
	if (to.state == w.state || to.state == BREAKER_RIPE)
		return BREAKER_SAME;
	if (to.state == BREAKER_CLOSED)
		return BREAKER_CLOSES;
	/* the file may have been made anew under us, empty */
	set_boot(b);
	count(&b->cell->opened);
	return BREAKER_OPENED;
}

struct breaker_view breaker_look(const struct breaker_cell *cell,
				 const struct breaker_rules *rules,
				 uint64_t boot, int64_t now_us)
{
	struct word w = unpack(atomic_load_explicit(&cell->word,
						    memory_order_acquire));
	struct breaker_view v = {
		.opened = atomic_load_explicit(&cell->opened,
					       memory_order_relaxed),
		.skipped = atomic_load_explicit(&cell->skipped,
						memory_order_relaxed),
	};

	if (rules->failures <= 0 || is_of_the_future(w, now_us) ||
	    atomic_load_explicit(&cell->boot, memory_order_acquire) != boot)
		return v;
	v.state = w.state;
	v.failures = w.failures;
	if (w.state != BREAKER_CLOSED)
		v.wait_us = left_us(w, rules, now_us);
	return v;
}
