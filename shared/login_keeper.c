/*
 * login_keeper.c - the login as one worker's loop holds it.
 *
 * Two things happen beside the loop, each at most once at a time: a look at
 * the file every second (LANE_WORK), and a renewal (LANE_LOGIN, where waiting
 * for another process' lock holds up nobody). What is handed out lives on the
 * loop's thread alone; the threads work on copies.
 */
#include "clock.h"
#include "login_keeper_private.h"
#include "text.h"

#define LOOK_US		1000000

static int64_t now_s(void)
{
	return clock_wall_us() / 1000000;
}

void keeper_tell(struct login_keeper *k, const char *event,
		 const struct err_note *note)
{
	if (k->told)
		k->told(k->told_ctx, event, k->login.path ? &k->login : NULL,
			note);
}

static bool same_str(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool keeper_take(struct login_keeper *k, struct login *from)
{
	bool other = !same_str(k->login.path, from->path) ||
		     !same_str(k->login.api_key, from->api_key) ||
		     !same_str(k->login.access_token, from->access_token) ||
		     !same_str(k->login.refresh_token, from->refresh_token);

	login_free(&k->login);
	k->login = *from;
	*from = (struct login){ 0 };
	sha256_hex(span_of(k->login.api_key ? k->login.api_key
					    : k->login.access_token), k->hash);
	k->generation++;
	return other;
}

/* The file holds the token that our unsaved renewal spent: ours is newer. */
static bool is_behind(const struct login_keeper *k, const struct login *file)
{
	char hash[65];

	if (!k->login.unsaved)
		return false;
	sha256_hex(span_of(file->refresh_token), hash);
	return strcmp(hash, k->login.spent) == 0;
}

static bool is_usable(const struct login_keeper *k, const struct login_wait *w)
{
	return k->login.path && !login_expired(&k->login, now_s()) &&
	       (!w->refused_hash[0] || strcmp(w->refused_hash, k->hash) != 0);
}

/* --- those who wait */

static void unlink_wait(struct login_wait *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->next = NULL;
	w->link = NULL;
}

static void link_wait(struct login_wait **head, struct login_wait *w)
{
	w->next = *head;
	w->link = head;
	if (w->next)
		w->next->link = &w->next;
	*head = w;
}

/* Answers w if that can be done now; else a task runs that will. */
static bool answer(struct login_keeper *k, struct login_wait *w)
{
	static const struct err_note fine = { .should_retry = -1 };
	const struct err_note *note = &k->look_note;

	if (is_usable(k, w)) {
		w->ready(w, &k->login, &fine);
		return true;
	}
	if (!k->looked)
		return false;
	if (!k->look_note.code && keeper_renew(k, w->refused_hash[0] != '\0', &note))
		return false;
	w->ready(w, NULL, note);
	return true;
}

void keeper_settle(struct login_keeper *k)
{
	struct login_wait *rest = k->waiting, *w;

	if (rest)
		rest->link = &rest;
	k->waiting = NULL;
	while ((w = rest)) {
		unlink_wait(w);
		if (!answer(k, w))
			link_wait(&k->waiting, w);
	}
}

bool login_want(struct login_keeper *k, struct login_wait *w, const char *refused)
{
	w->next = NULL;
	w->link = NULL;
	w->refused_hash[0] = '\0';
	if (refused)
		sha256_hex(span_of(refused), w->refused_hash);
	keeper_renew_ahead(k);
	if (answer(k, w))
		return true;
	link_wait(&k->waiting, w);
	return false;
}

void login_unwait(struct login_wait *w)
{
	if (w->link)
		unlink_wait(w);
}

/* --- looking at the file */

/* The old login stays in use until it runs out: it is good at upstream. Not
 * when somebody logged out. */
static void look_failed(struct login_keeper *k, const struct login_task *t)
{
	const struct err_note *note = &t->note;
	bool news = k->look_note.code != note->code ||
		    strcmp(k->look_note.why, note->why) != 0;
	struct login none = { 0 };

	k->look_note = *note;
	if (t->left)
		(void)keeper_take(k, &none);
	if (news)
		keeper_tell(k, "login_lost", note);
}

static void look_took(struct login_keeper *k, struct login_task *t)
{
	bool found = k->look_note.code != 0 || !k->login.path;

	k->look_note = ERR_NOTE_INIT;
	if (is_behind(k, &t->login)) {
		k->login.stamp = t->login.stamp;
		return;
	}
	k->stale = false;
	k->failed = (struct pause){ 0 };
	k->refused = (struct pause){ 0 };
	k->ahead = (struct pause){ 0 };
	if (keeper_take(k, &t->login) || found)
		keeper_tell(k, "login_read", &t->note);
}

static void look_done(struct loop_job *job)
{
	struct login_task *t = CONTAINER_OF(job, struct login_task, job);
	struct login_keeper *k = t->keeper;

	if (k) {
		k->look = NULL;
		k->looked = true;
		/* A renewal came in between: what was seen may be older. */
		if (t->generation != k->generation)
			;
		else if (t->err)
			look_failed(k, t);
		else if (t->same)
			k->look_note = ERR_NOTE_INIT;
		else
			look_took(k, t);
		keeper_settle(k);
		keeper_renew_ahead(k);
	}
	login_task_free(t);
}

static void look(struct login_keeper *k)
{
	if (k->look || login_task_start(k, &k->look, login_task_new(k),
					LANE_WORK, login_task_look, look_done))
		return;
	if (!k->looked)
		err_set(&k->look_note, ERR_NO_MEMORY,
			"no thread to read the login");
	k->looked = true;
	keeper_settle(k);
}

static void on_second(struct loop_timer *timer)
{
	struct login_keeper *k = CONTAINER_OF(timer, struct login_keeper, timer);

	look(k);
	(void)loop_timer_in(k->loop, &k->timer, LOOK_US);
}

struct login_keeper *login_keeper_new(const struct config *c, struct loop *l,
				      const struct http_settings *http)
{
	struct login_keeper *k = calloc(1, sizeof(*k));
	uint32_t spread;

	if (!k)
		return NULL;
	k->c = c;
	k->loop = l;
	k->http = *http;
	k->look_note = ERR_NOTE_INIT;
	k->renew_note = ERR_NOTE_INIT;
	k->refused_note = ERR_NOTE_INIT;
	k->timer.fn = on_second;
	/* Workers that start together do not all look at the same moment. */
	random_bytes(&spread, sizeof(spread));
	if (!loop_timer_in(l, &k->timer, LOOK_US / 2 + spread % (LOOK_US / 2))) {
		free(k);
		return NULL;
	}
	look(k);
	return k;
}

void login_keeper_listen(struct login_keeper *k, login_told_fn told, void *ctx)
{
	k->told = told;
	k->told_ctx = ctx;
}

void login_keeper_free(struct login_keeper *k)
{
	if (!k)
		return;
	loop_timer_cancel(k->loop, &k->timer);
	while (k->waiting)
		unlink_wait(k->waiting);
	if (k->renewal)
		atomic_store(&k->renewal->stop, true);
	login_task_abandon(k->look);
	login_task_abandon(k->renewal);
	login_free(&k->login);
	explicit_bzero(k, sizeof(*k));
	free(k);
}
