/* test_file.c - files that change hands whole, locks, directories. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "test.h"

static char dir[64] = "/tmp/test_file.XXXXXX";

/* A path in the test's directory; the last four are good. */
static const char *in_dir(const char *name)
{
	static char paths[4][256];
	static int at;

	at = (at + 1) % 4;
	snprintf(paths[at], sizeof(paths[at]), "%s/%s", dir, name);
	return paths[at];
}

static enum err read_whole(const char *path, struct buf *b, size_t max)
{
	buf_free(b);
	buf_init(b, max);
	return file_read(path, b, NULL, NULL);
}

static int count_files(void)
{
	char line[512];
	FILE *f;
	int n = 0, fds[2];
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(fds[1], 1);
		execlp("ls", "ls", "-A", dir, (char *)NULL);
		_exit(1);
	}
	close(fds[1]);
	f = fdopen(fds[0], "r");
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	waitpid(pid, NULL, 0);
	return n;
}

static void reading(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct file_stamp stamp, seen;
	struct buf b;

	buf_init(&b, 100);
	errno = 0;
	check_int(file_read(in_dir("none"), &b, &stamp, &note), ERR_SYSTEM);
	check_int(errno, ENOENT);
	check(strstr(note.why, "none: No such file") != NULL);
	check(!file_stat(in_dir("none"), &seen) && file_stamp_eq(&seen, &stamp));
	check_int(file_replace(in_dir("f"), 0600, SPAN("0123456789"), NULL), ERR_OK);
	buf_str(&b, "<");
	check_int(file_read(in_dir("f"), &b, &stamp, NULL), ERR_OK);
	check_str(buf_span(&b), "<0123456789");
	check(file_stat(in_dir("f"), &seen) && file_stamp_eq(&seen, &stamp));
	check_int(stamp.size, 10);
	check_int(read_whole(in_dir("f"), &b, 10), ERR_OK);
	check_int(read_whole(in_dir("f"), &b, 9), ERR_TOO_LARGE);
	check_int(read_whole(in_dir("f"), &b, 0), ERR_TOO_LARGE);
	check_int(read_whole(dir, &b, 100), ERR_SYSTEM);
	check(mkfifo(in_dir("pipe"), 0600) == 0);
	check_int(read_whole(in_dir("pipe"), &b, 100), ERR_SYSTEM);
	unlink(in_dir("pipe"));
	buf_free(&b);
}

static void replacing(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct file_stamp before, after;
	struct stat st;
	struct buf b;

	buf_init(&b, 100);
	file_stat(in_dir("f"), &before);
	check_int(file_replace(in_dir("f"), 0640, SPAN("new"), NULL), ERR_OK);
	file_stat(in_dir("f"), &after);
	check(!file_stamp_eq(&before, &after));
	check(stat(in_dir("f"), &st) == 0 && (st.st_mode & 0777) == 0640);
	/* links are followed and stay, also one to what is not there yet */
	check(symlink("f", in_dir("link")) == 0);
	check(symlink("link", in_dir("link2")) == 0);
	check(symlink(in_dir("later"), in_dir("dangling")) == 0);
	check(symlink("loop", in_dir("loop")) == 0);
	check_int(file_replace(in_dir("link2"), 0600, SPAN("by link"), NULL), ERR_OK);
	check_int(file_replace(in_dir("dangling"), 0600, SPAN("made"), NULL), ERR_OK);
	check_int(file_replace(in_dir("loop"), 0600, SPAN("x"), &note), ERR_SYSTEM);
	check(lstat(in_dir("link2"), &st) == 0 && S_ISLNK(st.st_mode));
	check(lstat(in_dir("dangling"), &st) == 0 && S_ISLNK(st.st_mode));
	check_int(read_whole(in_dir("f"), &b, 100), ERR_OK);
	check_str(buf_span(&b), "by link");
	check_int(read_whole(in_dir("later"), &b, 100), ERR_OK);
	check_str(buf_span(&b), "made");
	/* a failure leaves the old file and nothing beside it */
	check(mkdir(in_dir("d"), 0700) == 0);
	check_int(count_files(), 7);
	err_clear(&note);
	check_int(file_replace(in_dir("d"), 0600, SPAN("x"), &note), ERR_SYSTEM);
	check_int(count_files(), 7);
	check_int(file_replace(in_dir("no/f"), 0600, SPAN("x"), NULL), ERR_SYSTEM);
	buf_free(&b);
}

/* A reader sees one of the two texts whole, at any time. */
static void whole_always(void)
{
	static char a[50000], z[70000];
	struct buf b;
	int i, torn = 0;
	pid_t pid;

	memset(a, 'a', sizeof(a));
	memset(z, 'z', sizeof(z));
	buf_init(&b, 100000);
	check_int(file_replace(in_dir("f"), 0600, (struct span){ a, sizeof(a) }, NULL), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 200; i++)
			if (file_replace(in_dir("f"), 0600, i % 2 ?
					 (struct span){ a, sizeof(a) } :
					 (struct span){ z, sizeof(z) }, NULL))
				_exit(1);
		_exit(0);
	}
	do {
		if (read_whole(in_dir("f"), &b, 100000) ||
		    !((b.len == sizeof(a) && !memcmp(b.ptr, a, b.len)) ||
		      (b.len == sizeof(z) && !memcmp(b.ptr, z, b.len))))
			torn++;
	} while (waitpid(pid, &i, WNOHANG) == 0);
	check_int(torn, 0);
	check(WIFEXITED(i) && WEXITSTATUS(i) == 0);
	buf_free(&b);
}

