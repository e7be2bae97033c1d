/*
 * crew.c - the master's workers. See crew.h.
 *
 * A member is fresh when it serves and is to go on serving; a rester when it
 * asked for its successor and still serves.
 */
#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/clock.h"

#define SECOND_US 1000000
#define YOUNG_US SECOND_US		/* who dies younger makes us wait */
#define MAX_BACKOFF_US (30 * (int64_t)SECOND_US)
#define STOP_GRACE_US 1500000		/* between cut and KILL, when all stop */
#define OLD_GRACE_US (5 * (int64_t)SECOND_US)	/* the same otherwise */
#define TICK_GAP_US (2 * (int64_t)SECOND_US)	/* then we were stopped too */

/* Slots for each wanted worker: itself, its successor, and predecessors that
 * drain. When all are taken, resters serve on until one is free. */
#define SLOTS_EACH 4

bool crew_init(struct crew *crew, size_t want)
{
	size_t slots = want * SLOTS_EACH + SLOTS_EACH;

	crew->want = want;
	crew->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	crew->board = board_new(slots);
	crew->members = calloc(slots, sizeof(*crew->members));
	return crew->bell_fd >= 0 && crew->board && crew->members;
}

void crew_free(struct crew *crew)
{
	if (crew->bell_fd >= 0)
		close(crew->bell_fd);
	crew->bell_fd = -1;
	board_free(crew->board);
	crew->board = NULL;
	free(crew->members);
	crew->members = NULL;
	free(crew->olds);
	crew->olds = NULL;
	crew->old_count = 0;
}

bool crew_adopt(struct crew *crew, const pid_t *pids, size_t count)
{
	if (!count)
		return true;
	crew->olds = calloc(count, sizeof(*crew->olds));
	if (!crew->olds)
		return false;
	for (size_t i = 0; i < count; i++)
		crew->olds[i] = (struct member){ .pid = pids[i], .left = true };
	crew->old_count = count;
	return true;
}

static struct slot *slot_at(const struct crew *crew, size_t i)
{
	return &crew->board->slots[i];
}

static bool is_fresh(const struct crew *crew, size_t i)
{
	const struct member *m = &crew->members[i];
	struct slot *s = slot_at(crew, i);

	return m->pid && !m->told && !m->doomed &&
	       !atomic_load(&s->wants_rest) &&
	       atomic_load(&s->state) != SLOT_DRAINING;
}

static bool is_rester(const struct crew *crew, size_t i)
{
	const struct member *m = &crew->members[i];
	struct slot *s = slot_at(crew, i);

	return m->pid && !m->told && !m->doomed &&
	       atomic_load(&s->wants_rest) &&
	       atomic_load(&s->state) == SLOT_ACCEPTING;
}

static size_t fresh(const struct crew *crew, bool accepting)
{
	size_t n = 0;

	for (size_t i = 0; i < crew->board->count; i++)
		if (is_fresh(crew, i) &&
		    (!accepting || atomic_load(&slot_at(crew, i)->state) ==
					   SLOT_ACCEPTING))
			n++;
	return n;
}

bool crew_ready(const struct crew *crew)
{
	return fresh(crew, true) >= crew->want;
}

size_t crew_alive(const struct crew *crew)
{
	size_t n = crew->old_count;

	for (size_t i = 0; i < crew->board->count; i++)
		n += crew->members[i].pid != 0;
	return n;
}

/* What the child does instead of returning to the master. */
static int be_worker(struct crew *crew, struct slot *slot, pid_t master)
{
	struct worker w = {
		.config = crew->config, .log = crew->log,
		.access = crew->access, .board = crew->board, .slot = slot,
		.metrics = crew->metrics, .listen_fd = 0, .bell_fd = crew->bell_fd,
		.second_fd = crew->second_fd, .kept = crew->kept,
		.master = master,
	};

	atomic_store(&slot->pid, (int32_t)getpid());
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master)
		return EX_UNAVAILABLE;	/* it died before we could be told */
	return worker_run(&w, crew->hooks);
}

