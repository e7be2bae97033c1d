#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/clock.h"

#define HEARTBEAT_US 250000
#define CUT_US 1000000		/* to send the error events after a cut */
#define QUIET_US 5000		/* between two looks for open connections */

struct worker_life {
	struct worker *w;
	const struct worker_hooks *hooks;
	struct loop_fd signals;
	struct loop_timer beat;
	struct loop_timer limit;	/* of the drain, then of the cut */
	struct loop_timer quiet;
	bool draining, cut;
};

static void ring(const struct worker *w)
{
	uint64_t one = 1;

	/* A full counter has the master awake already. */
	if (w->bell_fd >= 0 && write(w->bell_fd, &one, sizeof(one)) < 0)
		return;
}

static void on_beat(struct loop_timer *t)
{
	struct worker_life *life = CONTAINER_OF(t, struct worker_life, beat);

	atomic_store(&life->w->slot->heartbeat_us, clock_mono_us());
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
	};
	int status = EX_OSERR;

	w->life = &life;
	w->loop = loop_new();
	if (!w->loop || !listen_to_signals(&life)) {
		log_msg(w->log, LOG_ERROR, "worker_start",
			"no event loop: %s", strerror(errno));
		goto out;
	}
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
	w->loop = NULL;
	w->life = NULL;
	return status;
}
