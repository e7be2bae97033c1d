/*
 * follow.h - the lines of a log as they come, across its rotation.
 *
 * Writers notice within a second that their log was renamed, so what was
 * renamed is read on for a while before the new file takes its place; a file
 * that was cut is read from its beginning. A line is handed out when it is
 * whole.
 */
#ifndef CHATMOCK_CLI_FOLLOW_H
#define CHATMOCK_CLI_FOLLOW_H

#include <sys/types.h>

#include "../../shared/buf.h"

struct follow {
	const char *path;	/* borrowed */
	/* private */
	int fd;
	dev_t dev;
	ino_t ino;
	off_t at;
	int64_t renamed_us;	/* seen to be another file since; 0: no */
	struct buf line;	/* its beginning, until it is whole */
	bool skip;		/* the rest of a line that is too long */
};

typedef void (*follow_line)(void *ctx, struct span line);

/* Opens path, if it is there. last: begin at the last so many lines; negative:
 * at the file's beginning. */
void follow_begin(struct follow *f, const char *path, int64_t last);

/* All that is there now. False: nothing was. */
bool follow_read(struct follow *f, follow_line line, void *ctx);

void follow_end(struct follow *f);

#endif
