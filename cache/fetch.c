/*
 * fetch.c - main of chatmock-fetch: one run, from cron or by hand.
 *
 * What it leaves behind are files that the gateway reads when they have
 * changed (the login, prompts, models, limits); gateway and fetcher never
 * wait for each other. Only one run at a time: who finds another at work
 * leaves at once.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../shared/clock.h"
#include "../shared/file.h"
#include "../shared/harden.h"
#include "jobs.h"
#include "options.h"
#include "report.h"

#define EXIT_WRONG	100	/* called wrongly, or the settings are wrong */
#define EXIT_LATER	111	/* something failed that may go well next time */

#define JITTER_MS	20000	/* many machines' crons strike at one moment */
#define CONNECT_MS	2000	/* nobody waits for this, and nobody shall */
#define MAX_DID		4096

extern char **environ;

static int wrong(const struct err_note *note)
{
	fprintf(stderr, "chatmock-fetch: %s\n", err_words(note));
	return EXIT_WRONG;
}

static void print(struct buf *out)
{
	if (!buf_err(out))
		fwrite(out->ptr, 1, out->len, stdout);
	buf_free(out);
}

static void print_list(void)
{
	const struct fetch_job *job;

	for (size_t i = 0; (job = fetch_job_at(i)); i++)
		printf("%-8s %s\n", job->name, job->what);
}

static void page(struct buf *out)
{
	const struct fetch_job *job;

	fetch_options_page(out);
	buf_str(out, ".SH JOBS\n");
	for (size_t i = 0; (job = fetch_job_at(i)); i++)
		buf_fmt(out, ".TP\n.B %s\n%s.\n", job->name, job->what);
}

/* What needs no settings. False: a run is wanted. */
static bool act_alone(const struct fetch_options *o)
{
	struct buf out;

	if (o->act == FETCH_RUN)
		return false;
	if (o->act == FETCH_LIST) {
		print_list();
	} else if (o->act == FETCH_VERSION) {
		puts("chatmock-fetch " CHATMOCK_VERSION);
	} else {
		buf_init(&out, 1u << 16);
		if (o->act == FETCH_PAGE)
			page(&out);
		else
			fetch_options_help(&out);
		print(&out);
	}
	return true;
}

static enum err check_jobs(const struct fetch_options *o, struct err_note *note)
{
	for (size_t i = 0; i < o->job_count; i++)
		if (!fetch_job_find(o->jobs[i]))
			return err_tell(note, ERR_CONFIG, "There is no job "
					"%.80s; --list names those there are.",
					o->jobs[i]);
	return ERR_NONE;
}

static bool is_named(const struct fetch_options *o, const struct fetch_job *job)
{
	for (size_t i = 0; i < o->job_count; i++)
		if (strcmp(o->jobs[i], job->name) == 0)
			return true;
	return false;
}

/* Under cron alone: a person, and make run, want it at once. */
static void pause_at_start(const struct fetch_options *o)
{
	struct timespec t;
	uint32_t random;

	if (o->force || o->now || isatty(STDOUT_FILENO))
		return;
	random_bytes(&random, sizeof(random));
	random %= JITTER_MS;
	t = (struct timespec){ .tv_sec = random / 1000,
			       .tv_nsec = random % 1000 * 1000000L };
	nanosleep(&t, NULL);
}

/* Ends that were asked for wait until the job is over: what an issuer answered
 * must be on disk first. */
static void hold_signals(bool hold)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static bool run_job(struct fetch_run *run, const struct fetch_job *job)
{
	struct err_note note = ERR_NOTE_INIT;
	int64_t begun = clock_mono_us(), took;
	enum err err;

	run->idle = false;
	run->now_s = clock_wall_us() / 1000000;
	run->next_s = run->now_s + FETCH_PERIOD_S + JITTER_MS / 1000;
	buf_init(&run->did, MAX_DID);
	metrics_job_begin(run->metrics, span_of(job->name), clock_wall_us());
	report_begin(job->name);
	if (job->whole)
		hold_signals(true);
	err = job->run(run, &note);
	if (err) {
		if (run->did.len)
			buf_str(&run->did, "; ");
		buf_str(&run->did, err_words(&note));
	}
	took = clock_mono_us() - begun;
	metrics_job_end(run->metrics, span_of(job->name), clock_wall_us(), took,
			err);
	report_end(job->name, err ? "failed" : run->idle ? "idle" : "done", err,
		   run->did.ptr, took / 1000);
	if (job->whole)
		hold_signals(false);
	buf_free(&run->did);
	return err == ERR_NONE;
}

static int run_jobs(const struct fetch_options *o, const struct config *c)
{
	struct fetch_run run = {
		.config = c, .force = o->force,
		.http = {
			.connect_timeout_ms = CONNECT_MS, .ca_file = c->ca_file,
			.proxy = c->proxy, .no_proxy = c->no_proxy,
			.user_agent = "chatmock/" CHATMOCK_VERSION,
			.max_calls = 1, .version = HTTP_AUTO,
		},
	};
	struct err_note private = ERR_NOTE_INIT;
	const struct fetch_job *job;
	int status = 0;

	/* what it did stands there for health's sake; without it, it is done
	 * all the same */
	run.metrics = metrics_open_home(c->home, &private);
	for (size_t i = 0; (job = fetch_job_at(i)); i++) {
		run.named = is_named(o, job);
		if ((!o->job_count || run.named) && !run_job(&run, job))
			status = EXIT_LATER;
	}
	metrics_close(run.metrics);
	return status;
}

/* Only one at a time, and nobody waits: the lock goes with its holder. */
static int run_alone(const struct fetch_options *o, const struct config *c)
{
	struct err_note note = ERR_NOTE_INIT;
	int lock = -1, status;
	struct buf path;
	enum err err;

	buf_init(&path, 8192);
	buf_fmt(&path, "%s/fetch.lock", c->home);
	err = file_make_dir(c->home, &note);
	if (!err)
		err = file_lock(path.ptr, 0, &lock, &note);
	buf_free(&path);
	if (err == ERR_BUSY) {
		report_run("fetch_busy", ERR_NONE,
			   "another run is at work: nothing to do");
		return 0;
	}
	if (err) {
		report_run("fetch_failed", err, err_words(&note));
		return EXIT_LATER;
	}
	pause_at_start(o);
	status = run_jobs(o, c);
	close(lock);
	return status;
}

int main(int argc, char *argv[])
{
	struct err_note note = ERR_NOTE_INIT;
	struct fetch_options options = { 0 };
	struct config config = { 0 };
	int status = 0;

	harden();
	if (fetch_options_read(&options, argc, argv, &note) ||
	    check_jobs(&options, &note)) {
		status = wrong(&note);
		goto out;
	}
	if (act_alone(&options))
		goto out;
	if (!http_global_init()) {
		err_set(&note, ERR_SYSTEM, "libcurl does not start");
		fprintf(stderr, "chatmock-fetch: %s\n", err_words(&note));
		status = EXIT_LATER;
		goto out;
	}
	if (config_read(&config, environ, options.sets, options.set_count,
			&note)) {
		status = wrong(&note);
		goto out;
	}
	status = run_alone(&options, &config);
out:
	config_free(&config);
	fetch_options_free(&options);
	return status;
}
