/*
 * plan.c - upstream's headers about limits, and what is kept of them.
 *
 * A family's headers are "x-<id>-primary-used-percent" and its kin; the id of
 * the plan's own is codex. What belongs to no window is the plan's:
 * "x-codex-plan-type".
 */
#include "plan.h"

#include "text.h"

#define OWN_ID "codex"
#define RESET_SLACK_S 5		/* "after n seconds" is never twice the same */
#define STALE_S 60

void plan_init(struct plan *l)
{
	memset(l, 0, sizeof(*l));
	l->allowed = l->reached = l->has_credits = l->unlimited = PLAN_UNSAID;
}

/* --- the windows' headers */

enum window_word { WORD_USED, WORD_MINUTES, WORD_RESET_AT, WORD_RESET_AFTER,
		   WORD_NAME, WORD_OTHER, WORD_NONE };

static const struct { const char *suffix; enum window_word word; bool primary; }
words[] = {
	{ "-primary-used-percent", WORD_USED, true },
	{ "-primary-window-minutes", WORD_MINUTES, true },
	{ "-primary-reset-at", WORD_RESET_AT, true },
	{ "-primary-reset-after-seconds", WORD_RESET_AFTER, true },
	{ "-secondary-used-percent", WORD_USED, false },
	{ "-secondary-window-minutes", WORD_MINUTES, false },
	{ "-secondary-reset-at", WORD_RESET_AT, false },
	{ "-secondary-reset-after-seconds", WORD_RESET_AFTER, false },
	{ "-primary-over-secondary-limit-percent", WORD_OTHER, true },
	{ "-limit-name", WORD_NAME, true },
};

/* Which word of which family? *id is what stands between "x-" and the word. */
static enum window_word word_of(struct span name, struct span *id, bool *primary)
{
	if (!text_starts_nocase(name, "x-"))
		return WORD_NONE;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].suffix);

		if (name.len < len + 3 ||
		    !text_eq_nocase((struct span){ name.ptr + name.len - len, len },
				    words[i].suffix))
			continue;
		*id = (struct span){ name.ptr + 2, name.len - len - 2 };
		*primary = words[i].primary;
		return words[i].word;
	}
	return WORD_NONE;
}

bool plan_is_header(struct span name)
{
	struct span id;
	bool primary;

	return text_starts_nocase(name, "x-codex-") ||
	       word_of(name, &id, &primary) != WORD_NONE;
}

/* "codex-other" is the family codex_other; NULL: no room for another. */
static struct plan_family *family(struct plan *l, struct span id)
{
	struct plan_family *f;
	char text[sizeof(f->id)];
	size_t n = 0;

	for (; n < id.len && n < sizeof(text) - 1; n++) {
		char c = id.ptr[n];

		text[n] = c == '-' ? '_' :
			  c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	text[n] = '\0';
	if (strcmp(text, OWN_ID) == 0)
		return &l->own;
	for (size_t i = 0; i < l->other_count; i++)
		if (strcmp(l->others[i].id, text) == 0)
			return &l->others[i];
	if (l->other_count == MAX_LIMIT_FAMILIES)
		return NULL;
	f = &l->others[l->other_count++];
	*f = (struct plan_family){ 0 };
	memcpy(f->id, text, sizeof(f->id));
	return f;
}

/* Seconds and percents of upstream's; what can be neither is not taken. */
static bool number(struct span value, double *n)
{
	return text_double(value, n) && *n >= 0 && *n < 1e11;
}

static void take_window(struct plan_window *w, enum window_word word, double n,
			int64_t now_s)
{
	switch (word) {
	case WORD_USED:
		w->used_percent = n < 1e6 ? n : 1e6;
		/* nothing used of no window is no limit */
		w->known = w->known || n > 0;
		break;
	case WORD_MINUTES:
		w->window_s = n < 1e9 ? (int64_t)n * 60 : 0;
		w->known = w->known || n > 0;
		break;
	case WORD_RESET_AT:
		w->reset_at = (int64_t)n;
		break;
	case WORD_RESET_AFTER:
		if (!w->reset_at)
			w->reset_at = now_s + (int64_t)n;
		break;
	default:
		break;
	}
}

/* --- the plan's */

static signed char yes_or_no(struct span value)
{
	if (text_eq_nocase(value, "true") || span_eq(value, "1"))
		return PLAN_YES;
	if (text_eq_nocase(value, "false") || span_eq(value, "0"))
		return PLAN_NO;
	return PLAN_UNSAID;
}

/* Printable ASCII alone, and all of it or nothing. */
static void copy_word(char *dst, size_t size, struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x20 || value.ptr[i] > 0x7e)
			return;
	if (value.len < size)
		(void)text_copy(dst, size, value);
}

static bool own_header(struct plan *l, struct span name, struct span value)
{
	double n;

	if (text_eq_nocase(name, "x-codex-plan-type"))
		copy_word(l->plan, sizeof(l->plan), value);
	else if (text_eq_nocase(name, "x-codex-active-limit"))
		copy_word(l->active, sizeof(l->active), value);
	else if (text_eq_nocase(name, "x-codex-rate-limit-reached-type"))
		copy_word(l->reached_type, sizeof(l->reached_type), value);
	else if (text_eq_nocase(name, "x-codex-allowed"))
		l->allowed = yes_or_no(value);
	else if (text_eq_nocase(name, "x-codex-limit-reached"))
		l->reached = yes_or_no(value);
	else if (text_eq_nocase(name, "x-codex-credits-has-credits"))
		l->has_credits = yes_or_no(value);
	else if (text_eq_nocase(name, "x-codex-credits-unlimited"))
		l->unlimited = yes_or_no(value);
	else if (!text_eq_nocase(name, "x-codex-credits-balance"))
		return false;
	else if (text_double(value, &n))
		copy_word(l->balance, sizeof(l->balance), value);
	return true;
}

