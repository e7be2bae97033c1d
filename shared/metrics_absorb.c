/*
 * metrics_absorb.c - what one mapping has counted goes over into another.
 *
 * Sums are taken by exchange with zero: of two processes that leave the same
 * old file each takes what the other has not, whenever either comes.
 */
#include "metrics_private.h"
#include "metrics_read.h"

static void move(metric_word *to, metric_word *from)
{
	uint64_t n = metrics_get(from) ? atomic_exchange(from, 0) : 0;

	if (n)
		atomic_fetch_add(to, n);
}

static void move_all(metric_word *to, metric_word *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		move(&to[i], &from[i]);
}

/* Said where the other says nothing. */
static void copy(metric_word *to, const metric_word *from)
{
	uint64_t none = 0, n = metrics_get(from);

	if (n)
		atomic_compare_exchange_strong(to, &none, n);
}

/* The place in "to" of what stands at place i of "from". */
static unsigned place(struct metrics_name *to, const struct metrics_name *from,
		      size_t count, size_t i)
{
	struct metrics_label label;

	if (!i || !metrics_name_label(&from[i], &label))
		return 0;
	return metrics_name_claim(to, count, &label);
}

static void absorb_shard(struct metrics_file *to, struct metrics_file *from,
			 size_t shard)
{
	struct metrics_shard *t = &to->shards[shard], *f = &from->shards[shard];
	unsigned at;

	move_all(t->counters, f->counters, COUNT__COUNT);
	move_all(t->errors, f->errors, ERR__COUNT);
	move_all(t->retries, f->retries, ERR__COUNT);
	for (size_t i = 0; i < METRICS_ROUTES; i++) {
		at = place(to->routes, from->routes, METRICS_ROUTES, i);
		move_all(t->requests[at], f->requests[i], STATUS__COUNT);
	}
	for (size_t i = 0; i < METRICS_MODELS; i++) {
		at = place(to->models, from->models, METRICS_MODELS, i);
		move_all(t->tokens[at], f->tokens[i], TOKEN__COUNT);
	}
	for (size_t i = 0; i < METRICS_KEYS; i++) {
		at = place(to->keys, from->keys, METRICS_KEYS, i);
		move_all(t->key_tokens[at], f->key_tokens[i], TOKEN__COUNT);
	}
	for (size_t h = 0; h < HIST__COUNT; h++) {
		for (size_t i = 0; i < TONGUE__COUNT; i++) {
			move(&t->hist[h][i].sum, &f->hist[h][i].sum);
			move_all(t->hist[h][i].bucket, f->hist[h][i].bucket,
				 METRICS_BUCKETS);
		}
	}
}

static void absorb_job(struct metrics_file *to, struct metrics_job *f)
{
	struct metrics_label label;
	struct metrics_job *t = NULL;

	if (!metrics_name_label(&f->name, &label))
		return;
	for (size_t i = 0; i < METRICS_JOBS && !t; i++)
		if (metrics_name_claim_one(&to->jobs[i].name, &label))
			t = &to->jobs[i];
	if (!t)
		return;
	move(&t->runs, &f->runs);
	move(&t->failures, &f->failures);
	if (metrics_get(&t->started_us))
		return;			/* it has run since: that is newer */
	copy(&t->started_us, &f->started_us);
	copy(&t->ended_us, &f->ended_us);
	copy(&t->succeeded_us, &f->succeeded_us);
	copy(&t->duration_us, &f->duration_us);
	copy(&t->code, &f->code);
}

static void absorb_breaker(struct metrics_file *to, struct metrics_breaker *f)
{
	struct metrics_label label;

	if (!metrics_name_label(&f->name, &label))
		return;
	for (size_t i = 0; i < METRICS_BREAKERS; i++) {
		struct metrics_breaker *t = &to->breakers[i];

		if (!metrics_name_claim_one(&t->name, &label))
			continue;
		for (size_t w = 0; w < METRICS_BREAKER_WORDS; w++)
			copy(&t->word[w], &f->word[w]);
		return;
	}
}

void metrics_absorb(struct metrics_file *to, struct metrics_file *from,
		    bool same_boot)
{
	/* whoever still has it leaves it, too */
	atomic_store(&from->moved, 1);
	for (size_t i = 0; i < METRICS_SHARDS; i++)
		absorb_shard(to, from, i);
	for (size_t i = 0; i < METRICS_JOBS; i++)
		absorb_job(to, &from->jobs[i]);
	/* all of them are wall time or come anew with the next answer */
	for (size_t i = 0; i < GAUGE__COUNT; i++)
		copy(&to->gauges[i], &from->gauges[i]);
	for (size_t i = 0; same_boot && i < METRICS_BREAKERS; i++)
		absorb_breaker(to, &from->breakers[i]);
}
