/*
 * metrics_open.c - a process's hold on the file, and moving to another one.
 *
 * The mapping keeps its address for life: another file, or none, is mapped
 * over it in one system call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "metrics_private.h"

#define SIZE sizeof(struct metrics_file)
#define RETRY_US 2000000	/* between two tries where none could be had */

static struct metrics_file *map(void *at, int fd)
{
	int flags = MAP_SHARED | (at ? MAP_FIXED : 0) |
		    (fd < 0 ? MAP_ANONYMOUS : 0);
	void *p = mmap(at, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Of a file that was cut what is left counts: it is made whole again, with
 * zeros, so that nobody faults who looks. */
static bool make_whole(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return false;
	return (size_t)st.st_size >= SIZE || posix_fallocate(fd, 0, SIZE) == 0;
}

/* What the old memory has counted, into the file that replaced it. With a
 * descriptor that is done behind the change: nothing is counted there any
 * more, at least by us. */
static void take_along(struct metrics *m, int old_fd)
{
	struct metrics_file *old = make_whole(old_fd) ? map(NULL, old_fd) : NULL;
	int region;

	if (!old)
		return;
	region = metrics_region_add(old);
	if (metrics_is_sane(old))
		metrics_absorb(m->file, old, true);
	metrics_region_del(region);
	munmap(old, SIZE);
}

/* The same for plain memory: before the change, for then it is gone. */
static void take_plain(struct metrics *m, int new_fd)
{
	struct metrics_file *new = map(NULL, new_fd);

	if (!new)
		return;
	metrics_absorb(new, m->file, true);
	munmap(new, SIZE);
}

static enum err move_to(struct metrics *m, int fd, struct err_note *note)
{
	struct metrics_private *p = m->private;
	bool faulted = metrics_region_faulted(p->region);
	int memory = -1;		/* what took the place of a lost file */
	struct stat st;

	if (fstat(fd, &st))
		return err_set(note, ERR_SYSTEM, "the metrics file: %s",
			       strerror(errno));
	if (faulted)
		memory = metrics_region_mended(p->region);
	if (faulted ? memory < 0 : p->fd < 0)
		take_plain(m, fd);
	if (!map(m->file, fd)) {
		/* as it was, but that nobody looks for the fault again */
		if (memory >= 0)
			close(memory);
		p->shared = false;
		return err_set(note, ERR_SYSTEM, "mapping the metrics file: %s",
			       strerror(errno));
	}
	take_along(m, memory);
	take_along(m, p->fd);
	if (memory >= 0)
		close(memory);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = fd;
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	p->shared = true;
	return ERR_NONE;
}

/* Maps the file, whichever it is now. */
static enum err attach(struct metrics *m, struct err_note *note)
{
	struct metrics_private *p = m->private;
	int fd;

	if (metrics_file_get(p->path, p->used, &fd, note) == ERR_NONE &&
	    move_to(m, fd, note))
		close(fd);
	p->tried_us = note->code ? clock_boot_us() : 0;
	return note->code;
}

struct metrics *metrics_open(const char *path, struct err_note *note)
{
	struct metrics *m = calloc(1, sizeof(*m));
	struct metrics_private *p = calloc(1, sizeof(*p));

	if (!m || !p)
		goto fail;
	m->private = p;
	p->region = -1;
	p->fd = metrics_memory();
	m->file = map(NULL, p->fd);
	if (!m->file)
		goto fail;
	m->shard = &m->file->shards[0];
	p->region = metrics_region_add(m->file);
	if (snprintf(p->path, sizeof(p->path), "%s", path) >= PATH_MAX ||
	    p->region < 0) {
		err_set(note, ERR_SYSTEM, "no metrics file: the path is too "
			"long, or too many are open");
		p->path[0] = '\0';
	} else {
		attach(m, note);
	}
	return m;
fail:
	err_set(note, ERR_NO_MEMORY, "no memory for metrics");
	metrics_close(m);
	if (!m || !m->private)
		free(p);
	return NULL;
}

struct metrics *metrics_open_home(const char *home, struct err_note *note)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/metrics", home);

	/* too long for us is too long for the system: opening it says so */
	return metrics_open(len < PATH_MAX ? path : "", note);
}

void metrics_close(struct metrics *m)
{
	struct metrics_private *p;
	int fd = -1;

	if (!m)
		return;
	metrics_leave(m);
	p = m->private;
	if (p && p->region >= 0) {
		fd = metrics_region_mended(p->region);
		metrics_region_del(p->region);
	}
	if (fd >= 0)
		close(fd);
	if (p && p->fd >= 0)
		close(p->fd);
	if (m->file)
		munmap(m->file, SIZE);
	free(p);
	free(m);
}

bool metrics_is_shared(const struct metrics *m)
{
	return m && m->private->shared &&
	       !metrics_region_faulted(m->private->region);
}

bool metrics_is_stale(const struct metrics *m)
{
	return m && m->private->path[0] &&
	       (!metrics_is_shared(m) ||
		atomic_load_explicit(&m->file->moved, memory_order_relaxed));
}

/* Why the file that we have mapped is no longer the one that others find. */
static const char *ailment(const struct metrics *m)
{
	const struct metrics_private *p = m->private;
	struct stat st;

	if (metrics_region_faulted(p->region))
		return "it was truncated";
	if (lstat(p->used, &st))
		return "it is gone";
	if (st.st_dev != p->dev || st.st_ino != p->ino)
		return "another file lies in its place";
	if ((size_t)st.st_size != SIZE)
		return "it has another size";
	if (metrics_head_look(&m->file->head) != KIND_GOOD)
		return "its header was overwritten";
	return NULL;
}

enum err metrics_check(struct metrics *m, bool *mended, struct err_note *note)
{
	struct metrics_private *p = m ? m->private : NULL;
	const char *ill = NULL;
	bool fault;

	*mended = false;
	if (!m || !p->path[0])
		return ERR_NONE;
	fault = metrics_region_faulted(p->region);
	if (p->shared)
		ill = ailment(m);
	if (p->shared && !ill)
		return ERR_NONE;
	if (p->tried_us && clock_boot_us() - p->tried_us < RETRY_US)
		return ERR_SYSTEM;
	if (attach(m, note))
		return note->code;
	*mended = true;
	if (fault)
		metrics_count(m, COUNT_METRICS_FAULT);
	if (ill) {
		metrics_count(m, COUNT_METRICS_REPLACED);
		snprintf(note->why, sizeof(note->why), "the metrics file was "
			 "made anew, or left for a new one: %s", ill);
	}
	return ERR_NONE;
}
