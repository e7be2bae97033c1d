/* log.c - see log.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "log.h"
#include "text.h"

#define MAX_LINE	(256u << 10)
#define LOOK_EVERY_US	1000000

struct log {
	int fd;			/* ours; its number stays, whatever it shows */
	bool regular;		/* a file: a write never waits */
	bool on_stderr;
	bool mirror;		/* each line on the terminal, too */
	_Atomic int level;
	_Atomic uint64_t dropped;
	_Atomic int64_t looked_us;
	pthread_mutex_t opening;
	bool gathers;
	unsigned gathered_lines;
	struct buf gathered;
	dev_t dev;
	ino_t ino;
	char path[];
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

/* Puts `from` in the place of l->fd in one step, so that a thread that is
 * writing has the old file or the new one, never none. */
static void show(struct log *l, int from, bool on_stderr)
{
	struct stat st;

	if (l->fd < 0)
		l->fd = fcntl(from, F_DUPFD_CLOEXEC, 3);
	else
		dup3(from, l->fd, O_CLOEXEC);
	l->on_stderr = on_stderr;
	l->regular = false;
	if (fstat(from, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		l->regular = S_ISREG(st.st_mode);
	}
}

static int open_path(const struct log *l)
{
	if (!l->path[0])
		return -1;
	return open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
		    O_NONBLOCK, 0600);
}

/* Says on stderr why the log is there and not in its file. */
static void say_fallback(struct log *l, int why)
{
	char words[128];

	log_msg(l, LOG_ERROR, "log", "can not open %s: %s", l->path,
		strerror_r(why, words, sizeof(words)));
}

struct log *log_open(const char *path, enum log_level level)
{
	size_t len = path ? strlen(path) : 0;
	struct log *l = calloc(1, sizeof(*l) + len + 1);
	int fd, why;

	if (!l)
		return NULL;
	if (len)
		memcpy(l->path, path, len);
	l->fd = -1;
	l->level = (int)level;
	buf_init(&l->gathered, MAX_LOG_GATHERED + MAX_LINE);
	pthread_mutex_init(&l->opening, NULL);
	fd = open_path(l);
	why = errno;
	show(l, fd >= 0 ? fd : STDERR_FILENO, fd < 0);
	if (fd >= 0)
		close(fd);
	else if (len)
		say_fallback(l, why);
	/* a line for each request would drown the terminal */
	if (len >= 10 && strcmp(path + len - 10, "access.log") == 0)
		return l;
	l->mirror = isatty(STDERR_FILENO);
	return l;
}

void log_close(struct log *l)
{
	if (!l)
		return;
	log_flush(l);
	buf_free(&l->gathered);
	if (l->fd >= 0)
		close(l->fd);
	pthread_mutex_destroy(&l->opening);
	free(l);
}

void log_reopen(struct log *l)
{
	int fd;

	if (!l || !l->path[0])
		return;
	pthread_mutex_lock(&l->opening);
	fd = open_path(l);
	/* not to be opened now: the old one is better than none */
	if (fd >= 0) {
		show(l, fd, false);
		close(fd);
	}
	pthread_mutex_unlock(&l->opening);
}

/* Who turned the log over may not have told us: the path then shows another
 * file, or none. One thread looks, once a second. */
static void look(struct log *l)
{
	int64_t now = clock_mono_us(), last = l->looked_us;
	struct stat st;

	if (!l->path[0] || now - last < LOOK_EVERY_US)
		return;
	if (!atomic_compare_exchange_strong(&l->looked_us, &last, now))
		return;
	if (l->on_stderr || stat(l->path, &st) < 0 || st.st_dev != l->dev ||
	    st.st_ino != l->ino)
		log_reopen(l);
}

bool log_wants(const struct log *l, enum log_level level)
{
	return l && (int)level >= l->level;
}

uint64_t log_dropped(const struct log *l)
{
	return l ? l->dropped : 0;
}

