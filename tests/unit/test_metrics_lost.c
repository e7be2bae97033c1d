/* test_metrics_lost.c - the file goes from under those who count: cut, gone, changed. */
#include <signal.h>
#include <sys/mman.h>

#include "metrics_help.h"

static void mend(struct metrics *m)
{
	struct err_note note = ERR_NOTE_INIT;
	bool mended;

	check(metrics_check(m, &mended, &note) == ERR_NONE);
	check(mended);
	check(metrics_is_shared(m));
}

/* A fault on the mapping, with the breaker's words and our slot in it. */
static void truncated(void)
{
	static const off_t sizes[] = { 0, 1, 100, 4096, 8192 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct metrics *m = open_it();
		uint64_t tokens[TOKEN__COUNT] = { 1, 2, 3, 4, 5 };

		metrics_join(m, ROLE_API, 1);
		metrics_count(m, COUNT_TRUNCATED);
		check(truncate(path, sizes[i]) == 0);
		for (int n = 0; n < 1000; n++) {
			metrics_count(m, COUNT_TRUNCATED);
			metrics_tokens(m, SPAN("m"), tokens);
			metrics_beat(m, STATE_ACCEPTING, 1, (uint64_t)n);
			atomic_store(breaker_of(m, "https://up.test"), 9);
		}
		check(!metrics_is_shared(m));
		check_int(count_of(COUNT_TRUNCATED), -1);
		mend(m);
		metrics_count(m, COUNT_TRUNCATED);
		check_int(count_of(COUNT_TRUNCATED), 1001);
		check_int(count_of(COUNT_METRICS_FAULT), 1);
		check_int(atomic_load(breaker_of(m, "https://up.test")), 9);
		metrics_beat(m, STATE_ACCEPTING, 1, 5);
		check_int(metrics_get(&atomic_load(&m->slot)->pid), getpid());
		metrics_close(m);
		dir_clear();
	}
}

/* What was not cut off counts on, and goes over. */
static void cut_behind(void)
{
	struct metrics *m = open_it();

	metrics_add(m, COUNT_TRUNCATED, 7);
	check(truncate(path, offsetof(struct metrics_file, shards[1])) == 0);
	metrics_add(m, COUNT_TRUNCATED, 70);
	check(metrics_is_shared(m));
	mend(m);
	check_int(count_of(COUNT_TRUNCATED), 77);
	/* the same with a fault: our shard is the first here */
	check(truncate(path, offsetof(struct metrics_file, shards[1])) == 0);
	atomic_store(&m->file->shards[3].counters[COUNT_TRUNCATED], 700);
	check(!metrics_is_shared(m));
	metrics_add(m, COUNT_TRUNCATED, 7000);
	mend(m);
	check_int(count_of(COUNT_TRUNCATED), 7777);
	metrics_close(m);
}

/* Twice in a row, and found by the check before any touch. */
static void truncated_again(void)
{
	struct metrics *m = open_it();

	for (int i = 0; i < 20; i++) {
		check(truncate(path, 0) == 0);
		if (i % 2)
			metrics_count(m, COUNT_PARAMS_DROPPED);
		mend(m);
		check_int(count_of(COUNT_PARAMS_DROPPED), i % 2);
	}
	metrics_close(m);
}

/* A fault that is none of ours ends the process as it always did. */
static void foreign_fault(void)
{
	struct metrics *m = open_it();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char name[160];
		volatile char *p;
		int fd;

		snprintf(name, sizeof(name), "%s/other", dir);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		if (freopen("/dev/null", "w", stderr))
			_exit(*p);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	/* a sanitizer has its own way to end */
	check(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS :
				    WEXITSTATUS(status) != 0);
	metrics_close(m);
}

/* The file goes away, or is overwritten in its place: what was counted is in
 * the new one, by whomever it was counted. */
static void removed(void)
{
	struct metrics *a = open_it(), *b = open_it();

	metrics_add(a, COUNT_TRUNCATED, 10);
	metrics_add(b, COUNT_TRUNCATED, 100);
	check(unlink(path) == 0);
	check(!metrics_is_stale(b));		/* nobody has told it */
	mend(a);
	check(!metrics_is_stale(a) && metrics_is_stale(b));
	metrics_add(a, COUNT_TRUNCATED, 1000);
	metrics_add(b, COUNT_TRUNCATED, 10000);	/* still into the old one */
	check_int(count_of(COUNT_TRUNCATED), 1110);
	mend(b);
	check_int(count_of(COUNT_TRUNCATED), 11110);
	metrics_add(b, COUNT_TRUNCATED, 100000);
	check_int(count_of(COUNT_TRUNCATED), 111110);
	/* one was made, the other found it */
	check_int(count_of(COUNT_METRICS_REPLACED), 2);
	metrics_close(a);
	metrics_close(b);
}

static void overwritten(void)
{
	struct metrics *m = open_it();
	uint64_t was = inode();

	metrics_add(m, COUNT_TRUNCATED, 10);
	fill_random(path, sizeof(struct metrics_file));
	mend(m);
	check(inode() != was);
	metrics_count(m, COUNT_TRUNCATED);
	check_int(count_of(COUNT_TRUNCATED), 1);
	metrics_close(m);
}

int main(void)
{
	void (*const tests[])(void) = {
		truncated, cut_behind, truncated_again, foreign_fault, removed,
		overwritten,
	};

	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_metrics_lost");
}
