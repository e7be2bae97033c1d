/* See guard.h. */
#include "guard.h"

#include "ceilings.h"
#include "clock.h"

/* "https://host:port" of a URL; without a path it is all origin. */
static struct span origin_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return (struct span){ url, (size_t)(host - url) + strcspn(host, "/?#") };
}

void guard_init(struct guard *g, struct metrics *m, const struct config *c,
		const char *purpose, const char *url)
{
	struct breaker_rules rules = {
		.failures = (int)c->breaker_failures,
		.cooldown_us = c->breaker_cooldown_ms * 1000,
		.lease_us = breaker_lease(c->breaker_cooldown_ms * 1000),
	};
	struct span origin = origin_of(url);
	char name[METRICS_NAME + 1];

	memset(g, 0, sizeof(*g));
	g->metrics = m;
	snprintf(name, sizeof(name), "%.*s%s%s", (int)origin.len, origin.ptr,
		 *purpose ? " " : "", purpose);
	g->name = metrics_label(span_of(name));
	breaker_init(&g->breaker,
		     (struct breaker_cell *)metrics_breaker(m, &g->name), &rules,
		     clock_boot_id());
}

/* In a new file the words lie elsewhere. */
static struct breaker *find(struct guard *g)
{
	_Static_assert(sizeof(struct breaker_cell) ==
		       METRICS_BREAKER_WORDS * sizeof(metric_word),
		       "a place in the file is a cell");

	if (g->breaker.rules.failures > 0)
		g->breaker.cell = (struct breaker_cell *)
			metrics_breaker(g->metrics, &g->name);
	return &g->breaker;
}

enum breaker_entry guard_enter(struct guard *g, struct breaker_ticket *t,
			       int64_t *wait_us)
{
	enum breaker_entry entry = breaker_enter(find(g), t, wait_us);

	if (entry == BREAKER_SKIP)
		metrics_count(g->metrics, COUNT_BREAKER_REFUSED);
	else if (entry == BREAKER_PROBE)
		metrics_count(g->metrics, COUNT_BREAKER_PROBED);
	return entry;
}

bool guard_would_skip(struct guard *g, int64_t *wait_us)
{
	bool skips = breaker_would_skip(find(g), wait_us);

	if (skips)
		metrics_count(g->metrics, COUNT_BREAKER_REFUSED);
	return skips;
}

void guard_renew(struct guard *g, const struct breaker_ticket *t)
{
	breaker_renew(find(g), t);
}

bool guard_holds(struct guard *g, const struct breaker_ticket *t)
{
	return breaker_holds(find(g), t);
}

enum breaker_change guard_leave(struct guard *g, struct breaker_ticket *t,
				enum breaker_result result, int *failures)
{
	enum breaker_change change = breaker_leave(find(g), t, result, failures);

	if (change == BREAKER_OPENED)
		metrics_count(g->metrics, COUNT_BREAKER_OPENED);
	else if (change == BREAKER_CLOSES)
		metrics_count(g->metrics, COUNT_BREAKER_CLOSED);
	return change;
}

static bool is_down(int status)
{
	switch (status) {
	case 500:
	case 502:
	case 503:
	case 504:
	case 529:
		return true;
	default:
		/* of the network in front of upstream: not reached, timed out */
		return status >= 520 && status <= 524;
	}
}

bool guard_is_failure(enum err code, int status)
{
	switch (code) {
	case ERR_UPSTREAM_CONNECT:
	case ERR_UPSTREAM_DNS:
	case ERR_UPSTREAM_TLS:
	case ERR_UPSTREAM_TIMEOUT:
	case ERR_UPSTREAM_SILENT:
	case ERR_UPSTREAM_BROKE:
		return true;
	case ERR_UPSTREAM_TOTAL:
		return !status;
	case ERR_UPSTREAM_ERROR:
	case ERR_NONE:
		return is_down(status);
	default:
		return false;
	}
}

enum err guard_fetch(struct guard *g, const struct http_settings *s,
		     const struct http_request *r, int total_ms, size_t max,
		     struct http_reply *reply, struct err_note *note)
{
	struct http_settings quick = *s;
	enum breaker_result result = BREAKER_NEUTRAL;
	struct breaker_ticket ticket;
	int64_t wait_us;
	int failures;
	enum err code;

	if (quick.connect_timeout_ms > GUARD_CONNECT_MS)
		quick.connect_timeout_ms = GUARD_CONNECT_MS;
	if (guard_enter(g, &ticket, &wait_us) == BREAKER_SKIP) {
		memset(reply, 0, sizeof(*reply));
		buf_init(&reply->body, 0);
		buf_init(&reply->headers, 0);
		return err_set(note, ERR_CIRCUIT_OPEN, "Circuit breaker OPEN - "
			       "skipping %.120s", r->url);
	}
	code = http_fetch(&quick, r, total_ms, max, reply, note);
	if (guard_is_failure(code, reply->status))
		result = BREAKER_FAILURE;
	else if (!code)
		result = BREAKER_SUCCESS;
	(void)guard_leave(g, &ticket, result, &failures);
	return code;
}
