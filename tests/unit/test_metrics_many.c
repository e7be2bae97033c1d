/*
 * test_metrics_many.c - many processes, one file, kill -9 at any moment.
 *
 * Each process keeps its own account of what it has counted, in memory that
 * outlives it: first it counts, then it writes that down. So of a killed one
 * at most the last count is not written down, and none that is may be missing.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "../../shared/clock.h"
#include "metrics_help.h"

#define PROCESSES 8
#define TOTAL 1000000
#define EACH (TOTAL / PROCESSES)

/* What stays when a process is gone. */
struct account {
	_Alignas(64) _Atomic int64_t counted;	/* confirmed */
	_Atomic int64_t tokens;
	_Atomic int hold;		/* waits before it is done */
};

static struct account *accounts;

static void stall_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

/* Counts until the account says that all is done. */
static void count_on(struct metrics *m, struct account *a)
{
	const uint64_t tokens[TOKEN__COUNT] = { [TOKEN_OUTPUT] = 1 };
	struct err_note note = ERR_NOTE_INIT;
	bool mended;
	int64_t n;

	metrics_join(m, ROLE_API, 1);
	while ((n = atomic_load(&a->counted)) < EACH) {
		metrics_count(m, COUNT_ABORT_GATEWAY);
		atomic_store(&a->counted, n + 1);
		if (n % 64 == 0) {
			metrics_tokens(m, SPAN("a-model"), tokens);
			atomic_fetch_add(&a->tokens, 1);
			metrics_beat(m, STATE_ACCEPTING, 1, (uint64_t)n);
		}
		if (n % 64 == 0)
			stall_us(50);		/* so that all have their turn */
		if (n % 64 == 0 && metrics_is_stale(m) &&
		    metrics_check(m, &mended, &note))
			err_clear(&note);
	}
	while (atomic_load(&a->hold))
		stall_us(1000);
	if (metrics_is_stale(m) && metrics_check(m, &mended, &note))
		err_clear(&note);
	metrics_leave(m);
	_exit(0);
}

static pid_t begin(struct metrics *m, size_t i)
{
	pid_t pid;

	fflush(stdout);		/* not to be said by the child, too */
	pid = fork();
	if (pid == 0)
		count_on(m, &accounts[i]);
	return pid;
}

static int64_t tokens_of(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	int64_t n = 0;

	if (metrics_snapshot(path, &s, &note))
		return -1;
	for (size_t i = 0; i < METRICS_MODELS; i++)
		n += (int64_t)metrics_get(&s.sums->tokens[i][TOKEN_OUTPUT]);
	metrics_snapshot_free(&s);
	return n;
}

static int64_t confirmed(void)
{
	int64_t sum = 0;

	for (size_t i = 0; i < PROCESSES; i++)
		sum += atomic_load(&accounts[i].counted);
	return sum;
}

/* All have counted to their end? */
static bool settled(const pid_t pids[PROCESSES])
{
	for (size_t i = 0; i < PROCESSES; i++)
		if (pids[i])
			return false;
	return true;
}

/* Kills every millisecond or so one of them, and begins it anew. */
static void killed(void)
{
	struct metrics *m = open_it();
	pid_t pids[PROCESSES];
	int64_t total, tokens = 0, kills = 0;
	uint32_t random;
	int status;

	memset(accounts, 0, PROCESSES * sizeof(*accounts));
	for (size_t i = 0; i < PROCESSES; i++)
		pids[i] = begin(m, i);
	while (!settled(pids)) {
		random_bytes(&random, sizeof(random));
		if (kills < 500 && pids[random % PROCESSES]) {
			kill(pids[random % PROCESSES], SIGKILL);
			kills++;
		}
		stall_us(1000);
		for (size_t i = 0; i < PROCESSES; i++) {
			if (!pids[i] || waitpid(pids[i], &status, WNOHANG) <= 0)
				continue;
			metrics_dead(m, pids[i]);
			pids[i] = WIFEXITED(status) ? 0 : begin(m, i);
		}
	}
	total = count_of(COUNT_ABORT_GATEWAY);
	check_int(confirmed(), TOTAL);
	check(kills >= PROCESSES);
	/* nothing lost; at most one not written down for each that was killed */
	check(total >= TOTAL);
	check(total <= TOTAL + kills);
	for (size_t i = 0; i < PROCESSES; i++)
		tokens += atomic_load(&accounts[i].tokens);
	check(tokens_of() >= tokens);
	check(tokens_of() <= tokens + 2 * kills);
	printf("  %lld counts, %lld kills, %lld unconfirmed\n", (long long)TOTAL,
	       (long long)kills, (long long)(total - TOTAL));
	metrics_close(m);
}

/* The file goes away again and again while all count: nothing is lost. */
static void removed_again(void)
{
	struct metrics *m = open_it();
	struct err_note note = ERR_NOTE_INIT;
	pid_t pids[PROCESSES];
	bool mended;
	int status, removals = 0;

	memset(accounts, 0, PROCESSES * sizeof(*accounts));
	for (size_t i = 0; i < PROCESSES; i++) {
		atomic_store(&accounts[i].hold, 1);
		pids[i] = begin(m, i);
	}
	while (confirmed() < TOTAL || removals < 3) {
		removals += unlink(path) == 0;
		check(metrics_check(m, &mended, &note) == ERR_NONE);
		stall_us(1000);
	}
	for (size_t i = 0; i < PROCESSES; i++)
		atomic_store(&accounts[i].hold, 0);
	for (size_t i = 0; i < PROCESSES; i++) {
		waitpid(pids[i], &status, 0);
		check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	/* who looked last leaves nothing behind */
	check_int(count_of(COUNT_ABORT_GATEWAY), TOTAL);
	printf("  %d removals\n", removals);
	metrics_close(m);
}

int main(void)
{
	void (*const tests[])(void) = { killed, removed_again };

	accounts = mmap(NULL, PROCESSES * sizeof(*accounts),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_metrics_many");
}
