/* test_loop.c - descriptors and timers of one loop. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/loop.h"
#include "loop_help.h"

/* --- descriptors */

struct end {
	struct loop_fd f;
	int other;			/* write here to make f ready */
	int hits;
	struct end *kill;		/* removed by the callback */
	bool free_it;			/* and its memory, too */
};

static struct end *survivor;

static void on_end(struct loop_fd *f, uint32_t events)
{
	struct end *e = CONTAINER_OF(f, struct end, f), *kill = e->kill;

	(void)events;
	e->hits++;
	e->kill = NULL;
	survivor = e;
	if (kill) {
		loop_fd_del(loop, &kill->f);
		if (e->free_it) {
			memset(kill, 0xaa, sizeof(*kill));
			free(kill);
		}
		return;			/* the other's event must not come */
	}
	loop_stop(loop);
}

static void on_end_go_on(struct loop_fd *f, uint32_t events)
{
	struct end *e = CONTAINER_OF(f, struct end, f);
	char c;

	(void)events;
	e->hits++;
	(void)!read(f->fd, &c, 1);
	if (e->kill)
		loop_fd_del(loop, &e->kill->f);
}

static void end_open(struct end *e, loop_fd_fn fn)
{
	int fds[2] = { -1, -1 };

	check(pipe(fds) == 0);
	*e = (struct end){ .f = { .fd = fds[0], .fn = fn }, .other = fds[1] };
	check(loop_fd_add(loop, &e->f, EPOLLIN));
}

static void end_close(struct end *e)
{
	loop_fd_del(loop, &e->f);
	close(e->f.fd);
	close(e->other);
}

static void test_fd_basics(void)
{
	struct end e;

	end_open(&e, on_end);
	run_for(1000);
	check_int(e.hits, 0);
	check(write(e.other, "x", 1) == 1);
	run_for(1000000);
	check_int(e.hits, 1);
	check(loop_fd_mod(loop, &e.f, 0));
	run_for(1000);
	check_int(e.hits, 1);
	check(loop_fd_mod(loop, &e.f, EPOLLIN));
	run_for(1000000);
	check_int(e.hits, 2);
	loop_fd_del(loop, &e.f);
	loop_fd_del(loop, &e.f);		/* no-op */
	check(!loop_fd_mod(loop, &e.f, EPOLLIN));
	run_for(1000);
	check_int(e.hits, 2);
	end_close(&e);
	e.f.fd = -1;
	check(!loop_fd_add(loop, &e.f, EPOLLIN));
	check(!e.f.added);
}

/* Both are ready in one epoll_wait(); whichever comes first removes and frees
 * the other, whose event must then not arrive. */
