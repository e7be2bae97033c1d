/*
 * emit_anthropic_limits.c - upstream's limits as Anthropic's headers tell them.
 *
 * Counts of requests and tokens are the same there. The ChatGPT backend's
 * windows of five hours and seven days are those that Anthropic's subscriptions
 * have, too, and its own programs read; windows of another length have no name
 * there and are not told.
 */
#include "anthropic.h"

#include "../../shared/clock.h"

#define NAME "anthropic-ratelimit-"

static void say_count(struct buf *out, const char *which, const struct limit_count *c)
{
	char when[32];

	if (c->limit <= 0)
		return;
	buf_fmt(out, NAME "%s-limit: %lld\r\n" NAME "%s-remaining: %lld\r\n",
		which, (long long)c->limit, which, (long long)c->remaining);
	if (!c->resets_at)
		return;
	clock_rfc3339(when, c->resets_at * 1000000);
	buf_fmt(out, NAME "%s-reset: %s\r\n", which, when);
}

static const char *window_name(const struct limit_window *w)
{
	if (w->minutes == 300)
		return "5h";
	return w->minutes == 10080 ? "7d" : NULL;
}

void anthropic_limits(struct buf *out, const struct limits *l)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(l->windows); i++) {
		const struct limit_window *w = &l->windows[i];
		const char *name = window_name(w);

		if (!name)
			continue;
		any = true;
		buf_fmt(out, NAME "unified-%s-utilization: %.4g\r\n", name, w->used);
		if (w->resets_at)
			buf_fmt(out, NAME "unified-%s-reset: %lld\r\n", name,
				(long long)w->resets_at);
	}
	if (any)
		buf_fmt(out, NAME "unified-status: %s\r\n",
			l->reached ? "rejected" : "allowed");
	say_count(out, "requests", &l->requests);
	say_count(out, "tokens", &l->tokens);
}
