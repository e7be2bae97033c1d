/* siblings.c - see siblings.h. */
#include "siblings.h"

#include "../../shared/clock.h"
#include "../process/worker.h"
#include "stream.h"

/* Beyond max_streams so many are told that we are busy; the rest waits. */
#define BUSY_ROOM 256

/* So long it leaves connections to its siblings, then takes some itself: the
 * kernel tells a sibling of new arrivals only (EPOLLEXCLUSIVE), not of one that
 * was left waiting. */
#define LEAVE_US 4000
#define TAKE_US 10000

/*
 * A worker with clearly more streams than its siblings leaves the next one to
 * them: the kernel wakes whoever listens, in no fair order.
 */
static bool leaves_to_others(struct app *app)
{
	int64_t mine = (int64_t)app->in_flight, now_us, others;

	if (!app->worker || mine <= 8)
		return false;
	now_us = clock_mono_us();
	others = board_sibling_average(app->worker->board, app->worker->slot,
				       now_us);
	if (others < 0 || mine <= others + others / 16 + 8)
		return false;
	if (now_us - app->left_us > TAKE_US)
		app->left_us = now_us;
	return now_us - app->left_us < LEAVE_US;
}

/* Kept ones stay where they are: who has so many more of them leaves the next
 * one to its siblings. They may be busy: not for ever. */
#define MORE_KEPT 4
#define LEAVE_KEPT 20

bool siblings_may_take(void *ctx)
{
	struct app *app = ctx;
	int64_t mine, others;

	if (!app->worker)
		return true;
	mine = (int64_t)wire_conns(app->wire);
	siblings_tell(app);
	others = board_sibling_conns(app->worker->board, app->worker->slot,
				     clock_mono_us());
	if (others >= 0 && mine > others + MORE_KEPT &&
	    app->left_kept++ < LEAVE_KEPT)
		return false;
	app->left_kept = 0;
	return true;
}

bool siblings_may_accept(void *ctx)
{
	struct app *app = ctx;

	if (app->wire && wire_conns(app->wire) >=
			 (size_t)app->config->max_streams + BUSY_ROOM)
		return false;
	return !leaves_to_others(app);
}

/* Siblings go by what stands on the board. */
void siblings_tell(struct app *app)
{
	struct slot *slot = app->worker ? app->worker->slot : NULL;

	if (!slot)
		return;
	atomic_store_explicit(&slot->streams, (int64_t)app->in_flight,
			      memory_order_relaxed);
	atomic_store_explicit(&slot->conns, (int64_t)wire_conns(app->wire),
			      memory_order_relaxed);
}

void siblings_taken(void *ctx)
{
	struct app *app = ctx;

	siblings_tell(app);
	metrics_count(app->metrics, COUNT_CONN_MOVED);
}
