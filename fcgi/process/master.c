/*
 * master.c - signals and time, turned into acts on the crew. See master.h.
 *
 * One thread, one poll over a signalfd, the workers' bell and what a trial
 * says; no signal handler anywhere, so nothing to race with.
 */
#include "master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/signals.h"
#include "reload.h"
#include "second.h"

#define TICK_MS 250
#define METRICS_LOOK_US 1000000
/* A reload waits until the workers of the last one serve, but not for ever:
 * it may be the cure for workers that can not start. */
#define RELOAD_PATIENCE_US 3000000

struct master {
	const struct program *program;
	struct crew crew;
	struct reload reload;
	struct second second;
	struct log *log, *access;
	int signal_fd;
	int64_t begun_us;
	int64_t looked_us;		/* at the metrics file */
	bool reload_wanted;
};

static struct log *open_log(const struct config *c, const char *name)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf path;
	struct log *log;

	buf_init(&path, 8192);
	buf_str(&path, c->home);
	buf_str(&path, "/log");
	/* A directory that can not be made: log_open() says so on stderr. */
	if (file_make_dir(path.ptr, &note) == ERR_OK)
		buf_fmt(&path, "/%s", name);
	log = log_open(path.ptr, c->verbose ? LOG_DEBUG : LOG_INFO);
	buf_free(&path);
	return log;
}

/* The queue of the master that became us: its workers use it still. */
static bool take_queue(struct crew *crew, struct handover *h)
{
	crew->kept = h->kept;
	h->kept = FDQUEUE_NONE;
	return crew->kept.put >= 0 || fdqueue_open(&crew->kept);
}

static void reap(struct master *m, int64_t now_us)
{
	enum trial trial;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (crew_reaped(&m->crew, pid, status, now_us))
			continue;
		trial = reload_reaped(&m->reload, pid, status);
		if (trial == TRIAL_PASSED && !m->crew.stopping)
			reload_exec(&m->reload, &m->crew);
	}
}

static void on_signal(struct master *m, int sig, int64_t now_us)
{
	switch (sig) {
	case SIGHUP:
		m->reload_wanted = true;
		break;
	case SIGUSR1:
		log_reopen(m->log);
		log_reopen(m->access);
		crew_signal(&m->crew, SIGUSR1);
		break;
	case SIGCHLD:		/* it woke us; reap() looks at each turn */
	case SIGUSR2:		/* of the workers */
		break;
	default:
		if (!m->crew.stopping)
			log_msg(m->log, LOG_INFO, "master_stop",
				"%s: workers finish what they have",
				strsignal(sig));
		second_retire(&m->second);
		crew_stop(&m->crew, m->crew.stopping, now_us);
	}
}

static void read_signals(struct master *m, int64_t now_us)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info))
		on_signal(m, (int)info.ssi_signo, now_us);
}

static void maybe_reload(struct master *m, int64_t now_us)
{
	if (!m->reload_wanted || m->reload.pid || m->crew.stopping)
		return;
	if (!crew_ready(&m->crew) && now_us - m->begun_us < RELOAD_PATIENCE_US)
		return;
	/* Each reload may leave workers that drain: not without bound. */
	if (crew_alive(&m->crew) + m->crew.want > MAX_OLD_WORKERS)
		return;
	m->reload_wanted = false;
	reload_try(&m->reload, now_us);
}

/* Nobody waits here but signals: the file is looked at without a thread. */
static void mind_metrics(struct master *m, int64_t now_us)
{
	struct err_note note = ERR_NOTE_INIT;
	bool mended;

	metrics_beat(m->crew.metrics, m->crew.stopping ? STATE_DRAINING :
							 STATE_ACCEPTING, 0,
		     m->crew.want);
	if (now_us - m->looked_us < METRICS_LOOK_US)
		return;
	m->looked_us = now_us;
	if (metrics_check(m->crew.metrics, &mended, &note) && note.code)
		log_msg(m->log, LOG_DEBUG, "metrics", "%s", note.why);
	if (mended && note.why[0])
		log_msg(m->log, LOG_WARN, "metrics", "%s", note.why);
}

static void open_metrics(struct master *m, const struct config *c)
{
	struct err_note note = ERR_NOTE_INIT;
	enum metric_role role = m->program->hooks->role;

	if (role == ROLE_FREE)
		return;
	m->crew.metrics = metrics_open_home(c->home, &note);
	if (note.code)
		log_msg(m->log, LOG_WARN, "metrics", "no metrics file, each "
			"process counts for itself until there is one: %s",
			note.why);
	metrics_join(m->crew.metrics, role == ROLE_HEALTH ? ROLE_HEALTH_MASTER :
							    ROLE_API_MASTER,
		     m->crew.generation);
	metrics_count(m->crew.metrics, COUNT_MASTER_STARTED);
}

