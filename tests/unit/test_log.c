/* test_log.c - one JSON line a write, whatever comes in. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/ceilings.h"
#include "../../shared/file.h"
#include "../../shared/json.h"
#include "../../shared/log.h"
#include "test.h"

static char dir[64] = "/tmp/test_log.XXXXXX";
static char path[128], old[128];

/* The line n (from 0) of the file, parsed; NULL when there is none. */
static struct json_object *line_of(const char *file, int n)
{
	struct json_object *v = NULL;
	struct buf b;
	char *at, *end;

	buf_init(&b, 1u << 24);
	if (file_read(file, &b, NULL, NULL) == ERR_OK) {
		at = b.ptr;
		while (n-- > 0 && (at = strchr(at, '\n')))
			at++;
		end = at ? strchr(at, '\n') : NULL;
		if (end)
			v = json_parse((struct span){ at, (size_t)(end - at) }, NULL);
	}
	buf_free(&b);
	return v;
}

static void lines(void)
{
	struct log *l = log_open(path, LOG_INFO);
	struct log_line line;
	struct json_object *v;
	struct stat st;

	check(log_wants(l, LOG_INFO) && !log_wants(l, LOG_DEBUG));
	log_begin(&line, l, LOG_INFO, "request");
	log_str(&line, "who", SPAN("a\"b\n\xff\0z"));
	log_int(&line, "n", -7);
	log_bool(&line, "ok", true);
	log_end(&line);
	log_begin(&line, l, LOG_DEBUG, "hidden");
	log_str(&line, "who", SPAN("x"));
	log_end(&line);
	log_msg(l, LOG_DEBUG, "hidden", "x");
	log_msg(l, LOG_ERROR, "start", "port %d", 8000);
	log_msg(l, LOG_WARN, "seen", "%s", "");
	v = line_of(path, 0);
	check_int(json_get_str(v, "ts").len, 24);
	check_str(json_get_str(v, "level"), "info");
	check_str(json_get_str(v, "event"), "request");
	check_int(json_get_str(v, "who").len, 9);
	check(span_starts(json_get_str(v, "who"), "a\"b\n\xef\xbf\xbd"));
	check_int(json_get_int(v, "n", 0), -7);
	check(json_get_bool(v, "ok", false));
	json_object_put(v);
	v = line_of(path, 1);
	check_str(json_get_str(v, "msg"), "port 8000");
	check_str(json_get_str(v, "level"), "error");
	json_object_put(v);
	v = line_of(path, 2);
	check_str(json_get_str(v, "level"), "warn");
	check_str(json_get_str(v, "msg"), "");
	json_object_put(v);
	check(!line_of(path, 3));
	check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	check_int((int64_t)log_dropped(l), 0);
	log_close(l);
	log_close(NULL);
}

static void cuts(void)
{
	static char big[100000];
	struct log *l = log_open(path, LOG_DEBUG);
	struct log_line line;
	struct json_object *v;
	struct span got;
	int i;

	for (i = 0; i < (int)sizeof(big) - 1; i++)
		big[i] = i % 2 ? '\xa9' : '\xc3';
	big[0] = 'x';
	check(truncate(path, 0) == 0);
	log_begin(&line, l, LOG_INFO, "e");
	log_str(&line, "big", (struct span){ big, sizeof(big) });
	log_end(&line);
	log_msg(l, LOG_INFO, "e", "%s", big);
	for (i = 0; i < 2; i++) {
		v = line_of(path, i);
		got = json_get_str(v, i ? "msg" : "big");
		check(got.len > MAX_LOG_FIELD - 8 && got.len <= MAX_LOG_FIELD + 8);
		json_object_put(v);
	}
	/* too long in all: dropped, and nothing of it is written */
	log_begin(&line, l, LOG_INFO, "huge");
	memset(big, 1, sizeof(big));
	for (i = 0; i < 100; i++)
		log_str(&line, "f", (struct span){ big, 2048 });
	log_end(&line);
	check_int((int64_t)log_dropped(l), 1);
	check(!line_of(path, 2));
	log_close(l);
}

static void turned_over(void)
{
	struct log *l = log_open(path, LOG_DEBUG);
	struct json_object *v;

	log_msg(l, LOG_INFO, "one", "1");
	check(rename(path, old) == 0);
	log_msg(l, LOG_INFO, "two", "2");	/* looked at just now: the old file */
	log_reopen(l);
	log_msg(l, LOG_INFO, "three", "3");
	v = line_of(path, 0);
	check_str(json_get_str(v, "event"), "three");
	json_object_put(v);
	/* nobody says so: seen a second later */
	check(rename(path, old) == 0);
	usleep(1050000);
	log_msg(l, LOG_INFO, "four", "4");
	v = line_of(path, 0);
	check_str(json_get_str(v, "event"), "four");
	json_object_put(v);
	log_close(l);
}