static void test_fd_removed_by_other(void)
{
	struct end *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	int fds[4];

	end_open(a, on_end);
	end_open(b, on_end);
	a->kill = b;
	b->kill = a;
	a->free_it = b->free_it = true;
	fds[0] = a->f.fd, fds[1] = a->other;
	fds[2] = b->f.fd, fds[3] = b->other;
	check(write(fds[1], "x", 1) == 1);
	check(write(fds[3], "x", 1) == 1);
	run_for(1000000);
	check_int(survivor->hits, 2);
	loop_fd_del(loop, &survivor->f);
	free(survivor);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

/* The slot is used anew within the same turn by another struct. */
static struct end reborn;

static void on_replace(struct loop_fd *f, uint32_t events)
{
	struct end *e = CONTAINER_OF(f, struct end, f);

	(void)events;
	e->hits++;
	if (e->kill && e->kill->f.added) {
		struct end *old = e->kill;

		loop_fd_del(loop, &old->f);
		reborn = (struct end){ .f = { .fd = old->f.fd,
					      .fn = on_end_go_on } };
		check(loop_fd_add(loop, &reborn.f, EPOLLOUT));
		old->f.fn = NULL;
	}
	loop_fd_del(loop, f);
}

static void test_fd_slot_reused(void)
{
	struct end a, b;

	end_open(&a, on_replace);
	end_open(&b, on_replace);
	a.kill = &b;
	b.kill = &a;
	check(write(a.other, "x", 1) == 1);
	check(write(b.other, "x", 1) == 1);
	run_for(2000);
	check_int(a.hits + b.hits, 1);
	check_int(reborn.hits, 0);	/* a pipe's read end is never writable */
	loop_fd_del(loop, &reborn.f);
	end_close(&a);
	end_close(&b);
}

static void test_fd_many(void)
{
	enum { N = 300 };
	static struct end ends[N];
	const char *gone = mmap(NULL, 4096, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int hits = 0;

	munmap((void *)(uintptr_t)gone, 4096);
	for (int i = 0; i < N; i++) {
		end_open(&ends[i], on_end_go_on);
		check(write(ends[i].other, "x", 1) == 1);
		/* what is fetched ahead may be there, or have gone */
		ends[i].f.near[0].at = i % 2 ? gone : (const char *)&ends[i];
		ends[i].f.near[0].len = (size_t)(i % 3) * 4096;
		ends[i].f.near[1].at = i % 5 ? NULL : (const char *)1;
		ends[i].f.near[1].len = i % 7 ? 0 : 640;
	}
	run_for(20000);
	for (int i = 0; i < N; i++) {
		hits += ends[i].hits;
		end_close(&ends[i]);
	}
	check_int(hits, N);
}

/* --- timers */

struct tick {
	struct loop_timer t;
	int64_t want;
	int number;
};

static int64_t last_want;
static int fired, out_of_order;

static void on_tick(struct loop_timer *t)
{
	struct tick *k = CONTAINER_OF(t, struct tick, t);

	if (k->want < last_want)
		out_of_order++;
	if (loop_now(loop) < k->want)
		out_of_order++;
	last_want = k->want;
	fired++;
}

static void test_timer_order(void)
{
	enum { N = 20000 };
	static struct tick ticks[N];
	int64_t start = clock_mono_us(), begun;
	unsigned seed = 7;
	int cancelled = 0;

	fired = out_of_order = 0;
	last_want = 0;
	begun = clock_mono_us();
	for (int i = 0; i < N; i++) {
		ticks[i].t.fn = on_tick;
		ticks[i].want = start + rand_r(&seed) % 30000;
		check(loop_timer_set(loop, &ticks[i].t, ticks[i].want));
	}
	/* moved, earlier and later */
	for (int i = 0; i < 3 * N; i++) {
		struct tick *k = &ticks[rand_r(&seed) % N];

		k->want = start + rand_r(&seed) % 30000;
		(void)loop_timer_set(loop, &k->t, k->want);
	}
	for (int i = 0; i < N; i += 3) {
		if (loop_timer_is_set(&ticks[i].t))
			cancelled++;
		loop_timer_cancel(loop, &ticks[i].t);
		loop_timer_cancel(loop, &ticks[i].t);
		check(!loop_timer_is_set(&ticks[i].t));
	}
	check(clock_mono_us() - begun < 2000000);
	run_for(200000);
	check_int(fired, N - cancelled);
	check_int(out_of_order, 0);
}

static void on_again(struct loop_timer *t)
{
	struct tick *k = CONTAINER_OF(t, struct tick, t);

	k->number++;
	check(loop_timer_set(loop, t, 0));
}

/* A timer that always wants to run at once starves nobody. */
static void test_timer_greedy(void)
{
	struct tick k = { .t = { .fn = on_again } };
	struct end e;

	end_open(&e, on_end);
	check(loop_timer_set(loop, &k.t, 0));
	check(write(e.other, "x", 1) == 1);
	run_for(1000000);
	check_int(e.hits, 1);
	check(k.number < 1000);
	loop_timer_cancel(loop, &k.t);
	end_close(&e);
}

static struct tick *victim;

static void on_kill_timer(struct loop_timer *t)
{
	(void)t;
	loop_timer_cancel(loop, &victim->t);
	free(victim);
	victim = NULL;
}

static void test_timer_cancel_inside(void)
{
	struct loop_timer t = { .fn = on_kill_timer };
	int64_t now = loop_now(loop);

	victim = calloc(1, sizeof(*victim));
	victim->t.fn = on_tick;
	fired = 0;
	check(loop_timer_set(loop, &t, now - 2));
	check(loop_timer_set(loop, &victim->t, now - 1));
	run_for(2000);
	check_int(fired, 0);
}

static void test_timer_precision(void)
{
	int64_t start = clock_mono_us(), took;

	run_for(3000);
	took = clock_mono_us() - start;
	check(took >= 3000);
	check(took < 500000);
}

static void on_slow(struct loop_fd *f, uint32_t events)
{
	struct end *e = CONTAINER_OF(f, struct end, f);
	int64_t now = loop_now(loop);

	(void)events;
	usleep(2000);
	check_int(loop_now(loop), now);		/* cached for the turn */
	e->hits++;
	loop_stop(loop);
}

static void test_now_cached(void)
{
	struct end e;

	end_open(&e, on_slow);
	check(write(e.other, "x", 1) == 1);
	run_for(1000000);
	check_int(e.hits, 1);
	end_close(&e);
}

int main(void)
{
	loop = loop_new();
	if (!check(loop != NULL))
		return test_end("test_loop");
	test_fd_basics();
	test_fd_removed_by_other();
	test_fd_slot_reused();
	test_fd_many();
	test_timer_order();
	test_timer_greedy();
	test_timer_cancel_inside();
	test_timer_precision();
	test_now_cached();
	loop_free(loop);
	return test_end("test_loop");
}
