/*
 * loop_pool.c - threads that may block, and the way back to the loop.
 *
 * One mutex for everything: jobs are few and large (a parse of 100 KB, an
 * fsync), so nobody waits for it. Threads are started only when a job finds
 * none idle; they get no signals, those are the loop's.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loop_private.h"

#define MAX_THREADS 2
#define NICE 10			/* of the threads, beside the loop's */
#define CALM_NS 200000000	/* without work before memory is given back */

static const struct {
	const char *name;		/* as ps and gdb show it: 15 bytes */
	int threads;
} lanes[LANE__COUNT] = {
	[LANE_WORK] = { "chatmock-work", 2 },
	[LANE_LOGIN] = { "chatmock-login", 1 },
	[LANE_FETCH] = { "chatmock-fetch", 1 },
};

struct job_list {
	struct loop_job *first, **end;
};

struct lane {
	struct loop_pool *pool;
	pthread_t threads[MAX_THREADS];
	pthread_cond_t filled;
	struct job_list waiting;
	int started, idle, queued;
};

struct loop_pool {
	struct loop *loop;
	struct loop_fd wake;		/* eventfd: something is done */
	pthread_mutex_t lock;
	bool closing;			/* no new jobs */
	bool heavy;			/* free memory lies about */
	struct job_list finished;
	struct lane lanes[LANE__COUNT];
};

static void list_init(struct job_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_put(struct job_list *list, struct loop_job *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
}

static struct loop_job *list_take(struct job_list *list)
{
	struct loop_job *job = list->first;

	if (job) {
		list->first = job->next;
		if (!list->first)
			list->end = &list->first;
	}
	return job;
}

static void finished_run(struct loop_pool *p)
{
	struct loop_job *job, *next;

	pthread_mutex_lock(&p->lock);
	job = p->finished.first;
	list_init(&p->finished);
	pthread_mutex_unlock(&p->lock);
	for (; job; job = next) {
		next = job->next;	/* done() may free it or submit it anew */
		job->done(job);
	}
}

static void on_wake(struct loop_fd *f, uint32_t events)
{
	struct loop_pool *p = CONTAINER_OF(f, struct loop_pool, wake);
	eventfd_t count;

	(void)events;
	(void)eventfd_read(f->fd, &count);
	finished_run(p);
}

/*
 * With the lock held: waits for a job. What a large tree was made of stays
 * with the allocator, hundreds of megabytes, unless it is told; that takes
 * milliseconds and locks that the loop needs, so it is done once after a burst.
 */
static void wait_for_job(struct lane *lane)
{
	struct loop_pool *p = lane->pool;
	struct timespec until;
	int rc = 0;

	lane->idle++;
	if (p->heavy) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += CALM_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		rc = pthread_cond_clockwait(&lane->filled, &p->lock,
					    CLOCK_MONOTONIC, &until);
	} else {
		pthread_cond_wait(&lane->filled, &p->lock);
	}
	lane->idle--;
	if (!rc || !p->heavy || p->closing || lane->waiting.first)
		return;
	p->heavy = false;
	pthread_mutex_unlock(&p->lock);
	malloc_trim(0);
	pthread_mutex_lock(&p->lock);
}

static void *thread_main(void *arg)
{
	struct lane *lane = arg;
	struct loop_pool *p = lane->pool;
	struct loop_job *job;

	/* the loop's events come first when processors are short; the worst
	 * of a failure is that they do not */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		bool first;

		while (!lane->waiting.first && !p->closing)
			wait_for_job(lane);
		job = list_take(&lane->waiting);
		if (!job)
			break;
		lane->queued--;
		pthread_mutex_unlock(&p->lock);
		job->work(job);
		pthread_mutex_lock(&p->lock);
		p->heavy |= job->heavy;
		first = !p->finished.first;
		list_put(&p->finished, job);
		if (first)
			(void)eventfd_write(p->wake.fd, 1);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* With the lock held. A thread that cannot be had is no failure as long as
 * another one of the lane runs. */
static bool lane_staff(struct lane *lane, size_t which)
{
	pthread_t *thread = &lane->threads[lane->started];
	sigset_t all, before;

	if (lane->queued < lane->idle || lane->started == lanes[which].threads)
		return true;
	sigfillset(&all);
	/* a lost page of the metrics file is mended by whoever touches it */
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!pthread_create(thread, NULL, thread_main, lane)) {
		pthread_setname_np(*thread, lanes[which].name);
		lane->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return lane->started > 0;
}

bool loop_pool_submit(struct loop_pool *p, enum loop_lane which,
		      struct loop_job *job)
{
	struct lane *lane = &p->lanes[which];
	bool ok;

	pthread_mutex_lock(&p->lock);
	ok = !p->closing && lane_staff(lane, which);
	if (ok) {
		list_put(&lane->waiting, job);
		lane->queued++;
		pthread_cond_signal(&lane->filled);
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

struct loop_pool *loop_pool_new(struct loop *l)
{
	struct loop_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = l;
	p->wake.fn = on_wake;
	p->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->wake.fd < 0 || !loop_fd_add(l, &p->wake, EPOLLIN)) {
		if (p->wake.fd >= 0)
			close(p->wake.fd);
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->finished);
	for (int i = 0; i < LANE__COUNT; i++) {
		p->lanes[i].pool = p;
		pthread_cond_init(&p->lanes[i].filled, NULL);
		list_init(&p->lanes[i].waiting);
	}
	return p;
}

void loop_pool_join(struct loop_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	for (int i = 0; i < LANE__COUNT; i++)
		pthread_cond_broadcast(&p->lanes[i].filled);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < LANE__COUNT; i++) {
		for (int j = 0; j < p->lanes[i].started; j++)
			pthread_join(p->lanes[i].threads[j], NULL);
		p->lanes[i].started = 0;
	}
	finished_run(p);
}

void loop_pool_free(struct loop_pool *p)
{
	if (!p)
		return;
	loop_pool_join(p);
	for (int i = 0; i < LANE__COUNT; i++)
		pthread_cond_destroy(&p->lanes[i].filled);
	pthread_mutex_destroy(&p->lock);
	loop_fd_del(p->loop, &p->wake);
	close(p->wake.fd);
	free(p);
}
