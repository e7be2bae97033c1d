/* metrics_read.c - a reader's copy, and the tables. See metrics_read.h. */
#include "metrics_read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "metrics_private.h"

/* --- the copy --- */

static void sum_up(struct metrics_snapshot *s)
{
	size_t words = sizeof(struct metrics_shard) / sizeof(metric_word);
	metric_word *sum = (metric_word *)&s->file->shards[0];

	for (size_t i = 1; i < METRICS_SHARDS; i++) {
		const metric_word *one = (const metric_word *)&s->file->shards[i];

		for (size_t w = 0; w < words; w++)
			atomic_store_explicit(&sum[w], metrics_get(&sum[w]) +
					      metrics_get(&one[w]),
					      memory_order_relaxed);
	}
	for (size_t i = 0; i < METRICS_SLOTS; i++) {
		int64_t seen = (int64_t)metrics_get(&s->file->slots[i].heartbeat_us);

		if (seen > s->seen_us)
			s->seen_us = seen;
	}
	s->sums = &s->file->shards[0];
	s->taken_us = clock_boot_us();
}

static int open_ours(const char *path, struct err_note *note)
{
	char own[PATH_MAX];
	int fd;

	metrics_own_path(path, own);
	fd = metrics_file_open(own, O_RDONLY);
	if (fd < 0)
		fd = metrics_file_open(path, O_RDONLY);
	if (fd < 0)
		err_set(note, ERR_SYSTEM, "%.120s: %s", path, errno == ESTALE ?
			"not a plain file of ours" : strerror(errno));
	return fd;
}

enum err metrics_snapshot(const char *path, struct metrics_snapshot *s,
			  struct err_note *note)
{
	int fd = open_ours(path, note);
	enum metrics_kind kind;

	*s = (struct metrics_snapshot){ 0 };
	if (fd < 0)
		return note->code;
	s->file = metrics_file_copy(fd, &kind, note);
	if (s->file) {
		s->other_boot = kind == KIND_OTHER_BOOT;
		sum_up(s);
	}
	close(fd);
	return s->file ? ERR_NONE : note->code;
}

enum err metrics_snapshot_of(const struct metrics *m, struct metrics_snapshot *s,
			     struct err_note *note)
{
	const metric_word *from;
	metric_word *to;

	*s = (struct metrics_snapshot){ 0 };
	if (!m)
		return err_set(note, ERR_SYSTEM, "nothing is counted");
	s->file = aligned_alloc(64, sizeof(*s->file));
	if (!s->file)
		return err_set(note, ERR_NO_MEMORY, "a copy of the metrics");
	from = (const metric_word *)m->file;
	to = (metric_word *)s->file;
	for (size_t i = 0; i < sizeof(*s->file) / sizeof(*to); i++)
		atomic_store_explicit(&to[i], metrics_get(&from[i]),
				      memory_order_relaxed);
	sum_up(s);
	return ERR_NONE;
}

void metrics_snapshot_free(struct metrics_snapshot *s)
{
	free(s->file);
	*s = (struct metrics_snapshot){ 0 };
}

bool metrics_slot_lives(const struct metrics_snapshot *s,
			const struct metrics_slot *slot, int64_t most_us)
{
	uint64_t pid = metrics_get(&slot->pid);
	int64_t seen = (int64_t)metrics_get(&slot->heartbeat_us);

	if (s->other_boot || !pid || s->taken_us - seen > most_us)
		return false;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

/* --- the tables --- */

const struct metrics_row *metrics_counter_row(enum metric_counter c)
{
	static const struct metrics_row rows[] = {
#define X(id, name, label, help) { name, label, help },
		METRICS_COUNTERS(X)
#undef X
	};
	return &rows[c];
}

const struct metrics_row *metrics_gauge_row(enum metric_gauge g,
					    enum metric_unit *unit)
{
	static const struct { struct metrics_row row; enum metric_unit unit; } rows[] = {
#define X(id, name, label, unit, help) { { name, label, help }, UNIT_##unit },
		METRICS_GAUGES(X)
#undef X
	};
	*unit = rows[g].unit;
	return &rows[g].row;
}

static const uint32_t bounds_LONG[] = { METRICS_BOUNDS_LONG };
static const uint32_t bounds_SHORT[] = { METRICS_BOUNDS_SHORT };
_Static_assert(ARRAY_LEN(bounds_LONG) < METRICS_BUCKETS &&
	       ARRAY_LEN(bounds_SHORT) < METRICS_BUCKETS,
	       "a bucket for each bound, and one beyond");

const struct metrics_row *metrics_hist_row(enum metric_hist h,
					   const uint32_t **bounds, size_t *count)
{
	static const struct {
		struct metrics_row row;
		const uint32_t *bounds;
		size_t count;
	} rows[] = {
#define X(id, b, name, help) \
		{ { name, "", help }, bounds_##b, ARRAY_LEN(bounds_##b) },
		METRICS_HISTOGRAMS(X)
#undef X
	};
	*bounds = rows[h].bounds;
	*count = rows[h].count;
	return &rows[h].row;
}

#define NAMES(function, type, TABLE) \
	const char *function(type i) \
	{ \
		static const char *const names[] = { TABLE(X) }; \
		return names[i]; \
	}
#define X(id, name) name,
NAMES(metrics_tongue_name, enum metric_tongue, METRICS_TONGUES)
NAMES(metrics_token_name, enum metric_token, METRICS_TOKENS)
NAMES(metrics_role_name, enum metric_role, METRICS_ROLES)
NAMES(metrics_state_name, enum metric_state, METRICS_STATES)
#undef X

int metrics_status_code(enum metric_status s)
{
	static const int codes[] = {
#define X(code) code,
		METRICS_STATUSES(X)
#undef X
	};
	return codes[s];
}
