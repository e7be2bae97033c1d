/*
 * running.h - what of the store this worker has to hear of soon: news for
 * those who follow a response, and the end of one that it runs itself, by
 * another worker's hand.
 *
 * While there is anybody to tell, a thread asks the store some twenty times a
 * second whether anything in it was written, by whatever process; that costs
 * microseconds. Every few seconds it looks for responses whose process died.
 */
#ifndef CHATMOCK_RUNNING_H
#define CHATMOCK_RUNNING_H

#include "app.h"

struct running;

/* Embedded by who wants to hear. news() on the loop: something was written;
 * ended, for those with an id: the response does not run any more. */
struct running_ear {
	void (*news)(struct running_ear *ear, bool ended);
	const char *caller, *id;	/* of a response that is run here; or NULL */
	/* private */
	struct running_ear *next, *prev;
	unsigned from;			/* questions before it was there */
	bool added;
};

/* Once per worker that has a store; NULL: no memory. It looks for responses of
 * dead processes at once. */
struct running *running_new(struct app *app);
/* No callbacks any more. After loop_join(). */
void running_free(struct running *r);

void running_add(struct running *r, struct running_ear *ear);
void running_remove(struct running *r, struct running_ear *ear);	/* twice is
							 * fine, and without r */

/* How many are run here, and how many of them for this caller. */
size_t running_count(const struct running *r, const char *caller, size_t *own);

#endif
