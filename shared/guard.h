/*
 * guard.h - the breaker of one upstream, which all processes find by its name
 * in the metrics file, and calls under its guard.
 *
 * Each purpose has a breaker of its own: the catalogue that can not be read
 * keeps nobody from talking to a model. CHATMOCK_BREAKER_FAILURES and
 * CHATMOCK_BREAKER_COOLDOWN hold for all. What opens and closes is counted;
 * the caller logs it.
 *
 * Lifetime: metrics is borrowed for the guard's life and may be NULL, as the
 * place in the file may be (all taken): then everything passes.
 */
#ifndef CHATMOCK_GUARD_H
#define CHATMOCK_GUARD_H

#include "breaker.h"
#include "config.h"
#include "http.h"
#include "metrics.h"

/* Time to reach what is only auxiliary: nobody shall wait for it. */
#define GUARD_CONNECT_MS 2000

struct guard {
	struct breaker breaker;
	struct metrics *metrics;
	struct metrics_label name;
};

/*
 * purpose: a word, "" for the requests of clients. url: of what is called; its
 * origin counts. Reads a file of /proc.
 */
void guard_init(struct guard *g, struct metrics *m, const struct config *c,
		const char *purpose, const char *url);

/* As in breaker.h. */
enum breaker_entry guard_enter(struct guard *g, struct breaker_ticket *t,
			       int64_t *wait_us);
bool guard_would_skip(struct guard *g, int64_t *wait_us);
void guard_renew(struct guard *g, const struct breaker_ticket *t);
bool guard_holds(struct guard *g, const struct breaker_ticket *t);
enum breaker_change guard_leave(struct guard *g, struct breaker_ticket *t,
				enum breaker_result result, int *failures);

/* Is a call that ended with this code, or was answered with this status, a
 * failure of upstream's? */
bool guard_is_failure(enum err code, int status);

/*
 * http_fetch() of something auxiliary: at most GUARD_CONNECT_MS to connect,
 * whatever the settings say, and no call at all while its breaker is open:
 * ERR_CIRCUIT_OPEN at once then. Any whole answer but those of
 * guard_is_failure() is a success. One thread a guard.
 */
MUST_USE enum err guard_fetch(struct guard *g, const struct http_settings *s,
			      const struct http_request *r, int total_ms,
			      size_t max, struct http_reply *reply,
			      struct err_note *note);

#endif
