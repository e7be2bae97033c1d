/*
 * test_breaker_many.c - 64 processes, and threads, at one cell whose upstream
 * fails: the fifth failure opens it, one probe a window, and a prober that is
 * killed does not leave it stuck.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../shared/breaker.h"
#include "../../shared/clock.h"
#include "test.h"

#define PROCESSES	64
#define MS		INT64_C(1000)
#define COOLDOWN	(300 * MS)
#define LEASE		(500 * MS)
#define TICK		(10 * MS)	/* to which the word rounds down */
#define MOST_PROBES	64

/* What the processes did, in memory that they share. */
struct board {
	struct breaker_cell cell;
	atomic_int ready, calls, opened, fifth, probes, deaths;
	atomic_int may_die;		/* probers that shall be killed */
	atomic_bool go, stop, heal;
	_Atomic int64_t asked_us[MOST_PROBES];	/* before it was let in, */
	_Atomic int64_t probe_us[MOST_PROBES];	/* and after */
	_Atomic int64_t probe_end_us[MOST_PROBES];	/* 0: it was killed */
};

static const struct breaker_rules rules = {
	.failures = 5, .cooldown_us = COOLDOWN, .lease_us = LEASE,
};

static void nap(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

static struct board *board_new(void)
{
	struct board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		exit(1);
	return b;
}

/* One call to the upstream that fails. */
static void probe(struct board *b, struct breaker *br, struct breaker_ticket *t,
		  int64_t asked_us)
{
	int which = atomic_fetch_add(&b->probes, 1), failures = 0;

	if (which >= MOST_PROBES)
		return;
	atomic_store(&b->asked_us[which], asked_us);
	atomic_store(&b->probe_us[which], clock_boot_us());
	nap(20 * MS);
	if (atomic_fetch_sub(&b->may_die, 1) > 0) {
		atomic_fetch_add(&b->deaths, 1);
		raise(SIGKILL);
	}
	/* the end is noted first: the next may begin right after it */
	atomic_store(&b->probe_end_us[which], clock_boot_us());
	breaker_leave(br, t, atomic_load(&b->heal) ? BREAKER_SUCCESS :
						     BREAKER_FAILURE, &failures);
}

static void one_process(struct board *b)
{
	struct breaker br = { 0 };
	struct breaker_ticket t;
	int failures = 0;
	int64_t wait, asked;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	breaker_init(&br, &b->cell, &rules, 1);
	atomic_fetch_add(&b->ready, 1);
	while (!atomic_load(&b->go))
		nap(MS);
	while (!atomic_load(&b->stop)) {
		asked = clock_boot_us();
		switch (breaker_enter(&br, &t, &wait)) {
		case BREAKER_PROBE:
			probe(b, &br, &t, asked);
			break;
		case BREAKER_PASS:
			if (atomic_load(&b->heal)) {
				breaker_leave(&br, &t, BREAKER_SUCCESS, &failures);
				nap(5 * MS);
				break;
			}
			atomic_fetch_add(&b->calls, 1);
			if (breaker_leave(&br, &t, BREAKER_FAILURE, &failures) ==
			    BREAKER_OPENED) {
				atomic_fetch_add(&b->opened, 1);
				atomic_store(&b->fifth, failures);
			}
			break;
		case BREAKER_SKIP:
			nap(2 * MS);
		}
	}
	_exit(0);
}

static pid_t start(struct board *b)
{
	pid_t pid = fork();

	if (pid == 0)
		one_process(b);
	return pid;
}

static void until(atomic_int *what, int least)
{
	int64_t end = clock_mono_us() + 30000 * MS;

	while (atomic_load(what) < least && clock_mono_us() < end)
		nap(5 * MS);
	check(atomic_load(what) >= least);
}

/* Each probe begins a cool-down after the one before ended, or a lease after
 * the one before was killed. */
static void check_probes(struct board *b, int count)
{
	for (int i = 1; i < count; i++) {
		int64_t ended = b->probe_end_us[i - 1];
		int64_t since = ended ? ended : b->asked_us[i - 1];
		int64_t least = (ended ? COOLDOWN : LEASE) - TICK;

		if (!check(b->probe_us[i] - since >= least))
			printf("  probe %d after %lld us\n", i,
			       (long long)(b->probe_us[i] - since));
	}
}

static void test_processes(void)
{
	struct board *b = board_new();
	int count, status;

	for (int i = 0; i < PROCESSES; i++)
		start(b);
	until(&b->ready, PROCESSES);
	atomic_store(&b->go, true);
	until(&b->probes, 4);
	check_int(b->opened, 1);
	check_int(b->fifth, 5);
	/* whoever had entered when it opened, and not one more */
	check(b->calls >= 5 && b->calls < 5 + PROCESSES);
	/* three probers are killed; others come in their place */
	atomic_store(&b->may_die, 3);
	until(&b->deaths, 3);
	until(&b->probes, b->probes + 3);
	check_int(b->deaths, 3);
	check_int(b->opened, 1);
	/* upstream is well again: one more probe closes it for all */
	atomic_store(&b->heal, true);
	for (int64_t end = clock_mono_us() + 30000 * MS;
	     breaker_look(&b->cell, &rules, 1, clock_boot_us()).state !=
	     BREAKER_CLOSED && clock_mono_us() < end;)
		nap(MS);
	check_int(breaker_look(&b->cell, &rules, 1, clock_boot_us()).state,
		  BREAKER_CLOSED);
	atomic_store(&b->stop, true);
	while (wait(&status) > 0)
		;
	count = b->probes < MOST_PROBES ? b->probes : MOST_PROBES;
	check(count >= 9);
	check_probes(b, count);
	check_int((int64_t)b->cell.opened, count - 3);
	/* the first time, and all probes but 3 killed and 1 good */
	munmap(b, sizeof(*b));
}

/* --- threads: each change of state has one author */

#define THREADS 8
#define ROUNDS 2000

struct arena {
	struct breaker_cell cell;
	pthread_barrier_t gate;
	atomic_int opened, closed, probes, bad;
};

/* All at once: five failures open it, who is the probe, the probe closes it. */
static void *one_thread(void *arg)
{
	static const struct breaker_rules at_once = {
		.failures = 5, .cooldown_us = 0, .lease_us = 100000 * MS,
	};
	struct arena *a = arg;
	struct breaker b = { 0 };
	struct breaker_ticket t;
	int failures = 0;
	int64_t wait_us;

	breaker_init(&b, &a->cell, &at_once, 1);
	for (int i = 0; i < ROUNDS; i++) {
		if (breaker_enter(&b, &t, &wait_us) != BREAKER_PASS)
			atomic_fetch_add(&a->bad, 1);
		pthread_barrier_wait(&a->gate);
		if (breaker_leave(&b, &t, BREAKER_FAILURE, &failures) ==
		    BREAKER_OPENED)
			atomic_fetch_add(&a->opened, 1);
		pthread_barrier_wait(&a->gate);
		if (breaker_enter(&b, &t, &wait_us) == BREAKER_PROBE)
			atomic_fetch_add(&a->probes, 1);
		else if (t.inside)
			atomic_fetch_add(&a->bad, 1);
		pthread_barrier_wait(&a->gate);
		if (breaker_leave(&b, &t, BREAKER_SUCCESS, &failures) ==
		    BREAKER_CLOSES)
			atomic_fetch_add(&a->closed, 1);
		pthread_barrier_wait(&a->gate);
	}
	return NULL;
}

static void test_threads(void)
{
	struct arena a = { .bad = 0 };
	pthread_t threads[THREADS];

	pthread_barrier_init(&a.gate, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, one_thread, &a))
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&a.gate);
	check_int(a.opened, ROUNDS);
	check_int(a.probes, ROUNDS);
	check_int(a.closed, ROUNDS);
	check_int(a.bad, 0);
}

int main(void)
{
	test_threads();
	test_processes();
	return test_end("test_breaker_many");
}
