/*
 * ws_message.c - a message becomes a request to the handler.
 *
 * A large one is read in a thread. What the connection remembers goes with it
 * and comes back: there is one response at a time, so nobody misses it.
 */
#include "../../shared/text.h"
#include "ws_private.h"

struct ws_reading {
	struct loop_job job;
	struct ws_conn *c;		/* NULL: it has gone */
	struct ws_create create;
};

static void reading_free(struct ws_reading *r)
{
	ws_create_free(&r->create);
	free(r);
}

void ws_reading_forget(struct ws_conn *c)
{
	if (c->reading)
		c->reading->c = NULL;
	c->reading = NULL;
	c->reading_size = 0;
}

bool ws_hand_over(struct ws_conn *c, struct request *req)
{
	struct conn *v = conn_new(&c->ws->wire, -1);

	if (!v) {
		request_free(req);
		return false;
	}
	v->raw = true;
	v->way = ws_turn_way();
	v->over = c;
	v->req = req;
	c->v = v;
	conn_hand_over(v);
	return true;
}

static void say_wrong(struct ws_conn *c, const struct err_note *note)
{
	struct buf frame;

	buf_init(&frame, 8192);
	ws_put_wrong(&frame, note);
	frames_text(c->frames, &c->out, buf_span(&frame));
	buf_free(&frame);
	ws_push(c);
}

static void say_busy(struct ws_conn *c)
{
	struct err_note note = ERR_NOTE_INIT;

	err_tell(&note, ERR_BAD_REQUEST, "One response at a time: %.100s is not "
		 "complete yet. Wait for its last event, or open another "
		 "connection.", c->id[0] ? c->id : "the one before");
	text_copy(note.ucode, sizeof(note.ucode), SPAN("response_in_progress"));
	say_wrong(c, &note);
}

static void say_no_memory(struct ws_conn *c)
{
	struct err_note note = ERR_NOTE_INIT;

	err_tell(&note, ERR_NO_MEMORY, "The gateway is out of memory: try again.");
	say_wrong(c, &note);
}

static void begin_response(struct ws_conn *c, struct ws_create *create)
{
	struct request *req = ws_head_again(&c->shake, buf_span(&create->further));

	if (!req) {
		say_no_memory(c);
		return;
	}
	buf_free(&req->body);
	req->body = create->body;
	buf_init(&create->body, 0);
	ws_turn_free(c);
	ws_turn_begin(c);
	c->input = create->input;
	buf_init(&create->input, 0);
	c->chained = create->chained;
	if (!ws_hand_over(c, req))
		say_no_memory(c);
}

/* It has been read. */
static void reading_over(struct ws_reading *r)
{
	struct ws_create *create = &r->create;
	struct ws_conn *c = r->c;

	if (!c) {
		reading_free(r);
		return;
	}
	ws_reading_forget(c);
	ws_memory_free(&c->memory);
	c->memory = create->memory;
	ws_memory_init(&create->memory);
	c->heard_us = loop_now(c->ws->wire.loop);
	switch (create->wants) {
	case WS_WANTS_RESPONSE:
		begin_response(c, create);
		break;
	case WS_WANTS_NOTHING:
		break;
	case WS_IS_WRONG:
		say_wrong(c, &create->note);
		break;
	case WS_IS_NO_TEXT:
		ws_close(c, WS_BAD_TEXT, "text that is not UTF-8");
		ws_linger(c);
		break;
	}
	reading_free(r);
	ws_idle_or_close(c);
	ws_watch(c);
}

static void job_work(struct loop_job *job)
{
	ws_create_read(&CONTAINER_OF(job, struct ws_reading, job)->create);
}

static void job_done(struct loop_job *job)
{
	struct ws_reading *r = CONTAINER_OF(job, struct ws_reading, job);
	struct ws_conn *c = r->c;
	struct wire *w;

	if (!c) {
		reading_free(r);
		return;
	}
	w = &c->ws->wire;
	wire_enter(w);
	reading_over(r);
	ws_wake(c);
	wire_leave(w);
}

void ws_message(struct ws_conn *c, struct span text)
{
	struct ws_reading *r;

	if (c->v || c->reading) {
		if (text.len > INLINE_PARSE || !ws_is_processed(text))
			say_busy(c);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		say_no_memory(c);
		return;
	}
	r->c = c;
	ws_create_init(&r->create);
	frames_take(c->frames, &r->create.text);
	r->create.memory = c->memory;
	ws_memory_init(&c->memory);
	c->reading_size = text.len + ws_memory_size(&r->create.memory);
	c->reading = r;
	if (c->reading_size <= INLINE_PARSE) {
		ws_create_read(&r->create);
		reading_over(r);
		return;
	}
	r->job = (struct loop_job){ .work = job_work, .done = job_done,
				    .heavy = c->reading_size > HEAVY_TEXT };
	ws_watch(c);
	if (!loop_submit(c->ws->wire.loop, LANE_WORK, &r->job)) {
		ws_reading_forget(c);
		reading_free(r);
		say_no_memory(c);
	}
}