void log_begin(struct log_line *line, struct log *l, enum log_level level,
	       const char *event)
{
	char ts[32];

	buf_init(&line->text, MAX_LINE);
	line->log = log_wants(l, level) ? l : NULL;
	if (!line->log)
		return;
	clock_rfc3339(ts, clock_wall_us());
	/* most lines fit at once */
	if (!buf_room(&line->text, 500))
		return;
	buf_str(&line->text, "{\"ts\":\"");
	buf_str(&line->text, ts);
	buf_str(&line->text, "\",\"level\":\"");
	buf_str(&line->text, level_names[level]);
	buf_str(&line->text, "\",\"event\":");
	buf_json(&line->text, span_of(event));
}

/* Keys are words of ours: nothing in them is escaped. */
static void put_key(struct log_line *line, const char *key)
{
	size_t len = strlen(key);
	char *p = buf_room(&line->text, len + 4);

	if (!p)
		return;
	memcpy(p, ",\"", 2);
	memcpy(p + 2, key, len);
	memcpy(p + 2 + len, "\":", 2);
	buf_wrote(&line->text, len + 4);
}

void log_str(struct log_line *line, const char *key, struct span value)
{
	bool cut = value.len > MAX_LOG_FIELD;

	if (!line->log)
		return;
	if (cut) {
		value.len = MAX_LOG_FIELD;
		value.len -= utf8_partial_tail(value);
	}
	put_key(line, key);
	buf_char(&line->text, '"');
	buf_json_part(&line->text, value);
	buf_str(&line->text, cut ? "...\"" : "\"");
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
	if (!line->log)
		return;
	put_key(line, key);
	buf_int(&line->text, value);
}

void log_bool(struct log_line *line, const char *key, bool value)
{
	if (!line->log)
		return;
	put_key(line, key);
	buf_str(&line->text, value ? "true" : "false");
}

/* A pipe nobody reads, or a terminal that was stopped, must not stop us. */
static bool would_wait(const struct log *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLOUT };

	return !l->regular && poll(&p, 1, 0) != 1;
}

static bool put_line(struct log *l, struct span text)
{
	ssize_t n;

	if (l->fd < 0 || would_wait(l))
		return false;
	do
		n = write(l->fd, text.ptr, text.len);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)text.len;
}

void log_gather(struct log *l)
{
	l->gathers = true;
}

void log_flush(struct log *l)
{
	if (!l || !l->gathered_lines)
		return;
	look(l);
	if (!put_line(l, buf_span(&l->gathered)))
		l->dropped += l->gathered_lines;
	l->gathered_lines = 0;
	buf_reset(&l->gathered);
}

static bool gather(struct log *l, struct span line)
{
	buf_span_add(&l->gathered, line);
	if (buf_err(&l->gathered)) {
		l->dropped += l->gathered_lines;
		l->gathered_lines = 0;
		buf_reset(&l->gathered);
		return false;
	}
	l->gathered_lines++;
	if (l->gathered.len >= MAX_LOG_GATHERED)
		log_flush(l);
	return true;
}

static bool write_now(struct log *l, struct span line)
{
	look(l);
	if (!put_line(l, line))
		return false;
	if (l->mirror && !l->on_stderr &&
	    write(STDERR_FILENO, line.ptr, line.len) < 0)
		l->mirror = false;	/* the terminal went away */
	return true;
}

void log_end(struct log_line *line)
{
	struct log *l = line->log;

	if (l) {
		struct span text;

		buf_str(&line->text, "}\n");
		text = buf_span(&line->text);
		if (buf_err(&line->text) ||
		    !(l->gathers && l->regular ? gather(l, text) :
						 write_now(l, text)))
			l->dropped++;
	}
	buf_free(&line->text);
	line->log = NULL;
}

void log_msg(struct log *l, enum log_level level, const char *event,
	     const char *fmt, ...)
{
	char text[MAX_LOG_FIELD + 1];
	struct log_line line;
	va_list ap;

	if (!log_wants(l, level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_begin(&line, l, level, event);
	log_str(&line, "msg", span_of(text));
	log_end(&line);
}
