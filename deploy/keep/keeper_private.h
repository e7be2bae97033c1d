/*
 * keeper_private.h - what keeper.c and keeper_parts.c share.
 */
#ifndef CHATMOCK_KEEPER_PRIVATE_H
#define CHATMOCK_KEEPER_PRIVATE_H

#include "../../shared/log.h"
#include "keeper.h"
#include "state.h"
#include "web.h"

struct keeper {
	enum keeper_mode mode;
	struct config config;
	const struct web *web;		/* that runs */
	struct log *log;
	struct state state;
	int keeper_lock, lock;		/* descriptors */
	int signal_fd;
	bool fragile;			/* a part that dies ends all */
	int status;			/* to end with */
	int64_t begun_us;
	int64_t stop_us;		/* when it was told to end; 0: not yet */
	int64_t gateway_gone_us;	/* since then streams are over */
	struct minding {
		int64_t due_us;		/* to be started then; 0: not at all */
		int64_t backoff_us;
		int64_t begun_us;
		int pressed;		/* signals that it was sent to end */
	} minding[PART__COUNT];
};

/* Starts it; a failure is logged and tried again later. */
void part_start(struct keeper *k, enum part_id id, int64_t now_us);

/* A child has ended: is it one of ours? It is counted, logged and, when it
 * shall run, due again. */
void part_reaped(struct keeper *k, pid_t pid, int status, int64_t now_us);

bool part_runs(const struct keeper *k, enum part_id id);
void part_tell(struct keeper *k, enum part_id id, int sig);

/* Kills what is left in the session of the part. */
void part_sweep(struct keeper *k, enum part_id id);

void keeper_save(struct keeper *k);		/* the state; failures are logged */

/* keeper_stop.c: one step of ending; true when all have gone. */
void keeper_stop(struct keeper *k, int64_t now_us);
bool keeper_stop_tick(struct keeper *k, int64_t now_us);

#endif
