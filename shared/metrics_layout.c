/*
 * metrics_layout.c - the header: whose file is it, of which boot, is it whole?
 */
#include <stdlib.h>

#include "clock.h"
#include "metrics_private.h"
#include "metrics_read.h"

#define MAGIC "ChatMock"

/* Counts beyond that were not counted. */
#define MAX_COUNT (UINT64_C(1) << 60)

/* Every word of every table that has a place in the file. */
static const char words[] =
#define X(id, name, label, help) #id ","
	METRICS_COUNTERS(X)
#undef X
	";"
#define X(id, name, label, unit, help) #id #unit ","
	METRICS_GAUGES(X)
#undef X
	";"
#define X(id, bounds, name, help) #id #bounds ","
	METRICS_HISTOGRAMS(X)
#undef X
	";"
#define X(id, name) #id ","
	METRICS_TONGUES(X) ";" METRICS_TOKENS(X) ";" METRICS_ROLES(X) ";"
	METRICS_STATES(X) ";" ERR_TABLE(X)
#undef X
	";"
#define X(code) #code ","
	METRICS_STATUSES(X)
#undef X
	;

static const uint32_t bounds[] = { METRICS_BOUNDS_LONG, METRICS_BOUNDS_SHORT };

static const size_t places[] = {
	sizeof(struct metrics_file), offsetof(struct metrics_file, models),
	offsetof(struct metrics_file, routes), offsetof(struct metrics_file, keys),
	offsetof(struct metrics_file, gauges), offsetof(struct metrics_file, jobs),
	offsetof(struct metrics_file, breakers), offsetof(struct metrics_file, slots),
	offsetof(struct metrics_file, shards), sizeof(struct metrics_shard),
	offsetof(struct metrics_shard, tokens), offsetof(struct metrics_shard, hist),
};

static uint64_t hash_more(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(1099511628211);
	return hash;
}

uint64_t metrics_layout(void)
{
	const char *test = getenv("CHATMOCK_TEST_METRICS_LAYOUT");
	uint64_t hash = UINT64_C(14695981039346656037);

	hash = hash_more(hash, words, sizeof(words));
	hash = hash_more(hash, bounds, sizeof(bounds));
	hash = hash_more(hash, places, sizeof(places));
	/* a test plays another version */
	return test ? hash_more(hash, test, strlen(test)) : hash;
}

static uint64_t head_check(const struct metrics_head *head)
{
	return hash_more(UINT64_C(14695981039346656037), head,
			 offsetof(struct metrics_head, check));
}

void metrics_head_fill(struct metrics_head *head)
{
	memset(head, 0, sizeof(*head));
	memcpy(head->magic, MAGIC, sizeof(head->magic));
	head->layout = metrics_layout();
	head->size = sizeof(struct metrics_file);
	head->boot = clock_boot_id();
	head->created_us = clock_wall_us();
	head->check = head_check(head);
}

enum metrics_kind metrics_head_look(const struct metrics_head *head)
{
	if (memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 ||
	    head->check != head_check(head))
		return KIND_BAD;
	if (head->layout != metrics_layout() ||
	    head->size != sizeof(struct metrics_file))
		return KIND_OTHER_VERSION;
	return head->boot == clock_boot_id() ? KIND_GOOD : KIND_OTHER_BOOT;
}

/* A place that is claimed has its own text, or none yet. */
static bool name_is_sane(const struct metrics_name *n)
{
	struct metrics_label label;

	return !metrics_get(&n->hash) || !metrics_get(&n->text[0]) ||
	       metrics_name_label(n, &label);
}

static bool slot_is_sane(const struct metrics_slot *s)
{
	return metrics_get(&s->pid) <= INT32_MAX &&
	       metrics_get(&s->role) < ROLE__COUNT &&
	       metrics_get(&s->state) < STATE__COUNT &&
	       metrics_get(&s->in_flight) < MAX_COUNT &&
	       metrics_get(&s->heartbeat_us) < MAX_COUNT;
}

bool metrics_is_sane(const struct metrics_file *f)
{
	const metric_word *word = (const metric_word *)f->shards;
	size_t count = sizeof(f->shards) / (sizeof(*word));

	for (size_t i = 0; i < count; i++)
		if (metrics_get(&word[i]) >= MAX_COUNT)
			return false;
	for (size_t i = 0; i < METRICS_ROUTES; i++)
		if (!name_is_sane(&f->routes[i]))
			return false;
	for (size_t i = 0; i < METRICS_MODELS; i++)
		if (!name_is_sane(&f->models[i]))
			return false;
	for (size_t i = 0; i < METRICS_KEYS; i++)
		if (!name_is_sane(&f->keys[i]))
			return false;
	for (size_t i = 0; i < METRICS_SLOTS; i++)
		if (!slot_is_sane(&f->slots[i]))
			return false;
	for (size_t i = 0; i < METRICS_JOBS; i++)
		if (!name_is_sane(&f->jobs[i].name) ||
		    metrics_get(&f->jobs[i].code) >= ERR__COUNT)
			return false;
	for (size_t i = 0; i < METRICS_BREAKERS; i++)
		if (!name_is_sane(&f->breakers[i].name))
			return false;
	return true;
}
