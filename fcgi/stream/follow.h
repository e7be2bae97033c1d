/*
 * follow.h - GET /v1/responses/{id}?stream=true: what a response that runs in
 * the background has said, from the store, and then live, from any worker.
 */
#ifndef CHATMOCK_FOLLOW_H
#define CHATMOCK_FOLLOW_H

#include "stream.h"

/* s says the events numbered behind after (-1: all), until the end of them.
 * Its caller asks. */
void follow_begin(struct stream *s, struct span id, int64_t after);

/* The client takes bytes again. No-op for all others. */
void follow_drained(struct stream *s);

void follow_free(struct stream *s);		/* safe twice */

#endif
