/*
 * handover.h - what a master leaves in the environment for the one that it
 * becomes by executing itself: its workers, to be sent home later.
 *
 * CHATMOCK_OLD_WORKERS=<generation>:<pid>,<pid>,... Only pids that are
 * children of this very process are believed.
 * KEPT_CONNECTIONS=<put>,<take>: the queue in which kept connections go from
 * worker to worker. A name that is none of our settings' for the sake of a
 * version that does not know it: it would refuse the setting, but leaves alone
 * what it does not know.
 */
#ifndef CHATMOCK_HANDOVER_H
#define CHATMOCK_HANDOVER_H

#include "crew.h"

#define MAX_OLD_WORKERS 1024

struct handover {
	pid_t *pids;
	size_t count;
	uint32_t generation;		/* of who handed over; 0: nobody */
	int second_fd;			/* see second.h; -1: none */
	struct fdqueue kept;		/* to be closed by who takes it */
};

/* Reads the variable and forgets it: before config_read(), which would not
 * know it. False: no memory. */
bool handover_take(struct handover *h);
void handover_free(struct handover *h);		/* safe twice */

/* Writes the variable; handover_forget() takes it back. */
bool handover_give(const struct crew *crew);
void handover_forget(const struct crew *crew);	/* NULL: nothing was given */

#endif
