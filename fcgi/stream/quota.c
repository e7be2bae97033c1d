/* See quota.h. */
#include "quota.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "answer.h"
#include "bearer.h"
#include "stream.h"

struct quota {
	struct app *app;
	struct plan known;
	struct plan written;		/* as far as we know */
	struct loop_timer timer;
	struct writing {		/* the thread's own */
		struct loop_job job;
		struct plan limits;
		struct err_note note;
		int again_ms;
	} writing;
	bool busy;
	bool complained;
};

/* --- the file */

static void write_work(struct loop_job *job)
{
	struct writing *w = CONTAINER_OF(job, struct writing, job);
	struct quota *q = CONTAINER_OF(w, struct quota, writing);

	if (plan_write(q->app->config->home, &w->limits, &w->again_ms,
			 &w->note))
		w->again_ms = PLAN_EVERY_MS;
}

/* A disk that is full is told once, not every five seconds. */
static void complain(struct quota *q, const struct err_note *note)
{
	if (note->code && !q->complained)
		log_msg(q->app->log, LOG_WARN, "limits", "%s", note->why);
	q->complained = note->code != ERR_NONE;
}

static void write_done(struct loop_job *job)
{
	struct writing *w = CONTAINER_OF(job, struct writing, job);
	struct quota *q = CONTAINER_OF(w, struct quota, writing);

	q->busy = false;
	complain(q, &w->note);
	if (!w->again_ms && !w->note.code)
		q->written = w->limits;
	if (plan_differ(&q->known, &q->written))
		(void)loop_timer_in(q->app->loop, &q->timer, 1000 * (int64_t)
				    (w->again_ms ? w->again_ms : PLAN_EVERY_MS));
}

static void write_now(struct loop_timer *t)
{
	struct quota *q = CONTAINER_OF(t, struct quota, timer);

	if (q->busy)
		return;
	q->writing.limits = q->known;
	q->writing.note = ERR_NOTE_INIT;
	q->writing.again_ms = 0;
	q->busy = loop_submit(q->app->loop, LANE_WORK, &q->writing.job);
}

struct quota *quota_new(struct app *app)
{
	struct quota *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->app = app;
	q->timer.fn = write_now;
	q->writing.job.work = write_work;
	q->writing.job.done = write_done;
	plan_init(&q->known);
	plan_init(&q->written);
	return q;
}

void quota_free(struct quota *q)
{
	struct err_note note = ERR_NOTE_INIT;
	int again_ms;

	if (!q)
		return;
	loop_timer_cancel(q->app->loop, &q->timer);
	if (plan_differ(&q->known, &q->written)) {
		if (plan_write(q->app->config->home, &q->known, &again_ms, &note))
			complain(q, &note);
	}
	free(q);
}

void quota_heard(struct quota *q, const struct plan *fresh)
{
	if (!fresh->captured_s)
		return;
	plan_merge(&q->known, fresh);
	plan_gauges(&q->known, q->app->metrics);
	if (!q->busy && !loop_timer_is_set(&q->timer) &&
	    plan_differ(&q->known, &q->written))
		(void)loop_timer_in(q->app->loop, &q->timer, 0);
}

/* --- GET /v1/usage */

struct reading {
	struct loop_job job;
	struct stream *s;
	struct plan limits;
};

static void read_work(struct loop_job *job)
{
	struct reading *r = CONTAINER_OF(job, struct reading, job);
	struct err_note ignored = ERR_NOTE_INIT;

	/* none yet, or none to be read: what we know ourselves counts */
	if (plan_read(r->s->app->config->home, &r->limits, &ignored))
		plan_init(&r->limits);
}

static void say(struct stream *s, const struct plan *l)
{
	struct plan_style style = { .age = true };
	struct buf body;

	if (!l->captured_s || bearer_is_own(s)) {
		err_set(&s->note, ERR_LIMITS_UNKNOWN, "no answer told them yet");
		stream_fail(s);
		return;
	}
	/* Codex's own path; its reader wants whole numbers */
	style.whole = strncmp(s->route->path, "/api/codex/", 11) == 0;
	buf_init(&body, MAX_CACHE_FILE);
	plan_json(l, clock_wall_us() / 1000000, style, &body);
	answer_begin(s, 200, "application/json");
	if (strcmp(s->req->method, "HEAD") != 0)
		buf_span_add(conn_body(s->conn), buf_span(&body));
	buf_free(&body);
	stream_done(s);
}

static void read_done(struct loop_job *job)
{
	struct reading *r = CONTAINER_OF(job, struct reading, job);
	const struct plan *own = &r->s->app->quota->known;
	struct stream *s = r->s;

	s->job_running = false;
	if (s->step != STEP_OVER)
		say(s, own->captured_s >= r->limits.captured_s ? own : &r->limits);
	free(r);
	stream_settle(s);
}

void quota_serve(struct stream *s)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (r) {
		r->job.work = read_work;
		r->job.done = read_done;
		r->s = s;
		s->job_running = loop_submit(s->app->loop, LANE_WORK, &r->job);
	}
	if (!s->job_running) {
		free(r);
		say(s, &s->app->quota->known);
	}
}
