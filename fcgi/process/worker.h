/*
 * worker.h - one worker process: its loop, its signs of life, its signals.
 *
 * worker_run() makes the loop, beats the heart every 250 ms, turns signals
 * into calls and runs the program's serve hooks. A worker whose master died
 * drains as on TERM.
 *	TERM, QUIT	drain: stop accepting, finish, at most drain_timeout_ms
 *	INT		as TERM (Ctrl-C in the foreground)
 *	USR1		reopen the logs
 *	USR2		drain and cut at once
 * The master has blocked all of these before it forks, so that none is lost
 * before the worker's loop listens to them.
 */
#ifndef CHATMOCK_WORKER_H
#define CHATMOCK_WORKER_H

#include "../../shared/config.h"
#include "../../shared/fdqueue.h"
#include "../../shared/log.h"
#include "../../shared/loop.h"
#include "../../shared/metrics.h"
#include "board.h"

struct worker {
	const struct config *config;
	struct loop *loop;
	struct log *log, *access;
	struct board *board;
	struct slot *slot;
	struct metrics *metrics;	/* NULL: nothing is counted */
	int listen_fd;
	int second_fd;			/* listens too; -1: there is none */
	struct fdqueue kept;		/* kept connections from worker to worker */
	pid_t master;
	void *app;			/* the program's own */
	/* private */
	int bell_fd;			/* eventfd: wakes the master; -1: none */
	struct worker_life *life;
};

/* What a program does in a worker. */
struct worker_hooks {
	enum metric_role role;		/* what its workers are in the metrics */
	/* Makes w->app and begins to accept. False: why is logged, the process exits 70. */
	bool (*start)(struct worker *w);
	/* Stop accepting; what runs may finish. Called once. */
	void (*drain)(struct worker *w);
	/* The drain limit is reached: end what runs with an error event; the
	 * loop still runs for one second at most to send it. */
	void (*cut)(struct worker *w);
	void (*stop)(struct worker *w);	/* frees w->app; also after a failed start */
	/* Connections still open, be it that their request has not come yet
	 * or that their answer has not all left. Asked after worker_done(),
	 * which waits for them (to the drain's limit). NULL: it does not. */
	size_t (*open)(struct worker *w);
};

/* Called by the program: nothing is in flight and it drains, so end. It may be
 * called again when a request came after all. */
void worker_done(struct worker *w);
/* Called by the program: max_requests is reached, replace me. The worker goes
 * on accepting until its successor accepts; then drain is called. */
void worker_recycle(struct worker *w);
bool worker_draining(const struct worker *w);
/* Its master lives, so that others may take over what it leaves. */
bool worker_relieved(const struct worker *w);

/* Runs in the child; returns its exit code. */
int worker_run(struct worker *w, const struct worker_hooks *hooks);

#endif
