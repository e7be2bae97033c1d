/*
 * ops_reload.c - the masters become new, and whether that went well: they say
 * it in error.log, and health shows it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "ops.h"

#define READY_US 30000000	/* a trial of each master, then its workers */
#define PAUSE_US 50000
#define MAX_NEWS (1u << 20)
#define MAX_OLD 1200		/* more workers than a master ever has */

/* Workers of before, by their master. */
struct olds { pid_t master; size_t count; struct proc list[MAX_OLD]; };

struct watch {
	const char *home;
	struct olds *old_api, *old_health;
	ino_t inode;
	off_t at;			/* what stands before is old */
	bool gateway, health;		/* masters that are new */
	struct buf *why;
	bool failed;
};

static int open_log(struct watch *w, struct stat *st)
{
	struct place path;
	int fd = open(place_in(&path, w->home, "log/error.log"),
		      O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void begin(struct watch *w)
{
	struct stat st = { 0 };
	int fd = open_log(w, &st);

	if (fd >= 0)
		close(fd);
	w->inode = st.st_ino;
	w->at = st.st_size;
}

static void take_line(struct watch *w, struct span text)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *line = json_parse(text, &note);
	struct span event = json_get_str(line, "event");
	struct span said = json_get_str(line, "said");

	if (span_eq(event, "master_start")) {
		struct span program = json_get_str(line, "program");

		w->gateway = w->gateway || span_eq(program, "chatmock.fcgi");
		w->health = w->health || span_eq(program, "health.fcgi");
	} else if (!w->failed && (span_eq(event, "reload_refused") ||
				  span_eq(event, "worker_died") ||
				  span_eq(event, "part_died"))) {
		w->failed = true;
		if (!said.len)
			said = json_get_str(line, "msg");
		buf_span_add(w->why, event);
		if (said.len) {
			buf_str(w->why, ": ");
			cli_safe(w->why, said);
		}
	}
	json_object_put(line);
}

/* Whole lines only; what is half written comes the next time. */
static void read_news(struct watch *w)
{
	struct span rest;
	struct stat st;
	struct buf text;
	const char *end;
	ssize_t n = 0;
	int fd = open_log(w, &st);

	if (fd < 0)
		return;
	if (st.st_ino != w->inode || st.st_size < w->at)
		w->at = 0;
	w->inode = st.st_ino;
	buf_init(&text, MAX_NEWS + 1);
	if (buf_room(&text, MAX_NEWS))
		n = pread(fd, text.ptr, MAX_NEWS, w->at);
	if (n > 0)
		buf_wrote(&text, (size_t)n);
	rest = buf_span(&text);
	while (rest.len && (end = memchr(rest.ptr, '\n', rest.len))) {
		struct span line = { rest.ptr, (size_t)(end - rest.ptr) };

		take_line(w, line);
		w->at += (off_t)line.len + 1;
		rest.ptr += line.len + 1;
		rest.len -= line.len + 1;
	}
	buf_free(&text);
	close(fd);
}

static bool take_old(void *ctx, const struct proc_stat *st)
{
	struct olds *o = ctx;

	if (st->ppid == o->master && o->count < MAX_OLD)
		o->list[o->count++] = (struct proc){ st->pid, st->start,
						     clock_boot_id() };
	return true;
}

static struct olds *find_olds(const struct state *state, enum part_id id)
{
	struct olds *o = calloc(1, sizeof(*o));

	if (o) {
		o->master = state->parts[id].proc.pid;
		proc_each(take_old, o);
	}
	return o;
}

static int64_t still_there(const struct olds *o)
{
	int64_t count = 0;

	for (size_t i = 0; i < o->count; i++)
		count += proc_lives(&o->list[i]);
	return count;
}

/* Whatever it says: it is there. */
static bool reached(struct cli *cli)
{
	int status = ops_get(cli, "/", 2000, NULL);

	return status > 0 && status < 500;
}

/* All workers that are wanted take requests, none of them is an old one, and
 * the web server reaches them. */
static bool all_accept(struct cli *cli, const struct watch *w)
{
	struct json_object *report = ops_report(cli);
	struct json_object *workers = json_get_object(report, "workers");
	int64_t wanted = json_get_int(workers, "wanted", 0);
	bool ok;

	ok = wanted > 0 && json_get_int(workers, "starting", 1) == 0 &&
	     json_get_int(workers, "accepting", 0) >= wanted &&
	     still_there(w->old_api) <= json_get_int(workers, "draining", 0) &&
	     still_there(w->old_health) == 0 &&
	     reached(cli);
	json_object_put(report);
	return ok;
}

static bool is_ready(struct cli *cli)
{
	return ops_get(cli, "/health/ready", 2000, NULL) == 200;
}

static bool settle(struct cli *cli, struct watch *w, int settle_ms,
		   bool was_ready)
{
	int64_t until = clock_mono_us() + (int64_t)settle_ms * 1000;
	bool ready = true;

	while (!w->failed && clock_mono_us() < until) {
		usleep(PAUSE_US);
		read_news(w);
		ready = is_ready(cli);
	}
	if (w->failed)
		return false;
	if ((ready || !was_ready) && all_accept(cli, w))
		return true;
	buf_str(w->why, "its health is bad (/health/ready)");
	return false;
}

static bool come_up(struct cli *cli, struct watch *w)
{
	int64_t until = clock_mono_us() + READY_US;

	while (!w->failed && clock_mono_us() < until) {
		read_news(w);
		if (w->gateway && w->health && all_accept(cli, w))
			return true;
		usleep(PAUSE_US);
	}
	if (!w->failed)
		buf_fmt(w->why, "it did not come up within %d s",
			(int)(READY_US / 1000000));
	return false;
}

int ops_reload(struct cli *cli, const struct proc *keeper, int settle_ms,
	       struct buf *why)
{
	struct watch w = { .home = cli->config.home, .why = why };
	bool was_ready = is_ready(cli), ok = false;
	struct state state;

	begin(&w);
	state_read(cli->config.home, &state);
	w.old_api = find_olds(&state, PART_GATEWAY);
	w.old_health = find_olds(&state, PART_HEALTH);
	if (!w.old_api || !w.old_health) {
		buf_str(why, "out of memory");
	} else if (!proc_signal(keeper, SIGHUP)) {
		buf_str(why, "its keeper has gone");
	} else {
		cli_progress(cli, "reloading");
		ok = come_up(cli, &w) && settle(cli, &w, settle_ms, was_ready);
		cli_progress_end(cli);
	}
	free(w.old_api);
	free(w.old_health);
	return ok ? 0 : EX_SOFTWARE;
}
