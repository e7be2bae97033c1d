/*
 * keys_keeper.h - the keys as one worker has them: looked at twice a second, in
 * a thread, and taken whole.
 *
 * A file that is broken, or goes while keys were wanted, lets nobody in until
 * it is mended; only who starts the gateway without one serves without keys.
 */
#ifndef CHATMOCK_KEYS_KEEPER_H
#define CHATMOCK_KEYS_KEEPER_H

#include <stdatomic.h>

#include "keys.h"
#include "loop.h"

struct keys_keeper;

struct keys_source {
	const char *home;
	/* shared by who outlives a worker: keys were wanted; or NULL */
	_Atomic int32_t *wanted;
};

/* On the loop, when the keys were read again, and at first. */
typedef void (*keys_told_fn)(void *ctx, const struct keyring *now);

/*
 * Reads the file at once, blocking. source is borrowed until the loop's
 * threads have ended (loop_join()). watched false: it stays as it is. told may
 * be NULL. NULL: no memory.
 */
struct keys_keeper *keys_keeper_new(const struct keys_source *source,
				    struct loop *l, bool watched,
				    keys_told_fn told, void *ctx);
void keys_keeper_free(struct keys_keeper *k);	/* NULL is fine */

/* Borrowed until the loop's next callback. */
const struct keyring *keys_now(const struct keys_keeper *k);

#endif
