/*
 * quota.h - the plan's limits as one worker knows them: heard from upstream's
 * answers, put into the gauges at once and into limits.json soon, told at GET
 * /v1/usage.
 *
 * The file is written in a thread, when something has changed, and at most
 * every PLAN_EVERY_MS over all workers.
 */
#ifndef CHATMOCK_QUOTA_H
#define CHATMOCK_QUOTA_H

#include "../../shared/plan.h"

struct app;
struct stream;
struct quota;

/* Borrows app's loop, settings, metrics and log. NULL: no memory. */
struct quota *quota_new(struct app *app);

/* Writes what is not written yet. After loop_join(). NULL is fine. */
void quota_free(struct quota *q);

/* What an answer said; nothing, when it said nothing of limits. */
void quota_heard(struct quota *q, const struct plan *fresh);

/* Answers s with what is known, of this worker or of the file, whichever is
 * newer; ERR_LIMITS_UNKNOWN. The file is read in a thread. */
void quota_serve(struct stream *s);

#endif
