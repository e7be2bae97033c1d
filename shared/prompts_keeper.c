/*
 * prompts_keeper.c - the prompts as a worker holds them. Requests take what is
 * there; files are read in a thread, and only when one has changed.
 */
#include "prompts_file.h"
#include "watch.h"

struct prompts_keeper {
	struct prompts *now;
	struct watch *watch;
	prompts_told_fn told;
	void *ctx;
};

static void *load(void *arg)
{
	return prompts_read(arg);
}

static void drop(void *loaded)
{
	prompts_unref(loaded);
}

static bool same(const struct prompts *a, const struct prompts *b)
{
	for (int id = 0; id < PROMPT__COUNT; id++)
		if (a->of[id].origin != b->of[id].origin ||
		    a->of[id].len != b->of[id].len ||
		    memcmp(a->of[id].text, b->of[id].text, a->of[id].len) != 0)
			return false;
	return strcmp(a->why, b->why) == 0;
}

/* The last good one in place of what the chain had behind a broken cache. */
static void keep_good(const struct prompts *old, struct prompts *now)
{
	for (int id = 0; id < PROMPT__COUNT; id++) {
		const struct prompt *good = &old->of[id];
		struct prompt *p = &now->of[id];
		char *copy;

		if (!p->broken || !good->cached_at)
			continue;
		copy = strndup(good->text, good->len);
		if (!copy)
			continue;
		free(p->text);
		*p = *good;
		p->text = copy;
		p->broken = true;
	}
}

static void take(void *ctx, void *loaded)
{
	struct prompts_keeper *k = ctx;
	struct prompts *old = k->now;

	k->now = loaded;
	keep_good(old, k->now);
	if (k->told && !same(old, k->now))
		k->told(k->ctx, k->now);
	prompts_unref(old);
}

static const struct watch_ops ops = { load, take, drop, 0 };

struct prompts_keeper *prompts_keeper_new(const struct config *c, struct loop *l,
					  prompts_told_fn told, void *ctx)
{
	struct prompts_keeper *k = calloc(1, sizeof(*k));
	char path[2 * PROMPT__COUNT + 1][PATH_MAX];
	const char *paths[2 * PROMPT__COUNT + 1];
	size_t count = 0;
	bool ok;

	if (!k)
		return NULL;
	k->told = told;
	k->ctx = ctx;
	ok = prompt_meta_path(c, path[count++]);
	for (int id = 0; id < PROMPT__COUNT; id++) {
		ok = ok && prompt_cache_path(c, (enum prompt_id)id, path[count++]);
		ok = ok && prompt_local_path(c, (enum prompt_id)id, path[count++]);
	}
	for (size_t i = 0; i < count; i++)
		paths[i] = path[i];
	/* load() only reads it */
	k->watch = ok ? watch_new(l, paths, count, &ops, (void *)(uintptr_t)c, k) :
			NULL;
	k->now = k->watch ? prompts_read(c) : NULL;
	if (k->now) {
		if (k->told)
			k->told(k->ctx, k->now);
		return k;
	}
	prompts_keeper_free(k);
	return NULL;
}

void prompts_keeper_free(struct prompts_keeper *k)
{
	if (!k)
		return;
	watch_free(k->watch);
	prompts_unref(k->now);
	free(k);
}

struct prompts *prompts_now(struct prompts_keeper *k)
{
	return k ? prompts_ref(k->now) : NULL;
}
