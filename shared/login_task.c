/*
 * login_task.c - the threads' side of the keeper: a look, a renewal.
 *
 * A task works on a copy and owns all it touches but the settings, so the
 * loop goes on meanwhile; the keeper's end waits for it.
 */
#include <errno.h>

#include "login_keeper_private.h"
#include "text.h"

#define LOCK_WAIT_MS	15000
#define END_WAIT_S	60		/* longer than any task may take */

void login_task_free(struct login_task *t)
{
	if (!t)
		return;
	login_free(&t->login);
	if (t->refused)
		explicit_bzero(t->refused, strlen(t->refused));
	free(t->refused);
	sem_destroy(&t->over);
	free(t);
}

struct login_task *login_task_new(struct login_keeper *k)
{
	struct login_task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	sem_init(&t->over, 0, 0);
	t->keeper = k;
	t->c = k->c;
	t->http = k->http;
	t->generation = k->generation;
	t->note = ERR_NOTE_INIT;
	if (!login_copy(&t->login, &k->login)) {
		login_task_free(t);
		return NULL;
	}
	return t;
}

bool login_task_start(struct login_keeper *k, struct login_task **slot,
		      struct login_task *t, enum loop_lane lane,
		      void (*work)(struct loop_job *),
		      void (*done)(struct loop_job *))
{
	if (t)
		t->job = (struct loop_job){ .work = work, .done = done };
	if (!t || !loop_submit(k->loop, lane, &t->job)) {
		login_task_free(t);
		return false;
	}
	*slot = t;
	return true;
}

void login_task_abandon(struct login_task *t)
{
	struct timespec end;

	if (!t)
		return;
	atomic_store(&t->stop, true);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += END_WAIT_S;
	while (sem_timedwait(&t->over, &end) < 0 && errno == EINTR)
		;
	t->keeper = NULL;
}

void login_task_renew(struct loop_job *job)
{
	struct login_task *t = CONTAINER_OF(job, struct login_task, job);

	t->err = login_renew_until(t->c, &t->http, &t->login, t->refused,
				   t->refused ? "unauthorized_recovery"
					      : "proactive_expiry",
				   LOCK_WAIT_MS, &t->stop, &t->note);
	sem_post(&t->over);
}

/* A file that is gone by mistake may come again, and what we hold serves
 * meanwhile; one that was ended by command does not. */
static bool was_left(const struct login_task *t)
{
	char hash[65], code[64];

	if (t->err != ERR_LOGIN_MISSING || !t->login.path)
		return false;
	sha256_hex(span_of(t->login.refresh_token), hash);
	return login_refused(t->c, t->login.path, hash, code) &&
	       strcmp(code, LOGIN_LEFT) == 0;
}

void login_task_look(struct loop_job *job)
{
	struct login_task *t = CONTAINER_OF(job, struct login_task, job);
	struct login *held = &t->login, found = { 0 };
	struct file_stamp stamp;
	char path[PATH_MAX];

	t->err = login_find(t->c, path, &t->note);
	t->left = was_left(t);
	if (t->err)
		goto out;
	/* A file that could not be read is read again: its mode may change. */
	t->same = held->path && strcmp(path, held->path) == 0 &&
		  file_stat(path, &stamp) && file_stamp_eq(&stamp, &held->stamp);
	if (t->same)
		goto out;
	t->err = login_load(t->c, path, &found, NULL, &t->note);
	if (!t->err) {
		login_free(held);
		*held = found;
	}
out:
	sem_post(&t->over);
}
