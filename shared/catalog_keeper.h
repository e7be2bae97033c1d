/*
 * catalog_keeper.h - the models as one worker holds them: the file is looked
 * at once a second, in a thread, and a new list takes the old one's place as
 * a whole. Nothing here is ever waited for.
 *
 * What counts is the file's list when it is upstream's and the account's, be
 * it old; else the built-in table. A file that can not be read changes
 * nothing.
 */
#ifndef CHATMOCK_CATALOG_KEEPER_H
#define CHATMOCK_CATALOG_KEEPER_H

#include "catalog_sync.h"
#include "login.h"
#include "loop.h"

struct catalog_keeper;

/*
 * Reads the file at once, blocking, and the login's account where upstream
 * wants a login. authorization is "Bearer ..." or NULL; it, the settings and
 * what http borrows are the caller's and outlive the keeper, so do metrics,
 * which may be NULL. may_ask false:
 * upstream is never asked from here. NULL: no memory.
 */
struct catalog_keeper *catalog_keeper_new(const struct config *c, struct loop *l,
					  const struct http_settings *http,
					  const char *authorization,
					  struct metrics *metrics,
					  bool may_ask);
/* Before loop_join(); threads that still run are on their own and clean up. */
void catalog_keeper_free(struct catalog_keeper *k);

/* The catalogue of now; borrowed until the loop's next callback. */
struct catalog *catalog_keeper_now(const struct catalog_keeper *k);

/* On the loop, when now has changed or something is to be logged: event is
 * models_read, models_lost (the file is there and can not be read),
 * models_refreshed, models_refresh_failed. */
typedef void (*catalog_told_fn)(void *ctx, const char *event,
				const struct catalog *now,
				const struct err_note *note);
void catalog_keeper_listen(struct catalog_keeper *k, catalog_told_fn told,
			   void *ctx);

/* The login is now this account's. */
void catalog_keeper_login(struct catalog_keeper *k, const struct login *login);

/* An answer of upstream's said that its list is this one (x-models-etag, or
 * an empty span). Another than ours is fetched, in a thread, by one process,
 * once. */
void catalog_keeper_announced(struct catalog_keeper *k, struct span etag);

/* Somebody reads the list: one that is missing or too old is fetched, for
 * whoever reads it next, where no fetcher has done so. */
void catalog_keeper_asked(struct catalog_keeper *k);

#endif
