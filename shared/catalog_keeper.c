/*
 * catalog_keeper.c - looking at the file, swapping the list; see the header.
 *
 * Threads work on tasks of their own: the path, the stamp last seen, and what
 * came of it. A keeper that goes lets its tasks end by themselves: they are
 * bound to the loop's pool, whose end waits for them.
 */
#include "catalog_keeper.h"

#include <errno.h>
#include <stdlib.h>

#include "catalog_file.h"
#include "clock.h"
#include "text.h"

#define LOOK_US		1000000
#define ASK_PAUSE_US	5000000	/* between two of our own questions */
#define ASKED_PAUSE_US	60000000	/* the same, for want of a fetcher */
#define MAX_ETAG	256

/* A look at the file, or a question to upstream. */
struct task {
	struct loop_job job;
	struct catalog_keeper *keeper;	/* NULL: gone */
	const struct config *config;
	struct file_stamp stamp;	/* before: as last seen; then: as read */
	struct catalog *made;		/* look: what was read, or NULL */
	bool missing;			/* look: there is no file */
	struct http_settings http;
	const char *authorization;
	struct metrics *metrics;
	char announced[MAX_ETAG + 1];
	struct catalog_sync sync;
	enum err err;
	struct err_note note;
};

struct catalog_keeper {
	const struct config *config;
	struct loop *loop;
	struct http_settings http;
	const char *authorization;
	struct metrics *metrics;
	bool may_ask;
	struct catalog *table, *listed;	/* built-in; the file's, or NULL */
	struct catalog *now;		/* one of the two; no reference */
	char account[CATALOG_ACCOUNT_SIZE];
	struct file_stamp stamp;
	char lost[sizeof(((struct err_note *)0)->why)];	/* as last told */
	struct task *look, *ask;
	int64_t ask_after_us, asked_after_us;
	struct loop_timer timer;
	catalog_told_fn told;
	void *told_ctx;
};

static void tell(struct catalog_keeper *k, const char *event,
		 const struct err_note *note)
{
	if (k->told)
		k->told(k->told_ctx, event, k->now, note);
}

/* Whose list counts now? True when it is another than before. */
static bool choose(struct catalog_keeper *k)
{
	struct catalog *before = k->now;
	bool ours = k->listed && catalog_is_for(catalog_origin(k->listed),
						k->config, k->account);

	k->now = ours ? k->listed : k->table;
	return k->now != before;
}

/* made is the file's list, or NULL when there is no file any more. */
static void take(struct catalog_keeper *k, struct catalog *made)
{
	static const struct err_note fine = { .should_retry = -1 };
	struct catalog *old = k->listed;
	bool changed;

	k->listed = made;
	k->lost[0] = '\0';
	changed = choose(k);
	if (changed)
		tell(k, "models_read", &fine);
	catalog_free(old);
}

static void lost(struct catalog_keeper *k, const struct err_note *note)
{
	if (strcmp(k->lost, note->why) == 0)
		return;
	snprintf(k->lost, sizeof(k->lost), "%s", note->why);
	tell(k, "models_lost", note);
}

/* --- the threads' side */

static void look_work(struct loop_job *job)
{
	struct task *t = CONTAINER_OF(job, struct task, job);
	struct file_stamp now;
	char path[4200];

	if (!catalog_path(t->config, "", path, sizeof(path)))
		return;
	t->missing = !file_stat(path, &now);
	if (t->missing || file_stamp_eq(&now, &t->stamp)) {
		t->stamp = now;
		return;
	}
	errno = 0;
	t->job.heavy = true;
	t->made = catalog_load(t->config, &t->stamp, &t->note);
	/* a broken one is not read again until it changes */
	if (!t->made)
		t->stamp = now;
}

static void ask_work(struct loop_job *job)
{
	struct task *t = CONTAINER_OF(job, struct task, job);

	t->job.heavy = true;
	t->sync = (struct catalog_sync){
		.config = t->config, .http = &t->http,
		.authorization = t->authorization, .metrics = t->metrics,
		.announced = t->announced[0] ? t->announced : NULL,
	};
	t->err = catalog_sync(&t->sync, &t->note);
}

/* --- back on the loop */

static void look_done(struct loop_job *job)
{
	struct task *t = CONTAINER_OF(job, struct task, job);
	struct catalog_keeper *k = t->keeper;

	if (k) {
		bool gone = t->missing && k->listed;

		k->look = NULL;
		k->stamp = t->stamp;
		if (t->made || gone) {
			take(k, t->made);
			t->made = NULL;
		} else if (t->note.code) {
			lost(k, &t->note);
		}
	}
	catalog_free(t->made);
	free(t);
}

static void start_look(struct catalog_keeper *k);

static void ask_done(struct loop_job *job)
{
	struct task *t = CONTAINER_OF(job, struct task, job);
	struct catalog_keeper *k = t->keeper;

	if (k) {
		k->ask = NULL;
		/* found done by another: what comes next may be news again */
		if (t->err || t->sync.result != SYNC_FRESH)
			k->ask_after_us = loop_now(k->loop) + ASK_PAUSE_US;
		if (t->err == ERR_CIRCUIT_OPEN)
			;	/* it was told when it opened */
		else if (t->err)
			tell(k, "models_refresh_failed", &t->note);
		else if (t->sync.result >= SYNC_SAME)
			tell(k, "models_refreshed", &t->note);
		start_look(k);
	}
	free(t);
}

