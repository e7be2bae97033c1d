/*
 * collect.h - a whole answer gathered from events, never from upstream's own
 * summary of it.
 */
#ifndef CHATMOCK_COLLECT_H
#define CHATMOCK_COLLECT_H

#include "../tongues/tongue.h"

void answer_init(struct answer *a);
void answer_free(struct answer *a);		/* safe twice */

/* An event_fn; ctx is the struct answer. ERR_NO_MEMORY; ERR_UPSTREAM_GARBLED
 * for an answer past the ceilings. */
enum err collect_event(void *ctx, const struct event *ev);

#endif
