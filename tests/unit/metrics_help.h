/*
 * metrics_help.h - a directory with a metrics file, and looks into it.
 */
#ifndef CHATMOCK_TEST_METRICS_HELP_H
#define CHATMOCK_TEST_METRICS_HELP_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/metrics_read.h"
#include "test.h"

static char dir[64] = "/tmp/test_metrics.XXXXXX";
static char path[128];

static inline void dir_clear(void)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
		if (unlink(name))
			rmdir(name);
	}
	if (d)
		closedir(d);
}

static inline int dir_count(void)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static inline struct metrics *open_it(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m = metrics_open(path, &note);

	if (!check(m != NULL) || !check(note.code == ERR_NONE))
		printf("  %s\n", note.why);
	return m;
}

/* A counter's sum as a reader finds it; -1: no file to be read. */
static inline int64_t count_at(const char *at, enum metric_counter c)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;
	int64_t n;

	if (metrics_snapshot(at, &s, &note))
		return -1;
	n = (int64_t)metrics_get(&s.sums->counters[c]);
	metrics_snapshot_free(&s);
	return n;
}

static inline int64_t count_of(enum metric_counter c)
{
	return count_at(path, c);
}

static inline metric_word *breaker_of(struct metrics *m, const char *origin)
{
	struct metrics_label label = metrics_label(span_of(origin));

	return metrics_breaker(m, &label);
}

static inline uint64_t inode(void)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

static inline void write_at(const char *name, off_t at, const void *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	check(fd >= 0 && pwrite(fd, bytes, len, at) == (ssize_t)len);
	close(fd);
}

static inline void fill_random(const char *name, size_t size)
{
	char *bytes = malloc(size);

	random_bytes(bytes, size);
	write_at(name, 0, bytes, size);
	free(bytes);
}

/* Each test in an empty directory. */
static inline void run_tests(void (*const tests[])(void), size_t count)
{
	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/metrics", dir);
	for (size_t i = 0; i < count; i++) {
		tests[i]();
		dir_clear();
	}
	rmdir(dir);
}

#endif
