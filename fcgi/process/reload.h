/*
 * reload.h - the master executes itself anew: first a trial (`--check` in a
 * child), then execve of the path it was started from.
 *
 * The path is kept as it was given, made absolute and with its symlinks:
 * /proc/self/exe would name the replaced file, and realpath() the old version
 * that a symlink no longer means.
 */
#ifndef CHATMOCK_RELOAD_H
#define CHATMOCK_RELOAD_H

#include "crew.h"
#include "master.h"

enum trial { TRIAL_NONE, TRIAL_RUNS, TRIAL_PASSED, TRIAL_FAILED };

struct reload {
	char *exe;
	char **argv;			/* argv[0] is exe; strings but it borrowed */
	struct log *log;
	/* private */
	pid_t pid;
	int fd;				/* what the trial says; -1: none */
	int64_t deadline_us;
	struct buf said;
};

/* False: no memory. */
bool reload_init(struct reload *r, char *const argv[], struct log *log);
void reload_free(struct reload *r);

/* Starts the trial; a failure is logged and false. */
bool reload_try(struct reload *r, int64_t now_us);
/* Reads what it says, ends it when it takes too long. */
void reload_tick(struct reload *r, int64_t now_us);
/* A child has ended: was it the trial, and how did it go? A refusal is
 * logged with the words of the trial. */
enum trial reload_reaped(struct reload *r, pid_t pid, int status);

/* Executes; returns only when that failed (logged). */
void reload_exec(struct reload *r, const struct crew *crew);

#endif
