/* play.c - an answer as a list of steps; see upstream.h. */
#include "../../shared/clock.h"
#include "upstream.h"

#define MAX_PLAY	(1u << 30)

struct play *play_new(void)
{
	struct play *p = calloc(1, sizeof(*p));

	if (!p)
		abort();	/* a test that has no memory has failed */
	buf_init(&p->bytes, MAX_PLAY);
	buf_init(&p->steps, MAX_PLAY);
	return p;
}

void play_free(void *play)
{
	struct play *p = play;

	if (!p)
		return;
	buf_free(&p->bytes);
	buf_free(&p->steps);
	free(p);
}

static void add(struct play *p, struct step step)
{
	buf_add(&p->steps, &step, sizeof(step));
}

void play_send(struct play *p, struct span bytes)
{
	add(p, (struct step){ STEP_SEND, p->bytes.len, bytes.len, 0 });
	buf_span_add(&p->bytes, bytes);
}

void play_wait(struct play *p, int64_t us)
{
	if (us > 0)
		add(p, (struct step){ STEP_WAIT, 0, 0, us });
}

void play_add(struct play *p, enum step_kind kind)
{
	add(p, (struct step){ .kind = kind });
}

static void send_step(struct conn *c, const struct play *p, const struct step *s)
{
	struct span bytes = { p->bytes.ptr + s->from, s->len };

	/* the head is the first step and is never a chunk */
	if (p->raw || p->by_length || s->from == 0)
		conn_put(c, bytes);
	else
		conn_chunk(c, bytes);
}

static enum turn play_run(struct conn *c)
{
	struct play *p = c->state;
	struct step s;

	if ((p->at + 1) * sizeof(s) > p->steps.len) {
		if (!p->raw && !p->by_length)
			conn_put(c, SPAN("0\r\n\r\n"));
		return p->raw ? TURN_CLOSE : TURN_DONE;
	}
	memcpy(&s, p->steps.ptr + p->at++ * sizeof(s), sizeof(s));
	switch (s.kind) {
	case STEP_SEND:
		send_step(c, p, &s);
		return TURN_MORE;
	case STEP_WAIT:
		conn_wait(c, s.us);
		return TURN_WAIT;
	case STEP_CLOSE:
		return TURN_CLOSE;
	case STEP_RESET:
		return TURN_RESET;
	case STEP_STALL:
		return TURN_STALL;
	case STEP_END:
		p->at = p->steps.len;
		return TURN_MORE;
	}
	return TURN_DONE;
}

void play_begin(struct conn *c, struct play *p)
{
	conn_play(c, play_run, p, play_free);
}
