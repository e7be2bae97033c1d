/*
 * file.h - files that change hands whole.
 *
 * Blocking: never called on the event loop but at start.
 */
#ifndef CHATMOCK_FILE_H
#define CHATMOCK_FILE_H

#include <sys/types.h>

#include "buf.h"

/* What tells one state of a file from another without reading it. */
struct file_stamp { uint64_t dev, ino; int64_t mtime_ns, size; };

/* False when the file is not there or not to be seen; the stamp is zero then. */
bool file_stat(const char *path, struct file_stamp *stamp);
bool file_stamp_eq(const struct file_stamp *a, const struct file_stamp *b);

/*
 * Appends the file to out (whose ceiling holds) and, when stamp is not NULL,
 * tells the state that was read. ERR_SYSTEM with errno's words and the path
 * in why; ERR_TOO_LARGE. Missing is ERR_SYSTEM with errno ENOENT kept.
 */
MUST_USE enum err file_read(const char *path, struct buf *out,
			    struct file_stamp *stamp, struct err_note *note);

/*
 * Replaces a file so that a reader sees all of the old or all of the new one:
 * written beside it, mode set before the first byte, fsync, rename, fsync of
 * the directory. A symlink at path is followed, the link stays. On failure
 * the old file stays and the new one is unlinked. Written by root it is the old
 * one's owner's, or the directory's: who serves is to read it on.
 */
MUST_USE enum err file_replace(const char *path, mode_t mode, struct span bytes,
			       struct err_note *note);

/*
 * Takes an exclusive flock on path (made 0600 when missing, by root for the
 * directory's owner), waiting at most
 * wait_ms (0: not at all). *fd is the lock: close it to let go. ERR_BUSY when it could not
 * be had in time, ERR_SYSTEM otherwise.
 */
MUST_USE enum err file_lock(const char *path, int wait_ms, int *fd,
			    struct err_note *note);

/* Called by root: the file just made as fd is its owner's who has path, or who
 * has path's directory. Best effort. */
void file_give(int fd, const char *path);

/* Makes the directory and its parents, each 0700 when it is made here. */
MUST_USE enum err file_make_dir(const char *path, struct err_note *note);

/* "~" and "~/..." by $HOME (passwd when unset) into out; else copied. */
MUST_USE enum err file_expand(const char *path, char *out, size_t size,
			      struct err_note *note);

#endif
