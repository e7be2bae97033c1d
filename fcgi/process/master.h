/*
 * master.h - the prefork master on fd 0.
 *
 * Forks workers, respawns them (at once for recycling; a worker that dies
 * within a second of its start waits 1, 2, 4 ... 30 s), kills one whose heart
 * has stopped for watchdog_ms, and forwards signals:
 *	TERM, INT, QUIT	drain all workers, then exit 0
 *	HUP		reload: checks the file it was started from
 *			(`--check`), executes it anew (same pid, fd 0 kept),
 *			which reads the settings again and starts new workers;
 *			the old ones drain only when the new ones accept. When
 *			the check fails the old ones go on and the log says why.
 *	USR1		reopen the logs, here and in the workers
 */
#ifndef CHATMOCK_MASTER_H
#define CHATMOCK_MASTER_H

#include "worker.h"

struct program {
	const char *name;		/* "chatmock.fcgi" */
	int (*workers)(const struct config *c);
	const struct worker_hooks *hooks;
	/* Self-check before serving and for --check; one line a fault. */
	bool (*check)(const struct config *c, struct buf *out);
};

/* argv and environ_ are kept for the reload. Returns an exit code of
 * <sysexits.h>: 0, EX_CONFIG, EX_OSERR, EX_SOFTWARE. */
int master_run(const struct program *p, const struct config *c,
	       char *const argv[]);

#endif