static struct task *task_new(struct catalog_keeper *k)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->keeper = k;
	t->config = k->config;
	t->stamp = k->stamp;
	t->http = k->http;
	t->authorization = k->authorization;
	t->metrics = k->metrics;
	t->note = ERR_NOTE_INIT;
	return t;
}

static void start(struct catalog_keeper *k, struct task **slot, struct task *t,
		  enum loop_lane lane)
{
	if (t && !loop_submit(k->loop, lane, &t->job)) {
		free(t);
		t = NULL;
	}
	*slot = t;
}

static void start_look(struct catalog_keeper *k)
{
	struct task *t = k->look ? NULL : task_new(k);

	if (!t)
		return;
	t->job = (struct loop_job){ .work = look_work, .done = look_done };
	start(k, &k->look, t, LANE_WORK);
}

static void on_second(struct loop_timer *timer)
{
	struct catalog_keeper *k = CONTAINER_OF(timer, struct catalog_keeper, timer);

	start_look(k);
	(void)loop_timer_in(k->loop, &k->timer, LOOK_US);
}

/* At start, when nobody waits for the loop yet. */
static void first_look(struct catalog_keeper *k)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };

	if (k->config->kind == KIND_CHATGPT && !k->authorization &&
	    !login_read(k->config, &login, &note))
		catalog_account(&login, NULL, k->account);
	else
		catalog_account(NULL, k->authorization, k->account);
	login_free(&login);
	err_clear(&note);
	if (k->config->dynamic_models)
		k->listed = catalog_load(k->config, &k->stamp, &note);
	if (!k->listed)		/* looked at again, when a log is there */
		k->stamp = (struct file_stamp){ 0 };
	choose(k);
}

struct catalog_keeper *catalog_keeper_new(const struct config *c, struct loop *l,
					  const struct http_settings *http,
					  const char *authorization,
					  struct metrics *metrics,
					  bool may_ask)
{
	struct catalog_keeper *k = calloc(1, sizeof(*k));
	uint32_t spread;

	if (!k)
		return NULL;
	k->config = c;
	k->loop = l;
	k->http = *http;
	k->authorization = authorization;
	k->metrics = metrics;
	k->may_ask = may_ask && c->model_sync && c->dynamic_models;
	k->timer.fn = on_second;
	k->table = catalog_new(c);
	if (!k->table)
		goto fail;
	first_look(k);
	/* workers that start together do not all look at the same moment */
	random_bytes(&spread, sizeof(spread));
	if (c->dynamic_models &&
	    !loop_timer_in(l, &k->timer, LOOK_US / 2 + spread % (LOOK_US / 2)))
		goto fail;
	return k;
fail:
	catalog_free(k->listed);
	catalog_free(k->table);
	free(k);
	return NULL;
}

void catalog_keeper_free(struct catalog_keeper *k)
{
	if (!k)
		return;
	loop_timer_cancel(k->loop, &k->timer);
	if (k->look)
		k->look->keeper = NULL;
	if (k->ask)
		k->ask->keeper = NULL;
	catalog_free(k->listed);
	catalog_free(k->table);
	free(k);
}

struct catalog *catalog_keeper_now(const struct catalog_keeper *k)
{
	return k->now;
}

void catalog_keeper_listen(struct catalog_keeper *k, catalog_told_fn told,
			   void *ctx)
{
	k->told = told;
	k->told_ctx = ctx;
}

void catalog_keeper_login(struct catalog_keeper *k, const struct login *login)
{
	static const struct err_note fine = { .should_retry = -1 };

	if (!login)
		return;
	catalog_account(login, NULL, k->account);
	if (choose(k))
		tell(k, "models_read", &fine);
}

/* etag may be empty: the list is only old. */
static void start_ask(struct catalog_keeper *k, struct span etag)
{
	struct task *t;

	if (k->ask || !k->may_ask || loop_now(k->loop) < k->ask_after_us)
		return;
	t = task_new(k);
	if (!t)
		return;
	text_copy(t->announced, sizeof(t->announced), etag);
	t->job = (struct loop_job){ .work = ask_work, .done = ask_done };
	start(k, &k->ask, t, LANE_FETCH);
}

void catalog_keeper_announced(struct catalog_keeper *k, struct span etag)
{
	const struct catalog_origin *o = catalog_origin(k->now);

	if (etag.len && etag.len <= MAX_ETAG && !span_eq(etag, o->etag) &&
	    !span_eq(etag, o->announced))
		start_ask(k, etag);
}

void catalog_keeper_asked(struct catalog_keeper *k)
{
	int64_t now_us = loop_now(k->loop);

	if (now_us < k->asked_after_us ||
	    catalog_is_fresh(catalog_origin(k->now), k->config,
			     clock_wall_us() / 1000000, 0))
		return;
	k->asked_after_us = now_us + ASKED_PAUSE_US;
	start_ask(k, SPAN(""));
}
