/*
 * usage.h - asking upstream what the plan still allows (wham/usage), without
 * spending a request.
 *
 * Blocking, at most 5 s, under a breaker of its own.
 */
#ifndef CHATMOCK_USAGE_H
#define CHATMOCK_USAGE_H

#include "config.h"
#include "http.h"
#include "login.h"
#include "metrics.h"
#include "plan.h"

/* Is upstream one that has a plan at all? */
bool usage_known(const struct config *c);

/*
 * Asks with l's access token. m may be NULL. The answer becomes the gauges of
 * m, *plan, and limits.json; *again_ms as plan_write() has it.
 * ERR_LOGIN_RENEWAL: upstream refuses the token (401). ERR_UPSTREAM_*,
 * ERR_CIRCUIT_OPEN: no answer that tells. When the file alone fails, *plan
 * holds the answer and captured_s says so.
 */
MUST_USE enum err usage_ask(const struct config *c, const struct http_settings *s,
			    struct metrics *m, const struct login *l,
			    struct plan *plan, int *again_ms,
			    struct err_note *note);

#endif
