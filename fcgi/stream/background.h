/*
 * background.h - a response that runs on when its client leaves.
 *
 * The request becomes two streams: the client's, which is answered at once or
 * follows what is stored (follow.h), and another that calls upstream as any
 * does, but whose answer goes into the store: its conn is a spool (wire/conn.h),
 * its events are written some twenty times a second. keep.c writes its end.
 *
 * What ends it early: its caller cancels or deletes it, through any worker
 * (running.h hears of it); the drain limit; the death of this process, which
 * others see by its owner (close.h).
 */
#ifndef CHATMOCK_BACKGROUND_H
#define CHATMOCK_BACKGROUND_H

#include "stream.h"

/* s's request is prepared: does it ask for it? */
bool background_wanted(const struct stream *s);

/* It does. s is answered, now or later. */
void background_start(struct stream *s);

/* Is s the one that runs? */
bool background_runs(const struct stream *s);

/* The record of how s ended: what it has as one that ran in the background,
 * and the events that are not yet written. No-op for all others. False: it
 * has ended by another's hand, and nothing is to be written. */
bool background_ends(struct stream *s, struct store_record *r);

/* s goes: what it was to the other. */
void background_free(struct stream *s);		/* safe twice */

#endif
