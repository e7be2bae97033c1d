/*
 * metrics.c - counting. See metrics.h.
 *
 * Everything here is a handful of relaxed atomic operations on the mapping:
 * no lock, no system call but where a slot is taken.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "metrics_private.h"
#include "metrics_read.h"

#define RELAXED memory_order_relaxed

static void add(metric_word *w, uint64_t n)
{
	atomic_fetch_add_explicit(w, n, RELAXED);
}

static void set(metric_word *w, uint64_t n)
{
	atomic_store_explicit(w, n, RELAXED);
}

/* --- requests --- */

static enum metric_status status_of(int code)
{
	switch (code) {
#define X(c) case c: return STATUS_##c;
	METRICS_STATUSES(X)
#undef X
	default:
		return STATUS_0;
	}
}

enum metric_tongue metrics_tongue(struct span name)
{
	for (enum metric_tongue t = TONGUE_OTHER + 1; t < TONGUE__COUNT; t++)
		if (span_eq(name, metrics_tongue_name(t)))
			return t;
	return TONGUE_OTHER;
}

void metrics_time(struct metrics *m, enum metric_hist h, enum metric_tongue t,
		  int64_t us)
{
	const uint32_t *bounds;
	struct metrics_hist *hist;
	size_t low = 0, high;

	if (!m || us < 0)
		return;
	metrics_hist_row(h, &bounds, &high);
	hist = &m->shard->hist[h][t];
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (us <= bounds[middle])
			high = middle;
		else
			low = middle + 1;
	}
	add(&hist->bucket[low], 1);
	add(&hist->sum, (uint64_t)us);
}

void metrics_request(struct metrics *m, const struct metrics_request *r)
{
	unsigned route = 0;

	if (!m)
		return;
	if (r->route)
		route = metrics_name_claim(m->file->routes, METRICS_ROUTES,
					   r->route);
	add(&m->shard->requests[route][status_of(r->status)], 1);
	add(&m->shard->errors[r->end], 1);
	metrics_time(m, HIST_REQUEST, r->tongue, r->total_us);
	metrics_time(m, HIST_TTFT, r->tongue, r->ttft_us);
	metrics_time(m, HIST_UPSTREAM, r->tongue, r->upstream_us);
	metrics_time(m, HIST_OWN, r->tongue, r->own_us);
}

static void add_tokens(metric_word *to, const uint64_t n[TOKEN__COUNT])
{
	for (size_t i = 0; i < TOKEN__COUNT; i++)
		if (n[i])
			add(&to[i], n[i]);
}

void metrics_tokens(struct metrics *m, struct span model,
		    const uint64_t n[TOKEN__COUNT])
{
	struct metrics_label label;

	if (!m)
		return;
	label = metrics_label(model);
	add_tokens(m->shard->tokens[metrics_name_claim(m->file->models,
						       METRICS_MODELS, &label)], n);
}

void metrics_key_tokens(struct metrics *m, struct span key,
			const uint64_t n[TOKEN__COUNT])
{
	struct metrics_label label;
	unsigned at = 0;

	if (!m)
		return;
	if (key.len) {
		label = metrics_label(key);
		at = metrics_name_claim(m->file->keys, METRICS_KEYS, &label);
	}
	add_tokens(m->shard->key_tokens[at], n);
}

/* --- gauges: a word that is 0 says nothing, so 0 is kept as its top bit --- */

#define KNOWN (UINT64_C(1) << 63)

void metrics_gauge(struct metrics *m, enum metric_gauge g, int64_t value)
{
	if (m)
		set(&m->file->gauges[g], (uint64_t)value ^ KNOWN);
}

void metrics_gauge_forget(struct metrics *m, enum metric_gauge g)
{
	if (m)
		set(&m->file->gauges[g], 0);
}

bool metrics_gauge_get(const struct metrics_snapshot *s, enum metric_gauge g,
		       int64_t *value)
{
	uint64_t word = metrics_get(&s->file->gauges[g]);

	*value = (int64_t)(word ^ KNOWN);
	return word != 0;
}

/* --- slots --- */

static bool slot_is_dead(const struct metrics_slot *s)
{
	uint64_t pid = metrics_get(&s->pid);

	return !pid || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

static struct metrics_slot *slot_take(struct metrics *m)
{
	uint64_t self = (uint64_t)getpid(), was;

	/* first our own (a master that executed itself anew), then a free one,
	 * then one of whom nobody cleared away */
	for (int pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < METRICS_SLOTS; i++) {
			struct metrics_slot *s = &m->file->slots[i];

			was = metrics_get(&s->pid);
			if (pass == 0 ? was != self :
			    pass == 1 ? was != 0 : !slot_is_dead(s))
				continue;
			if (atomic_compare_exchange_strong(&s->pid, &was, self))
				return s;
		}
	}
	return NULL;
}

