#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/clock.h"

/* A state is the same number on the board and in the metrics. */
_Static_assert(SLOT_FREE == (int)STATE_FREE && SLOT_STARTING == (int)STATE_STARTING &&
	       SLOT_ACCEPTING == (int)STATE_ACCEPTING &&
	       SLOT_DRAINING == (int)STATE_DRAINING, "see metrics_table.h");

#define HEARTBEAT_US 250000
#define LOOK_BEATS 8		/* between two looks at the metrics file */
#define CUT_US 1000000		/* to send the error events after a cut */
#define QUIET_US 5000		/* between two looks for open connections */

struct worker_life {
	struct worker *w;
	const struct worker_hooks *hooks;
	struct loop_fd signals;
	struct loop_timer beat;
	struct loop_timer limit;	/* of the drain, then of the cut */
	struct loop_timer quiet;
	struct loop_job mend;		/* the metrics file is made anew */
	unsigned beats;
	uint64_t log_dropped;		/* as told to the metrics */
	bool draining, cut, mending;
};

static void ring(const struct worker *w)
{
	uint64_t one = 1;

	/* A full counter has the master awake already. */
	if (w->bell_fd >= 0 && write(w->bell_fd, &one, sizeof(one)) < 0)
		return;
}

static void mend_work(struct loop_job *job)
{
	struct worker *w = CONTAINER_OF(job, struct worker_life, mend)->w;
	struct err_note note = ERR_NOTE_INIT;
	bool mended;

	/* the master says what there is to say */
	if (metrics_check(w->metrics, &mended, &note))
		return;
}

static void mend_done(struct loop_job *job)
{
	CONTAINER_OF(job, struct worker_life, mend)->mending = false;
}

/* What the board says of us, for those who are no part of the crew. */
static void tell_metrics(struct worker_life *life)
{
	struct worker *w = life->w;
	uint64_t dropped = log_dropped(w->log) + log_dropped(w->access);

	metrics_beat(w->metrics, (enum metric_state)atomic_load(&w->slot->state),
		     (uint64_t)atomic_load(&w->slot->streams),
		     (uint64_t)atomic_load(&w->slot->served));
	metrics_add(w->metrics, COUNT_LOG_DROPPED, dropped - life->log_dropped);
	life->log_dropped = dropped;
	if (!w->metrics || life->mending)
		return;
	if (metrics_is_stale(w->metrics) || ++life->beats % LOOK_BEATS == 0)
		life->mending = loop_submit(w->loop, LANE_WORK, &life->mend);
}

static void on_beat(struct loop_timer *t)
{
	struct worker_life *life = CONTAINER_OF(t, struct worker_life, beat);

	atomic_store(&life->w->slot->heartbeat_us, clock_mono_us());
	tell_metrics(life);
	loop_timer_in(life->w->loop, t, HEARTBEAT_US);
}

static void on_cut_over(struct loop_timer *t)
{
	loop_stop(CONTAINER_OF(t, struct worker_life, limit)->w->loop);
}

static void cut(struct worker_life *life)
{
	if (life->cut)
		return;
	life->cut = true;
	life->limit.fn = on_cut_over;
	loop_timer_in(life->w->loop, &life->limit, CUT_US);
	life->hooks->cut(life->w);
}

static void on_drain_over(struct loop_timer *t)
{
	cut(CONTAINER_OF(t, struct worker_life, limit));
}

static void drain(struct worker_life *life)
{
	struct worker *w = life->w;

	if (life->draining)
		return;
	life->draining = true;
	atomic_store(&w->slot->state, SLOT_DRAINING);
	tell_metrics(life);
	ring(w);
	life->limit.fn = on_drain_over;
	loop_timer_in(w->loop, &life->limit, w->config->drain_timeout_ms * 1000);
	life->hooks->drain(w);
}

static void on_signal(struct loop_fd *f, uint32_t events)
{
	struct worker_life *life = CONTAINER_OF(f, struct worker_life, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(f->fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
			log_reopen(life->w->log);
			log_reopen(life->w->access);
			break;
		case SIGUSR2:
			drain(life);
			cut(life);
			break;
		default:
			drain(life);
		}
	}
}

/* A connection that was accepted just before the drain has a request on its
 * way: to close it would be an error in somebody's face. */
static void on_quiet(struct loop_timer *t)
{
	struct worker_life *life = CONTAINER_OF(t, struct worker_life, quiet);

	if (life->hooks->open && life->hooks->open(life->w) > 0)
		loop_timer_in(life->w->loop, t, QUIET_US);
	else
		loop_stop(life->w->loop);
}

void worker_done(struct worker *w)
{
	loop_timer_in(w->loop, &w->life->quiet, 0);
}

void worker_recycle(struct worker *w)
{
	if (atomic_exchange(&w->slot->wants_rest, 1) == 0)
		ring(w);
}

bool worker_draining(const struct worker *w)
{
	return w->life->draining;
}

bool worker_relieved(const struct worker *w)
{
	return getppid() == w->master;
}

static bool listen_to_signals(struct worker_life *life)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return false;
	life->signals.fn = on_signal;
	life->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return life->signals.fd >= 0 &&
	       loop_fd_add(life->w->loop, &life->signals, EPOLLIN);
}

static int serve(struct worker_life *life)
{
	struct worker *w = life->w;
	int status = 0;

	if (!life->hooks->start(w)) {
		log_msg(w->log, LOG_ERROR, "worker_start",
			"the worker could not start and exits");
		status = EX_SOFTWARE;
		goto out;
	}
	atomic_store(&w->slot->state, SLOT_ACCEPTING);
	tell_metrics(life);
	ring(w);
	if (loop_run(w->loop)) {
		log_msg(w->log, LOG_ERROR, "worker_loop", "epoll: %s",
			strerror(errno));
		status = EX_OSERR;
	}
out:
	life->hooks->stop(w);
	return status;
}

int worker_run(struct worker *w, const struct worker_hooks *hooks)
{
	struct worker_life life = {
		.w = w, .hooks = hooks, .signals.fd = -1,
		.beat.fn = on_beat, .quiet.fn = on_quiet,
		.mend = { .work = mend_work, .done = mend_done },
	};
	int status = EX_OSERR;

	w->life = &life;
	w->loop = loop_new();
	if (!w->loop || !listen_to_signals(&life)) {
		log_msg(w->log, LOG_ERROR, "worker_start",
			"no event loop: %s", strerror(errno));
		goto out;
	}
	if (hooks->role != ROLE_FREE)
		metrics_join(w->metrics, hooks->role,
			     atomic_load(&w->slot->generation));
	on_beat(&life.beat);
	status = serve(&life);
	loop_timer_cancel(w->loop, &life.beat);
	loop_timer_cancel(w->loop, &life.limit);
	loop_timer_cancel(w->loop, &life.quiet);
	loop_fd_del(w->loop, &life.signals);
out:
	if (life.signals.fd >= 0)
		close(life.signals.fd);
	if (w->loop)
		loop_free(w->loop);
	/* what came after the last beat; and into the file that is there */
	if (metrics_is_stale(w->metrics))
		mend_work(&life.mend);
	metrics_add(w->metrics, COUNT_LOG_DROPPED,
		    log_dropped(w->log) + log_dropped(w->access) - life.log_dropped);
	metrics_leave(w->metrics);
	w->loop = NULL;
	w->life = NULL;
	return status;
}
