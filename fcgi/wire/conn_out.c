/*
 * conn_out.c - the answer: content gathers in one buffer, records are made
 * around it while it is sent.
 *
 * On the wire, in this order: replies of ours to the peer (control), but only
 * between two records; the record being sent; after the last, an empty STDOUT
 * and END_REQUEST (the tail). What the socket does not take waits for
 * EPOLLOUT. Content leaves `out` by moving an offset, so that sending a
 * megabyte in pieces moves nothing.
 *
 * A failure to send is not told inside the call in which it is seen: the
 * timer `soon` does so, or the loop when it reports the closed socket.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "wire_private.h"

/* The largest content that needs no padding to keep records on 8 bytes. */
#define MAX_CONTENT	65528u
/* Sent content is moved out of the way from here on. */
#define MOVE_FROM	(256u << 10)

static const struct { int status; const char *text; } reasons[] = {
	{ 101, "Switching Protocols" },
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
	{ 204, "No Content" }, { 206, "Partial Content" },
	{ 301, "Moved Permanently" }, { 302, "Found" }, { 304, "Not Modified" },
	{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
	{ 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
	{ 411, "Length Required" }, { 413, "Content Too Large" },
	{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 421, "Misdirected Request" }, { 422, "Unprocessable Content" },
	{ 424, "Failed Dependency" }, { 425, "Too Early" },
	{ 426, "Upgrade Required" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 499, "Client Closed Request" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 502, "Bad Gateway" },
	{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	{ 529, "Overloaded" },
};

/* --- records */

static void make_head(unsigned char *head, enum record_type type, uint16_t id,
		      size_t content)
{
	head[0] = 1;
	head[1] = (unsigned char)type;
	head[2] = (unsigned char)(id >> 8);
	head[3] = (unsigned char)id;
	head[4] = (unsigned char)(content >> 8);
	head[5] = (unsigned char)content;
	head[6] = head[7] = 0;
}

static void make_end(unsigned char *record, uint16_t id, enum end_status status)
{
	make_head(record, FCGI_END, id, 8);
	memset(record + RECORD_HEAD, 0, 8);
	record[RECORD_HEAD + 4] = (unsigned char)status;
}

static void make_tail(unsigned char *tail, uint16_t id)
{
	make_head(tail, FCGI_STDOUT, id, 0);
	make_end(tail + RECORD_HEAD, id, END_COMPLETE);
}

/* --- sending */

static size_t unsent(const struct conn *c)
{
	return c->out.len - c->out_off;
}

static bool wants_tail(const struct conn *c)
{
	return !c->raw && c->state == CONN_ENDING && c->phase == PHASE_WHOLE &&
	       c->tail_off < TAIL;
}

static void add_piece(struct iovec *iov, int *count, const void *bytes, size_t len)
{
	if (len)
		iov[(*count)++] = (struct iovec){ (void *)(uintptr_t)bytes, len };
}

/* What goes next, as far as one record; returns the number of pieces. */
static int gather(struct conn *c, struct iovec *iov, unsigned char *tail)
{
	int count = 0;

	if (!c->head_left && !c->record_left) {
		size_t n = unsent(c) < MAX_CONTENT ? unsent(c) : MAX_CONTENT;

		add_piece(iov, &count, c->control.ptr, c->control.len);
		if (n) {
			make_head(c->head, FCGI_STDOUT, c->id, n);
			c->head_left = RECORD_HEAD;
			c->record_left = (uint16_t)n;
		}
	}
	add_piece(iov, &count, c->head + RECORD_HEAD - c->head_left, c->head_left);
	add_piece(iov, &count, c->out.ptr + c->out_off, c->record_left);
	if (wants_tail(c) && c->record_left == unsent(c)) {
		make_tail(tail, c->id);
		add_piece(iov, &count, tail + c->tail_off, TAIL - (size_t)c->tail_off);
	}
	return count;
}

static size_t at_most(size_t *sent, size_t part)
{
	size_t n = *sent < part ? *sent : part;

	*sent -= n;
	return n;
}

/* control: it was part of what was sent. */
static void sent_some(struct conn *c, size_t sent, bool control)
{
	size_t n;

	c->heard_us = loop_now(c->wire->loop);
	if (control)
		buf_drop(&c->control, at_most(&sent, c->control.len));
	c->head_left -= (uint8_t)at_most(&sent, c->head_left);
	n = at_most(&sent, c->record_left);
	c->record_left -= (uint16_t)n;
	c->out_off += n;
	c->tail_off += (uint8_t)sent;
}

static ssize_t send_raw(struct conn *c, bool *all)
{
	ssize_t n;

	if (!unsent(c))
		return 0;
	n = cgi_write(c->f.fd, c->out.ptr + c->out_off, unsent(c));
	if (n > 0)
		c->out_off += (size_t)n;
	*all = n > 0;		/* it writes little at a time: ask until it blocks */
	return n;
}

static ssize_t send_records(struct conn *c, bool *all)
{
	unsigned char tail[TAIL];
	struct iovec iov[4];
	struct msghdr msg = { .msg_iov = iov };
	bool control = !c->head_left && !c->record_left;
	size_t total = 0;
	ssize_t n;

	msg.msg_iovlen = (size_t)gather(c, iov, tail);
	if (!msg.msg_iovlen)
		return 0;
	for (size_t i = 0; i < msg.msg_iovlen; i++)
		total += iov[i].iov_len;
	n = sendmsg(c->f.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		sent_some(c, (size_t)n, control);
	*all = n > 0 && (size_t)n == total;
	return n;
}

/* As much as is taken now, or all. */
static void send_all(struct conn *c)
{
	bool more = true;

	while (more && !c->broken) {
		ssize_t n;

		more = false;
		n = c->raw ? send_raw(c, &more) : send_records(c, &more);
		if (n < 0 && errno == EINTR)
			more = true;
		else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			c->broken = true;
	}
}

/* Gives back or moves what sent content occupies. */
static void tidy(struct conn *c)
{
	if (!unsent(c) && !buf_err(&c->out)) {
		/* whoever is next finds it in the cache */
		buf_pass(&c->out, &c->wire->spare);
		c->out_off = 0;
	} else if (c->out_off >= MOVE_FROM && c->out_off > c->out.len / 2) {
		buf_drop(&c->out, c->out_off);
		c->out_off = 0;
	}
	if (!c->control.len)
		buf_free(&c->control);
}

static void wait_for_room(struct conn *c, bool blocked)
{
	uint32_t events = c->raw ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;

	if (blocked)
		events |= EPOLLOUT;
	if (!loop_fd_mod(c->wire->loop, &c->f, events) && blocked)
		c->broken = true;
}

void conn_push(struct conn *c)
{
	bool done;

	send_all(c);
	tidy(c);
	done = !unsent(c) && !c->control.len && !wants_tail(c);
	if (!c->broken)
		wait_for_room(c, !done);
	if (c->state == CONN_ENDING && c->broken)
		conn_close(c);
	else if (c->state == CONN_ENDING && done && c->phase == PHASE_WHOLE)
		conn_finished(c);
	else if (c->state == CONN_ENDING && done)
		conn_close(c);
	else if (c->broken || (c->was_full && conn_pending(c) < OUT_LOW_WATER))
		loop_timer_in(c->wire->loop, &c->soon, 0);
}

void conn_reply(struct conn *c, enum record_type type, uint16_t id,
		struct span content)
{
	unsigned char head[RECORD_HEAD];

	make_head(head, type, id, content.len);
	buf_add(&c->control, head, sizeof(head));
	buf_span_add(&c->control, content);
	/* A peer that asks and asks but does not read the answers. */
	if (buf_err(&c->control))
		conn_lost(c);
	else
		conn_push(c);
}

void conn_reply_end(struct conn *c, uint16_t id, enum end_status status)
{
	unsigned char record[END_RECORD];

	make_end(record, id, status);
	conn_reply(c, FCGI_END, id,
		   (struct span){ (const char *)record + RECORD_HEAD, 8 });
}

void conn_out_reset(struct conn *c)
{
	buf_free(&c->out);
	c->out_off = 0;
	c->tail_off = 0;
	c->begun = c->head_open = c->was_full = false;
}

/* --- what the handler calls */

/* Without what would end the line. */
static void add_line_part(struct buf *b, const char *s)
{
	while (*s) {
		size_t n = 0;

		while (s[n] && (s[n] == '\t' || (unsigned char)s[n] >= 0x20) &&
		       s[n] != 0x7f)
			n++;
		buf_add(b, s, n);
		s += n;
		while (*s && *s != '\t' && ((unsigned char)*s < 0x20 || *s == 0x7f))
			s++;
	}
}

void conn_begin(struct conn *c, int status)
{
	const char *text = "Unknown";

	if (c->state != CONN_ANSWERING || c->begun)
		return;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			text = reasons[i].text;
	c->begun = c->head_open = true;
	buf_pass(&c->wire->spare, &c->out);
	buf_str(&c->out, "Status: ");
	buf_int(&c->out, status);
	buf_char(&c->out, ' ');
	buf_str(&c->out, text);
	buf_str(&c->out, "\r\n");
}

void conn_header(struct conn *c, const char *name, const char *value)
{
	if (c->state != CONN_ANSWERING || !c->head_open)
		return;
	add_line_part(&c->out, name);
	buf_str(&c->out, ": ");
	add_line_part(&c->out, value);
	buf_str(&c->out, "\r\n");
}

void conn_header_lines(struct conn *c, const char *lines)
{
	if (c->state == CONN_ANSWERING && c->head_open)
		buf_str(&c->out, lines);
}

bool conn_begun(const struct conn *c)
{
	return c->begun;
}

static void end_head(struct conn *c)
{
	if (c->head_open)
		buf_str(&c->out, "\r\n");
	c->head_open = false;
}

struct buf *conn_body(struct conn *c)
{
	if (!c->out.len)
		buf_pass(&c->wire->spare, &c->out);
	end_head(c);
	return &c->out;
}

void conn_flush(struct conn *c)
{
	if (c->state != CONN_ANSWERING)
		return;
	wire_enter(c->wire);
	c->was_full |= conn_full(c);
	if (c->way)
		c->way->flush(c);
	else
		conn_push(c);
	wire_leave(c->wire);
}

size_t conn_pending(const struct conn *c)
{
	return unsent(c) + (c->way ? c->way->pending(c) : 0);
}

bool conn_full(const struct conn *c)
{
	return conn_pending(c) > OUT_HIGH_WATER;
}

void conn_end(struct conn *c)
{
	struct wire *w = c->wire;

	if (c->state != CONN_ANSWERING)
		return;
	wire_enter(w);
	end_head(c);
	if (buf_err(&c->out)) {
		conn_abort(c);
	} else if (c->way) {
		c->way->end(c);
		conn_close(c);
	} else {
		c->heard_us = loop_now(w->loop);
		c->tail_off = 0;
		conn_move(c, CONN_ENDING);
		conn_push(c);
	}
	wire_leave(w);
}

void conn_abort(struct conn *c)
{
	if (c->state != CONN_ANSWERING)
		return;
	wire_enter(c->wire);
	conn_close(c);
	if (c->way)
		c->way->abort(c);
	wire_leave(c->wire);
}

bool conn_is_socket(const struct conn *c)
{
	return c->way && c->way->is_socket(c);
}
