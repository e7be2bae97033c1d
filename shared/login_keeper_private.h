/*
 * login_keeper_private.h - one worker's login, for the files that hold it.
 *
 * login_keeper.c: what is held, who waits, the look at the file each second.
 * login_keeper_renew.c: when a renewal begins and what its end means.
 * login_task.c: what the threads do, on copies of their own.
 */
#ifndef CHATMOCK_LOGIN_KEEPER_PRIVATE_H
#define CHATMOCK_LOGIN_KEEPER_PRIVATE_H

#include <semaphore.h>

#include "login_file.h"

/* Belongs to the thread from its start until done() runs on the loop. */
struct login_task {
	struct loop_job job;
	struct login_keeper *keeper;	/* NULL: gone, done() only cleans up */
	const struct config *c;
	struct http_settings http;
	struct login login;		/* before: what we hold; then: the result */
	char *refused;			/* renewal: a token upstream refuses */
	bool same;			/* look: nothing has changed */
	bool left;			/* look: somebody logged out */
	unsigned generation;		/* of the keeper's login when it began */
	atomic_bool stop;
	sem_t over;
	enum err err;
	struct err_note note;
};

/* When something may be tried again. */
struct pause { int64_t until_us, length_us; };

struct login_keeper {
	const struct config *c;
	struct loop *loop;
	struct http_settings http;
	struct login login;		/* path NULL: none */
	char hash[65];			/* of its access token */
	unsigned generation;		/* counts changes of login */
	bool looked;			/* the first look is over */
	bool stale;			/* refused for good, until the file changes */
	struct err_note look_note;	/* code: the file cannot be read now */
	struct err_note renew_note, refused_note;
	struct pause failed, refused, ahead;
	int64_t save_at_us;
	struct login_task *look, *renewal;
	struct login_wait *waiting;
	struct loop_timer timer;
	login_told_fn told;
	void *told_ctx;
};

/* What a task works on: a copy of what is held. NULL: no memory. */
struct login_task *login_task_new(struct login_keeper *k);
void login_task_free(struct login_task *t);

/* Takes t, which may be NULL; false when it could not be started. */
bool login_task_start(struct login_keeper *k, struct login_task **slot,
		      struct login_task *t, enum loop_lane lane,
		      void (*work)(struct loop_job *),
		      void (*done)(struct loop_job *));

/* Waits until the thread has let go of it; done() frees it later. */
void login_task_abandon(struct login_task *t);

/* The threads' side. */
void login_task_renew(struct loop_job *job);
void login_task_look(struct loop_job *job);

/* Takes what a thread brought. True when it is another login than before. */
bool keeper_take(struct login_keeper *k, struct login *from);
void keeper_tell(struct login_keeper *k, const char *event,
		 const struct err_note *note);

/* Answers everybody who can be answered now. */
void keeper_settle(struct login_keeper *k);

/* Starts a renewal unless one runs. False: it can't, and *note says why. */
bool keeper_renew(struct login_keeper *k, bool refused,
		  const struct err_note **note);

/* The same ahead of time, when it is due. */
void keeper_renew_ahead(struct login_keeper *k);

#endif