static void back_off(struct crew *crew, int64_t now_us)
{
	/* Two that die together are one failure. */
	if (now_us < crew->respawn_us)
		return;
	crew->backoff_us = crew->backoff_us ? crew->backoff_us * 2 : SECOND_US;
	if (crew->backoff_us > MAX_BACKOFF_US)
		crew->backoff_us = MAX_BACKOFF_US;
	crew->respawn_us = now_us + crew->backoff_us;
}

static bool spawn(struct crew *crew, size_t i, int64_t now_us)
{
	pid_t master = getpid(), pid;

	slot_take(slot_at(crew, i), crew->generation, now_us);
	pid = fork();
	if (pid == 0)
		exit(be_worker(crew, slot_at(crew, i), master));
	if (pid < 0) {
		log_msg(crew->log, LOG_ERROR, "worker_fork", "fork: %s",
			strerror(errno));
		slot_clear(slot_at(crew, i));
		back_off(crew, now_us);
		return false;
	}
	crew->members[i] = (struct member){ .pid = pid, .born_us = now_us };
	log_msg(crew->log, LOG_DEBUG, "worker_born", "pid %d", (int)pid);
	return true;
}

static void fill(struct crew *crew, int64_t now_us)
{
	size_t have = fresh(crew, false);

	for (size_t i = 0; i < crew->board->count && have < crew->want; i++) {
		if (now_us < crew->respawn_us)
			return;
		if (crew->members[i].pid)
			continue;
		if (!spawn(crew, i, now_us))
			return;
		have++;
	}
}

static void tell(struct crew *crew, struct member *m, int sig, int64_t now_us)
{
	int64_t drain_us = crew->config->drain_timeout_ms * 1000;

	if (sig == SIGUSR2)
		drain_us = 0;
	if (!m->told || now_us + drain_us < m->cut_us)
		m->cut_us = now_us + drain_us;
	m->kill_us = m->cut_us + (crew->stopping ? STOP_GRACE_US : OLD_GRACE_US);
	m->told = true;
	kill(m->pid, sig);
}

/* Sends home whom the fresh ones can do without. */
static void relieve(struct crew *crew, int64_t now_us)
{
	size_t accepting = fresh(crew, true);
	size_t stay = accepting < crew->want ? crew->want - accepting : 0;

	for (size_t i = crew->board->count; i-- > 0; ) {
		if (!is_rester(crew, i))
			continue;
		if (stay)
			stay--;
		else
			tell(crew, &crew->members[i], SIGTERM, now_us);
	}
	if (accepting < crew->want)
		return;
	for (size_t i = 0; i < crew->old_count; i++)
		if (!crew->olds[i].told)
			tell(crew, &crew->olds[i], SIGTERM, now_us);
}

static void keep_deadline(struct crew *crew, struct member *m, int64_t now_us)
{
	if (!m->pid || !m->told)
		return;
	if (now_us >= m->kill_us) {
		if (!m->doomed)
			log_msg(crew->log, LOG_WARN, "worker_kill",
				"pid %d outlived its drain", (int)m->pid);
		if (!m->doomed)
			metrics_count(crew->metrics, COUNT_WORKER_OVERDUE);
		m->doomed = true;
		kill(m->pid, SIGKILL);
	} else if (now_us >= m->cut_us) {
		kill(m->pid, SIGUSR2);
		m->cut_us = m->kill_us;
	}
}

/* KILL and nothing softer: a stopped process heeds nothing else, and a hung
 * one has no better last word (we write no core files). */
static void watch(struct crew *crew, size_t i, int64_t now_us)
{
	struct member *m = &crew->members[i];
	int64_t seen = atomic_load(&slot_at(crew, i)->heartbeat_us);

	if (!m->pid || m->doomed)
		return;
	if (seen < crew->watch_from_us)
		seen = crew->watch_from_us;
	if (now_us - seen < crew->config->watchdog_ms * 1000)
		return;
	log_msg(crew->log, LOG_ERROR, "worker_hung",
		"pid %d showed no sign of life for %lld ms: killed",
		(int)m->pid, (long long)((now_us - seen) / 1000));
	metrics_count(crew->metrics, COUNT_WORKER_HUNG);
	m->doomed = true;
	kill(m->pid, SIGKILL);
}

