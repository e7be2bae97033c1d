/*
 * plan.h - what the plan still allows, as upstream last told it.
 *
 * Two ways it tells: x-codex-* headers of any answer, and the document of
 * wham/usage. Both become a struct plan; that becomes limits.json under
 * CHATMOCK_HOME, the gauges of the metrics file, and the answer of GET
 * /v1/usage. The file has the shape of the document (plan_type, rate_limit,
 * additional_rate_limits, credits), and captured_at.
 *
 * Units: seconds, Unix time; percent. No pointers inside: copied by value.
 */
#ifndef CHATMOCK_PLAN_H
#define CHATMOCK_PLAN_H

#include "json.h"
#include "metrics.h"

#define MAX_LIMIT_FAMILIES 8	/* beside the plan's own; more are not kept */

struct plan_window {
	bool known;		/* else: nothing is limited by such a window */
	double used_percent;
	int64_t window_s;	/* its length; 0: not said */
	int64_t reset_at;	/* when it begins anew; 0: not said */
};

/* The plan's own limit, or one of a metered feature. */
struct plan_family {
	char id[48];		/* "codex", "codex_other" */
	char name[80];		/* to be shown, or "" */
	struct plan_window primary, secondary;
};

enum plan_word { PLAN_UNSAID = -1, PLAN_NO, PLAN_YES };

struct plan {
	int64_t captured_s;	/* when upstream said so; 0: nothing is known */
	char plan[24], active[48], reached_type[64];
	signed char allowed, reached;			/* enum plan_word */
	signed char has_credits, unlimited;		/* enum plan_word */
	char balance[24];	/* a number as upstream wrote it, or "" */
	struct plan_family own, others[MAX_LIMIT_FAMILIES];
	size_t other_count;
};

/* Nothing known. */
void plan_init(struct plan *l);

/* Is this one of upstream's headers about limits? name in any case. */
bool plan_is_header(struct span name);

/*
 * Takes one header of an answer. Windows of a family are those of the last
 * answer that named the family: begin with plan_init(), give all headers of
 * one answer, then plan_merge() it. False: it tells nothing of limits.
 */
bool plan_header(struct plan *l, struct span name, struct span value,
		   int64_t now_s);

/* What a newer answer said takes the place of what was known. */
void plan_merge(struct plan *l, const struct plan *newer);

/* Worth being written: something that people look at is another, or it is a
 * minute newer. */
bool plan_differ(const struct plan *a, const struct plan *b);

/* The document, of wham/usage (now_s is when it came) or of the file (which
 * knows by itself). False: there is nothing in it. */
bool plan_from_json(struct plan *l, struct json_object *document,
		      int64_t now_s);

/*
 * The document. age: with age_seconds and reset_after_seconds as of now_s;
 * whole: used_percent as whole numbers, which is what Codex reads.
 */
struct plan_style { bool age, whole; };
void plan_json(const struct plan *l, int64_t now_s,
		 struct plan_style style, struct buf *out);

/* Sets the gauges. */
void plan_gauges(const struct plan *l, struct metrics *m);

/*
 * "<home>/limits.json", blocking. Reading: ERR_SYSTEM when there is none,
 * ERR_BAD_JSON for one that says nothing. Writing: replaced whole, 0600, under
 * a lock and not more often than every 5 s, for all processes together:
 * *again_ms is then when to come again, and nothing was written; a file that
 * is newer than l stays.
 */
#define PLAN_EVERY_MS 5000
MUST_USE enum err plan_read(const char *home, struct plan *l,
			      struct err_note *note);
MUST_USE enum err plan_write(const char *home, const struct plan *l,
			       int *again_ms, struct err_note *note);

/* Another account: what is known of the last one's plan is no use. */
void plan_forget(const char *home);

#endif
