/*
 * watch.h - files that are read again when they have changed.
 *
 * Once a second, or as often as the ops want it, they are looked at in a
 * thread (LANE_WORK), and when one of
 * them is another than before, load() runs there; take() then gets what it
 * brought, on the loop. The first look is made when the watch is: what is
 * read after that can not miss a change.
 */
#ifndef CHATMOCK_WATCH_H
#define CHATMOCK_WATCH_H

#include "loop.h"

#define WATCH_MAX 6

struct watch_ops {
	/* In the thread. NULL: nothing to take; it is tried again when a file
	 * changes once more. */
	void *(*load)(void *arg);
	void (*take)(void *ctx, void *loaded);	/* owns loaded */
	void (*drop)(void *loaded);		/* the watch went meanwhile */
	int64_t every_us;			/* 0: a second */
};

/*
 * arg is load()'s and must stay until the loop's threads have ended
 * (loop_join()); ctx is take()'s. Paths are copied. NULL: no memory, a path
 * too long, or more than WATCH_MAX of them.
 */
struct watch;
struct watch *watch_new(struct loop *l, const char *const *paths, size_t count,
			const struct watch_ops *ops, void *arg, void *ctx);
void watch_free(struct watch *w);	/* no take() any more; NULL is fine */

#endif
