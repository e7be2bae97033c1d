/*
 * ws_conn.c - one WebSocket connection: its begin, and bytes in.
 *
 * Frames are taken from the socket one by one as long as what we have to say
 * is taken as well, and at most MAX_READ_TURN in a turn: who asks and does not
 * read waits, and costs nobody else anything.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ws_private.h"

/* What the frames are read from. */
static size_t on_more(void *ctx, void *to, size_t len)
{
	struct ws_conn *c = ctx;
	size_t early = c->early.len - c->early_off;
	ssize_t n;

	if (early) {
		len = len < early ? len : early;
		memcpy(to, c->early.ptr + c->early_off, len);
		c->early_off += len;
		if (c->early_off == c->early.len)
			buf_free(&c->early), c->early_off = 0;
		return len;
	}
	c->cut = !c->budget;
	if (c->cut || c->eof)
		return 0;
	do {
		n = recv(c->f.fd, to, len < c->budget ? len : c->budget, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		c->budget -= (size_t)n;
		c->heard_us = loop_now(c->ws->wire.loop);
		return (size_t)n;
	}
	c->eof = n == 0 || errno != EAGAIN;
	return 0;
}

static void closed_by_them(struct ws_conn *c, unsigned code)
{
	if (c->state == WS_OPEN) {
		ws_drop_request(c);
		frames_close(c->frames, &c->out, code, "");
	}
	ws_linger(c);
}

static void on_frame(struct ws_conn *c, enum frames_event ev,
		     const struct frames_got *got)
{
	if (ev == FRAMES_CLOSE) {
		closed_by_them(c, got->code);
	} else if (ev == FRAMES_BAD) {
		ws_drop_request(c);
		ws_close(c, got->code, got->why);
		ws_linger(c);
	} else if (c->state == WS_OPEN && ev == FRAMES_TEXT) {
		ws_message(c, got->text);
	} else if (c->state == WS_OPEN && ev == FRAMES_PING) {
		frames_pong(c->frames, &c->out, got->text);
		ws_push(c);
	}
}

static void read_frames(struct ws_conn *c)
{
	struct frames_got got;
	enum frames_event ev;

	while ((c->state == WS_OPEN && !ws_is_stuffed(c)) || c->state == WS_CLOSING) {
		ev = frames_next(c->frames, &got);
		if (ev == FRAMES_NONE)
			break;
		on_frame(c, ev, &got);
	}
	if (c->state == WS_OPEN && !ws_count(c)) {
		ws_drop_request(c);
		ws_close(c, WS_LATER, "too much is held here: try again later");
		ws_linger(c);
	}
}

/* Until they have closed; what they still say is nothing to us. */
static void read_away(struct ws_conn *c)
{
	char bytes[4096];

	while (c->budget && !c->eof)
		if (!on_more(c, bytes, sizeof(bytes)))
			break;
}

static void open_handshake(struct ws_conn *c, struct request *req, size_t used)
{
	struct ws *ws = c->ws;

	c->early_off = used;
	if (ws->count > ws->limits.conns && req)
		err_set(&req->note, ERR_BUSY, "%zu connections", ws->count);
	c->state = WS_ASKING;
	ws_watch(c);
	if (!req || !ws_hand_over(c, req))
		ws_dead(c);
}

static void read_head(struct ws_conn *c)
{
	size_t seen, end = 0;
	char *to;

	while (!end && c->early.len <= MAX_REQUEST_HEAD) {
		ssize_t n;

		seen = c->early.len;
		to = buf_room(&c->early, 4096);
		n = to ? recv(c->f.fd, to, 4096, MSG_DONTWAIT) : -1;
		if (n < 0 && to && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			ws_dead(c);
			return;
		}
		buf_wrote(&c->early, (size_t)n);
		end = ws_head_end(buf_span(&c->early), seen);
	}
	if (!end || end > MAX_REQUEST_HEAD)
		open_handshake(c, ws_head_refused(ERR_HEAD_TOO_LARGE), c->early.len);
	else
		open_handshake(c, ws_head_read((struct span){ c->early.ptr, end },
					       &c->shake), end);
}

/* --- events */

static void look(struct ws_conn *c)
{
	struct conn *v;

	c->budget = MAX_READ_TURN;
	c->cut = false;
	if (c->state == WS_HEAD)
		read_head(c);
	if (c->state == WS_OPEN || c->state == WS_CLOSING)
		read_frames(c);
	if (c->state == WS_LINGER)
		read_away(c);
	if (c->state == WS_DEAD)
		return;
	if (c->broken || (c->eof && !(c->state == WS_LINGER && ws_pending(c)))) {
		ws_lost(c);
		return;
	}
	v = c->v;
	if (v && v->was_full && ws_pending(c) < OUT_LOW_WATER) {
		v->was_full = false;
		c->ws->wire.h.drained(c->ws->wire.ctx, v, v->user);
	}
	if (c->state != WS_DEAD && c->cut)
		ws_wake(c);
}

void ws_wake(struct ws_conn *c)
{
	if (c->state != WS_DEAD)
		loop_timer_in(c->ws->wire.loop, &c->soon, 0);
}

static void on_soon(struct loop_timer *t)
{
	struct ws_conn *c = CONTAINER_OF(t, struct ws_conn, soon);
	struct wire *w = &c->ws->wire;

	wire_enter(w);
	look(c);
	if (c->state != WS_DEAD)
		ws_push(c);
	wire_leave(w);
}

static void on_conn(struct loop_fd *f, uint32_t events)
{
	struct ws_conn *c = CONTAINER_OF(f, struct ws_conn, f);
	struct wire *w = &c->ws->wire;

	wire_enter(w);
	if (events & EPOLLOUT)
		ws_push(c);
	/* gone, and too much is said to hear it otherwise; or while we answer a
	 * handshake, which is not read from */
	if (events & (EPOLLHUP | EPOLLERR) ||
	    (events & EPOLLRDHUP && (ws_is_stuffed(c) || c->state == WS_ASKING)))
		ws_lost(c);
	else
		look(c);
	if (c->state != WS_DEAD)
		ws_push(c);
	wire_leave(w);
}

bool ws_conn_new(struct ws *ws, int fd)
{
	struct ws_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return false;
	}
	c->ws = ws;
	c->f = (struct loop_fd){ .fd = fd, .fn = on_conn };
	c->limit.fn = ws_limit;
	c->soon.fn = on_soon;
	c->begun_us = c->heard_us = c->moved_us = loop_now(ws->wire.loop);
	buf_init(&c->early, MAX_REQUEST_HEAD + 8192);
	buf_init(&c->out, MAX_OUT + MAX_SSE_EVENT);
	ws_memory_init(&c->memory);
	ws_turn_begin(c);
	link_add(&ws->conns, &c->link);
	ws->count++;
	if (!(c->frames = frames_new(on_more, c, MAX_WS_MESSAGE)) ||
	    !loop_fd_add(ws->wire.loop, &c->f, EPOLLIN | EPOLLRDHUP)) {
		ws_dead(c);
		return false;
	}
	ws_watch(c);
	return true;
}
