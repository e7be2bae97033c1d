/*
 * relay.c - upstream's bytes to the client's: sse, decode, filter, and then
 * the tongue for a stream or the collector for a whole answer.
 *
 * Nothing is sent before the first semantic event (or the first heartbeat):
 * until then a failure has a real status and may be tried again. With that
 * event the request's own text is let go.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "answer.h"
#include "keep.h"
#include "retry.h"
#include "stream.h"

/* More than that is not gathered before it is sent. */
#define FLUSH_FROM (16u << 10)

static void open_reply(struct stream *s)
{
	if (conn_begun(s->conn))
		return;
	answer_begin(s, 200, s->terms.tongue->stream_type);
	s->emitter.terms = &s->terms;
}

struct old_text {
	struct loop_job job;
	struct buf text;
};

static void old_work(struct loop_job *job)
{
	buf_free(&CONTAINER_OF(job, struct old_text, job)->text);
}

static void old_done(struct loop_job *job)
{
	free(CONTAINER_OF(job, struct old_text, job));
}

/* Giving megabytes back to the system takes milliseconds: in a thread. */
static void drop_payload(struct stream *s)
{
	struct old_text *old = NULL;

	if (s->payload.len > INLINE_PARSE)
		old = calloc(1, sizeof(*old));
	if (old) {
		old->job.work = old_work;
		old->job.done = old_done;
		old->text = s->payload;
		old->job.heavy = old->text.len > HEAVY_TEXT;
		if (loop_submit(s->app->loop, LANE_WORK, &old->job))
			buf_init(&s->payload, 0);
		else
			free(old);
	}
	buf_free(&s->payload);
	buf_init(&s->payload, 0);
}

/* Who answers before it has read all of the request gets the rest of it. */
static bool payload_is_free(const struct stream *s)
{
	return s->semantic && s->payload.len &&
	       (!s->call || http_body_sent(s->call));
}

/* There is no other attempt: what was kept for it goes. The head of a whole
 * answer, still to be said, needs the client's parameters. */
static void let_go(struct stream *s)
{
	s->semantic = true;
	retry_over(s);
	s->first_us = loop_now(s->app->loop);
	s->terms.first_us = clock_mono_us();
	if (!s->answer)
		request_let_go(s->req);
	if (payload_is_free(s))
		drop_payload(s);
	attempt_forget(s);
}

/* What leaves at once. Who gets upstream's own events gets the first one when
 * it comes, and private ones if they are wanted. */
static bool is_said(const struct stream *s, const struct event *ev)
{
	if (event_is_semantic(ev) || s->semantic)
		return true;
	return ev->source && !s->answer &&
	       (ev->kind == EVENT_START ||
		(ev->kind == EVENT_OTHER && s->terms.private_events));
}

/* The tongue says it if it has said anything, in upstream's words if it can. */
static enum err failed(struct stream *s, const struct event *ev)
{
	if (ev->source && s->semantic && !s->answer && !keep_hold(s, ev))
		s->terms.tongue->emit(&s->emitter, conn_body(s->conn), ev);
	s->note = *ev->note;
	return s->note.code;
}

/* The last of the chain: one event, to the client or to the collector. */
static enum err sink(void *ctx, const struct event *ev)
{
	struct stream *s = ctx;
	struct buf *out;

	if (ev->kind == EVENT_FAILED)
		return failed(s, ev);
	if (ev->kind == EVENT_START && ev->model.len)
		text_copy(s->upstream_model, sizeof(s->upstream_model), ev->model);
	if (ev->kind == EVENT_DONE) {
		s->done = true;
		s->usage = ev->usage;
		s->terms.done_us = clock_mono_us();
	}
	if (ev->kind == EVENT_START)
		keep_begun(s, ev);
	if (!is_said(s, ev))
		return ERR_NONE;
	if (!s->answer)
		open_reply(s);
	if (!s->semantic)
		let_go(s);
	if (s->answer)
		return collect_event(s->answer, ev);
	if (s->done && keep_hold(s, ev))
		return ERR_NONE;
	out = conn_body(s->conn);
	s->terms.tongue->emit(&s->emitter, out, ev);
	return buf_err(out) == ERR_TOO_LARGE ? ERR_UPSTREAM_GARBLED : buf_err(out);
}

enum err relay_sse(void *ctx, struct span name, struct span data)
{
	struct stream *s = ctx;

	if (s->done)
		return ERR_NONE;	/* nothing counts behind the end */
	if (s->big)
		return big_queue(s, name, data) ? ERR_NONE : ERR_NO_MEMORY;
	if (data.len > INLINE_EVENT &&
	    (s->terms.tongue->passes || !decode_skips(name)))
		return big_start(s, name, data) ? ERR_NONE : ERR_NO_MEMORY;
	return decode_event(s->decoder, s->app->reader, name, data, &s->note);
}

/* Upstream's own events have nothing to be filtered. */
static struct decoder *new_decoder(struct stream *s)
{
	bool passes = s->terms.tongue->passes;
	struct decoder *d = passes ? decoder_new(sink, s) :
				     decoder_new(filter_event, &s->filter);

