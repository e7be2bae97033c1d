/*
 * loop.h - one thread's events: file descriptors, timers, work for threads.
 *
 * Nothing here is shared between threads but the jobs of loop_submit().
 * Callbacks run on the loop's thread, one at a time, and must not block.
 * Units: microseconds of clock_mono_us().
 */
#ifndef CHATMOCK_LOOP_H
#define CHATMOCK_LOOP_H

#include "base.h"

struct loop;

struct loop *loop_new(void);		/* NULL: no memory or no descriptors */

/* Waits for the threads; every job submitted gets its done(), at the latest
 * in here. Callers' fds stay open. NULL is fine. */
void loop_free(struct loop *l);

/* The first half of it, for who must free what the threads read: all jobs are
 * done, done() has run, and none is taken any more. */
void loop_join(struct loop *l);

/* Runs until loop_stop(); 0, or -1 with errno when epoll itself failed. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* The time at which this turn began: cheap, good enough for time limits. */
int64_t loop_now(const struct loop *l);

/* How many descriptors were ready when this turn began: how busy it is. */
int loop_ready(const struct loop *l);

/* --- descriptors. events as in epoll(7): EPOLLIN, EPOLLOUT, EPOLLRDHUP,
 * EPOLLEXCLUSIVE (only in loop_fd_add). The struct is the caller's and must
 * outlive the registration; it may be removed inside any callback, also
 * another's: events already fetched for it are then not delivered. */
struct loop_fd;
typedef void (*loop_fd_fn)(struct loop_fd *f, uint32_t events);
struct loop_fd {
	int fd;
	loop_fd_fn fn;
	/* What fn will look at: where many are ready at once it is fetched
	 * into the cache while others run. It need not be there any more. */
	struct { const char *at; size_t len; } near[2];
	/* private */
	uint32_t events;
	bool added;
	uint32_t slot;
};
bool loop_fd_add(struct loop *l, struct loop_fd *f, uint32_t events);
bool loop_fd_mod(struct loop *l, struct loop_fd *f, uint32_t events);
void loop_fd_del(struct loop *l, struct loop_fd *f);	/* not added: no-op */

/* Removes and closes it. Saves a system call, for epoll forgets by itself
 * what is closed: so no other descriptor may stand for the same file. */
void loop_fd_close(struct loop *l, struct loop_fd *f);

/* --- timers. One shot; set again to move it. Embedded in the caller's
 * struct, zeroed before first use. O(log n). */
struct loop_timer;
typedef void (*loop_timer_fn)(struct loop_timer *t);
struct loop_timer {
	loop_timer_fn fn;
	/* private */
	int64_t at_us;
	uint32_t place;		/* 1-based place in the heap, 0: not set */
};
bool loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us);
bool loop_timer_in(struct loop *l, struct loop_timer *t, int64_t after_us);
void loop_timer_cancel(struct loop *l, struct loop_timer *t);
static inline bool loop_timer_is_set(const struct loop_timer *t)
{
	return t->place != 0;
}

/* --- once, as soon as the callback that runs now has returned: for what many
 * a call inside it would do each for itself. Embedded and zeroed as a timer;
 * set twice it still runs once. */
struct loop_after {
	void (*fn)(struct loop_after *a);
	/* private */
	struct loop_after *next, **link;	/* link: what points here, or NULL */
};
void loop_after(struct loop *l, struct loop_after *a);
void loop_after_cancel(struct loop_after *a);	/* not set: no-op */

/* --- work for threads. work() runs on a thread of the pool, done() later on
 * the loop. The job is the caller's and must stay until done() has run;
 * a job can not be cancelled: who loses interest lets done() free it.
 * lane keeps slow waiters apart: each lane has threads of its own. */
enum loop_lane {
	LANE_WORK,		/* parsing, fsync, stat: two threads */
	LANE_LOGIN,		/* may wait long for the login's lock: one */
	LANE_FETCH,		/* calls that no request waits for: one */
	LANE__COUNT
};
struct loop_job {
	void (*work)(struct loop_job *job);
	void (*done)(struct loop_job *job);
	bool heavy;	/* it lets go of megabytes in small pieces: once the
			 * threads are idle the system gets them back */
	/* private */
	struct loop_job *next;
};
/* Threads start when a job finds none idle. False: no thread to be had, or
 * the loop is being freed; done() will not come then. */
bool loop_submit(struct loop *l, enum loop_lane lane, struct loop_job *job);

#endif
