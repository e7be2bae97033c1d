/* See running.h. */
#include "running.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "close.h"

#define ASK_US		50000
#define ORPHANS_EVERY	100		/* questions: five seconds */

struct running {
	struct app *app;
	struct running_ear *first;
	struct running_ear *next;	/* to be told next, while telling */
	struct loop_timer timer;
	struct loop_job job;
	bool asking;
	unsigned asked;			/* questions so far */
	/* the question's, while asking */
	bool orphans, failed;
	uint64_t version, seen;
	struct store_running *all;	/* MAX_BACKGROUND of them */
	size_t count, closed;
};

static void ask_work(struct loop_job *job)
{
	struct running *r = CONTAINER_OF(job, struct running, job);
	struct err_note note = ERR_NOTE_INIT;

	r->closed = r->orphans ? close_orphans(r->app->store) : 0;
	r->failed = store_version(r->app->store, &r->version, &note) ||
		    (r->version != r->seen &&
		     store_running(r->app->store, r->all, MAX_BACKGROUND,
				   &r->count, &note));
}

static bool still_runs(const struct running *r, const struct running_ear *ear)
{
	/* more than fit: then it is not known, and told by what it writes */
	if (r->count == MAX_BACKGROUND)
		return true;
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->all[i].id, ear->id) &&
		    !strcmp(r->all[i].caller, ear->caller))
			return true;
	return false;
}

static void tell(struct running *r)
{
	for (struct running_ear *ear = r->first; ear; ear = r->next) {
		r->next = ear->next;
		/* one that came while it was asked could not be seen */
		ear->news(ear, ear->id && r->asked > ear->from &&
			       !still_runs(r, ear));
	}
	r->next = NULL;
}

static void ask_done(struct loop_job *job)
{
	struct running *r = CONTAINER_OF(job, struct running, job);

	r->asking = false;
	if (r->closed)
		log_msg(r->app->log, LOG_WARN, "background", "%zu responses failed: "
			"the workers that ran them have died", r->closed);
	if (!r->failed && r->version != r->seen) {
		r->seen = r->version;
		tell(r);
	}
	if (r->first)
		loop_timer_in(r->app->loop, &r->timer, ASK_US);
}

static void ask(struct running *r)
{
	if (r->asking)
		return;
	r->orphans = r->asked++ % ORPHANS_EVERY == 0;
	r->asking = loop_submit(r->app->loop, LANE_WORK, &r->job);
	if (!r->asking)
		loop_timer_in(r->app->loop, &r->timer, ASK_US);
}

static void on_timer(struct loop_timer *t)
{
	ask(CONTAINER_OF(t, struct running, timer));
}

struct running *running_new(struct app *app)
{
	struct running *r = calloc(1, sizeof(*r));

	if (r)
		r->all = calloc(MAX_BACKGROUND, sizeof(*r->all));
	if (!r || !r->all) {
		free(r);
		return NULL;
	}
	r->app = app;
	r->timer.fn = on_timer;
	r->job.work = ask_work;
	r->job.done = ask_done;
	ask(r);
	return r;
}

void running_free(struct running *r)
{
	if (!r)
		return;
	loop_timer_cancel(r->app->loop, &r->timer);
	free(r->all);
	free(r);
}

void running_add(struct running *r, struct running_ear *ear)
{
	ear->from = r->asked;
	ear->prev = NULL;
	ear->next = r->first;
	if (r->first)
		r->first->prev = ear;
	r->first = ear;
	ear->added = true;
	if (!r->asking && !loop_timer_is_set(&r->timer))
		loop_timer_in(r->app->loop, &r->timer, ASK_US);
}

void running_remove(struct running *r, struct running_ear *ear)
{
	if (!ear->added || !r)
		return;
	ear->added = false;
	if (r->next == ear)
		r->next = ear->next;
	if (ear->prev)
		ear->prev->next = ear->next;
	else
		r->first = ear->next;
	if (ear->next)
		ear->next->prev = ear->prev;
	if (!r->first)
		loop_timer_cancel(r->app->loop, &r->timer);
}

size_t running_count(const struct running *r, const char *caller, size_t *own)
{
	size_t count = 0;

	*own = 0;
	for (const struct running_ear *ear = r->first; ear; ear = ear->next) {
		if (!ear->id)
			continue;
		count++;
		*own += !strcmp(ear->caller, caller);
	}
	return count;
}