bool plan_header(struct plan *l, struct span name, struct span value,
		   int64_t now_s)
{
	struct plan_family *f;
	enum window_word word;
	struct span id;
	bool primary;
	double n;

	value = text_trim(value);
	word = word_of(name, &id, &primary);
	if (word == WORD_NONE) {
		if (!own_header(l, name, value))
			return false;
	} else if (word != WORD_OTHER) {
		f = family(l, id);
		if (f && word == WORD_NAME)
			copy_word(f->name, sizeof(f->name), value);
		else if (f && number(value, &n))
			take_window(primary ? &f->primary : &f->secondary, word,
				    n, now_s);
	}
	l->captured_s = now_s;
	return true;
}

/* --- what is kept */

static bool has_windows(const struct plan_family *f)
{
	return f->primary.known || f->secondary.known;
}

static void merge_word(char *dst, const char *newer, size_t size)
{
	if (newer[0])
		memcpy(dst, newer, size);
}

static void merge_flag(signed char *dst, signed char newer)
{
	if (newer != PLAN_UNSAID)
		*dst = newer;
}

void plan_merge(struct plan *l, const struct plan *newer)
{
	if (!newer->captured_s)
		return;
	l->captured_s = newer->captured_s;
	merge_word(l->plan, newer->plan, sizeof(l->plan));
	merge_word(l->active, newer->active, sizeof(l->active));
	merge_word(l->balance, newer->balance, sizeof(l->balance));
	merge_flag(&l->allowed, newer->allowed);
	merge_flag(&l->reached, newer->reached);
	merge_flag(&l->has_credits, newer->has_credits);
	merge_flag(&l->unlimited, newer->unlimited);
	if (has_windows(&newer->own)) {
		l->own = newer->own;
		/* said with the windows, or over with them */
		memcpy(l->reached_type, newer->reached_type,
		       sizeof(l->reached_type));
		l->reached = newer->reached;
		l->allowed = newer->allowed;
	}
	merge_word(l->reached_type, newer->reached_type,
		   sizeof(l->reached_type));
	for (size_t i = 0; i < newer->other_count; i++) {
		struct plan_family *f = family(l, span_of(newer->others[i].id));

		if (f)
			*f = newer->others[i];
	}
}

static bool windows_differ(const struct plan_window *a,
			   const struct plan_window *b)
{
	int64_t apart = a->reset_at - b->reset_at;

	return a->known != b->known || a->used_percent != b->used_percent ||
	       a->window_s != b->window_s || apart > RESET_SLACK_S ||
	       apart < -RESET_SLACK_S;
}

static bool families_differ(const struct plan_family *a,
			    const struct plan_family *b)
{
	return strcmp(a->id, b->id) != 0 || strcmp(a->name, b->name) != 0 ||
	       windows_differ(&a->primary, &b->primary) ||
	       windows_differ(&a->secondary, &b->secondary);
}

bool plan_differ(const struct plan *a, const struct plan *b)
{
	int64_t apart = a->captured_s - b->captured_s;

	if (apart >= STALE_S || apart <= -STALE_S ||
	    a->other_count != b->other_count ||
	    a->allowed != b->allowed || a->reached != b->reached ||
	    a->has_credits != b->has_credits || a->unlimited != b->unlimited ||
	    strcmp(a->plan, b->plan) != 0 || strcmp(a->active, b->active) != 0 ||
	    strcmp(a->balance, b->balance) != 0 ||
	    strcmp(a->reached_type, b->reached_type) != 0 ||
	    families_differ(&a->own, &b->own))
		return true;
	for (size_t i = 0; i < a->other_count; i++)
		if (families_differ(&a->others[i], &b->others[i]))
			return true;
	return false;
}

/* --- gauges */

static void gauges_window(const struct plan_window *w, struct metrics *m,
			  enum metric_gauge used, enum metric_gauge window,
			  enum metric_gauge reset)
{
	if (!w->known) {
		metrics_gauge_forget(m, used);
		metrics_gauge_forget(m, window);
		metrics_gauge_forget(m, reset);
		return;
	}
	metrics_gauge(m, used, (int64_t)(w->used_percent * 1000 + 0.5));
	metrics_gauge(m, window, w->window_s);
	metrics_gauge(m, reset, w->reset_at);
}

void plan_gauges(const struct plan *l, struct metrics *m)
{
	double balance;

	if (!l->captured_s)
		return;
	gauges_window(&l->own.primary, m, GAUGE_LIMIT_PRIMARY_USED,
		      GAUGE_LIMIT_PRIMARY_WINDOW, GAUGE_LIMIT_PRIMARY_RESET);
	gauges_window(&l->own.secondary, m, GAUGE_LIMIT_SECONDARY_USED,
		      GAUGE_LIMIT_SECONDARY_WINDOW, GAUGE_LIMIT_SECONDARY_RESET);
	if (l->reached != PLAN_UNSAID)
		metrics_gauge(m, GAUGE_LIMIT_REACHED, l->reached);
	if (l->unlimited != PLAN_UNSAID)
		metrics_gauge(m, GAUGE_CREDITS_UNLIMITED, l->unlimited);
	if (text_double(span_of(l->balance), &balance) && balance < 1e12 &&
	    balance > -1e12)
		metrics_gauge(m, GAUGE_CREDITS, (int64_t)(balance * 1000));
	metrics_gauge(m, GAUGE_LIMITS_SEEN, l->captured_s * 1000000);
}
