/*
 * fdqueue.h - open descriptors on their way between processes that belong
 * together: a queue in the kernel, which each of them has inherited.
 *
 * What lies in it stays open: bytes that arrive meanwhile wait for who takes
 * it. When the last process that has the queue ends, it is closed. Bounded by
 * the kernel, some 250 descriptors. Nothing here blocks.
 */
#ifndef CHATMOCK_FDQUEUE_H
#define CHATMOCK_FDQUEUE_H

#include "base.h"

struct fdqueue {
	int put, take;		/* one pair of sockets; -1: there is none */
};

#define FDQUEUE_NONE ((struct fdqueue){ -1, -1 })

bool fdqueue_open(struct fdqueue *q);		/* close-on-exec; false: errno */
void fdqueue_close(struct fdqueue *q);		/* safe twice */

/* Are these two the ends of a queue that this very process opened? */
bool fdqueue_is(const struct fdqueue *q);

/* note goes with it. fd stays open here and is the caller's to close. False:
 * not now (EAGAIN: full). */
bool fdqueue_put(const struct fdqueue *q, int fd, bool note);

/* The oldest; close-on-exec. -1 with errno: EAGAIN there is none, EMFILE or
 * ENFILE no room for one more: it stays where it is. */
int fdqueue_take(const struct fdqueue *q, bool *note);

bool fdqueue_empty(const struct fdqueue *q);

/* Closes what lies there. */
void fdqueue_drop(const struct fdqueue *q);

#endif
