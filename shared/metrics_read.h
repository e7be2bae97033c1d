/*
 * metrics_read.h - the metrics file as a reader sees it: a copy.
 *
 * The file is read, never mapped, so that no fault can befall a reader,
 * whatever is done to the file meanwhile. The copy is of one instant for each
 * value, of nearly one for all.
 */
#ifndef CHATMOCK_METRICS_READ_H
#define CHATMOCK_METRICS_READ_H

#include "metrics.h"

struct metrics_snapshot {
	struct metrics_file *file;	/* the copy; sums holds all shards */
	struct metrics_shard *sums;	/* = &file->shards[0] */
	bool other_boot;		/* slots and breakers mean nothing */
	int64_t taken_us;		/* clock_boot_us() */
	int64_t seen_us;		/* the newest heartbeat in it; 0: none */
};

/* ERR_SYSTEM when there is no such file, or none that is whole and ours: note
 * says which. Blocking. */
MUST_USE enum err metrics_snapshot(const char *path, struct metrics_snapshot *s,
				   struct err_note *note);

/* The same of what a process holds, also while that is private. */
MUST_USE enum err metrics_snapshot_of(const struct metrics *m,
				      struct metrics_snapshot *s,
				      struct err_note *note);
void metrics_snapshot_free(struct metrics_snapshot *s);	/* safe on zero */

/* A value of the copy. */
static inline uint64_t metrics_get(const metric_word *word)
{
	return atomic_load_explicit((metric_word *)word, memory_order_relaxed);
}

/* The name into out; false: the place is free. Printable ASCII only: all else
 * is '?'. */
bool metrics_name_get(const struct metrics_name *n, char out[METRICS_NAME + 1]);

/* False: not known. */
bool metrics_gauge_get(const struct metrics_snapshot *s, enum metric_gauge g,
		       int64_t *value);

/* True when the process lives: of this boot, there, and with a heartbeat no
 * older than most_us. */
bool metrics_slot_lives(const struct metrics_snapshot *s,
			const struct metrics_slot *slot, int64_t most_us);

/* --- the tables */
struct metrics_row { const char *name, *label, *help; };
const struct metrics_row *metrics_counter_row(enum metric_counter c);

enum metric_unit { UNIT_ONE, UNIT_MILLI, UNIT_MICRO };	/* what 1 is kept as */
const struct metrics_row *metrics_gauge_row(enum metric_gauge g,
					    enum metric_unit *unit);

/* bounds: *count upper bounds in microseconds; bucket[*count] is beyond. */
const struct metrics_row *metrics_hist_row(enum metric_hist h,
					   const uint32_t **bounds, size_t *count);

const char *metrics_tongue_name(enum metric_tongue t);
const char *metrics_token_name(enum metric_token t);
const char *metrics_role_name(enum metric_role r);
const char *metrics_state_name(enum metric_state s);
int metrics_status_code(enum metric_status s);	/* 0: other */

#endif
