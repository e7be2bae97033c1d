/*
 * wait.h - how long upstream asks to wait, in any way it may say so.
 *
 * Results are whole seconds, rounded up, at least 1 and at most 30 days;
 * 0 when nothing was said. No I/O; the time is an argument.
 */
#ifndef CHATMOCK_WAIT_H
#define CHATMOCK_WAIT_H

#include "../../shared/base.h"

/* Of the headers retry-after-ms and Retry-After (seconds or HTTP date). */
int wait_headers(struct span retry_after_ms, struct span retry_after,
		 int64_t now_s);

/* Of a sentence: "Please try again in 1.5s", "in 6m0s", "in 20ms". */
int wait_words(struct span message);

/* Of a number of seconds that an answer's body gives. */
int wait_seconds(int64_t seconds);

#endif
