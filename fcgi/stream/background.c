/* See background.h. */
#include "background.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "../tongues/memory.h"
#include "../tongues/responses.h"
#include "answer.h"
#include "follow.h"
#include "keep.h"
#include "running.h"

#define WRITE_US	40000		/* events gather so long */
#define WRITE_FROM	(64u << 10)	/* or until they are so many */
#define MAX_BATCH	(1u << 20)	/* while the store is slow */

struct background {
	struct app *app;
	struct stream *runner, *client;	/* NULL: gone */
	char id[STORE_ID];
	struct running_ear ear;
	struct store_write first;	/* that it runs */
	struct store_write write;	/* some of its events */
	bool starting, writing;		/* these are under way */
	bool over;			/* its end is written, by whomever */
	bool held;			/* a function of ours still needs it */
	struct store_items batch;
	struct loop_timer timer;
	struct buf said;		/* what the client is told at once */
};

static void let_go(struct background *b)
{
	if (b->runner || b->client || b->starting || b->writing || b->held)
		return;
	store_items_free(&b->batch);
	buf_free(&b->said);
	free(b);
}

static void end_here(struct background *b)
{
	b->over = true;
	running_remove(b->app->running, &b->ear);
	loop_timer_cancel(b->app->loop, &b->timer);
}

/* --- events into the store --- */

/* Nobody waits for the answer any more. */
static void stop(struct background *b)
{
	struct stream *s = b->runner;

	end_here(b);
	if (!s || s->step == STEP_OVER)
		return;
	conn_abort(s->conn);
	stream_client_gone(s);
}

static void write_batch(struct background *b)
{
	loop_timer_cancel(b->app->loop, &b->timer);
	if (b->writing || b->over || !b->batch.count)
		return;
	b->writing = true;
	store_events(b->app->store, &b->write, b->ear.caller, b->id, &b->batch);
}

static void on_write_timer(struct loop_timer *t)
{
	write_batch(CONTAINER_OF(t, struct background, timer));
}

static void on_written(struct store_write *w)
{
	struct background *b = CONTAINER_OF(w, struct background, write);
	struct stream *s = b->runner;

	b->writing = false;
	b->held = true;
	if (w->err && !b->over && s) {
		if (w->err != ERR_NOT_STORED)
			log_msg(b->app->log, LOG_ERROR, "background",
				"%s is given up: %s", b->id, w->note.why);
		stop(b);
	} else if (!b->over && s && s->conn) {
		if (b->batch.text.len >= WRITE_FROM)
			write_batch(b);
		conn_flush(s->conn);	/* what was refused meanwhile */
	}
	b->held = false;
	let_go(b);
}

/* One event without its blank line, or a comment, which nobody needs later. */
static void take_event(struct background *b, struct span event)
{
	if (event.len && *event.ptr != ':')
		store_items_add(&b->batch, true, SPAN(""), event);
}

static void take_events(struct background *b, struct span bytes)
{
	const char *end = bytes.ptr + bytes.len, *blank;

	while (bytes.ptr < end &&
	       (blank = memmem(bytes.ptr, (size_t)(end - bytes.ptr), "\n\n", 2))) {
		take_event(b, (struct span){ bytes.ptr,
					     (size_t)(blank - bytes.ptr) + 2 });
		bytes.ptr = blank + 2;
	}
}

/* The spool's taker. Events are flushed whole. */
static bool take(void *ctx, struct span bytes)
{
	struct background *b = ctx;

	if (b->over)
		return true;
	if (b->batch.text.len >= MAX_BATCH && b->writing)
		return false;
	take_events(b, bytes);
	if (b->batch.text.len >= WRITE_FROM)
		write_batch(b);
	else if (b->batch.count && !loop_timer_is_set(&b->timer))
		loop_timer_in(b->app->loop, &b->timer, WRITE_US);
	return true;
}

