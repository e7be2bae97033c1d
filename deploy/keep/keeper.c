/*
 * keeper.c - one poll over a signalfd; see keeper.h.
 */
#include "keeper_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/signals.h"

#define TICK_MS 100
#define IDLE_MS 1000
#define LOCK_MS 2000		/* who only asks whether it is held holds it, too */
#define FRAGILE_US 60000000	/* who started us may have been killed */
#define MAX_CONF (512u << 10)

extern char **environ;

/* Who executed itself still holds them; they are found again. */
static enum err take_locks(struct keeper *k, struct err_note *note)
{
	struct place own, all;

	place_in(&own, k->config.home, "run/keeper.lock");
	place_in(&all, k->config.home, "run/lock");
	if (k->mode == KEEPER_RESUMED) {
		k->keeper_lock = proc_holds(getpid(), own.s);
		k->lock = proc_holds(getpid(), all.s);
		if (k->keeper_lock < 0 || k->lock < 0)
			return err_set(note, ERR_SYSTEM, "the locks were lost");
	} else if (file_lock(own.s, LOCK_MS, &k->keeper_lock, note) ||
		   file_lock(all.s, LOCK_MS, &k->lock, note)) {
		return note->code;
	}
	/* all parts hold the one, nobody else the other */
	fcntl(k->keeper_lock, F_SETFD, FD_CLOEXEC);
	fcntl(k->lock, F_SETFD, 0);
	return ERR_OK;
}

/* The web server's configuration is written; *changed: it was another. */
static enum err write_web(struct keeper *k, bool *changed, struct err_note *note)
{
	const struct web *web = web_at(k->config.web_server);
	struct place programs, samples, conf;
	struct err_note ignored = ERR_NOTE_INIT;
	struct buf text, old;

	buf_init(&text, MAX_CONF);
	buf_init(&old, MAX_CONF);
	place_in(&conf, k->config.home, web->conf);
	place_in(&programs, k->config.home, "run/programs");
	if (!place_samples(programs.s, &samples)) {
		err_set(note, ERR_SYSTEM, "no %s belongs to the programs in %s",
			web->sample, programs.s);
		goto out;
	}
	if (web_fill(web, &k->config, samples.s, &text, note))
		goto out;
	*changed = file_read(conf.s, &old, NULL, &ignored) ||
		   old.len != text.len || memcmp(old.ptr, text.ptr, text.len);
	if (*changed && file_replace(conf.s, 0600, buf_span(&text), note))
		goto out;
out:
	buf_free(&old);
	buf_free(&text);
	return note->code;
}

static void note_settings(struct keeper *k)
{
	snprintf(k->state.bind, sizeof(k->state.bind), "%s", k->config.bind);
	snprintf(k->state.web, sizeof(k->state.web), "%s", k->web->name);
	k->state.port = k->config.port;
	k->state.drain_ms = k->config.drain_timeout_ms;
}

/* Another web server takes over: the old one listens no more at once and
 * finishes what it has. */
static void change_web(struct keeper *k, const struct web *web, int64_t now_us)
{
	struct part *now = &k->state.parts[PART_WEB];
	struct part *old = &k->state.parts[PART_OLD];

	if (old->proc.pid)
		part_sweep(k, PART_OLD);
	part_tell(k, PART_WEB, k->web->finish);
	*old = *now;
	k->minding[PART_OLD] = k->minding[PART_WEB];
	now->proc = (struct proc){ 0 };
	k->web = web;
	k->minding[PART_WEB] = (struct minding){ .due_us = now_us + TICK_MS * 1000 };
}

/* The masters try the settings themselves, and go on with the old ones when
 * those are wrong. */
static void reload(struct keeper *k, int64_t now_us)
{
	struct err_note note = ERR_NOTE_INIT;
	struct config fresh = { 0 };
	bool changed = false;

	if (config_read(&fresh, environ, NULL, 0, &note)) {
		log_msg(k->log, LOG_ERROR, "reload_refused", "%s",
			note.tell[0] ? note.tell : note.why);
		return;
	}
	config_free(&k->config);
	k->config = fresh;
	log_msg(k->log, LOG_INFO, "keeper_reload", "the masters are told");
	part_tell(k, PART_GATEWAY, SIGHUP);
	part_tell(k, PART_HEALTH, SIGHUP);
	if (write_web(k, &changed, &note))
		log_msg(k->log, LOG_ERROR, "keeper_reload", "%s",
			note.tell[0] ? note.tell : note.why);
	else if (web_at(k->config.web_server) != k->web)
		change_web(k, web_at(k->config.web_server), now_us);
	else if (changed)
		part_tell(k, PART_WEB, k->web->reload);
	note_settings(k);
	keeper_save(k);
}

/* Parts stay our children and the locks ours. */
static void become_new(struct keeper *k)
{
	struct place program;
	char name[] = "chatmock", keep[] = "keep", resume[] = "--resume";
	char *argv[] = { name, keep, resume, NULL };

	keeper_save(k);
	log_msg(k->log, LOG_INFO, "keeper_new", "becoming the program in use");
	fcntl(k->keeper_lock, F_SETFD, 0);
	execv(place_in(&program, k->config.home, "run/programs/chatmock"), argv);
	fcntl(k->keeper_lock, F_SETFD, FD_CLOEXEC);
	log_msg(k->log, LOG_ERROR, "keeper_new", "%s: %s", program.s,
		strerror(errno));
}

