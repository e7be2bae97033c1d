/*
 * keeper_parts.c - the parts of a gateway: started, missed, brought back.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "keeper_private.h"

#define FIRST_BACKOFF_US 200000
#define MOST_BACKOFF_US 30000000
#define GOOD_LIFE_US 60000000	/* who lived so long starts anew at once */
#define FETCH_EVERY_US 600000000
#define BACKLOG "4096"

#define COMMAND_WORDS 12

struct command {
	struct place socket, program, log;
	struct web_line web;
	const char *argv[COMMAND_WORDS + 1];
};

static void under_spawn(struct keeper *k, struct command *c, const char *sock,
			const char *program)
{
	const char *const words[] = {
		"spawn-fcgi", "-n", "-s", place_in(&c->socket, k->config.home, sock),
		"-M", "0600", "-b", BACKLOG, "--",
		place_in(&c->program, k->config.home, program),
	};

	/* Workers of a dead master may still hold it while they finish;
	 * spawn-fcgi would take that for somebody who serves. */
	unlink(c->socket.s);
	memcpy(c->argv, words, sizeof(words));
	c->argv[ARRAY_LEN(words)] = NULL;
}

static void find_command(struct keeper *k, enum part_id id, struct command *c)
{
	const char *home = k->config.home;

	place_in(&c->log, home, "run/start.log");
	if (id == PART_GATEWAY) {
		under_spawn(k, c, "run/chatmock.sock", "run/programs/chatmock.fcgi");
	} else if (id == PART_HEALTH) {
		under_spawn(k, c, "run/health.sock", "run/programs/health.fcgi");
	} else if (id == PART_FETCH) {
		c->argv[0] = place_in(&c->program, home,
				      "run/programs/chatmock-fetch");
		c->argv[1] = "--now";
		place_in(&c->log, home, "log/fetch.log");
	} else {
		web_command(k->web, home, &c->web);
		memcpy(c->argv, c->web.argv, sizeof(c->web.argv));
	}
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* In the child. A session of its own: Ctrl-C reaches the keeper alone, and
 * what the part leaves behind is known by it. */
static void be_part(const struct keeper *k, enum part_id id,
		    const struct command *c, pid_t keeper)
{
	int fd = open("/dev/null", O_RDWR), log;
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, id == PART_WEB ? k->web->finish : SIGTERM);
	if (getppid() != keeper)
		_exit(EX_TEMPFAIL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	log = open(c->log.s, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (log < 0)
		log = fd;
	if (dup2(fd, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(EX_OSERR);
	if (fd > 2)
		close(fd);
	if (log > 2 && log != fd)
		close(log);
	if (id == PART_WEB) {
		raise_descriptors();
		/* the key is no business of the web server's */
		unsetenv("CHATMOCK_UPSTREAM_KEY");
	}
	execvp(c->argv[0], (char *const *)c->argv);
	dprintf(2, "%s: %s\n", c->argv[0], strerror(errno));
	_exit(EX_UNAVAILABLE);
}

void keeper_save(struct keeper *k)
{
	struct err_note note = ERR_NOTE_INIT;

	if (state_write(k->config.home, &k->state, &note))
		log_msg(k->log, LOG_ERROR, "keeper_state", "%s", note.why);
}

static void back_off(struct minding *m, int64_t now_us)
{
	if (m->begun_us && now_us - m->begun_us > GOOD_LIFE_US)
		m->backoff_us = 0;
	m->backoff_us = m->backoff_us ? 2 * m->backoff_us : FIRST_BACKOFF_US;
	if (m->backoff_us > MOST_BACKOFF_US)
		m->backoff_us = MOST_BACKOFF_US;
	m->due_us = now_us + m->backoff_us;
}

void part_start(struct keeper *k, enum part_id id, int64_t now_us)
{
	struct part *part = &k->state.parts[id];
	struct minding *m = &k->minding[id];
	pid_t self = getpid(), pid;
	struct command c;

	find_command(k, id, &c);
	m->due_us = 0;
	m->pressed = 0;
	pid = fork();
	if (pid == 0)
		be_part(k, id, &c, self);
	if (pid < 0 || !proc_of(pid, &part->proc)) {
		log_msg(k->log, LOG_ERROR, "part_start", "%s: %s", part_name(id),
			strerror(errno));
		back_off(m, now_us);
		return;
	}
	m->begun_us = now_us;
	part->since_s = clock_wall_us() / 1000000;
	keeper_save(k);
}

bool part_runs(const struct keeper *k, enum part_id id)
{
	return k->state.parts[id].proc.pid > 0;
}

/* It is our child and not reaped: the number is its own. */
void part_tell(struct keeper *k, enum part_id id, int sig)
{
	if (part_runs(k, id))
		kill(k->state.parts[id].proc.pid, sig);
}

/* --- what a part left behind */

struct sweep { pid_t session; uint64_t start; bool again; };

/* Its number is another's session by now. */
static bool find_leader(void *ctx, const struct proc_stat *st)
{
	struct sweep *s = ctx;

	s->again = s->again || (st->pid == s->session && st->start != s->start);
	return !s->again;
}

static bool kill_left(void *ctx, const struct proc_stat *st)
{
	const struct sweep *s = ctx;
	struct proc p = { st->pid, st->start, clock_boot_id() };

	if (st->session == s->session && st->uid == geteuid())
		proc_signal(&p, SIGKILL);
	return true;
}

void part_sweep(struct keeper *k, enum part_id id)
{
	const struct proc *p = &k->state.parts[id].proc;
	struct sweep s = { .session = p->pid, .start = p->start };

	proc_each(find_leader, &s);
	if (!s.again)
		proc_each(kill_left, &s);
}

/* --- deaths */

static void log_death(struct keeper *k, enum part_id id, int status,
		      bool expected)
{
	struct log_line line;

	log_begin(&line, k->log, expected ? LOG_INFO : LOG_ERROR,
		  expected ? "part_gone" : "part_died");
	log_str(&line, "part", span_of(part_name(id)));
	log_int(&line, "pid", k->state.parts[id].proc.pid);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	log_end(&line);
}

/* Runs of the fetcher end by themselves; their log is their own. */
static void fetch_ended(struct keeper *k, int64_t now_us)
{
	k->state.parts[PART_FETCH].proc = (struct proc){ 0 };
	k->minding[PART_FETCH].due_us = now_us + FETCH_EVERY_US;
}

void part_reaped(struct keeper *k, pid_t pid, int status, int64_t now_us)
{
	enum part_id id = 0;
	bool expected;

	while (id < PART__COUNT && k->state.parts[id].proc.pid != pid)
		id++;
	if (id == PART__COUNT)
		return;
	expected = k->stop_us || id == PART_FETCH || id == PART_OLD;
	if (id != PART_FETCH)
		log_death(k, id, status, expected);
	/* nginx's and Apache's workers outlive a killed master, with the port */
	if (id == PART_WEB || id == PART_OLD)
		part_sweep(k, id);
	if (id == PART_FETCH) {
		fetch_ended(k, now_us);
	} else {
		k->state.parts[id].proc = (struct proc){ 0 };
		if (!expected && k->fragile) {
			dprintf(2, "chatmock: %s ended by itself\n", part_name(id));
			k->status = EX_SOFTWARE;
			keeper_stop(k, now_us);
		} else if (!expected) {
			k->state.parts[id].restarts++;
			back_off(&k->minding[id], now_us);
		}
	}
	keeper_save(k);
}
