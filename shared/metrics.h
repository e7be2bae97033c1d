/*
 * metrics.h - the counters every process adds to and one page reads.
 *
 * What it is:  one file, $CHATMOCK_HOME/metrics, mapped by every responder and
 *              by the fetcher. There is no lock around a value and no server.
 *              What is counted: metrics_table.h.
 * Units:       times are kept in microseconds; all else as it is counted.
 *              Times of this boot are clock_boot_us(); those that people
 *              compare with a calendar are clock_wall_us() and say so.
 * Concurrency: each value is one lock-free 64-bit atomic, added to relaxed, in
 *              one of a few shards, so that busy workers do not share a cache
 *              line; a reader adds the shards up. Two counters may be seen of
 *              different instants, half a counter never. Any thread may count.
 * Lifetime:    counters outlive processes and boots; all else (slots, breakers,
 *              gauges but those of wall time) begins anew with each boot.
 * Versions:    the header has a hash of all tables. A file of another version
 *              is replaced, but while a process of that version still has it
 *              open we keep beside it: metrics-<hash>, and go on with that.
 * Failure:     counting never fails and never stops a request. What can not
 *              be mapped (no space, no directory, a file that was truncated
 *              under us) is private memory until metrics_check() has made the
 *              file anew; what was counted meanwhile is added to it then.
 * Gauges:      are set, never added to and taken from: a process that dies
 *              between the two would leave the sum wrong for good. What is in
 *              flight stands in the slot of its process and dies with it.
 *
 * Every function takes a NULL struct metrics and does nothing then. A new file
 * is mapped at the same address, so a pointer into the mapping never dangles;
 * but what it points at may have become somebody else's after metrics_check().
 */
#ifndef CHATMOCK_METRICS_H
#define CHATMOCK_METRICS_H

#include <stdatomic.h>

#include "err.h"
#include "metrics_table.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
	       "a lock inside a shared mapping would be private to its process");

enum metric_counter {
#define X(id, name, label, help) COUNT_##id,
	METRICS_COUNTERS(X)
#undef X
	COUNT__COUNT
};

enum metric_gauge {
#define X(id, name, label, unit, help) GAUGE_##id,
	METRICS_GAUGES(X)
#undef X
	GAUGE__COUNT
};

enum metric_hist {
#define X(id, bounds, name, help) HIST_##id,
	METRICS_HISTOGRAMS(X)
#undef X
	HIST__COUNT
};

enum metric_tongue {
#define X(id, name) TONGUE_##id,
	METRICS_TONGUES(X)
#undef X
	TONGUE__COUNT
};

enum metric_status {
#define X(code) STATUS_##code,
	METRICS_STATUSES(X)
#undef X
	STATUS__COUNT
};

enum metric_token {
#define X(id, name) TOKEN_##id,
	METRICS_TOKENS(X)
#undef X
	TOKEN__COUNT
};

enum metric_role {
#define X(id, name) ROLE_##id,
	METRICS_ROLES(X)
#undef X
	ROLE__COUNT
};

enum metric_state {
#define X(id, name) STATE_##id,
	METRICS_STATES(X)
#undef X
	STATE__COUNT
};

#define METRICS_ROUTES 64	/* names in the tables; the first is "other" */
#define METRICS_MODELS 64
#define METRICS_KEYS 32
#define METRICS_NAME 88		/* bytes of a name, cut behind */
#define METRICS_SLOTS 288	/* 256 workers and some masters */
#define METRICS_JOBS 16
#define METRICS_BREAKERS 8
#define METRICS_BUCKETS 26	/* at most, with the one behind the last bound */

/* --- what lies in the file. All members of a shard are 64-bit words. */

typedef _Atomic uint64_t metric_word;

struct metrics_shard {
	_Alignas(64) metric_word counters[COUNT__COUNT];
	metric_word errors[ERR__COUNT];		/* requests, by how they ended */
	metric_word retries[ERR__COUNT];	/* further attempts, by cause */
	metric_word requests[METRICS_ROUTES][STATUS__COUNT];
	metric_word tokens[METRICS_MODELS][TOKEN__COUNT];
	metric_word key_tokens[METRICS_KEYS][TOKEN__COUNT];
	struct metrics_hist {
		metric_word sum;		/* microseconds */
		metric_word bucket[METRICS_BUCKETS];	/* not cumulative */
	} hist[HIST__COUNT][TONGUE__COUNT];
};

/* A label that is claimed by its first user and then stays. */
struct metrics_name {
	metric_word hash;		/* 0: free */
	metric_word text[METRICS_NAME / 8];	/* NUL-padded */
};

/* One process. Only that process writes it; the master clears a dead one's. */
struct metrics_slot {
	_Alignas(64) metric_word pid;	/* 0: free */
	metric_word role;		/* enum metric_role */
	metric_word state;		/* enum metric_state */
	metric_word generation;		/* of its master */
	metric_word started_us;		/* clock_boot_us() */
	metric_word heartbeat_us;	/* clock_boot_us() of the last sign of life */
	metric_word in_flight;		/* now */
	metric_word served;		/* since it started; of a master: the
					 * workers it is to have */
};

/* One of the fetcher's jobs: times are clock_wall_us(). */
struct metrics_job {
	struct metrics_name name;
	metric_word started_us, ended_us, succeeded_us;	/* the last time, or 0 */
	metric_word duration_us;
	metric_word code;		/* enum err of the last run */
	metric_word runs, failures;
};

