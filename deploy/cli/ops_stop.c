/*
 * ops_stop.c - from whatever runs to nothing.
 */
#include <signal.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../keep/orphans.h"
#include "../keep/wish.h"
#include "ops.h"

#define STEP_MS 100
#define BEYOND_MS 60000		/* the drain: the fetcher may have to write */
#define FORCE_MS 4000		/* for error events and last bytes */
#define KILL_MS 10000

static bool wait_none(const char *home, int ms)
{
	int64_t until = clock_mono_us() + (int64_t)ms * 1000;

	while (!orphans_none(home)) {
		if (clock_mono_us() >= until)
			return false;
		usleep(STEP_MS * 1000);
	}
	return true;
}

/* The keeper first: it would bring back what we kill. */
static int kill_all(struct cli *cli)
{
	int64_t until = clock_mono_us() + KILL_MS * 1000;
	struct proc keeper;

	cli_warn(cli, "it does not end by itself: killed");
	do {
		if (ops_keeper(cli, &keeper)) {
			proc_signal(&keeper, SIGKILL);
			proc_wait(&keeper, 1000);
		}
		orphans_signal(cli->config.home, SIGKILL);
		if (wait_none(cli->config.home, STEP_MS)) {
			state_forget(cli->config.home);
			return 0;
		}
	} while (clock_mono_us() < until);
	return cli_fail(cli, EX_SOFTWARE, "something of it can not be killed");
}

static int64_t drain_ms(const struct cli *cli)
{
	struct state state;

	return state_read(cli->config.home, &state) ? state.drain_ms :
	       cli->config.drain_timeout_ms;
}

static int stop_kept(struct cli *cli, const struct proc *keeper, bool force)
{
	int64_t ms = force ? FORCE_MS : drain_ms(cli) + BEYOND_MS;
	char what[80];
	bool ended;

	proc_signal(keeper, SIGTERM);
	if (force) {
		usleep(STEP_MS * 1000);		/* two, not one */
		proc_signal(keeper, SIGTERM);
	}
	snprintf(what, sizeof(what), "stopping; open streams have %lld s",
		 (long long)(force ? 0 : drain_ms(cli) / 1000));
	cli_progress(cli, what);
	ended = proc_wait(keeper, (int)ms) && wait_none(cli->config.home, STEP_MS);
	cli_progress_end(cli);
	if (ended)
		return 0;
	if (force)
		return kill_all(cli);
	return cli_fail(cli, EX_TEMPFAIL, "it has not ended yet; chatmock stop -f "
			"kills it");
}

static int stop_orphans(struct cli *cli, bool force)
{
	const char *home = cli->config.home;
	bool gone;

	cli_warn(cli, "ending what an earlier gateway left behind");
	orphans_signal(home, SIGTERM);
	cli_progress(cli, "waiting for its streams");
	gone = wait_none(home, force ? FORCE_MS : (int)drain_ms(cli) + FORCE_MS);
	cli_progress_end(cli);
	return gone ? 0 : kill_all(cli);
}

int ops_stop(struct cli *cli, bool force)
{
	const char *home = cli->config.home;
	struct proc keeper;
	int status = 0;

	if (ops_keeper(cli, &keeper))
		status = stop_kept(cli, &keeper, force);
	if (!status && !orphans_none(home))
		status = stop_orphans(cli, force);
	if (!status)
		state_forget(home);
	return status;
}
