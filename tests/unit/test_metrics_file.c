/* test_metrics_file.c - what lies where the file shall be, and what can not. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "metrics_help.h"

#define LAYOUT "CHATMOCK_TEST_METRICS_LAYOUT"
#define BOOT "CHATMOCK_TEST_BOOT"

/* --- what may lie at the path: all of it is replaced by a file that counts --- */

static void lay_nothing(void) { }
static void lay_empty(void) { write_at(path, 0, "", 0); }
static void lay_short(void) { fill_random(path, 100); }
static void lay_random(void) { fill_random(path, sizeof(struct metrics_file)); }
static void lay_zeros(void)
{
	write_at(path, 0, "", 0);
	check(truncate(path, sizeof(struct metrics_file)) == 0);
}
static void lay_good(void) { metrics_close(open_it()); }
static void lay_cut(void)
{
	lay_good();
	check(truncate(path, sizeof(struct metrics_file) - 1) == 0);
}
static void lay_longer(void)
{
	lay_good();
	check(truncate(path, sizeof(struct metrics_file) + 1) == 0);
}
static void lay_wrong_head(void)
{
	lay_good();
	write_at(path, 8, "\1\2\3", 3);
}
static void lay_absurd_count(void)
{
	lay_good();
	write_at(path, offsetof(struct metrics_file, shards) + 7, "\xff", 1);
}
static void lay_absurd_name(void)
{
	lay_good();
	write_at(path, offsetof(struct metrics_file, models), "\1xxxxxxxyyyy", 12);
}
static void lay_absurd_slot(void)
{
	lay_good();
	write_at(path, offsetof(struct metrics_file, slots), "\xff\xff\xff\xff\xff", 5);
}
static void lay_link(void)
{
	char target[160];

	snprintf(target, sizeof(target), "%s/target", dir);
	lay_good();
	check(rename(path, target) == 0 && symlink(target, path) == 0);
}
static void lay_dangling(void) { check(symlink("nowhere", path) == 0); }
static void lay_fifo(void) { check(mkfifo(path, 0600) == 0); }
static void lay_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.60s/metrics", dir);
	check(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	close(fd);
}
static void lay_foreign(void)
{
	lay_good();
	if (geteuid() == 0)
		check(chown(path, 12345, 12345) == 0);
}
static void lay_version(void)
{
	setenv(LAYOUT, "old", 1);
	lay_good();
	unsetenv(LAYOUT);
}
static void lay_beside(void)	/* what a killed one left half-made */
{
	char beside[160];

	snprintf(beside, sizeof(beside), "%s.new", path);
	fill_random(beside, 1000);
}