static int run(struct master *m)
{
	struct pollfd fds[] = {
		{ .fd = m->signal_fd, .events = POLLIN },
		{ .fd = m->crew.bell_fd, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	uint64_t rings;
	int64_t now_us;

	for (;;) {
		now_us = clock_mono_us();
		crew_tick(&m->crew, now_us);
		reload_tick(&m->reload, now_us);
		maybe_reload(m, now_us);
		mind_metrics(m, now_us);
		if (m->crew.stopping && crew_alive(&m->crew) == 0)
			return 0;
		/* nobody stays who could take a kept connection over */
		if (m->crew.stopping) {
			fdqueue_drop(&m->crew.kept);
			fds[2].fd = m->crew.kept.take;
		}
		if (poll(fds, ARRAY_LEN(fds), TICK_MS) < 0 && errno != EINTR) {
			log_msg(m->log, LOG_ERROR, "master_poll", "poll: %s",
				strerror(errno));
			crew_stop(&m->crew, true, now_us);
			return EX_OSERR;
		}
		if (read(m->crew.bell_fd, &rings, sizeof(rings)) < 0)
			rings = 0;	/* nobody rang */
		now_us = clock_mono_us();
		read_signals(m, now_us);
		reap(m, now_us);
	}
}

/* Each line of the self-check is a line of the log; when it ends the start,
 * also one for who started us: the log shows itself on a terminal alone, and
 * a service's journal would have an exit code and no reason. */
static int self_check(struct master *m, const struct config *c)
{
	struct buf out;
	struct span rest, text;
	int status = 0;

	if (!m->program->check)
		return 0;
	buf_init(&out, 64u << 10);
	status = m->program->check(c, &out);
	rest = buf_span(&out);
	while (rest.len) {
		const char *end = memchr(rest.ptr, '\n', rest.len);

		text = rest;
		if (end)
			text.len = (size_t)(end - rest.ptr);
		log_msg(m->log, status ? LOG_ERROR : LOG_WARN, "self_check",
			"%.*s", (int)text.len, text.ptr);
		if (status && !isatty(STDERR_FILENO))
			fprintf(stderr, "%s: %.*s\n", m->program->name,
				(int)text.len, text.ptr);
		rest.ptr += text.len + (end ? 1 : 0);
		rest.len -= text.len + (end ? 1 : 0);
	}
	buf_free(&out);
	return status;
}

static void log_start(struct master *m, const struct config *c)
{
	struct log_line line;

	log_begin(&line, m->log, LOG_INFO, "master_start");
	log_str(&line, "program", span_of(m->program->name));
	log_str(&line, "version", SPAN(CHATMOCK_VERSION));
	log_int(&line, "workers", (int64_t)m->crew.want);
	log_int(&line, "generation", m->crew.generation);
	log_int(&line, "old_workers", (int64_t)m->crew.old_count);
	log_str(&line, "upstream", span_of(c->responses_url));
	log_end(&line);
}

int master_run(const struct program *p, const struct config *c,
	       char *const argv[], struct handover *h)
{
	struct master m = {
		.program = p, .signal_fd = -1, .reload.fd = -1,
		.second.fd = -1,
		.crew = { .hooks = p->hooks, .config = c, .bell_fd = -1,
			  .second_fd = -1, .kept = FDQUEUE_NONE },
	};
	int status = EX_OSERR;

	m.begun_us = clock_mono_us();
	m.crew.last_tick_us = m.begun_us;
	m.log = m.crew.log = open_log(c, "error.log");
	m.access = m.crew.access = open_log(c, "access.log");
	buf_init(&m.reload.said, 0);
	if (!m.log || !m.access)
		goto out;
	status = self_check(&m, c);
	if (status)
		goto out;
	status = EX_OSERR;
	m.crew.generation = h->generation + 1;
	if (!take_queue(&m.crew, h) ||
	    !crew_adopt(&m.crew, h->pids, h->count) ||
	    !crew_init(&m.crew, (size_t)p->workers(c)) ||
	    !reload_init(&m.reload, argv, m.log) ||
	    (m.signal_fd = signals_listen()) < 0) {
		log_msg(m.log, LOG_ERROR, "master_start", "can not start: %s",
			strerror(errno));
		goto out;
	}
	second_open(&m.second, c, p->second, h->second_fd, m.log);
	m.crew.second_fd = m.second.fd;
	open_metrics(&m, c);
	log_start(&m, c);
	status = run(&m);
out:
	metrics_close(m.crew.metrics);
	reload_free(&m.reload);
	crew_free(&m.crew);
	second_free(&m.second);
	fdqueue_close(&m.crew.kept);
	if (m.signal_fd >= 0)
		close(m.signal_fd);
	log_close(m.access);
	log_close(m.log);
	handover_free(h);
	return status;
}
