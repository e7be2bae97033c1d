/*
 * crew.h - the master's workers: forked, watched, replaced, sent home.
 *
 * As many workers as wanted accept at any time. Whoever wants to rest (a
 * recycled worker), and whoever an earlier master left behind (a reload), is
 * told to drain only when enough others accept: there is no moment at which
 * nobody does, not even with one worker.
 *
 * Single-threaded; only the master calls it. Time is clock_mono_us().
 */
#ifndef CHATMOCK_CREW_H
#define CHATMOCK_CREW_H

#include "worker.h"

/* One process we have to answer for. told: it was sent TERM (or USR2), and
 * at cut_us it is sent USR2, at kill_us KILL. left: by another master, which may
 * have told it, too. */
struct member {
	pid_t pid;			/* 0: none */
	int64_t born_us, cut_us, kill_us;
	bool told, doomed, left;
};

struct crew {
	const struct worker_hooks *hooks;
	const struct config *config;
	struct log *log, *access;
	struct metrics *metrics;	/* NULL: nothing is counted */
	struct board *board;
	struct member *members;		/* one a slot of the board */
	struct member *olds;		/* left by the master we took over from */
	size_t old_count;
	size_t want;
	uint32_t generation;
	int bell_fd;			/* eventfd: a worker has news */
	int second_fd;			/* see second.h; -1: none */
	struct fdqueue kept;		/* see worker.h */
	bool stopping;
	/* private */
	int64_t backoff_us, respawn_us;
	int64_t watch_from_us;		/* silence before it is not held against them */
	int64_t last_tick_us;
};

/* False: no memory or descriptors, errno tells. */
bool crew_init(struct crew *crew, size_t want);
void crew_free(struct crew *crew);

/* Workers that an earlier master left: once. False: no memory. */
MUST_USE bool crew_adopt(struct crew *crew, const pid_t *pids, size_t count);

/* Does what is due: kills, replaces, sends home. Often; cheap. */
void crew_tick(struct crew *crew, int64_t now_us);

/* A child has ended; false when it was none of the crew. */
bool crew_reaped(struct crew *crew, pid_t pid, int status, int64_t now_us);

/* All drain; with cut, at once. No more are forked. */
void crew_stop(struct crew *crew, bool cut, int64_t now_us);

void crew_signal(struct crew *crew, int sig);

size_t crew_alive(const struct crew *crew);	/* processes, draining ones too */
bool crew_ready(const struct crew *crew);	/* all that are wanted accept */

#endif
