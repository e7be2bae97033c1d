/*
 * circuit.h - upstream's breaker, as a request meets it.
 *
 * A request enters once, before its first call, and leaves once, with its
 * end: however often it tried, it counts as one. What of upstream's failures
 * counts stands in circuit.c.
 */
#ifndef CHATMOCK_CIRCUIT_H
#define CHATMOCK_CIRCUIT_H

#include "stream.h"

/* Would a call be refused just now? Then s->note says so, and when to come
 * again. Costs nothing and takes nothing: to be asked before the work. */
bool circuit_refuses(struct stream *s);

/* The request is about to call. False: as above. */
bool circuit_enter(struct stream *s);

/* Is the verdict of this request still waited for, so that another attempt
 * makes sense? A probe has one. */
bool circuit_may_retry(const struct stream *s);

/* A probe's lease is to be renewed then; INT64_MAX for all others. */
int64_t circuit_renew_at(const struct stream *s);
void circuit_renew(struct stream *s);

/* The request has ended: with s->done, or with s->note. */
void circuit_leave(struct stream *s);

#endif