static void on_signal(struct keeper *k, int sig, int64_t now_us)
{
	switch (sig) {
	case SIGCHLD:
		break;		/* reap() looks at each turn */
	case SIGHUP:
		if (!k->stop_us)
			reload(k, now_us);
		break;
	case SIGUSR1:
		if (!k->stop_us && k->mode != KEEPER_FOREGROUND)
			become_new(k);
		break;
	case SIGUSR2:
		k->fragile = k->mode == KEEPER_FOREGROUND;
		break;
	default:
		keeper_stop(k, now_us);
	}
}

static void read_signals(struct keeper *k, int64_t now_us)
{
	struct signalfd_siginfo info;

	while (read(k->signal_fd, &info, sizeof(info)) == sizeof(info))
		on_signal(k, (int)info.ssi_signo, now_us);
}

static void reap(struct keeper *k, int64_t now_us)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		part_reaped(k, pid, status, now_us);
}

static void run(struct keeper *k)
{
	struct pollfd fd = { .fd = k->signal_fd, .events = POLLIN };
	int64_t now_us;

	for (;;) {
		bool waiting = k->stop_us != 0;

		now_us = clock_mono_us();
		if (k->stop_us && keeper_stop_tick(k, now_us))
			return;
		if (k->fragile && k->mode != KEEPER_FOREGROUND &&
		    now_us - k->begun_us > FRAGILE_US)
			k->fragile = false;
		for (int i = 0; i < PART__COUNT && !k->stop_us; i++) {
			if (!k->minding[i].due_us || part_runs(k, (enum part_id)i))
				continue;
			if (now_us >= k->minding[i].due_us)
				part_start(k, (enum part_id)i, now_us);
			waiting = waiting || i != PART_FETCH;
		}
		poll(&fd, 1, waiting ? TICK_MS : IDLE_MS);
		now_us = clock_mono_us();
		read_signals(k, now_us);
		reap(k, now_us);
	}
}

static void begin(struct keeper *k)
{
	struct place log;
	int fd;

	k->fragile = true;
	k->state = (struct state){ .since_s = clock_wall_us() / 1000000 };
	proc_of(getpid(), &k->state.keeper);
	note_settings(k);
	fd = open(place_in(&log, k->config.home, "run/start.log"),
		  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	for (int i = 0; i < PART_OLD; i++)
		part_start(k, (enum part_id)i, k->begun_us);
}

/* What the keeper that we were wrote down a moment ago. */
static enum err adopt(struct keeper *k, struct err_note *note)
{
	struct proc_stat st;

	if (!state_read(k->config.home, &k->state) ||
	    k->state.keeper.pid != getpid())
		return err_set(note, ERR_SYSTEM, "the state was lost");
	if (web_named(k->state.web))
		k->web = web_named(k->state.web);
	for (int i = 0; i < PART__COUNT; i++) {
		struct proc *p = &k->state.parts[i].proc;

		if (p->pid && (!proc_stat(p->pid, &st) || st.start != p->start ||
			       st.ppid != getpid()))
			*p = (struct proc){ 0 };
		if (!p->pid && i != PART_OLD)
			k->minding[i].due_us = k->begun_us;
		k->minding[i].begun_us = k->begun_us;
	}
	return ERR_OK;
}

static void finish(struct keeper *k)
{
	struct place p;

	unlink(place_in(&p, k->config.home, "run/chatmock.sock"));
	unlink(place_in(&p, k->config.home, "run/health.sock"));
	state_forget(k->config.home);
	log_msg(k->log, LOG_INFO, "keeper_end", "all parts have gone");
}

static enum err prepare(struct keeper *k, struct err_note *note)
{
	struct place path;
	bool changed;

	if (config_read(&k->config, environ, NULL, 0, note) ||
	    place_check(&k->config, note) || place_make(k->config.home, note) ||
	    take_locks(k, note))
		return note->code;
	k->log = log_open(place_in(&path, k->config.home, "log/error.log"),
			  k->config.verbose ? LOG_DEBUG : LOG_INFO);
	k->web = web_at(k->config.web_server);
	if (!k->log || (k->signal_fd = signals_listen()) < 0)
		return err_set(note, ERR_SYSTEM, "%s", strerror(errno));
	if (k->mode == KEEPER_RESUMED)
		return adopt(k, note);
	return write_web(k, &changed, note);
}

int keeper_run(enum keeper_mode mode)
{
	struct keeper k = { .mode = mode, .keeper_lock = -1, .lock = -1,
			    .signal_fd = -1 };
	struct err_note note = ERR_NOTE_INIT;

	umask(077);
	k.begun_us = clock_mono_us();
	if (prepare(&k, &note)) {
		dprintf(2, "chatmock: %s\n", note.tell[0] ? note.tell : note.why);
		k.status = note.code == ERR_CONFIG ? EX_CONFIG :
			   note.code == ERR_BUSY ? EX_TEMPFAIL : EX_OSERR;
		goto out;
	}
	log_msg(k.log, LOG_INFO, "keeper_start", "pid %d, %s", (int)getpid(),
		k.web->name);
	if (mode != KEEPER_RESUMED)
		begin(&k);
	run(&k);
	finish(&k);
out:
	log_close(k.log);
	if (k.signal_fd >= 0)
		close(k.signal_fd);
	if (k.lock >= 0)
		close(k.lock);
	if (k.keeper_lock >= 0)
		close(k.keeper_lock);
	config_free(&k.config);
	return k.status;
}
