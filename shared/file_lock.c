/* file_lock.c - locks, directories and "~"; see file.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"

#define FIRST_PAUSE_US	1000
#define LONGEST_PAUSE_US 50000

static void pause_us(int64_t us)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

/* Someone may have unlinked the file we hold: then others lock another one. */
static bool still_there(int fd, const char *path)
{
	struct stat ours, now;

	return fstat(fd, &ours) == 0 && stat(path, &now) == 0 &&
	       ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

/* One try. ERR_BUSY sets no note: it is tried again. */
static enum err try_lock(const char *path, int *fd, struct err_note *note)
{
	enum err err = ERR_BUSY;

	*fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (*fd >= 0)	/* ours alone, and no link's target */
		file_give(*fd, path);
	else if (errno == EEXIST)
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (*fd < 0)
		return err_errno(note, "opening", path);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
		if (still_there(*fd, path))
			return ERR_NONE;
	} else if (errno != EWOULDBLOCK && errno != EINTR) {
		err = err_errno(note, "locking", path);
	}
	close(*fd);
	*fd = -1;
	return err;
}

enum err file_lock(const char *path, int wait_ms, int *fd, struct err_note *note)
{
	int64_t until = clock_mono_us() + (int64_t)wait_ms * 1000, left;
	int64_t pause = FIRST_PAUSE_US;
	enum err err;

	for (;;) {
		err = try_lock(path, fd, note);
		if (err != ERR_BUSY)
			return err;
		left = until - clock_mono_us();
		if (left <= 0)
			return err_set(note, ERR_BUSY, "%s is locked", path);
		pause_us(pause < left ? pause : left);
		if (pause < LONGEST_PAUSE_US)
			pause *= 2;
	}
}

static bool make_one(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	if (stat(path, &st) < 0)
		return false;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

enum err file_make_dir(const char *path, struct err_note *note)
{
	char part[PATH_MAX];
	struct stat st;
	char *p;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return ERR_NONE;
	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part)) {
		errno = ENAMETOOLONG;
		return err_errno(note, "making directory", path);
	}
	/* a parent that we may not make but is there is no failure yet */
	for (p = strchr(part + (part[0] == '/'), '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (stat(part, &st) < 0 && !make_one(part))
			return err_errno(note, "making directory", part);
		*p = '/';
	}
	return make_one(part) ? ERR_NONE : err_errno(note, "making directory", path);
}

/* The home directory into out; false when nobody knows it. */
static bool home_of(char *out, size_t size)
{
	const char *home = getenv("HOME");
	struct passwd pw, *got = NULL;
	char room[4096];

	if (!home || !*home) {
		getpwuid_r(getuid(), &pw, room, sizeof(room), &got);
		home = got ? got->pw_dir : NULL;
	}
	return home && snprintf(out, size, "%s", home) < (int)size;
}

enum err file_expand(const char *path, char *out, size_t size,
		     struct err_note *note)
{
	char home[PATH_MAX] = "";
	bool tilde = path[0] == '~' && (path[1] == '\0' || path[1] == '/');

	if (tilde && !home_of(home, sizeof(home)))
		return err_set(note, ERR_CONFIG, "no home directory for %s", path);
	if (snprintf(out, size, "%s%s", home, path + tilde) >= (int)size)
		return err_set(note, ERR_TOO_LARGE, "the path %s is too long", path);
	return ERR_NONE;
}