static void on_news(struct running_ear *ear, bool ended)
{
	struct background *b = CONTAINER_OF(ear, struct background, ear);

	if (!ended || b->over)
		return;
	b->held = true;
	stop(b);
	b->held = false;
	let_go(b);
}

/* --- its end --- */

/* The last event, which the client of a stream would have got. */
static void say_end(struct stream *s, struct buf *out)
{
	const struct event *end = keep_held(s);
	struct fault f = answer_fault(&s->note, s->req->id);

	s->emitter.terms = &s->terms;	/* upstream may never have answered */
	if (end)
		s->terms.tongue->emit(&s->emitter, out, end);
	if (s->note.code)
		s->terms.tongue->error_event(&s->emitter, out, &f);
}

bool background_runs(const struct stream *s)
{
	return s->background && s->background->runner == s;
}

bool background_ends(struct stream *s, struct store_record *r)
{
	struct background *b = s->background;
	struct buf end;

	if (!background_runs(s))
		return true;
	if (b->over)
		return false;
	buf_init(&end, MAX_STORE_RECORD);
	say_end(s, &end);
	if (s->conn)
		conn_flush(s->conn);	/* what came before it */
	take_events(b, buf_span(&end));
	buf_free(&end);
	r->background = true;
	store_items_free(&r->events);
	r->events = b->batch;
	store_items_init(&b->batch, MAX_STORE_RECORD, MAX_STORE_EVENTS);
	end_here(b);
	return true;
}

void background_free(struct stream *s)
{
	struct background *b = s->background;

	s->background = NULL;
	if (!b)
		return;
	if (b->client == s)
		b->client = NULL;
	if (b->runner == s) {
		end_here(b);
		b->runner = NULL;
	}
	let_go(b);
}

/* --- its beginning --- */

/* The client hears that it runs, or follows it. */
static void tell_client(struct background *b)
{
	struct stream *s = b->client;

	b->client = NULL;
	s->background = NULL;
	if (s->terms.stream) {
		follow_begin(s, span_of(b->id), -1);
	} else {
		answer_begin(s, 200, "application/json");
		buf_span_add(conn_body(s->conn), buf_span(&b->said));
		stream_done(s);
	}
	stream_settle(s);
}

static void refuse(struct background *b, const struct err_note *note)
{
	struct stream *s = b->runner, *client = b->client;

	end_here(b);
	if (s && s->step != STEP_OVER) {
		s->note = *note;
		stream_fail(s);
		stream_settle(s);
	}
	if (!client || client->step == STEP_OVER)
		return;
	client->note = *note;
	stream_fail(client);
	stream_settle(client);
}

static void on_first(struct store_write *w)
{
	struct background *b = CONTAINER_OF(w, struct background, first);
	struct stream *s = b->runner;

	b->starting = false;
	b->held = true;
	if (w->err) {
		refuse(b, &w->note);
	} else if (s && s->step != STEP_OVER) {
		running_add(b->app->running, &b->ear);
		if (b->client && b->client->step != STEP_OVER)
			tell_client(b);
		attempt_start(s);
		stream_settle(s);
	}
	b->held = false;
	let_go(b);
}

/* What is found from now on: as it runs. */
static void first_body(const struct stream *s, const char *status, struct buf *out)
{
	responses_object(&s->terms, out, &(struct responses_said){
		.id = span_of(s->terms.id), .model = span_of(s->terms.model),
		.status = span_of(status),
	});
}

static struct store_record *first_record(const struct stream *s)
{
	struct memory *m = s->terms.memory;
	struct store_record *r = store_record_new();

	if (!r)
		return NULL;
	text_copy(r->caller, sizeof(r->caller), span_of(keep_caller(s)));
	text_copy(r->id, sizeof(r->id), span_of(s->terms.id));
	memcpy(r->previous, m->previous, sizeof(r->previous));
	memcpy(r->conversation, m->conversation, sizeof(r->conversation));
	text_copy(r->model, sizeof(r->model), span_of(s->terms.model));
	store_owner(r->owner);
	r->created_s = s->terms.created;
	r->status = STORE_IN_PROGRESS;
	r->background = true;
	first_body(s, "\"in_progress\"", &r->body);
	for (size_t i = 0; i < m->given.count; i++)
		store_items_add(&r->items, false, store_item_id(&m->given, i),
				store_item_json(&m->given, i));
	return r;
}