static void slot_join(struct metrics *m)
{
	struct metrics_private *p = m->private;
	struct metrics_slot *s = slot_take(m);

	if (s) {
		set(&s->role, p->role);
		set(&s->state, STATE_STARTING);
		set(&s->generation, p->generation);
		set(&s->started_us, (uint64_t)p->started_us);
		set(&s->heartbeat_us, (uint64_t)clock_boot_us());
		set(&s->in_flight, 0);
		set(&s->served, 0);
	}
	atomic_store(&m->slot, s);
}

void metrics_join(struct metrics *m, enum metric_role role, uint32_t generation)
{
	if (!m)
		return;
	m->private->role = role;
	m->private->generation = generation;
	m->private->started_us = clock_boot_us();
	/* siblings on different lines, as far as there are any */
	m->shard = &m->file->shards[(size_t)getpid() % METRICS_SHARDS];
	slot_join(m);
}

static void slot_clear(struct metrics_slot *s)
{
	set(&s->in_flight, 0);
	set(&s->role, ROLE_FREE);
	set(&s->state, STATE_FREE);
	atomic_store(&s->pid, 0);
}

void metrics_leave(struct metrics *m)
{
	struct metrics_slot *s = m ? atomic_exchange(&m->slot, NULL) : NULL;

	if (s && metrics_get(&s->pid) == (uint64_t)getpid())
		slot_clear(s);
	if (m)
		m->private->role = ROLE_FREE;
}

void metrics_beat(struct metrics *m, enum metric_state state, uint64_t in_flight,
		  uint64_t served)
{
	struct metrics_slot *s = m ? atomic_load(&m->slot) : NULL;

	if (!m || m->private->role == ROLE_FREE)
		return;
	/* the mapping may be another file's by now, or was cleared under us */
	if (!s || metrics_get(&s->pid) != (uint64_t)getpid()) {
		slot_join(m);
		s = atomic_load(&m->slot);
	}
	if (!s)
		return;
	set(&s->heartbeat_us, (uint64_t)clock_boot_us());
	set(&s->state, state);
	set(&s->in_flight, in_flight);
	if (metrics_get(&s->served) != served) {
		set(&s->served, served);
		metrics_gauge(m, GAUGE_LAST_REQUEST, clock_wall_us());
	}
}

void metrics_dead(struct metrics *m, int64_t pid)
{
	for (size_t i = 0; m && i < METRICS_SLOTS; i++)
		if (metrics_get(&m->file->slots[i].pid) == (uint64_t)pid)
			slot_clear(&m->file->slots[i]);
}

/* --- jobs --- */

static struct metrics_job *job_at(struct metrics *m, struct span name)
{
	struct metrics_label label = metrics_label(name);

	for (size_t i = 0; i < METRICS_JOBS; i++) {
		struct metrics_job *job = &m->file->jobs[i];

		/* a table of one: claimed by the first who comes by */
		if (metrics_name_claim_one(&job->name, &label))
			return job;
	}
	return NULL;
}

void metrics_job_begin(struct metrics *m, struct span name, int64_t wall_us)
{
	struct metrics_job *job = m ? job_at(m, name) : NULL;

	if (!job)
		return;
	add(&job->runs, 1);
	set(&job->started_us, (uint64_t)wall_us);
}

void metrics_job_end(struct metrics *m, struct span name, int64_t wall_us,
		     int64_t duration_us, enum err code)
{
	struct metrics_job *job = m ? job_at(m, name) : NULL;

	if (!job)
		return;
	set(&job->ended_us, (uint64_t)wall_us);
	set(&job->duration_us, (uint64_t)duration_us);
	set(&job->code, code);
	if (code)
		add(&job->failures, 1);
	else
		set(&job->succeeded_us, (uint64_t)wall_us);
}

/* --- breakers --- */

metric_word *metrics_breaker(struct metrics *m, const struct metrics_label *origin)
{
	for (size_t i = 0; m && i < METRICS_BREAKERS; i++)
		if (metrics_name_claim_one(&m->file->breakers[i].name, origin))
			return m->file->breakers[i].word;
	return NULL;
}