/* What can not be opened goes to stderr, and a line there says why. */
static void fallback(void)
{
	int kept = dup(2), fd = open(old, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	char none[256];
	struct json_object *v;
	struct log *l;

	snprintf(none, sizeof(none), "%s/none/error.log", dir);
	dup2(fd, 2);
	l = log_open(none, LOG_INFO);
	log_msg(l, LOG_INFO, "here", "x");
	log_close(l);
	l = log_open(NULL, LOG_INFO);
	log_msg(l, LOG_INFO, "there", "x");
	log_reopen(l);
	log_close(l);
	dup2(kept, 2);
	close(kept);
	close(fd);
	v = line_of(old, 0);
	check(strstr(json_get_str(v, "msg").ptr, "No such file") != NULL);
	json_object_put(v);
	v = line_of(old, 1);
	check_str(json_get_str(v, "event"), "here");
	json_object_put(v);
	v = line_of(old, 2);
	check_str(json_get_str(v, "event"), "there");
	json_object_put(v);
}

/* A full disk and a pipe that nobody reads: counted, and we go on. */
static void not_written(void)
{
	struct log *l = log_open("/dev/full", LOG_INFO);
	int kept = dup(2), fds[2], i;

	log_msg(l, LOG_INFO, "e", "x");
	check_int((int64_t)log_dropped(l), 1);
	log_close(l);
	check(pipe(fds) == 0);
	dup2(fds[1], 2);
	l = log_open(NULL, LOG_INFO);
	for (i = 0; i < 2000; i++)
		log_msg(l, LOG_INFO, "e", "%0100d", i);
	dup2(kept, 2);
	close(kept);
	check(log_dropped(l) > 1000 && log_dropped(l) < 2000);
	log_close(l);
	close(fds[0]);
	close(fds[1]);
}

/* Many processes, one file: no line is torn. */
static void many(void)
{
	struct json_object *v;
	struct log *l;
	int i, n;

	check(truncate(path, 0) == 0);
	for (i = 0; i < 4; i++) {
		if (fork() == 0) {
			l = log_open(path, LOG_INFO);
			for (n = 0; n < 100; n++)
				log_msg(l, LOG_INFO, "m", "%0*d", 1 + n * 13, n);
			log_close(l);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (n = 0; n < 400; n += 7) {
		v = line_of(path, n);
		check(v != NULL);
		json_object_put(v);
	}
	check(!line_of(path, 400));
}

static off_t size_of(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 ? st.st_size : -1;
}

static void gathered(void)
{
	struct log *l = log_open(path, LOG_INFO);
	struct json_object *v;
	char number[12];
	int n = 0;

	check(truncate(path, 0) == 0);
	log_gather(l);
	log_flush(l);
	log_msg(l, LOG_INFO, "e", "first");
	log_msg(l, LOG_INFO, "e", "second");
	check_int(size_of(path), 0);
	log_flush(l);
	v = line_of(path, 1);
	check_str(json_get_str(v, "msg"), "second");
	json_object_put(v);
	check(!line_of(path, 2));
	/* a full room is emptied by itself, at a line's end */
	check(truncate(path, 0) == 0);
	while (!size_of(path) && n < 10000)
		log_msg(l, LOG_INFO, "e", "%d", n++);
	check(size_of(path) >= MAX_LOG_GATHERED && n > 100);
	snprintf(number, sizeof(number), "%d", n - 1);
	v = line_of(path, n - 1);
	check_str(json_get_str(v, "msg"), number);
	json_object_put(v);
	log_msg(l, LOG_INFO, "e", "last");
	log_close(l);
	v = line_of(path, n);
	check_str(json_get_str(v, "msg"), "last");
	json_object_put(v);
}

/* What can not be written is counted by lines; a pipe is given each by itself. */
static void gathered_in_vain(void)
{
	struct log *l = log_open(path, LOG_INFO);
	struct rlimit was, none;
	int kept = dup(2), fds[2];
	char text[4096];

	check(truncate(path, 0) == 0 && getrlimit(RLIMIT_FSIZE, &was) == 0);
	log_gather(l);
	log_msg(l, LOG_INFO, "e", "first");
	log_msg(l, LOG_INFO, "e", "second");
	check_int((int64_t)log_dropped(l), 0);
	none = (struct rlimit){ 0, was.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	log_flush(l);
	setrlimit(RLIMIT_FSIZE, &was);
	check_int((int64_t)log_dropped(l), 2);
	log_flush(l);
	check_int((int64_t)log_dropped(l), 2);
	check_int(size_of(path), 0);
	log_close(l);
	check(pipe(fds) == 0);
	dup2(fds[1], 2);
	l = log_open(NULL, LOG_INFO);
	log_gather(l);
	log_msg(l, LOG_INFO, "e", "at once");
	dup2(kept, 2);
	close(kept);
	check(read(fds[0], text, sizeof(text)) > 20);
	log_close(l);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	if (!check(mkdtemp(dir) != NULL))
		return test_end("test_log");
	snprintf(path, sizeof(path), "%s/error.log", dir);
	snprintf(old, sizeof(old), "%s/old", dir);
	lines();
	cuts();
	turned_over();
	fallback();
	not_written();
	many();
	gathered();
	gathered_in_vain();
	unlink(path);
	unlink(old);
	rmdir(dir);
	return test_end("test_log");
}
