/*
 * close.h - a response that runs in the background is ended by somebody else:
 * its caller cancels it, or the process that ran it is dead.
 *
 * Blocking, for threads; nothing here knows streams.
 */
#ifndef CHATMOCK_CLOSE_H
#define CHATMOCK_CLOSE_H

#include "../../shared/store.h"

/*
 * r, as store_get() gave it, becomes cancelled (why NULL), or failed for this
 * reason; its events get their end. ERR_NOT_STORED: it has ended meanwhile, or
 * is gone. r is the function's from here on.
 */
MUST_USE enum err close_response(struct store *s, struct store_record *r,
				 const char *why, struct err_note *note);

/* Of one whose owner is dead the truth is told from now on: r is read anew
 * then. */
MUST_USE enum err close_orphan(struct store *s, struct store_record *r,
			       struct err_note *note);

/* All of them; how many there were. */
size_t close_orphans(struct store *s);

#endif
