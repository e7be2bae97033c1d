/*
 * fetch_job.h - a job of chatmock-fetch, run now on behalf of a command.
 */
#ifndef CHATMOCK_CLI_FETCH_JOB_H
#define CHATMOCK_CLI_FETCH_JOB_H

#include "cli.h"

/*
 * Runs `chatmock-fetch --job JOB`, with --force where it is to be done whether
 * it is due or not, and waits. What it did, one sentence, is appended to did.
 * Returns 0, or the exit code after the complaint: EX_TEMPFAIL when another
 * run is at work or the job failed, EX_UNAVAILABLE when a forced one had
 * nothing to ask.
 */
int cli_fetch(struct cli *cli, const char *job, bool force, const char *doing,
	      struct buf *did);

#endif
