/*
 * jobs.h - what a run of chatmock-fetch does: a table of jobs.
 *
 * A job knows by itself when it is due: with nothing due it touches no
 * network. It is due now, too, when it would become due before the next run.
 * Jobs run one after the other, in the order of the table; one that fails
 * keeps no other from running, and leaves what was there before as it was.
 *
 * A job returns ERR_NONE, or a code whose note says why for the log. What it
 * did is one sentence, said by fetch_did(); fetch_idle() says why nothing had
 * to be done. No sentence ever holds a secret.
 */
#ifndef CHATMOCK_CACHE_JOBS_H
#define CHATMOCK_CACHE_JOBS_H

#include "../shared/config.h"
#include "../shared/http.h"
#include "../shared/metrics.h"

#define FETCH_PERIOD_S	600	/* cron's: the next run comes so much later */

struct fetch_run {
	const struct config *config;
	struct http_settings http;	/* auxiliary: 2 s to connect */
	int64_t now_s;			/* Unix time when the run began */
	int64_t next_s;			/* when the next one may be over */
	struct metrics *metrics;	/* or NULL; jobs set their gauges */
	bool force;			/* whether it is due or not */
	bool named;			/* this job was asked for by name */
	/* the job's words: */
	bool idle;			/* nothing was due */
	struct buf did;
};

void fetch_did(struct fetch_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);
void fetch_idle(struct fetch_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

typedef enum err (*fetch_job_fn)(struct fetch_run *run, struct err_note *note);

struct fetch_job {
	const char *name, *what;
	fetch_job_fn run;
	bool whole;		/* TERM waits until it is over */
};

const struct fetch_job *fetch_job_at(size_t i);
const struct fetch_job *fetch_job_find(const char *name);	/* or NULL */

/* One file each. */
enum err job_login(struct fetch_run *run, struct err_note *note);
enum err job_models(struct fetch_run *run, struct err_note *note);
enum err job_prompts(struct fetch_run *run, struct err_note *note);
enum err job_limits(struct fetch_run *run, struct err_note *note);
enum err job_prune(struct fetch_run *run, struct err_note *note);

#endif
