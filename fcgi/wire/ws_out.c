/*
 * ws_out.c - one WebSocket connection: bytes out, its time limits, its end.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ws_private.h"

/* An emptied buffer is given back when more than this went through it. */
#define KEEP_BUFFER	4096
#define MOVE_FROM	(256u << 10)

size_t ws_pending(const struct ws_conn *c)
{
	return c->out.len - c->out_off;
}

/* --- the end */

void ws_conn_free(struct ws_conn *c)
{
	link_del(&c->link);
	frames_free(c->frames);
	ws_turn_free(c);
	ws_memory_free(&c->memory);
	buf_free(&c->early);
	buf_free(&c->out);
	if (c->shake.params)
		explicit_bzero(c->shake.params, c->shake.params_len);
	free(c->shake.params);
	free(c);
}

void ws_dead(struct ws_conn *c)
{
	struct ws *ws = c->ws;
	struct conn *v = c->v;

	if (c->state == WS_DEAD)
		return;
	c->state = WS_DEAD;
	ws->count--;
	ws->kept -= c->counted;
	c->counted = 0;
	c->v = NULL;
	if (v)			/* at the end of the process */
		conn_close(v);
	ws_reading_forget(c);
	loop_timer_cancel(ws->wire.loop, &c->limit);
	loop_timer_cancel(ws->wire.loop, &c->soon);
	loop_fd_close(ws->wire.loop, &c->f);
	link_del(&c->link);
	link_add(&ws->dead, &c->link);
	/* who runs now may still look at it */
	loop_timer_in(ws->wire.loop, &ws->reaper, 0);
}

void ws_drop_request(struct ws_conn *c)
{
	struct conn *v = c->v;

	c->v = NULL;
	if (v)
		conn_lost(v);
	ws_reading_forget(c);
}

/* They have gone. */
void ws_lost(struct ws_conn *c)
{
	ws_drop_request(c);
	ws_dead(c);
}

bool ws_count(struct ws_conn *c)
{
	size_t holds = ws_memory_size(&c->memory) + c->input.len + c->end.len +
		       c->reading_size + (c->frames ? frames_half(c->frames) : 0);

	c->ws->kept = c->ws->kept - c->counted + holds;
	c->counted = holds;
	return c->ws->kept <= c->ws->limits.kept;
}

/* --- out */

static void tidy(struct ws_conn *c)
{
	if (!ws_pending(c)) {
		if (c->out.len > KEEP_BUFFER)
			buf_free(&c->out);
		else
			buf_reset(&c->out);
		c->out_off = 0;
	} else if (c->out_off >= MOVE_FROM && c->out_off > c->out.len / 2) {
		buf_drop(&c->out, c->out_off);
		c->out_off = 0;
	}
}

bool ws_is_stuffed(const struct ws_conn *c)
{
	return ws_pending(c) > OUT_HIGH_WATER;
}

static void listen_for(struct ws_conn *c)
{
	uint32_t events = EPOLLRDHUP;

	if (c->state == WS_LINGER && c->eof)
		events = 0;
	if (!ws_is_stuffed(c) && !c->eof)
		events |= EPOLLIN;
	if (ws_pending(c))
		events |= EPOLLOUT;
	if (!loop_fd_mod(c->ws->wire.loop, &c->f, events))
		c->broken = true;
}

void ws_push(struct ws_conn *c)
{
	while (c->state != WS_DEAD && !c->broken && ws_pending(c)) {
		ssize_t n = send(c->f.fd, c->out.ptr + c->out_off, ws_pending(c),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			c->out_off += (size_t)n;
			c->moved_us = loop_now(c->ws->wire.loop);
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			c->broken = true;
		}
	}
	if (c->state == WS_DEAD)
		return;
	/* past its ceiling, or no memory: a frame is cut */
	c->broken |= buf_err(&c->out) != ERR_NONE;
	tidy(c);
	if (c->state == WS_LINGER && !ws_pending(c) && !c->shut) {
		shutdown(c->f.fd, SHUT_WR);
		c->shut = true;
	}
	if (!c->broken)
		listen_for(c);
	if (c->broken || (c->shut && c->eof) ||
	    (c->v && c->v->was_full && ws_pending(c) < OUT_LOW_WATER))
		ws_wake(c);
}

/* Nothing is said any more. */
void ws_linger(struct ws_conn *c)
{
	c->state = WS_LINGER;
	if (!c->closed_us)
		c->closed_us = loop_now(c->ws->wire.loop);
	ws_push(c);
	ws_watch(c);
}

void ws_close(struct ws_conn *c, unsigned code, const char *why)
{
	if (c->state != WS_OPEN)
		return;
	frames_close(c->frames, &c->out, code, why);
	c->closed_us = loop_now(c->ws->wire.loop);
	c->state = WS_CLOSING;
	ws_push(c);
	ws_watch(c);
}

void ws_idle_or_close(struct ws_conn *c)
{
	if (c->v || c->reading)
		return;
	if (c->aged && c->state == WS_OPEN) {
		struct err_note note = ERR_NOTE_INIT;
		struct buf frame;

		err_tell(&note, ERR_BAD_REQUEST, "This connection has reached its "
			 "age of 60 minutes: open a new one.");
		memcpy(note.ucode, "websocket_connection_limit_reached",
		       sizeof("websocket_connection_limit_reached"));
		buf_init(&frame, 4096);
		ws_put_wrong(&frame, &note);
		frames_text(c->frames, &c->out, buf_span(&frame));
		buf_free(&frame);
		ws_close(c, WS_NORMAL, "too old");
	} else if (c->ws->draining && c->state == WS_OPEN) {
		ws_close(c, WS_GOING_AWAY, "the gateway is being stopped");
	} else if (c->ws->draining && c->state == WS_HEAD && !c->early.len) {
		ws_dead(c);
	}
}

/* --- time */

static int64_t limit_of(const struct ws_conn *c)
{
	const struct ws_limits *l = &c->ws->limits;
	int64_t age = c->begun_us + l->age_ms * 1000, at = INT64_MAX;

	switch (c->state) {
	case WS_HEAD:
		return c->begun_us + l->head_ms * 1000;
	case WS_CLOSING:
	case WS_LINGER:
		return c->closed_us + l->close_ms * 1000;
	case WS_OPEN:
		break;
	default:
		return at;
	}
	if (!c->v && !c->reading)
		at = ws_pending(c) ? c->moved_us + (int64_t)MAX_PEER_SILENCE_MS * 1000 :
				     c->heard_us + l->idle_ms * 1000;
	return !c->aged && age < at ? age : at;
}

void ws_watch(struct ws_conn *c)
{
	int64_t at = limit_of(c);

	if (at == INT64_MAX)
		loop_timer_cancel(c->ws->wire.loop, &c->limit);
	else
		loop_timer_set(c->ws->wire.loop, &c->limit, at);
}

void ws_limit(struct loop_timer *t)
{
	struct ws_conn *c = CONTAINER_OF(t, struct ws_conn, limit);
	int64_t now = loop_now(c->ws->wire.loop);
	struct wire *w = &c->ws->wire;

	wire_enter(w);
	if (now < limit_of(c)) {
		ws_watch(c);
	} else if (c->state != WS_OPEN) {
		ws_lost(c);
	} else if (!c->aged && now >= c->begun_us + c->ws->limits.age_ms * 1000) {
		c->aged = true;
		ws_idle_or_close(c);
		ws_watch(c);
	} else if (ws_pending(c)) {
		ws_lost(c);
	} else {
		ws_close(c, WS_NORMAL, "nothing was asked for long");
	}
	wire_leave(w);
}
