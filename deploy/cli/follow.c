#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/clock.h"

#define PIECE (64u << 10)
#define MAX_LINE (1u << 20)	/* longer ones are no log lines of ours */
#define RENAMED_US 2500000

static bool open_it(struct follow *f)
{
	struct stat st;

	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd < 0)
		return false;
	if (fstat(f->fd, &st)) {
		close(f->fd);
		f->fd = -1;
		return false;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->at = 0;
	f->renamed_us = 0;
	return true;
}

/* Where the last lines begin, from the end backwards. */
static off_t find_last(int fd, int64_t last)
{
	off_t at = lseek(fd, 0, SEEK_END);
	char piece[4096];
	bool tail = true;	/* the newline at the end ends a line */

	if (last == 0)
		return at > 0 ? at : 0;
	while (at > 0) {
		size_t n = at < (off_t)sizeof(piece) ? (size_t)at : sizeof(piece);

		if (pread(fd, piece, n, at - (off_t)n) != (ssize_t)n)
			return 0;
		for (size_t i = n; i > 0; i--) {
			if (piece[i - 1] != '\n' || tail) {
				tail = false;
				continue;
			}
			if (--last == 0)
				return at - (off_t)n + (off_t)i;
		}
		at -= (off_t)n;
	}
	return 0;
}

void follow_begin(struct follow *f, const char *path, int64_t last)
{
	*f = (struct follow){ .path = path, .fd = -1 };
	buf_init(&f->line, MAX_LINE);
	if (open_it(f) && last >= 0)
		f->at = find_last(f->fd, last);
}

static void take(struct follow *f, struct span bytes, follow_line line, void *ctx)
{
	const char *end;

	while (bytes.len && (end = memchr(bytes.ptr, '\n', bytes.len))) {
		size_t n = (size_t)(end - bytes.ptr);

		buf_add(&f->line, bytes.ptr, n);
		if (!buf_err(&f->line) && !f->skip)
			line(ctx, buf_span(&f->line));
		buf_reset(&f->line);
		f->skip = false;
		bytes.ptr += n + 1;
		bytes.len -= n + 1;
	}
	buf_add(&f->line, bytes.ptr, bytes.len);
	if (buf_err(&f->line)) {
		buf_reset(&f->line);
		f->skip = true;
	}
}

static bool read_on(struct follow *f, follow_line line, void *ctx)
{
	char piece[PIECE];
	bool any = false;
	ssize_t n;

	while ((n = pread(f->fd, piece, sizeof(piece), f->at)) > 0) {
		f->at += n;
		take(f, (struct span){ piece, (size_t)n }, line, ctx);
		any = true;
	}
	return any;
}

/* Is the file at the path still the one that we read? */
static void look(struct follow *f)
{
	struct stat st;
	int64_t now_us = clock_mono_us();

	if (fstat(f->fd, &st) == 0 && st.st_size < f->at) {
		f->at = 0;
		buf_reset(&f->line);
	}
	if (stat(f->path, &st) || (st.st_dev == f->dev && st.st_ino == f->ino)) {
		f->renamed_us = 0;
		return;
	}
	if (!f->renamed_us) {
		f->renamed_us = now_us;
	} else if (now_us - f->renamed_us > RENAMED_US) {
		close(f->fd);
		f->fd = -1;
		buf_reset(&f->line);
		open_it(f);
	}
}

bool follow_read(struct follow *f, follow_line line, void *ctx)
{
	bool any;

	if (f->fd < 0 && !open_it(f))
		return false;
	any = read_on(f, line, ctx);
	if (any)
		return true;
	look(f);
	return f->fd >= 0 && read_on(f, line, ctx);
}

void follow_end(struct follow *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_free(&f->line);
}