	if (d && passes && !decoder_pass(d)) {
		decoder_free(d);
		d = NULL;
	}
	return d;
}

void relay_begin(struct stream *s)
{
	relay_free(s);
	sse_init(&s->sse, MAX_SSE_EVENT, relay_sse, s);
	order_init(&s->order, sink, s);
	if (s->terms.tongue->ordered)
		filter_init(&s->filter, &s->terms, order_event, &s->order);
	else
		filter_init(&s->filter, &s->terms, sink, s);
	s->decoder = new_decoder(s);
	memset(&s->emitter, 0, sizeof(s->emitter));
	s->emitter.terms = &s->terms;
	s->received = 0;
	if (!s->terms.stream) {
		s->answer = calloc(1, sizeof(*s->answer));
		if (s->answer) {
			answer_init(s->answer);
			s->answer->ordered = s->terms.tongue->ordered;
		}
	}
}

void relay_free(struct stream *s)
{
	if (s->decoder) {
		sse_free(&s->sse);
		filter_free(&s->filter);
		order_free(&s->order);
		decoder_free(s->decoder);
		s->decoder = NULL;
	}
	if (s->answer) {
		answer_free(s->answer);
		free(s->answer);
		s->answer = NULL;
	}
}

/* A whole answer is said when all of it is there. */
static void say_whole(struct stream *s)
{
	struct buf *body;

	answer_begin(s, 200, "application/json");
	body = conn_body(s->conn);
	s->terms.tongue->whole(&s->terms, body, s->answer);
	if (buf_err(body)) {
		/* the status is spent and the body broken: end it as broken */
		err_set(&s->note, buf_err(body), "the whole answer");
		s->status = 500;
	}
}

void relay_kept(struct stream *s)
{
	const struct event *end = keep_held(s);

	if (end)
		s->terms.tongue->emit(&s->emitter, conn_body(s->conn), end);
	if (s->answer)
		say_whole(s);
	stream_done(s);
}

static void finish(struct stream *s)
{
	if (s->filter.stopped)
		attempt_stop(s);	/* upstream need not go on */
	if (s->answer && s->terms.tongue->check &&
	    s->terms.tongue->check(s->answer, &s->note))
		stream_fail(s);
	else if (!keep_end(s))
		relay_kept(s);
}

void relay_go_on(struct stream *s, bool ended)
{
	if (s->step == STEP_OVER)
		return;
	if (!s->note.code && s->done) {
		finish(s);
		return;
	}
	if (!s->note.code && ended) {
		err_set(&s->note, ERR_UPSTREAM_BROKE, sse_rest(&s->sse) ?
			"ended inside an event" : "ended without its last event");
	}
	if (s->note.code) {
		stream_fail(s);
		return;
	}
	if (s->terms.stream && conn_pending(s->conn)) {
		s->told_us = loop_now(s->app->loop);
		if (conn_pending(s->conn) >= FLUSH_FROM)
			conn_flush(s->conn);
		else
			loop_after(s->app->loop, &s->flush);
	}
}

/* One read may bring many events, each told by itself: they leave together. */
void relay_flush(struct loop_after *a)
{
	conn_flush(CONTAINER_OF(a, struct stream, flush)->conn);
}

bool relay_bytes(struct stream *s, struct span bytes)
{
	enum err code;

	if (s->big)
		http_hold_long(s->call);
	if (s->big || conn_full(s->conn))
		return false;
	s->received += bytes.len;
	if (payload_is_free(s))
		drop_payload(s);
	if (!s->decoder || (!s->terms.stream && !s->answer)) {
		err_set(&s->note, ERR_NO_MEMORY, "no decoder");
	} else if (s->received > MAX_STREAM) {
		err_set(&s->note, ERR_UPSTREAM_GARBLED, "an endless answer");
	} else {
		code = sse_push(&s->sse, bytes);
		if (code)
			err_set(&s->note, code, "event too large or unreadable");
	}
	relay_go_on(s, false);
	return true;
}

void relay_end(struct stream *s)
{
	if (!s->big)
		relay_go_on(s, true);
}

void relay_at_once(struct stream *s)
{
	relay_begin(s);
	if (!s->decoder || (!s->terms.stream && !s->answer)) {
		err_set(&s->note, ERR_NO_MEMORY, "no decoder");
		stream_fail(s);
		return;
	}
	sink(s, &(struct event){ .kind = EVENT_DONE });
	finish(s);
}

void relay_heartbeat(struct stream *s)
{
	const struct tongue *tongue = s->terms.tongue;

	open_reply(s);
	/* what waits to be read is sign of life enough */
	if (conn_full(s->conn))
		;
	else if (tongue->beat)
		tongue->beat(&s->emitter, conn_body(s->conn));
	else
		buf_str(conn_body(s->conn), tongue->heartbeat);
	conn_flush(s->conn);
	s->told_us = loop_now(s->app->loop);
}
