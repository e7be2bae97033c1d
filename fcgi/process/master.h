/*
 * master.h - the prefork master on fd 0.
 *
 * Forks workers, respawns them (at once for recycling; a worker that dies
 * within a second of its start waits 1, 2, 4 ... 30 s), kills one whose heart
 * has stopped for watchdog_ms, and turns signals into acts:
 *	TERM, INT, QUIT	drain all workers, then exit 0; the second one cuts
 *			what still runs at once
 *	HUP		reload: checks the file it was started from
 *			(`--check`), executes it anew (same pid, fd 0 kept),
 *			which reads the settings again and starts new workers;
 *			the old ones drain only when the new ones accept. When
 *			the check fails the old ones go on and the log says why.
 *	USR1		reopen the logs, here and in the workers
 *
 * main() calls, in this order: handover_take(), config_read(), master_run().
 */
#ifndef CHATMOCK_MASTER_H
#define CHATMOCK_MASTER_H

#include "handover.h"

struct program {
	const char *name;		/* "chatmock.fcgi" */
	int (*workers)(const struct config *c);
	const struct worker_hooks *hooks;
	/* Self-check before serving; one line a fault or warning in out.
	 * Returns 0 or an exit code of <sysexits.h>. NULL: none. */
	int (*check)(const struct config *c, struct buf *out);
	/* A second socket in CHATMOCK_HOME/run (second.h), or NULL. */
	const char *second;
};

/* argv is kept for the reload. h is taken over. Returns an exit code of
 * <sysexits.h>: 0, that of the check, EX_OSERR. */
int master_run(const struct program *p, const struct config *c,
	       char *const argv[], struct handover *h);

#endif
