/*
 * relay_big.c - an event too large to be parsed on the loop.
 *
 * Its bytes are copied, parsed in a thread, decoded on the loop when they are
 * back, and the tree is let go in the thread again. Meanwhile upstream is held;
 * what came with the same bytes behind the event waits in a queue.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "stream.h"

struct big_event {
	struct loop_job job;
	struct stream *s;
	struct buf text;
	struct json_object *root;
	bool passes;			/* the tongue passes events on: */
	struct decode_look *look;	/* in place of root */
	struct err_note note;
	struct buf queue;		/* SSE text of the events behind it */
};

static void big_free(struct big_event *big)
{
	json_object_put(big->root);
	decode_look_free(big->look);
	buf_free(&big->text);
	buf_free(&big->queue);
	free(big);
}

static void parse_work(struct loop_job *job)
{
	struct big_event *big = CONTAINER_OF(job, struct big_event, job);

	if (big->passes)
		big->look = decode_look(buf_span(&big->text));
	else
		big->root = json_parse(buf_span(&big->text), &big->note);
}

static void drop_work(struct loop_job *job)
{
	struct big_event *big = CONTAINER_OF(job, struct big_event, job);

	json_object_put(big->root);
	decode_look_free(big->look);
	big->root = NULL;
	big->look = NULL;
}

static void drop_done(struct loop_job *job)
{
	big_free(CONTAINER_OF(job, struct big_event, job));
}

/* The events behind it, in their order. They are small. */
static void push_queue(struct stream *s, struct big_event *big)
{
	struct sse p;
	enum err code;

	sse_init(&p, MAX_SSE_EVENT, relay_sse, s);
	code = sse_push(&p, buf_span(&big->queue));
	if (code)
		err_set(&s->note, code, "behind a large event");
	sse_free(&p);
}

static enum err big_told(struct stream *s, struct big_event *big)
{
	if (big->look)
		return decode_looked(s->decoder, big->look, &s->note);
	if (big->root)
		return decode_object(s->decoder, big->root, buf_span(&big->text),
				     &s->note);
	return err_set(&s->note, big->passes ||
		       big->note.code == ERR_NO_MEMORY ? ERR_NO_MEMORY :
		       ERR_UPSTREAM_GARBLED, "%s", big->note.why);
}

/* How the transfer ended meanwhile counts only if the events were not the
 * answer's last. */
static void decode_big(struct stream *s, struct big_event *big)
{
	struct err_note ended = s->note;

	s->note = ERR_NOTE_INIT;
	if (!big_told(s, big))
		push_queue(s, big);
	if (!s->note.code && !s->done)
		s->note = ended;
}

/* Also behind the answer's end: the rest is read so that the connection can
 * serve another call. */
static void big_resume(struct stream *s)
{
	if (!s->held || !s->call || (s->step == STEP_RELAY && conn_full(s->conn)))
		return;
	s->held = false;
	s->heard_us = loop_now(s->app->loop);
	if (s->step != STEP_OVER)
		stream_watch(s);
	http_resume(s->call);
}

static void parse_done(struct loop_job *job)
{
	struct big_event *big = CONTAINER_OF(job, struct big_event, job);
	struct stream *s = big->s;
	struct loop *loop = s->app->loop;

	s->big = NULL;
	if (s->step != STEP_OVER) {
		decode_big(s, big);
		relay_go_on(s, s->call == NULL);
		big_resume(s);
	}
	stream_settle(s);
	big->job.heavy = big->text.len > HEAVY_TEXT;
	big->job.work = drop_work;
	big->job.done = drop_done;
	if (!loop_submit(loop, LANE_WORK, &big->job))
		big_free(big);
}

bool big_start(struct stream *s, struct span name, struct span data)
{
	struct big_event *big = calloc(1, sizeof(*big));

	(void)name;		/* the type inside decides */
	if (!big)
		return false;
	big->s = s;
	big->passes = s->terms.tongue->passes;
	big->note = ERR_NOTE_INIT;
	big->job.work = parse_work;
	big->job.done = parse_done;
	buf_init(&big->text, MAX_SSE_EVENT + 1);
	buf_init(&big->queue, INLINE_EVENT * 2);
	buf_span_add(&big->text, data);
	if (buf_err(&big->text) || !loop_submit(s->app->loop, LANE_WORK, &big->job)) {
		big_free(big);
		return false;
	}
	s->big = big;
	return true;
}

bool big_queue(struct stream *s, struct span name, struct span data)
{
	struct buf *q = &s->big->queue;

	buf_str(q, "event: ");
	buf_span_add(q, name);
	buf_str(q, "\ndata: ");
	for (size_t i = 0; i < data.len; i++) {
		buf_char(q, data.ptr[i]);
		if (data.ptr[i] == '\n')
			buf_str(q, "data: ");
	}
	buf_str(q, "\n\n");
	return !buf_err(q);
}