static void replaced(void)
{
	static const struct { void (*lay)(void); const char *name; } cases[] = {
		{ lay_nothing, "nothing" }, { lay_empty, "empty" },
		{ lay_short, "short" }, { lay_random, "random" },
		{ lay_zeros, "zeros" }, { lay_cut, "cut" },
		{ lay_longer, "longer" }, { lay_wrong_head, "wrong head" },
		{ lay_absurd_count, "absurd count" },
		{ lay_absurd_name, "absurd name" },
		{ lay_absurd_slot, "absurd slot" }, { lay_link, "symlink" },
		{ lay_dangling, "dangling symlink" }, { lay_fifo, "fifo" },
		{ lay_socket, "socket" }, { lay_foreign, "another's" },
		{ lay_version, "another version's" }, { lay_beside, "beside" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct metrics *m;
		struct stat st;
		int before = test_failed;

		cases[i].lay();
		if (cases[i].lay != lay_foreign || geteuid() == 0)
			check_int(count_of(COUNT_TRUNCATED), -1);
		m = open_it();
		check(metrics_is_shared(m));
		metrics_count(m, COUNT_TRUNCATED);
		check_int(count_of(COUNT_TRUNCATED), 1);
		check(lstat(path, &st) == 0 && S_ISREG(st.st_mode));
		check_int(st.st_mode & 07777, 0600);
		check_int(st.st_uid, geteuid());
		metrics_close(m);
		if (test_failed > before)
			printf("  with: %s\n", cases[i].name);
		dir_clear();
	}
}

/* The symlink's target is nobody's business of ours. */
static void link_target(void)
{
	char target[160], text[8] = "";
	int fd;

	snprintf(target, sizeof(target), "%s/target", dir);
	write_at(target, 0, "precious", 8);
	check(symlink(target, path) == 0);
	metrics_close(open_it());
	fd = open(target, O_RDONLY | O_CLOEXEC);
	check(read(fd, text, 8) == 8 && memcmp(text, "precious", 8) == 0);
	close(fd);
}

/* --- what can not be had: private memory, and the file when it can --- */

static void no_place(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m;
	bool mended = false;

	check(mkdir(path, 0700) == 0);
	m = metrics_open(path, &note);
	check(m && note.code == ERR_SYSTEM && !metrics_is_shared(m));
	metrics_add(m, COUNT_TRUNCATED, 5);
	metrics_join(m, ROLE_API, 3);
	metrics_beat(m, STATE_ACCEPTING, 2, 1);
	check_int(count_of(COUNT_TRUNCATED), -1);
	check(rmdir(path) == 0);
	err_clear(&note);
	/* not at once: it has just failed */
	check(metrics_check(m, &mended, &note) != ERR_NONE && !mended);
	for (int i = 0; i < 100 && !mended; i++) {
		usleep(100000);
		err_clear(&note);
		metrics_check(m, &mended, &note);
	}
	check(mended && metrics_is_shared(m));
	metrics_count(m, COUNT_TRUNCATED);
	check_int(count_of(COUNT_TRUNCATED), 6);
	metrics_close(m);
}

static void full_now(const char *what)
{
	struct err_note note = ERR_NOTE_INIT;
	struct metrics *m = metrics_open(path, &note);
	char beside[160];

	snprintf(beside, sizeof(beside), "%s.new", path);
	if (!check(m && note.code == ERR_SYSTEM && !metrics_is_shared(m)))
		printf("  %s: %s\n", what, note.why);
	for (int i = 0; i < 1000; i++)
		metrics_count(m, COUNT_TRUNCATED);
	check(access(path, F_OK) != 0);
	check(access(beside, F_OK) != 0);	/* no half of one is left */
	metrics_close(m);
}

static void too_large(void)
{
	struct rlimit old, low = { 4096, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	check(setrlimit(RLIMIT_FSIZE, &low) == 0);
	full_now("limit of the file size");
	check(setrlimit(RLIMIT_FSIZE, &old) == 0);
	metrics_close(open_it());
}

/* 64 KB of disk, in a mount namespace of a child's own. 77: not allowed. */
static int on_tiny_disk(void)
{
	test_failed = 0;
	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 77;
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tiny", dir, "tmpfs", 0, "size=64k,mode=700"))
		return 77;
	full_now("64 KB tmpfs");
	return test_failed ? 1 : 0;
}

static void full_disk(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(on_tiny_disk());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		test_skip("a full disk: no mount namespace here");
	} else {
		check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

/* --- versions and boots --- */

static void two_versions(void)
{
	struct metrics *old, *new, *newer;
	uint64_t was;
	char own[512] = "";
	struct dirent *e;
	DIR *d;

	setenv(LAYOUT, "old", 1);
	old = open_it();
	was = inode();
	metrics_add(old, COUNT_TRUNCATED, 3);
	unsetenv(LAYOUT);
	new = open_it();
	check(metrics_is_shared(new));
	check_int(inode(), was);		/* theirs is left alone */
	metrics_add(new, COUNT_TRUNCATED, 50);
	check_int(count_of(COUNT_TRUNCATED), 50);
	newer = open_it();
	metrics_add(newer, COUNT_TRUNCATED, 500);
	check_int(count_of(COUNT_TRUNCATED), 550);
	setenv(LAYOUT, "old", 1);
	metrics_count(old, COUNT_TRUNCATED);
	check_int(count_of(COUNT_TRUNCATED), 4);
	metrics_close(old);
	unsetenv(LAYOUT);
	/* the old one has gone: those who settled beside stay there */
	metrics_close(new);
	new = open_it();
	metrics_add(new, COUNT_TRUNCATED, 1);
	check_int(count_of(COUNT_TRUNCATED), 551);
	metrics_close(new);
	metrics_close(newer);
	d = opendir(dir);
	while ((e = readdir(d)))
		if (strncmp(e->d_name, "metrics-", 8) == 0)
			snprintf(own, sizeof(own), "%s/%s", dir, e->d_name);
	closedir(d);
	check_int(count_at(own, COUNT_TRUNCATED), 551);
}

static void another_boot(void)
{
	struct metrics *m, *before;
	metric_word *breaker;
	struct err_note note = ERR_NOTE_INIT;
	struct metrics_snapshot s;

	setenv(BOOT, "b00f", 1);
	before = open_it();
	metrics_join(before, ROLE_API, 1);
	metrics_beat(before, STATE_ACCEPTING, 77, 1);
	metrics_add(before, COUNT_TRUNCATED, 3);
	metrics_job_begin(before, SPAN("models"), 5);
	breaker = breaker_of(before, "https://up.test");
	atomic_store(breaker, 12345);
	unsetenv(BOOT);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	check(s.other_boot);
	metrics_snapshot_free(&s);
	/* the lid was shut, so to say: whoever had it is gone without a word */
	m = open_it();
	check_int(count_of(COUNT_TRUNCATED), 3);
	breaker = breaker_of(m, "https://up.test");
	check_int(atomic_load(breaker), 0);
	check(metrics_snapshot(path, &s, &note) == ERR_NONE);
	check(!s.other_boot);
	for (size_t i = 0; i < METRICS_SLOTS; i++)
		check(!metrics_get(&s.file->slots[i].pid));
	check_int(metrics_get(&s.file->jobs[0].runs), 1);
	metrics_snapshot_free(&s);
	metrics_close(m);
	metrics_close(before);
}

int main(void)
{
	void (*const tests[])(void) = {
		replaced, link_target, no_place, too_large, full_disk,
		two_versions, another_boot,
	};

	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_metrics_file");
}
