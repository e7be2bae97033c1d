/*
 * ops.h - what start, stop, restart, ensure, reload, update and rollback
 * share: one of them at a time, on a gateway that a keeper keeps
 * (deploy/keep/keeper.h).
 */
#ifndef CHATMOCK_CLI_OPS_H
#define CHATMOCK_CLI_OPS_H

#include "../keep/state.h"
#include "cli.h"

/*
 * Settings of --set and --config go into our environment, so that what we
 * start has them, too. Again after the environment was changed. 0, or the exit
 * code after the complaint.
 */
MUST_USE int ops_settings(struct cli *cli);

/*
 * Waits until no other command is at work on this home, at most wait_ms. 0, or
 * the exit code; *lock is to be closed.
 */
MUST_USE int ops_lock(struct cli *cli, int wait_ms, int *lock);
#define OPS_PATIENCE_MS 180000

/* --- under the lock */

/* Cleans up what an earlier one left, checks, starts; returns when it answers.
 * 0, or the exit code after the complaint. */
MUST_USE int ops_start(struct cli *cli);

/* The same in the foreground; returns when it has ended. The lock is let go
 * when it begins (-1). */
MUST_USE int ops_start_here(struct cli *cli, int *lock);

/* force: streams are ended at once and who does not end is killed. */
MUST_USE int ops_stop(struct cli *cli, bool force);

/*
 * The masters take the programs and settings that are there now. 0 when the
 * new workers accept and go on to for settle_ms; EX_SOFTWARE, with why filled,
 * when a master refused, one of its workers died or health is not what it was:
 * then the old workers go on.
 */
MUST_USE int ops_reload(struct cli *cli, const struct proc *keeper,
			int settle_ms, struct buf *why);

/* The self-check of the programs in use, its findings on stderr. */
MUST_USE int ops_check(struct cli *cli, const char *program, const char *option);

/* --- at any time */

/* The keeper, when it lives. */
bool ops_keeper(const struct cli *cli, struct proc *keeper);

/* The gateway that this keeper keeps answers, its web server too. */
bool ops_answers(struct cli *cli, pid_t keeper);

/* GET of a path of the gateway, at most ms; its status, 0: no answer. body may
 * be NULL. */
int ops_get(struct cli *cli, const char *path, int ms, struct buf *body);

/* What health.fcgi would say at /health, read from files: it asks nobody, and
 * needs no key. NULL: it did not say anything. */
struct json_object *ops_report(struct cli *cli);

/* Does act with the settings of the gateway that runs, and nobody else at
 * work on it. Its exit code, or that of what kept it from being done. */
int ops_as_it_runs(struct cli *cli, int (*act)(struct cli *cli));

#endif