/* One upstream's breaker. The words are the breaker's own (breaker.h); all
 * zero is a closed one. */
#define METRICS_BREAKER_WORDS 4
struct metrics_breaker {
	_Alignas(64) metric_word word[METRICS_BREAKER_WORDS];
	struct metrics_name name;	/* the origin */
};

#define METRICS_SHARDS 8
struct metrics_file {
	struct metrics_head {
		char magic[8];
		uint64_t layout, size;
		uint64_t boot;		/* clock_boot_id() */
		int64_t created_us;	/* clock_wall_us() */
		uint64_t check;		/* hash of what stands before */
	} head;
	_Alignas(64) metric_word moved;	/* a new file took its place */
	struct metrics_name routes[METRICS_ROUTES];
	struct metrics_name models[METRICS_MODELS];
	struct metrics_name keys[METRICS_KEYS];	/* of callers: the key's name, or a hash */
	metric_word gauges[GAUGE__COUNT];	/* 0: not known, see metrics_gauge() */
	struct metrics_job jobs[METRICS_JOBS];
	struct metrics_breaker breakers[METRICS_BREAKERS];
	struct metrics_slot slots[METRICS_SLOTS];
	struct metrics_shard shards[METRICS_SHARDS];
};

/* --- a process's hold on it */

struct metrics {
	struct metrics_file *file;	/* the mapping; never NULL */
	struct metrics_shard *shard;	/* ours */
	_Atomic(struct metrics_slot *) slot;	/* ours, or NULL */
	struct metrics_private *private;
};

/*
 * Opens path (its directory is made when missing), or makes the file. When
 * that fails note says why and the result counts into private memory. NULL
 * only when there is no memory at all. Blocking, as file.h.
 */
struct metrics *metrics_open(const char *path, struct err_note *note);
void metrics_close(struct metrics *m);

/* "<home>/metrics" */
struct metrics *metrics_open_home(const char *home, struct err_note *note);

/*
 * Looks whether the file is still there and ours, and makes it anew when not.
 * Every second or so, by one thread at a time; blocking. ERR_OK: all is well,
 * or well again; the note says what was wrong with the file where *mended.
 */
enum err metrics_check(struct metrics *m, bool *mended, struct err_note *note);

/* False while it counts into private memory. */
bool metrics_is_shared(const struct metrics *m);

/* True when metrics_check() is due at once, as far as that can be seen without
 * a look at the file. */
bool metrics_is_stale(const struct metrics *m);

/* --- a process's slot. Forked ones join each for themselves; without a free
 * slot they count all the same. */
void metrics_join(struct metrics *m, enum metric_role role, uint32_t generation);
void metrics_leave(struct metrics *m);
void metrics_beat(struct metrics *m, enum metric_state state, uint64_t in_flight,
		  uint64_t served);
/* A process is known to be dead: its slot is free, nothing of it in flight. */
void metrics_dead(struct metrics *m, int64_t pid);

/* --- counting */

static inline void metrics_add(struct metrics *m, enum metric_counter c,
			       uint64_t n)
{
	if (m)
		atomic_fetch_add_explicit(&m->shard->counters[c], n,
					  memory_order_relaxed);
}

static inline void metrics_count(struct metrics *m, enum metric_counter c)
{
	metrics_add(m, c, 1);
}

/* A further attempt is made because of this. */
static inline void metrics_retry(struct metrics *m, enum err cause)
{
	if (m)
		atomic_fetch_add_explicit(&m->shard->retries[cause], 1,
					  memory_order_relaxed);
}

void metrics_time(struct metrics *m, enum metric_hist h, enum metric_tongue t,
		  int64_t us);

/* A name with its hash, made once by who uses it often. */
struct metrics_label {
	uint64_t hash, text[METRICS_NAME / 8];
};
struct metrics_label metrics_label(struct span name);	/* cut to fit */

/* A request leaves. route: "METHOD path tongue"; NULL: none fits. */
struct metrics_request {
	const struct metrics_label *route;
	enum metric_tongue tongue;
	int status;			/* HTTP; 499: the client left */
	enum err end;
	int64_t total_us;
	int64_t ttft_us, upstream_us, own_us;	/* -1: none */
};
void metrics_request(struct metrics *m, const struct metrics_request *r);

/* n tokens of each type, by a model. */
void metrics_tokens(struct metrics *m, struct span model,
		    const uint64_t n[TOKEN__COUNT]);
/* The same ones, by the name of the caller's key, or by the hash of what it
 * sent where none was wanted ("": nothing). */
void metrics_key_tokens(struct metrics *m, struct span key,
			const uint64_t n[TOKEN__COUNT]);

/* Of a tongue's name. */
enum metric_tongue metrics_tongue(struct span name);

/* --- gauges */
void metrics_gauge(struct metrics *m, enum metric_gauge g, int64_t value);
void metrics_gauge_forget(struct metrics *m, enum metric_gauge g);

/* --- the fetcher's jobs: one of METRICS_JOBS names. */
void metrics_job_begin(struct metrics *m, struct span name, int64_t wall_us);
void metrics_job_end(struct metrics *m, struct span name, int64_t wall_us,
		     int64_t duration_us, enum err code);

/* --- breakers: the words of this origin, METRICS_BREAKER_WORDS of them. To be
 * asked for at each use: in another file they lie elsewhere. NULL when m is
 * NULL or all cells are taken: that upstream has no breaker then. */
metric_word *metrics_breaker(struct metrics *m, const struct metrics_label *origin);

#endif
