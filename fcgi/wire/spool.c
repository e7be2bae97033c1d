/*
 * spool.c - an answer that goes to no peer, behind the face of conn.h.
 *
 * It has no descriptor, and its head is thrown away; what is flushed is offered
 * to its taker until that takes it, and counts as pending meanwhile.
 */
#include "wire_private.h"

/* over tells that the head has gone. False: it is not ended yet. */
static bool drop_head(struct conn *c)
{
	const char *end;

	if (c->over || !c->begun)
		return true;
	end = memmem(c->out.ptr, c->out.len, "\r\n\r\n", 4);
	if (!end)
		return false;
	buf_drop(&c->out, (size_t)(end - c->out.ptr) + 4);
	c->over = c;
	return true;
}

static void spool_flush(struct conn *c)
{
	if (drop_head(c) && c->out.len && !buf_err(&c->out) &&
	    c->take(c->take_ctx, buf_span(&c->out)))
		buf_free(&c->out);
	if (c->was_full && conn_pending(c) < OUT_LOW_WATER)
		loop_timer_in(c->wire->loop, &c->soon, 0);
}

/* Who has said all there is does not wait for the rest. */
static void spool_end(struct conn *c)
{
	spool_flush(c);
	conn_close(c);
}

static void spool_abort(struct conn *c)
{
	(void)c;
}

static size_t spool_pending(const struct conn *c)
{
	(void)c;
	return 0;		/* all of it is in out */
}

static bool spool_is_socket(const struct conn *c)
{
	(void)c;
	return false;
}

struct conn *conn_spool(struct wire *w, conn_take_fn take, void *ctx)
{
	static const struct conn_way way = {
		.flush = spool_flush, .end = spool_end, .abort = spool_abort,
		.pending = spool_pending, .is_socket = spool_is_socket,
	};
	struct conn *c = conn_new(w, -1);

	if (!c)
		return NULL;
	c->raw = true;
	c->way = &way;
	c->take = take;
	c->take_ctx = ctx;
	c->phase = PHASE_WHOLE;
	conn_move(c, CONN_ANSWERING);
	return c;
}
