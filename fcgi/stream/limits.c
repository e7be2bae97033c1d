#include "limits.h"

#include "../../shared/text.h"
#include "wait.h"

/* A window's share is told in percent, as a decimal fraction. */
static bool read_window(struct http_call *call, const char *which,
			struct limit_window *w)
{
	char name[64];
	double percent;

	*w = (struct limit_window){ .minutes = 0 };
	snprintf(name, sizeof(name), "x-codex-%s-used-percent", which);
	if (!text_double(http_header(call, name), &percent) || percent < 0 ||
	    percent > 1000)
		return false;
	snprintf(name, sizeof(name), "x-codex-%s-window-minutes", which);
	if (!text_int(http_header(call, name), &w->minutes) || w->minutes <= 0)
		return false;
	w->used = percent / 100;
	snprintf(name, sizeof(name), "x-codex-%s-reset-at", which);
	if (!text_int(http_header(call, name), &w->resets_at) || w->resets_at < 0)
		w->resets_at = 0;
	return true;
}

/* "6m0s" until the count is full again. */
static bool read_count(struct http_call *call, const char *which, int64_t now_s,
		       struct limit_count *c)
{
	char name[64], words[80];
	struct span reset;

	*c = (struct limit_count){ .limit = 0 };
	snprintf(name, sizeof(name), "x-ratelimit-limit-%s", which);
	if (!text_int(http_header(call, name), &c->limit) || c->limit <= 0)
		return false;
	snprintf(name, sizeof(name), "x-ratelimit-remaining-%s", which);
	if (!text_int(http_header(call, name), &c->remaining) || c->remaining < 0) {
		c->limit = 0;
		return false;
	}
	snprintf(name, sizeof(name), "x-ratelimit-reset-%s", which);
	reset = http_header(call, name);
	if (reset.len && reset.len < 24) {
		int after;

		snprintf(words, sizeof(words), "Please try again in %.*s",
			 (int)reset.len, reset.ptr);
		after = wait_words(span_of(words));
		c->resets_at = after ? now_s + after : 0;
	}
	return true;
}

bool limits_read(struct http_call *call, int status, int64_t now_s,
		 struct limits *out)
{
	bool any;

	out->reached = status == 429;
	any = read_window(call, "primary", &out->windows[0]);
	any |= read_window(call, "secondary", &out->windows[1]);
	any |= read_count(call, "requests", now_s, &out->requests);
	any |= read_count(call, "tokens", now_s, &out->tokens);
	return any;
}
