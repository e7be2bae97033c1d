/* See keys_keeper.h. */
#include "keys_keeper.h"

#include <stdlib.h>

#include "watch.h"

#define LOOK_US 400000

struct keys_keeper {
	struct keyring *now;
	struct watch *watch;
	keys_told_fn told;
	void *ctx;
};

/* Also in the thread. */
static void *load(void *arg)
{
	const struct keys_source *source = arg;
	struct keyring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	keyring_read(ring, source->home);
	if (!source->wanted)
		return ring;
	if (ring->wanted) {
		atomic_store(source->wanted, 1);
	} else if (atomic_load(source->wanted)) {
		ring->wanted = true;
		err_set(&ring->note, ERR_KEYS_BROKEN, "%.100s/" KEYS_FILE " is gone: "
			"put it back, or restart to serve without keys",
			source->home);
	}
	return ring;
}

static void drop(void *loaded)
{
	struct keyring *ring = loaded;

	if (ring)
		keyring_free(ring);
	free(ring);
}

static void take(void *ctx, void *loaded)
{
	struct keys_keeper *k = ctx;

	drop(k->now);
	k->now = loaded;
	if (k->told)
		k->told(k->ctx, k->now);
}

static const struct watch_ops ops = { load, take, drop, LOOK_US };

struct keys_keeper *keys_keeper_new(const struct keys_source *source,
				    struct loop *l, bool watched,
				    keys_told_fn told, void *ctx)
{
	struct keys_keeper *k = calloc(1, sizeof(*k));
	void *arg = (void *)(uintptr_t)source;	/* load() only reads it */
	const char *paths[1];
	char path[4200];

	if (!k)
		return NULL;
	k->told = told;
	k->ctx = ctx;
	snprintf(path, sizeof(path), "%s/" KEYS_FILE, source->home);
	paths[0] = path;
	/* first the watch, so that no change is missed */
	if (watched)
		k->watch = watch_new(l, paths, 1, &ops, arg, k);
	k->now = k->watch || !watched ? load(arg) : NULL;
	if (!k->now) {
		keys_keeper_free(k);
		return NULL;
	}
	if (told)
		told(ctx, k->now);
	return k;
}

void keys_keeper_free(struct keys_keeper *k)
{
	if (!k)
		return;
	watch_free(k->watch);
	drop(k->now);
	free(k);
}

const struct keyring *keys_now(const struct keys_keeper *k)
{
	return k->now;
}
