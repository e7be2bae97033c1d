/*
 * follow.c - see follow.h.
 *
 * The store counts events from 0, and so do their numbers (sequence_number),
 * but some may have none: so reading begins where the number would stand, and
 * what is not behind it is left out.
 */
#include "follow.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"
#include "answer.h"
#include "close.h"
#include "keep.h"
#include "running.h"

#define READ_BYTES	(128u << 10)	/* in one go */
#define READ_EVENTS	4096

struct following {
	struct loop_job job;
	struct stream *s;		/* NULL: gone */
	struct app *app;
	struct running_ear ear;
	char caller[STORE_CALLER], id[STORE_ID];
	int64_t after;			/* number that the client has */
	int64_t last;			/* of the store's, read so far */
	bool begun;			/* it is known that there is something */
	bool reading, again;		/* again: news came meanwhile */
	/* what a question brings */
	struct store_items got;
	enum store_status status;
	bool more;
	bool background;
	struct err_note note;
};

/* --- in a thread --- */

/* Who follows nothing that can be followed hears it first. */
static enum err look(struct following *f)
{
	struct store *store = f->app->store;
	struct store_record *r = store_record_new();

	if (!r)
		return err_set(&f->note, ERR_NO_MEMORY, "a stored response");
	if (!store_get(store, f->caller, f->id, r, &f->note) &&
	    !close_orphan(store, r, &f->note) && !r->background)
		err_tell(&f->note, ERR_BAD_REQUEST, "Only a response that was made "
			 "with 'background' can be streamed: get it without "
			 "'stream'.");
	store_record_free(r);
	return f->note.code;
}

static void read_work(struct loop_job *job)
{
	struct following *f = CONTAINER_OF(job, struct following, job);

	if (!f->begun && look(f))
		return;
	(void)!store_events_after(f->app->store, f->caller, f->id, f->last, &f->got,
				  &f->last, &f->status, &f->more, &f->note);
}

/* --- on the loop --- */

static void read_on(struct following *f);

/* The event's own member, not one of what it carries. */
static bool number_of(struct span event, int64_t *number)
{
	static const char data[] = "data: ";
	const char *at = memmem(event.ptr, event.len, data, sizeof(data) - 1);
	struct span json = { at, at ? (size_t)(event.ptr + event.len - at) : 0 };

	if (!at)
		return false;
	json.ptr += sizeof(data) - 1;
	json.len -= sizeof(data) - 1;
	return text_int(json_walk_get(text_trim(json), "sequence_number"), number);
}

static bool is_behind(struct following *f, struct span event)
{
	int64_t number;

	if (f->after < 0 || !number_of(event, &number))
		return f->after < 0;
	if (number <= f->after)
		return false;
	f->after = -1;			/* from here on all are */
	return true;
}

static void say_events(struct following *f)
{
	struct stream *s = f->s;
	struct buf *out;

	if (!conn_begun(s->conn))
		answer_begin(s, 200, s->terms.tongue->stream_type);
	f->begun = true;
	out = conn_body(s->conn);
	for (size_t i = 0; i < f->got.count; i++) {
		struct span event = store_item_json(&f->got, i);

		if (is_behind(f, event))
			buf_span_add(out, event);
	}
	if (f->got.count && !s->first_us)
		s->first_us = loop_now(s->app->loop);
	conn_flush(s->conn);
	s->told_us = loop_now(s->app->loop);
}

static void fail(struct stream *s, const struct err_note *note)
{
	s->note = *note;
	/* its client may come again for the rest; an end of ours would be taken
	 * for the response's */
	if (conn_begun(s->conn))
		stream_break_off(s);
	else
		stream_fail(s);
}

static void go_on(struct following *f)
{
	struct stream *s = f->s;
	bool any = f->got.count > 0;

	if (f->note.code == ERR_NOT_STORED && !f->begun) {
		err_clear(&f->note);
		err_tell(&f->note, ERR_NOT_STORED, "Response with id '%s' not found.",
			 f->id);
	}
	if (f->note.code) {
		fail(s, &f->note);
		return;
	}
	say_events(f);
	store_items_free(&f->got);
	/* at once with its last event: who hears that may ask again */
	if (f->status > STORE_IN_PROGRESS && !f->more)
		stream_done(s);
	else if ((any || f->again) && !conn_full(s->conn))
		read_on(f);
}

static void read_done(struct loop_job *job)
{
	struct following *f = CONTAINER_OF(job, struct following, job);
	struct stream *s = f->s;

	f->reading = false;
	if (!s) {
		store_items_free(&f->got);
		free(f);
		return;
	}
	s->job_running = false;
	if (s->step != STEP_OVER)
		go_on(f);
	if (s->step != STEP_OVER)
		stream_watch(s);
	stream_settle(s);
}

static void read_on(struct following *f)
{
	if (f->reading) {
		f->again = true;
		return;
	}
	f->again = false;
	f->note = ERR_NOTE_INIT;
	f->reading = loop_submit(f->app->loop, LANE_WORK, &f->job);
	if (f->reading) {
		f->s->job_running = true;
		return;
	}
	err_set(&f->note, ERR_NO_MEMORY, "no thread to ask the store");
	fail(f->s, &f->note);
}

static void on_news(struct running_ear *ear, bool ended)
{
	struct following *f = CONTAINER_OF(ear, struct following, ear);
	struct stream *s = f->s;

	(void)ended;
	if (s->step == STEP_OVER || conn_full(s->conn))
		return;
	read_on(f);
	stream_settle(s);
}

void follow_drained(struct stream *s)
{
	if (s->following && s->step != STEP_OVER)
		read_on(s->following);
}

void follow_begin(struct stream *s, struct span id, int64_t after)
{
	struct following *f = calloc(1, sizeof(*f));

	s->step = STEP_FOLLOW;
	s->terms.stream = true;
	s->terms.tongue = s->route->tongue;
	if (!f) {
		err_set(&s->note, ERR_NO_MEMORY, "following a response");
		stream_fail(s);
		return;
	}
	f->job.work = read_work;
	f->job.done = read_done;
	f->s = s;
	f->app = s->app;
	f->ear.news = on_news;
	f->after = after;
	/* a number before the one that it has: some have none */
	f->last = after > 0 ? after - 1 : -1;
	text_copy(f->caller, sizeof(f->caller), span_of(keep_caller(s)));
	text_copy(f->id, sizeof(f->id), id);
	store_items_init(&f->got, READ_BYTES, READ_EVENTS);
	s->following = f;
	running_add(s->app->running, &f->ear);
	stream_watch(s);
	read_on(f);
}

void follow_free(struct stream *s)
{
	struct following *f = s->following;

	s->following = NULL;
	if (!f)
		return;
	running_remove(f->app->running, &f->ear);
	f->s = NULL;
	if (f->reading)
		return;
	store_items_free(&f->got);
	free(f);
}
