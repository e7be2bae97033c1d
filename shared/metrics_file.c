/*
 * metrics_file.c - which file is ours, is it whole, and making a new one.
 *
 * A file is made complete beside and renamed, under a lock that is held for
 * that alone; whoever has a file open holds a shared flock on it, by which
 * other versions know that it is in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "metrics_private.h"
#include "metrics_read.h"

#define LOCK_WAIT_MS 2000

static enum err failed(struct err_note *note, const char *what, const char *path)
{
	return err_set(note, ERR_SYSTEM, "%s %.100s: %s", what, path,
		       strerror(errno));
}

void metrics_own_path(const char *path, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s-%016llx", path,
			   (unsigned long long)metrics_layout());

	if (len >= PATH_MAX)
		out[0] = '\0';		/* opening that fails, and says so */
}

int metrics_file_open(const char *path, int flags)
{
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0) {
		/* a symlink, a directory opened for writing, a socket */
		if (errno == ELOOP || errno == EISDIR || errno == ENXIO)
			errno = ESTALE;
		return -1;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    ((st.st_mode & 077) && fchmod(fd, 0600) && flags != O_RDONLY)) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	return fd;
}

static bool read_whole(int fd, void *to, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = pread(fd, (char *)to + have, size - have, (off_t)have);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			return false;
		have += n > 0 ? (size_t)n : 0;
	}
	return true;
}

struct metrics_file *metrics_file_copy(int fd, enum metrics_kind *kind,
				       struct err_note *note)
{
	struct metrics_file *copy = NULL;
	struct metrics_head head;
	struct stat st;

	*kind = KIND_BAD;
	if (!read_whole(fd, &head, sizeof(head))) {
		err_set(note, ERR_SYSTEM, "the metrics file is cut short");
		return NULL;
	}
	*kind = metrics_head_look(&head);
	if (*kind == KIND_BAD || *kind == KIND_OTHER_VERSION) {
		err_set(note, ERR_SYSTEM, *kind == KIND_BAD ?
			"the metrics file's header is broken" :
			"the metrics file is another version's");
		return NULL;
	}
	copy = aligned_alloc(64, sizeof(*copy));
	if (copy && !fstat(fd, &st) && (size_t)st.st_size == sizeof(*copy) &&
	    read_whole(fd, copy, sizeof(*copy)) && metrics_is_sane(copy))
		return copy;
	*kind = KIND_BAD;
	free(copy);
	err_set(note, ERR_SYSTEM, "the metrics file is not whole");
	return NULL;
}

/* What lies at path: a descriptor with our shared flock where it is KIND_GOOD
 * or KIND_OTHER_BOOT, else -1. KIND_BAD for what is not there, too. in_use:
 * of another version, and somebody of that version has it open. */
static int look(const char *path, enum metrics_kind *kind, bool *in_use)
{
	struct err_note ignored = ERR_NOTE_INIT;
	int fd = metrics_file_open(path, O_RDWR);

	*kind = KIND_BAD;
	*in_use = false;
	if (fd < 0)
		return -1;
	free(metrics_file_copy(fd, kind, &ignored));
	if (*kind == KIND_OTHER_VERSION)
		*in_use = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (*kind == KIND_GOOD || *kind == KIND_OTHER_BOOT) {
		flock(fd, LOCK_SH | LOCK_NB);
		return fd;
	}
	close(fd);
	return -1;
}

static struct metrics_file *map(int fd)
{
	void *at = mmap(NULL, sizeof(struct metrics_file), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* The sums of an earlier boot go on in the new file. */
static void carry(int from_fd, int to_fd)
{
	struct err_note ignored = ERR_NOTE_INIT;
	enum metrics_kind kind;
	struct metrics_file *from, *to;

	/* a copy: the file itself may change under us */
	from = metrics_file_copy(from_fd, &kind, &ignored);
	to = from ? map(to_fd) : NULL;
	if (to) {
		metrics_absorb(to, from, false);
		munmap(to, sizeof(*to));
	}
	free(from);
}

/* A file without holes: a full disk is told now and never as a fault later. */
static enum err fill(int fd, const char *path, struct err_note *note)
{
	struct metrics_head head;

	metrics_head_fill(&head);
	errno = posix_fallocate(fd, 0, sizeof(struct metrics_file));
	if (errno)
		return failed(note, "making", path);
	if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return failed(note, "writing", path);
	flock(fd, LOCK_SH | LOCK_NB);
	return ERR_NONE;
}

/* A new file at path, whatever was there; earlier: of another boot, or -1. */
static enum err make(const char *path, int earlier, int *fd, struct err_note *note)
{
	char beside[PATH_MAX];

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= PATH_MAX)
		return err_set(note, ERR_SYSTEM, "the path is too long");
	unlink(beside);			/* what a killed one left */
	*fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return failed(note, "making", beside);
	if (fill(*fd, beside, note))
		goto fail;
	if (earlier >= 0)
		carry(earlier, *fd);
	if (rename(beside, path)) {
		failed(note, "renaming", beside);
		goto fail;
	}
	return ERR_NONE;
fail:
	unlink(beside);
	close(*fd);
	*fd = -1;
	return note->code;
}

/* With the lock held. */
static enum err choose(const char *path, char used[PATH_MAX], int *fd,
		       struct err_note *note)
{
	enum metrics_kind kind;
	bool in_use;
	struct stat st;
	int found;

	metrics_own_path(path, used);
	if (lstat(used, &st) == 0) {
		found = look(used, &kind, &in_use);
	} else {
		found = look(path, &kind, &in_use);
		if (!in_use)
			snprintf(used, PATH_MAX, "%s", path);
	}
	if (found >= 0 && kind == KIND_GOOD) {
		*fd = found;
		return ERR_NONE;
	}
	make(used, found, fd, note);
	if (found >= 0)
		close(found);
	return note->code;
}

enum err metrics_file_get(const char *path, char used[PATH_MAX], int *fd,
			  struct err_note *note)
{
	char name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int lock = -1;

	*fd = -1;
	if (slash && slash != path) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		if (file_make_dir(name, note))
			return note->code;
	}
	if (snprintf(name, sizeof(name), "%s.lock", path) >= PATH_MAX)
		return err_set(note, ERR_SYSTEM, "the path is too long");
	if (file_lock(name, LOCK_WAIT_MS, &lock, note))
		return note->code;
	choose(path, used, fd, note);
	close(lock);
	return note->code;
}
