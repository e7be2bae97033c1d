/*
 * retry.h - whether a failure is worth another attempt, and when.
 *
 * Not more than MAX_ATTEMPTS, and not more of them at once, over all workers,
 * than a fifth of the requests in flight (three are always allowed): when
 * upstream fails altogether it gets at most 1.2 times the calls.
 */
#ifndef CHATMOCK_RETRY_H
#define CHATMOCK_RETRY_H

#include "stream.h"

/*
 * True: another attempt may be made for the failure in s->note, *after_us from
 * now, and the stream has its part of the budget until retry_over(). False:
 * not; where the attempts are used up s->note tells the client's SDK not to
 * try on its own either.
 */
bool retry_allowed(struct stream *s, int64_t *after_us);

/* It worked, or it is over: others may try again. Called at any time. */
void retry_over(struct stream *s);

#endif
