/*
 * check_files.c - the state directory: may we write, is there room, and is
 * what lies there what we would put there?
 */
#include "check_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../shared/ceilings.h"
#include "../../shared/file.h"

#define LITTLE_ROOM	(64u << 20)
#define FEW_INODES	64

/* home's part of that name; empty when the path is too long. */
static const char *part(const struct findings *f, const char *name,
			char path[4200])
{
	if (snprintf(path, 4200, "%s/%s", f->config->home, name) >= 4200)
		path[0] = '\0';
	return path;
}

/* By doing it: access(2) says yes to root on a file system that says no. */
static bool can_write(const char *dir, int *error)
{
	char path[4300];
	int fd;

	if (snprintf(path, sizeof(path), "%s/.check-XXXXXX", dir) >=
	    (int)sizeof(path)) {
		*error = ENAMETOOLONG;
		return false;
	}
	fd = mkostemp(path, O_CLOEXEC);
	*error = errno;
	if (fd < 0)
		return false;
	close(fd);
	unlink(path);
	return true;
}

void check_home(struct findings *f)
{
	const char *home = f->config->home;
	struct err_note note = ERR_NOTE_INIT;
	struct stat st;
	int error;

	if (home[0] != '/') {
		check_fault(f, EX_CONFIG, "CHATMOCK_HOME %s is relative, and would be "
			    "another directory for each who starts it; write it from "
			    "the root on", home);
		return;
	}
	errno = 0;
	if (file_make_dir(home, &note) || stat(home, &st)) {
		check_fault(f, check_code(errno == ENOENT ? 0 : errno, EX_CANTCREAT),
			    "CHATMOCK_HOME %s can not be made (%s); make it (mkdir -m "
			    "700), or set another", home, note.why);
		return;
	}
	if (!can_write(home, &error))
		check_fault(f, check_code(error, EX_CANTCREAT), "CHATMOCK_HOME %s can "
			    "not be written (%s); make it yours (chown, chmod 700), or "
			    "set another", home, strerror(error));
	if (st.st_mode & 0077)
		check_warn(f, "CHATMOCK_HOME %s is open to other users; chmod 700 it",
			   home);
	if (st.st_uid != geteuid())
		check_warn(f, "CHATMOCK_HOME %s belongs to another user (%u), who can "
			   "change all that lies there; chown it", home,
			   (unsigned)st.st_uid);
}

static bool is_there(const char *path, struct stat *st)
{
	return *path && lstat(path, st) == 0;
}

/* A file that others may have put in its place is never opened for writing. */
static void check_log(struct findings *f, const char *name)
{
	char path[4200];
	struct stat st;
	int fd;

	if (!is_there(part(f, name, path), &st))
		return;
	if (!S_ISREG(st.st_mode)) {
		check_fault(f, EX_CANTCREAT, "the log %s is no plain file; move it "
			    "away", path);
		return;
	}
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		check_fault(f, check_code(errno, EX_CANTCREAT), "the log %s can not "
			    "be written (%s); make it yours (chown, chmod 600)", path,
			    strerror(errno));
	else
		close(fd);
}

void check_logs(struct findings *f)
{
	struct err_note note = ERR_NOTE_INIT;
	char path[4200];
	int error = 0;

	if (f->status == EX_CANTCREAT || f->config->home[0] != '/')
		return;		/* there is no home: that has been said */
	errno = 0;
	if (file_make_dir(part(f, "log", path), &note))
		check_fault(f, check_code(errno, EX_CANTCREAT), "the logs' directory "
			    "%s can not be made (%s); move away what stands there",
			    path, note.why);
	else if (!can_write(path, &error))
		check_fault(f, check_code(error, EX_CANTCREAT), "the logs' directory "
			    "%s can not be written (%s); make it yours (chown, chmod "
			    "700)", path, strerror(error));
	check_log(f, "log/error.log");
	check_log(f, "log/access.log");
}

/* What is missing is made; what is in the way keeps a cache from working, and
 * nothing else. */
void check_caches(struct findings *f)
{
	char path[4200];
	struct stat st;
	int error;

	if (is_there(part(f, "prompt_cache", path), &st) &&
	    (stat(path, &st) || !S_ISDIR(st.st_mode) || !can_write(path, &error)))
		check_warn(f, "the prompts' cache %s is no directory that can be "
			   "written; move it away, or make it yours", path);
	if (is_there(part(f, "metrics", path), &st) &&
	    (!S_ISREG(st.st_mode) || st.st_uid != geteuid()))
		check_warn(f, "the metrics file %s is no plain file of ours; remove "
			   "it, and it is made anew", path);
	if (is_there(part(f, "models.json", path), &st) &&
	    (stat(path, &st) || !S_ISREG(st.st_mode) ||
	     st.st_size > (off_t)MAX_CACHE_FILE))
		check_warn(f, "the list of models %s is no file of ours; remove it, "
			   "and it is fetched anew", path);
}

void check_space(struct findings *f)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs(f->config->home, &fs))
		return;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room < LITTLE_ROOM)
		check_warn(f, "only %llu MB are left where CHATMOCK_HOME %s lies; "
			   "logs and caches need room, make some",
			   (unsigned long long)(room >> 20), f->config->home);
	if (fs.f_files && fs.f_favail < FEW_INODES)
		check_warn(f, "no more than %llu files can be made where "
			   "CHATMOCK_HOME %s lies; remove some",
			   (unsigned long long)fs.f_favail, f->config->home);
	if (fs.f_flag & ST_RDONLY)
		check_warn(f, "CHATMOCK_HOME %s lies on a file system that is mounted "
			   "read-only; mount it otherwise, or set another",
			   f->config->home);
}
