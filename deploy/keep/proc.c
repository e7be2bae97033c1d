#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"

/* of /proc/PID/stat, counted from 1 as proc(5) does */
enum {
	FIELD_STATE = 3, FIELD_PPID = 4, FIELD_SESSION = 6, FIELD_START = 22,
	FIELD_RSS = 24
};

static void take_field(struct proc_stat *st, int number, struct span word)
{
	int64_t n = 0;

	if (number == FIELD_STATE) {
		st->state = word.ptr[0];
		return;
	}
	if (!text_int(word, &n))
		return;
	if (number == FIELD_PPID)
		st->ppid = (pid_t)n;
	else if (number == FIELD_SESSION)
		st->session = (pid_t)n;
	else if (number == FIELD_START)
		st->start = (uint64_t)n;
	else if (number == FIELD_RSS)
		st->resident = n * sysconf(_SC_PAGESIZE);
}

bool proc_stat(pid_t pid, struct proc_stat *st)
{
	char path[40], text[1024];
	struct span rest, word;
	struct stat file;
	const char *end;
	ssize_t n;
	int fd;

	*st = (struct proc_stat){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0 && fstat(fd, &file) == 0)
		st->uid = file.st_uid;
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* the name may hold anything, a ')' too */
	end = strrchr(text, ')');
	if (!end)
		return false;
	rest = span_of(end + 1);
	for (int number = FIELD_STATE; number <= FIELD_RSS; number++) {
		if (!text_next(&rest, ' ', &word))
			return false;
		take_field(st, number, word);
	}
	return true;
}

bool proc_of(pid_t pid, struct proc *p)
{
	struct proc_stat st;

	*p = (struct proc){ 0 };
	if (pid <= 0 || !proc_stat(pid, &st))
		return false;
	*p = (struct proc){ pid, st.start, clock_boot_id() };
	return true;
}

/* A descriptor of the process, to be closed; -1: it has gone, or ended and not
 * been reaped. */
static int proc_open(const struct proc *p)
{
	struct proc_stat st;
	int fd;

	if (p->pid <= 0 || p->boot != clock_boot_id())
		return -1;
	fd = pidfd_open(p->pid, 0);
	if (fd < 0)
		return -1;
	if (proc_stat(p->pid, &st) && st.start == p->start && st.state != 'Z' &&
	    st.state != 'X')
		return fd;
	close(fd);
	return -1;
}

bool proc_lives(const struct proc *p)
{
	int fd = proc_open(p);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool proc_signal(const struct proc *p, int sig)
{
	int fd = proc_open(p);
	bool sent;

	if (fd < 0)
		return false;
	sent = pidfd_send_signal(fd, sig, NULL, 0) == 0;
	close(fd);
	return sent;
}

bool proc_wait(const struct proc *p, int ms)
{
	int64_t until = clock_mono_us() + (int64_t)ms * 1000, left;
	struct pollfd pfd = { .fd = proc_open(p), .events = POLLIN };
	int n = 0;

	if (pfd.fd < 0)
		return true;
	do {
		left = (until - clock_mono_us() + 999) / 1000;
		n = poll(&pfd, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	close(pfd.fd);
	return n > 0;
}

int64_t proc_age_s(const struct proc *p)
{
	int64_t tick = sysconf(_SC_CLK_TCK);

	if (!p->pid || tick <= 0)
		return -1;
	return clock_boot_us() / 1000000 - (int64_t)p->start / tick;
}

void proc_each(proc_visit visit, void *ctx)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct proc_stat st;
	int64_t pid;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!text_int(span_of(entry->d_name), &pid) ||
		    !proc_stat((pid_t)pid, &st) || st.state == 'Z' ||
		    st.state == 'X')
			continue;
		if (!visit(ctx, &st))
			break;
	}
	closedir(dir);
}

int proc_holds(pid_t pid, const char *path)
{
	struct stat wanted, held;
	struct dirent *entry;
	char name[80];
	int64_t n;
	int found = -1;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	if (stat(path, &wanted) || !(dir = opendir(name)))
		return -1;
	while (found < 0 && (entry = readdir(dir))) {
		if (!text_int(span_of(entry->d_name), &n))
			continue;
		snprintf(name, sizeof(name), "/proc/%d/fd/%lld", (int)pid,
			 (long long)n);
		if (stat(name, &held) == 0 && held.st_dev == wanted.st_dev &&
		    held.st_ino == wanted.st_ino)
			found = (int)n;
	}
	closedir(dir);
	return found;
}