static void locking(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct stat st;
	int64_t begin;
	int fd, fd2;
	pid_t pid;

	check_int(file_lock(in_dir("lock"), 0, &fd, NULL), ERR_OK);
	check(stat(in_dir("lock"), &st) == 0 && (st.st_mode & 0777) == 0600);
	check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	begin = clock_mono_us();
	check_int(file_lock(in_dir("lock"), 0, &fd2, &note), ERR_BUSY);
	check_int(note.code, ERR_BUSY);
	check_int(fd2, -1);
	check_int(file_lock(in_dir("lock"), 60, &fd2, NULL), ERR_BUSY);
	check(clock_mono_us() - begin >= 60000);
	/* unlinked under our feet: another may lock the new file */
	unlink(in_dir("lock"));
	check_int(file_lock(in_dir("lock"), 0, &fd2, NULL), ERR_OK);
	close(fd);
	close(fd2);
	check_int(file_lock(in_dir("no/lock"), 0, &fd, NULL), ERR_SYSTEM);
	/* had as soon as the other one is gone */
	check_int(file_lock(in_dir("lock"), 0, &fd, NULL), ERR_OK);
	pid = fork();
	if (pid == 0) {
		usleep(50000);
		_exit(0);	/* its copy of fd goes with it */
	}
	close(fd);
	check_int(file_lock(in_dir("lock"), 5000, &fd, NULL), ERR_OK);
	close(fd);
	waitpid(pid, NULL, 0);
}

static void directories(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct stat st;

	check_int(file_make_dir(in_dir("p/q/r"), NULL), ERR_OK);
	check(stat(in_dir("p/q"), &st) == 0 && (st.st_mode & 0777) == 0700);
	check_int(file_make_dir(in_dir("p/q/r/"), NULL), ERR_OK);
	check_int(file_make_dir(in_dir("p/s/"), NULL), ERR_OK);
	check_int(file_make_dir("/", NULL), ERR_OK);
	check_int(file_make_dir(in_dir("f"), &note), ERR_SYSTEM);
	check_int(file_make_dir(in_dir("f/x"), NULL), ERR_SYSTEM);
}

static void expanding(void)
{
	char out[64];

	setenv("HOME", "/home/x", 1);
	check_int(file_expand("~", out, sizeof(out), NULL), ERR_OK);
	check_str(span_of(out), "/home/x");
	check_int(file_expand("~/a", out, sizeof(out), NULL), ERR_OK);
	check_str(span_of(out), "/home/x/a");
	check_int(file_expand("~user/a", out, sizeof(out), NULL), ERR_OK);
	check_str(span_of(out), "~user/a");
	check_int(file_expand("/a/~", out, sizeof(out), NULL), ERR_OK);
	check_str(span_of(out), "/a/~");
	check_int(file_expand("~/a", out, 9, NULL), ERR_TOO_LARGE);
	check_int(file_expand("~/a", out, 10, NULL), ERR_OK);
	unsetenv("HOME");
	check_int(file_expand("~/a", out, sizeof(out), NULL), ERR_OK);
	check(out[0] == '/' && strstr(out, "/a"));
}

static void clean_up(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static unsigned owner(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_uid;
}

/* What root makes in another's directory is the other's, who has to read it. */
static void owners(void)
{
	int fd;

	if (geteuid() != 0)
		return;
	check_int(mkdir(in_dir("hers"), 0700), 0);
	if (!check_int(chown(in_dir("hers"), 4711, 4712), 0))
		return;
	check_int(file_replace(in_dir("hers/new"), 0600, SPAN("a"), NULL), 0);
	check_int(owner(in_dir("hers/new")), 4711);
	check_int(chown(in_dir("hers/new"), 4713, 4714), 0);
	check_int(file_replace(in_dir("hers/new"), 0600, SPAN("b"), NULL), 0);
	check_int(owner(in_dir("hers/new")), 4713);
	check_int(file_lock(in_dir("hers/lock"), 0, &fd, NULL), 0);
	close(fd);
	check_int(owner(in_dir("hers/lock")), 4711);
	/* who lays a link there gets nothing of ours */
	check_int(file_replace(in_dir("ours"), 0600, SPAN("c"), NULL), 0);
	check_int(symlink(in_dir("ours"), in_dir("hers/trap")), 0);
	check_int(file_lock(in_dir("hers/trap"), 0, &fd, NULL), 0);
	close(fd);
	check_int(file_replace(in_dir("hers/trap"), 0600, SPAN("d"), NULL), 0);
	check_int(owner(in_dir("ours")), 0);
}

int main(void)
{
	if (!check(mkdtemp(dir) != NULL))
		return test_end("test_file");
	reading();
	replacing();
	whole_always();
	locking();
	owners();
	directories();
	expanding();
	clean_up();
	return test_end("test_file");
}
