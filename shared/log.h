/*
 * log.h - JSON lines to one file descriptor.
 *
 * A line is built in a struct log_line and written by one write(2) in append
 * mode, so lines of many processes do not mix. Field values from outside are
 * escaped, invalid UTF-8 replaced and cut at MAX_LOG_FIELD. A line that can
 * not be written is counted and dropped: logging never fails a request.
 *
 * Two files under $CHATMOCK_HOME/log: access.log (one line a request),
 * error.log (all else, also on stderr when it is a terminal). They are
 * opened again on log_reopen() (USR1, HUP) and when the inode at the path has
 * changed (looked at once a second at most, off the loop's hot path).
 *
 * Secrets have no way in: no function here takes headers or bodies.
 */
#ifndef CHATMOCK_LOG_H
#define CHATMOCK_LOG_H

#include "buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log;

/*
 * path NULL or not to be opened: stderr (and one line there that says why).
 * level is the lowest that is written. The caller owns the log.
 */
struct log *log_open(const char *path, enum log_level level);
void log_close(struct log *l);			/* NULL is fine */
void log_reopen(struct log *l);
bool log_wants(const struct log *l, enum log_level level);
uint64_t log_dropped(const struct log *l);

/*
 * For a thread that has the log to itself: what it ends from now on is
 * gathered, and log_flush() writes it with one write(2), or log_end when
 * MAX_LOG_GATHERED bytes wait; but what goes to a pipe or a terminal goes by
 * the line, at once. A process that dies takes along what it gathered.
 * log_close() flushes.
 */
void log_gather(struct log *l);
void log_flush(struct log *l);			/* NULL is fine */

/* One line: log_begin, any fields, log_end. event is a fixed word. */
struct log_line { struct log *log; struct buf text; };
void log_begin(struct log_line *line, struct log *l, enum log_level level,
	       const char *event);
void log_str(struct log_line *line, const char *key, struct span value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_bool(struct log_line *line, const char *key, bool value);
void log_end(struct log_line *line);

/* A line with one free text field "msg". */
void log_msg(struct log *l, enum log_level level, const char *event,
	     const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
