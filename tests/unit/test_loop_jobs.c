/* test_loop_jobs.c - work for threads, and the way back to the loop. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/loop.h"
#include "loop_help.h"

struct job {
	struct loop_job job;
	pthread_t worked_on, done_on;
	int number, blocked_signals;
	int64_t sleep_us;
};

static int done_count, last_done, want_done;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int at_once, most_at_once;

static void job_work(struct loop_job *j)
{
	struct job *job = CONTAINER_OF(j, struct job, job);
	sigset_t set;

	pthread_mutex_lock(&lock);
	if (++at_once > most_at_once)
		most_at_once = at_once;
	pthread_mutex_unlock(&lock);
	job->worked_on = pthread_self();
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	job->blocked_signals = sigismember(&set, SIGTERM) &&
			       sigismember(&set, SIGUSR1);
	if (job->sleep_us)
		usleep((useconds_t)job->sleep_us);
	pthread_mutex_lock(&lock);
	at_once--;
	pthread_mutex_unlock(&lock);
}

static void job_done(struct loop_job *j)
{
	struct job *job = CONTAINER_OF(j, struct job, job);

	job->done_on = pthread_self();
	last_done = job->number;
	if (++done_count == want_done)
		loop_stop(loop);
}

static void test_jobs(void)
{
	enum { N = 200 };
	static struct job jobs[N];

	done_count = 0;
	want_done = N;
	for (int i = 0; i < N; i++) {
		jobs[i] = (struct job){ { .work = job_work, .done = job_done }, .number = i };
		check(loop_submit(loop, LANE_WORK, &jobs[i].job));
	}
	run_for(5000000);
	check_int(done_count, N);
	check(most_at_once <= 2);
	for (int i = 0; i < N; i++) {
		check(!pthread_equal(jobs[i].worked_on, pthread_self()));
		check(pthread_equal(jobs[i].done_on, pthread_self()));
		check(jobs[i].blocked_signals);
	}
}

/* A long wait in the login's lane delays no parse, and no timer. */
static void test_lanes_apart(void)
{
	struct job slow = { { .work = job_work, .done = job_done }, .number = 1,
			    .sleep_us = 150000 };
	struct job slow2 = slow, quick = { { .work = job_work, .done = job_done }, .number = 2 };
	int64_t start = clock_mono_us();

	done_count = 0;
	want_done = 1;
	check(loop_submit(loop, LANE_LOGIN, &slow.job));
	check(loop_submit(loop, LANE_LOGIN, &slow2.job));
	check(loop_submit(loop, LANE_WORK, &quick.job));
	run_for(2000000);
	check_int(last_done, 2);
	check(clock_mono_us() - start < 100000);
	want_done = 3;
	run_for(2000000);
	check_int(done_count, 3);
	check(clock_mono_us() - start >= 300000);	/* one thread there */
}

/* What was submitted gets its done() even when nobody runs the loop any more. */
static void test_free_drains(void)
{
	enum { N = 20 };
	static struct job jobs[N];
	struct loop *l = loop_new();

	done_count = 0;
	want_done = -1;
	for (int i = 0; i < N; i++) {
		jobs[i] = (struct job){ { .work = job_work, .done = job_done }, .number = i,
					.sleep_us = 200 };
		check(loop_submit(l, LANE_WORK, &jobs[i].job));
	}
	loop_free(l);
	check_int(done_count, N);
	loop_free(NULL);
}

/* The same without the end of the loop; nothing is taken any more. */
static void test_join(void)
{
	struct job job = { { .work = job_work, .done = job_done }, .sleep_us = 20000 };
	struct loop *l = loop_new(), *fresh = loop_new();

	done_count = 0;
	want_done = -1;
	check(loop_submit(l, LANE_WORK, &job.job));
	loop_join(l);
	check_int(done_count, 1);
	check(!loop_submit(l, LANE_WORK, &job.job));
	loop_join(l);
	loop_free(l);
	loop_join(fresh);
	check(!loop_submit(fresh, LANE_WORK, &job.job));
	loop_free(fresh);
	check_int(done_count, 1);
}

static int64_t resident_kb(void)
{
	char line[128];
	long long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %lld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static void *last_crumb;

static void crumbs_work(struct loop_job *job)
{
	enum { N = 200000 };
	void **crumbs = calloc(N, sizeof(*crumbs));

	(void)job;
	for (int i = 0; crumbs && i < N; i++) {
		crumbs[i] = malloc(300);
		if (crumbs[i])
			memset(crumbs[i], 1, 300);
	}
	for (int i = 0; crumbs && i < N - 1; i++)
		free(crumbs[i]);
	/* this one stands in the way of giving back by itself */
	last_crumb = crumbs ? crumbs[N - 1] : NULL;
	free(crumbs);
}

static void crumbs_done(struct loop_job *job)
{
	(void)job;
	done_count++;
}

/* What a heavy job let go of is not kept. */
static void test_heavy(void)
{
	struct loop_job job = { .work = crumbs_work, .done = crumbs_done,
				.heavy = true };
	int64_t before = resident_kb();

	done_count = 0;
	want_done = -1;
	check(loop_submit(loop, LANE_WORK, &job));
	run_for(600000);
	check_int(done_count, 1);
#ifndef __SANITIZE_ADDRESS__
	check(resident_kb() < before + 10000);
#else
	(void)before;
#endif
	free(last_crumb);
}

int main(void)
{
	loop = loop_new();
	if (!check(loop != NULL))
		return test_end("test_loop_jobs");
	test_jobs();
	test_lanes_apart();
	test_free_drains();
	test_join();
	test_heavy();
	loop_free(loop);
	return test_end("test_loop_jobs");
}
