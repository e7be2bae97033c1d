/*
 * keeper_stop.c - the end: streams first, then who carries them.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "keeper_private.h"

#define GRACE_US 2000000	/* beyond the drain, and between the signals */
#define WEB_GRACE_US 1000000	/* for the last bytes, when streams are over */
#define HEALTH_GRACE_US 5000000
/* a login that is being renewed is written first */
#define FETCH_GRACE_US 35000000

/* The first time: all are told at once. The web server listens no more and
 * stays until the last event has left. */
void keeper_stop(struct keeper *k, int64_t now_us)
{
	if (k->stop_us) {
		part_tell(k, PART_GATEWAY, SIGTERM);	/* again: cut */
		return;
	}
	k->stop_us = now_us ? now_us : 1;
	k->state.stopping = true;
	log_msg(k->log, LOG_INFO, "keeper_stop", "streams have %lld ms",
		(long long)k->config.drain_timeout_ms);
	if (k->mode == KEEPER_FOREGROUND)
		dprintf(STDOUT_FILENO, "chatmock: stopping; open streams have %g s\n",
			(double)k->config.drain_timeout_ms / 1000);
	part_tell(k, PART_GATEWAY, SIGTERM);
	part_tell(k, PART_WEB, k->web->finish);
	part_tell(k, PART_HEALTH, SIGTERM);
	part_tell(k, PART_FETCH, SIGTERM);
	keeper_save(k);
}

/* TERM when its time is over, KILL when that did not help. */
static void press(struct keeper *k, enum part_id id, int64_t until_us,
		  int64_t now_us)
{
	struct minding *m = &k->minding[id];

	if (!part_runs(k, id) || now_us < until_us + m->pressed * GRACE_US)
		return;
	if (m->pressed++)
		part_sweep(k, id);
	else
		part_tell(k, id, SIGTERM);
}

bool keeper_stop_tick(struct keeper *k, int64_t now_us)
{
	int64_t drained = k->stop_us + k->config.drain_timeout_ms * 1000 + GRACE_US;
	bool all_gone = true;

	press(k, PART_GATEWAY, drained, now_us);
	if (!part_runs(k, PART_GATEWAY) && !k->gateway_gone_us)
		k->gateway_gone_us = now_us;
	if (k->gateway_gone_us) {
		press(k, PART_WEB, k->gateway_gone_us + WEB_GRACE_US, now_us);
		press(k, PART_OLD, k->gateway_gone_us + WEB_GRACE_US, now_us);
	}
	press(k, PART_HEALTH, k->stop_us + HEALTH_GRACE_US, now_us);
	press(k, PART_FETCH, k->stop_us + FETCH_GRACE_US, now_us);
	for (int i = 0; i < PART__COUNT; i++)
		all_gone = all_gone && !part_runs(k, (enum part_id)i);
	return all_gone;
}
