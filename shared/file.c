/* file.c - reading, replacing and stating whole files; see file.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define READ_PIECE	(64u << 10)
#define MAX_LINKS	16

static void close_quietly(int fd)
{
	int kept = errno;

	if (fd >= 0)
		close(fd);
	errno = kept;
}

static void stamp_of(const struct stat *st, struct file_stamp *stamp)
{
	*stamp = (struct file_stamp){
		.dev = st->st_dev, .ino = st->st_ino, .size = st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
			    st->st_mtim.tv_nsec,
	};
}

bool file_stat(const char *path, struct file_stamp *stamp)
{
	struct stat st;

	*stamp = (struct file_stamp){ 0 };
	if (stat(path, &st) < 0)
		return false;
	stamp_of(&st, stamp);
	return true;
}

bool file_stamp_eq(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns;
}

static enum err read_all(int fd, const char *path, struct buf *out,
			 struct err_note *note)
{
	char *room;
	char probe;
	ssize_t n;

	for (;;) {
		size_t want = out->max - out->len;

		/* a full buf may hold the whole file: ask for one byte more */
		if (want > READ_PIECE)
			want = READ_PIECE;
		room = want ? buf_room(out, want) : &probe;
		if (!room)
			return err_set(note, buf_err(out), "reading %s", path);
		n = read(fd, room, want ? want : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(note, "reading", path);
		if (n == 0)
			return ERR_NONE;
		if (!want)
			return err_set(note, ERR_TOO_LARGE,
				       "%s is over %zu bytes", path, out->max);
		buf_wrote(out, (size_t)n);
	}
}

enum err file_read(const char *path, struct buf *out, struct file_stamp *stamp,
		   struct err_note *note)
{
	struct stat st;
	enum err err;
	int fd;

	if (stamp)
		*stamp = (struct file_stamp){ 0 };
	if (buf_err(out))
		return err_set(note, buf_err(out), "reading %s", path);
	/* O_NONBLOCK: a pipe without a writer must not hold us up */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_errno(note, "opening", path);
	if (fstat(fd, &st) < 0) {
		err = err_errno(note, "reading", path);
	} else if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		err = err_errno(note, "reading", path);
	} else {
		/* the state before: who writes meanwhile makes it differ */
		if (stamp)
			stamp_of(&st, stamp);
		err = read_all(fd, path, out, note);
	}
	close_quietly(fd);
	return err;
}

/* The file that path means after all links, into out; it need not exist. */
static enum err follow(const char *path, char *out, struct err_note *note)
{
	char target[PATH_MAX], *slash;
	int hops, len;
	ssize_t n;

	len = snprintf(out, PATH_MAX, "%s", path);
	for (hops = 0; len < PATH_MAX; hops++) {
		n = readlink(out, target, sizeof(target));
		if (n < 0)	/* no link, or not there yet: this is it */
			return ERR_NONE;
		if (hops == MAX_LINKS) {
			errno = ELOOP;
			return err_errno(note, "following", path);
		}
		if (n >= PATH_MAX)
			break;
		slash = strrchr(out, '/');
		len = target[0] == '/' || !slash ? 0 : (int)(slash + 1 - out);
		len += snprintf(out + len, (size_t)(PATH_MAX - len), "%.*s",
				(int)n, target);
	}
	errno = ENAMETOOLONG;
	return err_errno(note, "following", path);
}

static bool write_all(int fd, struct span bytes)
{
	ssize_t n;

	while (bytes.len > 0) {
		n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return true;
}

/* The new name in the directory outlives a power cut, too. Some file systems
 * can not do it; the file is whole all the same. */
static void sync_dir_of(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

void file_give(int fd, const char *path)
{
	char dir[PATH_MAX];
	struct stat st, own;
	char *slash;

	if (geteuid() != 0 || fstat(fd, &own) < 0)
		return;
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (st.st_dev == own.st_dev && st.st_ino == own.st_ino)) {
		snprintf(dir, sizeof(dir), "%s", path);
		slash = strrchr(dir, '/');
		if (slash)
			slash[slash == dir] = '\0';
		if (stat(slash ? dir : ".", &st) < 0)
			return;
	}
	(void)!fchown(fd, st.st_uid, st.st_gid);
}

enum err file_replace(const char *path, mode_t mode, struct span bytes,
		      struct err_note *note)
{
	char real[PATH_MAX], temp[PATH_MAX + 16] = "";
	enum err err;
	int fd = -1;

	err = follow(path, real, note);
	if (err)
		return err;
	snprintf(temp, sizeof(temp), "%s.XXXXXX", real);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		temp[0] = '\0';
		goto fail;
	}
	file_give(fd, real);
	if (fchmod(fd, mode) < 0 || !write_all(fd, bytes) || fsync(fd) < 0)
		goto fail;
	if (close(fd) < 0) {
		fd = -1;
		goto fail;
	}
	fd = -1;
	if (rename(temp, real) < 0)
		goto fail;
	sync_dir_of(real);
	return ERR_NONE;
fail:
	err = err_errno(note, "writing", path);
	close_quietly(fd);
	if (temp[0]) {
		int kept = errno;

		unlink(temp);
		errno = kept;
	}
	return err;
}