void crew_tick(struct crew *crew, int64_t now_us)
{
	/* When all of us were stopped (Ctrl-Z, a suspended machine), nobody's
	 * silence means anything. */
	if (now_us - crew->last_tick_us > TICK_GAP_US)
		crew->watch_from_us = now_us;
	crew->last_tick_us = now_us;

	for (size_t i = 0; i < crew->board->count; i++) {
		watch(crew, i, now_us);
		keep_deadline(crew, &crew->members[i], now_us);
		if (crew->backoff_us && is_fresh(crew, i) &&
		    now_us - crew->members[i].born_us >= YOUNG_US &&
		    now_us >= crew->respawn_us + YOUNG_US)
			crew->backoff_us = 0;
	}
	for (size_t i = 0; i < crew->old_count; i++)
		keep_deadline(crew, &crew->olds[i], now_us);
	if (crew->stopping)
		return;
	fill(crew, now_us);
	relieve(crew, now_us);
}

/* rested: it had asked for a successor. */
static void log_death(struct crew *crew, const struct member *m, int status,
		      bool rested, int64_t now_us)
{
	struct log_line line;
	bool expected = (m->told || m->left) && !m->doomed &&
			WIFEXITED(status) && WEXITSTATUS(status) == 0;

	log_begin(&line, crew->log, expected ? LOG_DEBUG : LOG_ERROR,
		  expected ? "worker_gone" : "worker_died");
	log_int(&line, "pid", m->pid);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	if (m->born_us)
		log_int(&line, "lived_ms", (now_us - m->born_us) / 1000);
	log_end(&line);
	metrics_dead(crew->metrics, m->pid);
	if (!m->doomed)
		metrics_count(crew->metrics, !expected ? COUNT_WORKER_CRASHED :
			      rested ? COUNT_WORKER_RECYCLED :
				       COUNT_WORKER_STOPPED);
}

/* An old one may die at its post as well: the fresh ones are on their way. */
static bool old_reaped(struct crew *crew, pid_t pid, int status, int64_t now_us)
{
	for (size_t i = 0; i < crew->old_count; i++) {
		if (crew->olds[i].pid != pid)
			continue;
		log_death(crew, &crew->olds[i], status, false, now_us);
		crew->olds[i] = crew->olds[--crew->old_count];
		return true;
	}
	return false;
}

bool crew_reaped(struct crew *crew, pid_t pid, int status, int64_t now_us)
{
	for (size_t i = 0; i < crew->board->count; i++) {
		struct member *m = &crew->members[i];
		bool rested;

		if (m->pid != pid)
			continue;
		rested = atomic_load(&slot_at(crew, i)->wants_rest);
		log_death(crew, m, status, rested, now_us);
		if (!m->told && !rested &&
		    now_us - m->born_us < YOUNG_US)
			back_off(crew, now_us);
		*m = (struct member){ 0 };
		slot_clear(slot_at(crew, i));
		return true;
	}
	return old_reaped(crew, pid, status, now_us);
}

void crew_stop(struct crew *crew, bool cut, int64_t now_us)
{
	int sig = cut ? SIGUSR2 : SIGTERM;

	crew->stopping = true;
	for (size_t i = 0; i < crew->board->count; i++)
		if (crew->members[i].pid)
			tell(crew, &crew->members[i], sig, now_us);
	for (size_t i = 0; i < crew->old_count; i++)
		tell(crew, &crew->olds[i], sig, now_us);
}

void crew_signal(struct crew *crew, int sig)
{
	for (size_t i = 0; i < crew->board->count; i++)
		if (crew->members[i].pid)
			kill(crew->members[i].pid, sig);
	for (size_t i = 0; i < crew->old_count; i++)
		kill(crew->olds[i].pid, sig);
}
