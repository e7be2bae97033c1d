/*
 * conn.c - one connection: reading, writing, whose turn it is.
 *
 * A connection reads a request, hands it to route(), and lets the answer run
 * in turns until it is complete; then it looks for the next request. One that
 * dies is only buried after the turn, so nobody holds freed memory.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "upstream.h"

#define READ_PIECE	(64u << 10)
#define MAX_OUT_BYTES	(1u << 30)

static void next_request(struct conn *c);

void conn_kill(struct conn *c)
{
	struct server *srv = c->srv;

	if (c->dead)
		return;
	c->dead = true;
	loop_fd_del(srv->loop, &c->fd);
	loop_timer_cancel(srv->loop, &c->timer);
	close(c->fd.fd);
	if (c->drop)
		c->drop(c->state);
	c->drop = NULL;
	buf_free(&c->in);
	buf_free(&c->out);
	json_object_put(c->record);
	if (c->prev)
		c->prev->next = c->next;
	else
		srv->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->next = srv->grave;
	srv->grave = c;
	loop_timer_in(srv->loop, &srv->bury, 0);
}

void conn_bury(struct server *srv)
{
	struct conn *c;

	while ((c = srv->grave)) {
		srv->grave = c->next;
		free(c);
	}
}

static size_t pending(const struct conn *c)
{
	return c->out.len - c->out_at;
}

/* The peer went before the answer was whole. */
static void lost(struct conn *c)
{
	if (c->run)
		record_end(c, true);
	conn_kill(c);
}

/* Sends what is waiting. False: the peer is gone, the connection is dead. */
static bool flush(struct conn *c)
{
	size_t len;
	ssize_t n;

	while (pending(c) > 0) {
		len = pending(c);
		if (c->cut_every && len > c->cut_every)
			len = c->cut_every;
		n = send(c->fd.fd, c->out.ptr + c->out_at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			lost(c);
			return false;
		}
		c->out_at += (size_t)n;
	}
	if (pending(c) == 0) {
		/* 20,000 of these: an idle one holds no memory */
		if (c->out.size > 1024)
			buf_free(&c->out);
		buf_reset(&c->out);
		c->out_at = 0;
	}
	if (buf_err(&c->out)) {
		conn_kill(c);
		return false;
	}
	loop_fd_mod(c->srv->loop, &c->fd, EPOLLIN | EPOLLRDHUP |
		    (pending(c) ? (uint32_t)EPOLLOUT : 0));
	return true;
}

void conn_put(struct conn *c, struct span bytes)
{
	buf_span_add(&c->out, bytes);
}

void conn_chunk(struct conn *c, struct span bytes)
{
	if (!bytes.len)
		return;
	buf_fmt(&c->out, "%zx\r\n", bytes.len);
	conn_put(c, bytes);
	conn_put(c, SPAN("\r\n"));
}

const char *status_reason(int status)
{
	static const struct { int status; const char *reason; } known[] = {
		{ 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 402, "Payment Required" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 413, "Content Too Large" }, { 429, "Too Many Requests" },
		{ 500, "Internal Server Error" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].reason;
	return "Status";
}

void conn_reply(struct conn *c, int status, struct span body)
{
	buf_fmt(&c->out, "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n"
		"content-length: %zu\r\n%s\r\n", status, status_reason(status),
		body.len, c->close_after ? "connection: close\r\n" : "");
	conn_put(c, body);
}

void conn_reply_json(struct conn *c, int status, struct json_object *v)
{
	struct buf b;

	buf_init(&b, MAX_OUT_BYTES);
	json_write(&b, v);
	buf_char(&b, '\n');
	conn_reply(c, status, buf_span(&b));
	buf_free(&b);
	json_object_put(v);
}

/* FIN, then a moment for the peer to read it and go. */
static void hang_up(struct conn *c)
{
	c->closing = true;
	if (pending(c))
		return;		/* called again when all is sent */
	shutdown(c->fd.fd, SHUT_WR);
	loop_timer_in(c->srv->loop, &c->timer, 2000000);
}

static void reset(struct conn *c)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(c->fd.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_kill(c);
}

static void ended(struct conn *c)
{
	record_end(c, false);
	if (c->drop)
		c->drop(c->state);
	c->drop = NULL;
	c->run = NULL;
	c->state = NULL;
	c->cut_every = 0;
}

/* Lets the answer run as far as it goes. */
static void go_on(struct conn *c)
{
	enum turn turn;

	do {
		if (pending(c) > OUT_HIGH && !flush(c))
			return;
		c->blocked = pending(c) > OUT_HIGH;
		if (c->blocked)
			return;
		turn = c->run(c);
	} while (turn == TURN_MORE);
	if (turn == TURN_DONE || turn == TURN_CLOSE)
		ended(c);
	if (!flush(c))
		return;
	if (turn == TURN_RESET) {
		ended(c);
		reset(c);
	} else if (turn == TURN_CLOSE || (turn == TURN_DONE && c->close_after)) {
		hang_up(c);
	}
}

static void on_timer(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, timer);

	if (c->closing) {
		conn_kill(c);
	} else if (c->run) {
		go_on(c);
		next_request(c);
	}
}

