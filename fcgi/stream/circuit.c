/* See circuit.h. */
#include "circuit.h"

#include "../../shared/clock.h"
#include "bearer.h"

/* While a probe is under way nobody knows how long it takes: so long or up to
 * twice as long those wait who came meanwhile, not all for the same time. */
#define PROBE_WAIT_S 2

static struct guard *guard(const struct stream *s)
{
	return &s->app->guard;
}

static void log_change(const struct stream *s, enum log_level level,
		       const char *msg)
{
	struct log_line line;

	log_begin(&line, s->app->log, level, "breaker");
	log_str(&line, "msg", span_of(msg));
	log_str(&line, "upstream", span_of(s->app->config->upstream_base));
	log_str(&line, "request_id", span_of(s->req->id));
	if (s->note.code)
		log_str(&line, "why", span_of(s->note.why));
	log_end(&line);
}

static bool refuse(struct stream *s, int64_t wait_us)
{
	uint32_t random;
	char msg[200];

	snprintf(msg, sizeof(msg), "Circuit breaker OPEN - skipping %s %.120s",
		 s->req->method, s->req->path);
	log_change(s, LOG_WARN, msg);
	err_set(&s->note, ERR_CIRCUIT_OPEN, "the circuit breaker is open");
	if (wait_us > 0) {
		s->note.retry_after_s = (int)((wait_us + 999999) / 1000000);
	} else {
		random_bytes(&random, sizeof(random));
		s->note.retry_after_s = PROBE_WAIT_S +
					(int)(random % (PROBE_WAIT_S + 1));
	}
	return false;
}

bool circuit_refuses(struct stream *s)
{
	int64_t wait_us;

	if (!guard_would_skip(guard(s), &wait_us))
		return false;
	return !refuse(s, wait_us);
}

bool circuit_enter(struct stream *s)
{
	int64_t wait_us;

	if (s->ticket.inside)
		return true;
	switch (guard_enter(guard(s), &s->ticket, &wait_us)) {
	case BREAKER_SKIP:
		return refuse(s, wait_us);
	case BREAKER_PROBE:
		s->lease_us = loop_now(s->app->loop);
		log_change(s, LOG_INFO,
			   "Circuit breaker cooldown expired, allowing retry");
		return true;
	default:
		return true;
	}
}

bool circuit_may_retry(const struct stream *s)
{
	return !s->ticket.probe && guard_holds(guard(s), &s->ticket);
}

int64_t circuit_renew_at(const struct stream *s)
{
	if (!s->ticket.probe || !s->ticket.inside)
		return INT64_MAX;
	return s->lease_us + guard(s)->breaker.rules.lease_us / 4;
}

void circuit_renew(struct stream *s)
{
	s->lease_us = loop_now(s->app->loop);
	guard_renew(guard(s), &s->ticket);
}

static enum breaker_result verdict(const struct stream *s)
{
	enum err code = s->note.code;

	if (!code)
		return s->done ? BREAKER_SUCCESS : BREAKER_NEUTRAL;
	/* a terminal event: it works, unless it says itself that it does not */
	if (code == ERR_UPSTREAM_FAILED)
		return s->note.not_final ? BREAKER_NEUTRAL : BREAKER_SUCCESS;
	/* a client that does not read can cost it its call */
	if (s->held)
		return BREAKER_NEUTRAL;
	/* what one account was told says nothing of the others */
	if (bearer_is_own(s) && s->upstream_status >= 400)
		return BREAKER_NEUTRAL;
	return guard_is_failure(code, s->upstream_status) ? BREAKER_FAILURE :
							    BREAKER_NEUTRAL;
}

void circuit_leave(struct stream *s)
{
	char msg[80];
	int failures;

	if (!s->ticket.inside)
		return;
	switch (guard_leave(guard(s), &s->ticket, verdict(s), &failures)) {
	case BREAKER_OPENED:
		snprintf(msg, sizeof(msg),
			 "Circuit breaker OPEN after %d failures", failures);
		log_change(s, LOG_ERROR, msg);
		break;
	case BREAKER_CLOSES:
		log_change(s, LOG_INFO, "Circuit breaker CLOSED");
		break;
	default:
		break;
	}
}
