/*
 * keep.h - an answer is in the store before its client hears its end.
 *
 * The end of a stream, or the whole answer, waits for the store's commit, for
 * a second at most: then it leaves all the same, and says that it was not
 * stored. Also kept: an answer that failed, and one whose client left, if the
 * client had heard its id. What belongs to a conversation is added to it when
 * the answer is complete.
 *
 * Answers of which nothing is to be kept cost a comparison here.
 */
#ifndef CHATMOCK_KEEP_H
#define CHATMOCK_KEEP_H

#include "stream.h"

/*
 * Opens app->store where settings and upstream ask for one: a ChatGPT backend
 * stores nothing itself; any other upstream keeps its responses. Left NULL
 * otherwise. False: no memory. Does not block.
 */
bool keep_open(struct app *app);

/* At the end, behind loop_join(): what is queued is written. */
void keep_close(struct app *app);

/* Whom upstream encrypts reasoning for, as the store is told it. */
void keep_account(struct app *app, const struct login *login);

/* Whose the request is, in the store's words. */
const char *keep_caller(const struct stream *s);

/* The answer has begun; ev is its EVENT_START. */
void keep_begun(struct stream *s, const struct event *ev);

/* A stream's last event: taken to be said later. False: say it now. */
bool keep_hold(struct stream *s, const struct event *ev);

/*
 * The answer has ended, by s->note or well. True: it waits for the store, and
 * stream_kept() goes on, later. False: go on.
 */
bool keep_end(struct stream *s);

/* Between keep_end() and stream_kept(): no limit of time but our own. */
bool keep_waits(const struct stream *s);

/* What was held, NULL when nothing was. */
const struct event *keep_held(const struct stream *s);

/* The request leaves: what nobody waits for is written, too. */
void keep_leave(struct stream *s);

void keep_free(struct stream *s);		/* safe twice */

#endif
