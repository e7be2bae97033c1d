/* See retry.h. */
#include "retry.h"

#include "../../shared/clock.h"
#include "../process/worker.h"
#include "circuit.h"

#define MAX_ATTEMPTS 3
#define BACKOFF_US 500000		/* doubles with each attempt */
#define MAX_BACKOFF_US 8000000
#define MAX_RETRY_AFTER_S 60		/* longer is the client's to wait */
#define SHORT_LIMIT_S 2			/* of a 429 that is waited for here */

#define LEAST_RETRIES 3
#define RETRIES_OF 5			/* a fifth of the requests */

/* A limit that is over in a moment: once. */
static bool is_short_limit(const struct stream *s)
{
	const struct err_note *note = &s->note;

	return note->code == ERR_UPSTREAM_LIMIT && note->should_retry != 0 &&
	       note->retry_after_s > 0 && note->retry_after_s <= SHORT_LIMIT_S &&
	       !s->limit_waited;
}

static bool is_worth_it(const struct stream *s)
{
	const struct err_note *note = &s->note;

	switch (note->code) {
	case ERR_UPSTREAM_CONNECT:
	case ERR_UPSTREAM_DNS:
	case ERR_UPSTREAM_BROKE:
		return true;
	case ERR_UPSTREAM_ERROR:
	case ERR_UPSTREAM_FAILED:
		return note->not_final && note->should_retry != 0;
	case ERR_UPSTREAM_LIMIT:
		return is_short_limit(s);
	default:
		return false;
	}
}

/* Full jitter, so that those who failed together do not come together. */
static int64_t backoff(int attempts, int retry_after_s)
{
	int64_t most = BACKOFF_US;
	uint32_t random;

	for (int i = 1; i < attempts && most < MAX_BACKOFF_US; i++)
		most *= 2;
	random_bytes(&random, sizeof(random));
	return (int64_t)retry_after_s * 1000000 + random % most;
}

/* Its own part is counted before all are added up: of two that come at once
 * both see both. */
static bool budget_take(struct stream *s)
{
	struct worker *w = s->app->worker;
	int64_t streams, retries, most;

	if (s->retrying || !w)
		return true;
	s->retrying = true;
	atomic_fetch_add(&w->slot->retries, 1);
	board_load(w->board, &streams, &retries);
	most = (streams - retries) / RETRIES_OF;
	if (most < LEAST_RETRIES)
		most = LEAST_RETRIES;
	if (retries <= most)
		return true;
	retry_over(s);
	metrics_count(s->app->metrics, COUNT_RETRY_DENIED);
	return false;
}

void retry_over(struct stream *s)
{
	if (s->retrying)
		atomic_fetch_sub(&s->app->worker->slot->retries, 1);
	s->retrying = false;
}

bool retry_allowed(struct stream *s, int64_t *after_us)
{
	struct err_note *note = &s->note;

	if (!is_worth_it(s) || note->retry_after_s > MAX_RETRY_AFTER_S)
		return false;
	if (s->attempts >= MAX_ATTEMPTS) {
		note->should_retry = 0;
		return false;
	}
	if (!circuit_may_retry(s) || !budget_take(s))
		return false;
	if (note->code == ERR_UPSTREAM_LIMIT)
		s->limit_waited = true;
	*after_us = backoff(s->attempts, note->retry_after_s);
	return true;
}