void conn_wait(struct conn *c, int64_t us)
{
	loop_timer_in(c->srv->loop, &c->timer, us);
}

void conn_play(struct conn *c, enum turn (*run)(struct conn *c), void *state,
	       void (*drop)(void *state))
{
	c->run = run;
	c->state = state;
	c->drop = drop;
}

static void handle(struct conn *c, const struct request *req, size_t used)
{
	c->close_after = req->close;
	c->srv->stats.requests++;
	route(c, req);
	buf_drop(&c->in, used);
	c->need = 0;
	c->continued = false;
	if (!c->in.len && c->in.size > 1024)
		buf_free(&c->in);
	if (c->run)
		go_on(c);
	else if (flush(c) && c->close_after)
		hang_up(c);
}

/* Answers what lies there whole, one after the other. */
static void next_request(struct conn *c)
{
	struct request req;
	size_t used;
	bool head_whole;

	while (!c->dead && !c->run && !c->closing && c->in.len > 0 &&
	       c->in.len >= c->need) {
		switch (request_parse(buf_span(&c->in), &req, &used, &head_whole)) {
		case PARSED_WHOLE:
			handle(c, &req, used);
			break;
		case PARSED_BAD:
			c->close_after = true;
			conn_reply(c, 400, SPAN("{\"detail\":\"bad HTTP request\"}"));
			if (flush(c))
				hang_up(c);
			return;
		case PARSED_MORE:
			c->need = used;
			if (head_whole && !c->continued &&
			    text_eq_nocase(request_header(&req, "expect"),
					   "100-continue")) {
				c->continued = true;
				conn_put(c, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
				flush(c);
			}
			return;
		}
	}
}

/* Reads what has come. False: the peer is gone. */
static bool take_in(struct conn *c)
{
	char *room;
	ssize_t n;

	for (;;) {
		room = buf_room(&c->in, c->need > c->in.len + READ_PIECE ?
				c->need - c->in.len : READ_PIECE);
		if (!room)
			return false;
		n = recv(c->fd.fd, room, c->in.size - c->in.len - 1, 0);
		if (n > 0) {
			buf_wrote(&c->in, (size_t)n);
			continue;
		}
		if (!c->in.len)
			buf_free(&c->in);
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
}

static void on_ready(struct loop_fd *f, uint32_t events)
{
	struct conn *c = CONTAINER_OF(f, struct conn, fd);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		if (!take_in(c)) {
			lost(c);
			return;
		}
	}
	if ((events & EPOLLOUT) && !flush(c))
		return;
	if (c->closing && !pending(c) && !loop_timer_is_set(&c->timer))
		hang_up(c);
	if (c->run && c->blocked && pending(c) <= OUT_HIGH / 2)
		go_on(c);
	next_request(c);
}

void conn_accepted(struct server *srv, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));
	int on = 1;

	if (!c) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->srv = srv;
	c->fd.fd = fd;
	c->fd.fn = on_ready;
	c->timer.fn = on_timer;
	buf_init(&c->in, MAX_BODY + MAX_HEAD + READ_PIECE);
	buf_init(&c->out, MAX_OUT_BYTES);
	if (!loop_fd_add(srv->loop, &c->fd, EPOLLIN | EPOLLRDHUP)) {
		close(fd);
		free(c);
		return;
	}
	c->next = srv->conns;
	if (srv->conns)
		srv->conns->prev = c;
	srv->conns = c;
	srv->stats.connections++;
}
