/*
 * forward.h - a request about what upstream keeps, to upstream as it is, and
 * its answer back: status and body are upstream's own.
 *
 * For a Responses upstream that has a memory of its own. A stream of events is
 * passed on as it comes, all else when it is whole; what is neither JSON nor a
 * stream is no answer.
 */
#ifndef CHATMOCK_FORWARD_H
#define CHATMOCK_FORWARD_H

#include "stream.h"

/* The step behind admission; match is borrowed. */
void forward_start(struct stream *s, const struct route_match *match);

#endif