/* What the one that runs needs of the one that asked. */
static void hand_over(struct stream *from, struct stream *to)
{
	to->route = from->route;
	to->terms = from->terms;
	to->payload = from->payload;
	memcpy(to->session, from->session, sizeof(to->session));
	memcpy(to->key, from->key, sizeof(to->key));
	memcpy(to->caller, from->caller, sizeof(to->caller));
	memcpy(to->caller_name, from->caller_name, sizeof(to->caller_name));
	to->own = from->own;
	buf_init(&from->payload, 0);
	terms_init(&from->terms);
	from->terms.tongue = to->terms.tongue;
	from->terms.created = to->terms.created;
	from->terms.stream = to->terms.stream;
	memcpy(from->terms.id, to->terms.id, sizeof(from->terms.id));
	buf_span_add(&from->terms.dropped, buf_span(&to->terms.dropped));
	to->terms.stream = true;
}

static struct background *background_new(struct stream *s)
{
	struct background *b = calloc(1, sizeof(*b));
	struct request *req = request_copy(s->req);
	struct conn *conn = b && req ? conn_spool(s->app->wire, take, b) : NULL;
	struct stream *runner = conn ? stream_new(s->app, conn, req) : NULL;

	if (!runner) {
		if (conn)
			conn_abort(conn);
		request_free(req);
		free(b);
		return NULL;
	}
	b->app = s->app;
	b->client = s;
	b->runner = runner;
	s->background = runner->background = b;
	b->first.done = on_first;
	b->write.done = on_written;
	b->timer.fn = on_write_timer;
	b->ear = (struct running_ear){ .news = on_news, .id = b->id };
	store_items_init(&b->batch, MAX_STORE_RECORD, MAX_STORE_EVENTS);
	buf_init(&b->said, MAX_OUT);
	return b;
}

bool background_wanted(const struct stream *s)
{
	return s->terms.memory && s->terms.memory->background;
}

static enum err may_run(struct stream *s)
{
	size_t own, all;

	if (!s->app->running)
		return err_at(&s->note, ERR_BAD_REQUEST, "background",
			      "'background' cannot be had: this gateway answers one "
			      "request and ends.");
	if (!s->terms.memory->store)
		return err_set(&s->note, ERR_STORE, "the store is off");
	all = running_count(s->app->running, keep_caller(s), &own);
	if (all >= MAX_BACKGROUND || own >= MAX_BACKGROUND_CALLER)
		return err_tell(&s->note, ERR_BUSY, "Too many responses run in the "
				"background (%zu of yours): wait for one of them, "
				"or cancel it.", own);
	return ERR_NONE;
}

void background_start(struct stream *s)
{
	struct background *b = NULL;
	struct store_record *r;

	if (may_run(s)) {
		stream_fail(s);
		return;
	}
	text_copy(s->terms.memory->id, sizeof(s->terms.memory->id),
		  span_of(s->terms.id));
	b = background_new(s);
	if (!b) {
		err_set(&s->note, ERR_NO_MEMORY, "a response in the background");
		stream_fail(s);
		return;
	}
	text_copy(b->id, sizeof(b->id), span_of(s->terms.id));
	hand_over(s, b->runner);
	b->ear.caller = keep_caller(b->runner);
	first_body(b->runner, "\"queued\"", &b->said);
	r = first_record(b->runner);
	b->starting = true;
	if (r) {
		store_put(b->app->store, &b->first, STORE_ALWAYS, r);
		return;
	}
	b->first.note = ERR_NOTE_INIT;
	b->first.err = err_set(&b->first.note, ERR_NO_MEMORY, "a stored response");
	on_first(&b->first);
}
