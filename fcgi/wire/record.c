/*
 * record.c - FastCGI records in: a push parser that turns bytes, in whatever
 * pieces they come, into a request.
 *
 * A header is believed only so far as this application would have sent it in
 * the web server's place: anything else closes the connection. What only a
 * large request does wrong (ceilings, CONTENT_LENGTH) is read to its end, so
 * that the peer hears why.
 */
#include "wire_private.h"

#include <inttypes.h>

#include "../../shared/text.h"

/* What of a refused request is read on, so that the peer gets the answer. */
#define MAX_SKIPPED	(2 * MAX_REQUEST_BODY)

/* --- the body, for FastCGI and CGI alike */

int64_t body_length(struct request *req)
{
	const char *text = request_param(req, "CONTENT_LENGTH");
	int64_t length;

	if (!text || !*text)
		return -1;
	if (!text_int(span_of(text), &length) || length < 0 || *text == '-') {
		err_set(&req->note, ERR_BAD_LENGTH, "CONTENT_LENGTH is no number");
		return -1;
	}
	if (length > MAX_REQUEST_BODY)
		err_set(&req->note, ERR_TOO_LARGE,
			"CONTENT_LENGTH of %" PRId64 " bytes", length);
	return length;
}

bool body_add(struct request *req, int64_t length, const char *bytes, size_t len)
{
	if (req->note.code)
		return false;
	/*
	 * Room for all of it at once, as far as it was announced: growing
	 * moves megabytes. Pages that are never written cost nothing.
	 */
	if (!req->body.len && length > (int64_t)len &&
	    !buf_room(&req->body, (size_t)length))
		buf_reset(&req->body);
	buf_add(&req->body, bytes, len);
	if (!buf_err(&req->body))
		return true;
	err_set(&req->note, buf_err(&req->body), "body of more than %zu bytes",
		req->body.len);
	buf_free(&req->body);
	return false;
}

void body_check(struct request *req, int64_t length)
{
	if (req->note.code || length < 0 || req->body.len == (size_t)length)
		return;
	err_set(&req->note, ERR_BAD_LENGTH,
		"%zu bytes of body, CONTENT_LENGTH is %" PRId64, req->body.len,
		length);
}

/* --- a request, record by record */

static bool is_ours(const struct conn *c, uint16_t id)
{
	return c->phase != PHASE_NONE && c->id == id;
}

/* The peer is not what it should be. */
static void malformed(struct conn *c)
{
	conn_lost(c);
}

static void begin_request(struct conn *c, uint16_t id, const unsigned char *body)
{
	unsigned role = (unsigned)body[0] << 8 | body[1];
	bool keep = body[2] & 1;

	if (is_ours(c, id)) {
		malformed(c);
		return;
	}
	if (c->phase != PHASE_NONE) {
		conn_reply_end(c, id, END_CANT_MPX);
		return;
	}
	if (c->state == CONN_ENDING)	/* it was told that this one is closed */
		return;
	c->keep = keep;
	if (role != 1) {
		conn_reply_end(c, id, END_UNKNOWN_ROLE);
		if (!keep && c->state != CONN_DEAD)
			conn_finished(c);
		return;
	}
	if (c->state == CONN_IDLE)	/* sent behind the one before */
		conn_move(c, CONN_READING);
	c->id = id;
	c->phase = PHASE_PARAMS;
	c->begun_us = loop_now(c->wire->loop);
	c->head_over = false;
	c->skipped = 0;
	c->length = -1;
}

static void answer_values(struct conn *c, struct span content)
{
	struct { const char *name; const char *value; } known[] = {
		/* as many as the handler takes: it says so itself, by a 503 */
		{ "FCGI_MAX_CONNS", "65535" },
		{ "FCGI_MAX_REQS", "65535" },
		{ "FCGI_MPXS_CONNS", "0" },
	};
	struct span name, value;
	struct buf out;

	buf_init(&out, MAX_SMALL);
	while (params_next(&content, &name, &value)) {
		for (size_t i = 0; i < ARRAY_LEN(known); i++) {
			if (!span_eq(name, known[i].name))
				continue;
			buf_char(&out, (char)name.len);
			buf_char(&out, (char)strlen(known[i].value));
			buf_span_add(&out, name);
			buf_str(&out, known[i].value);
		}
	}
	if (content.len || buf_err(&out))
		malformed(c);
	else
		conn_reply(c, FCGI_VALUES_RESULT, 0, buf_span(&out));
	buf_free(&out);
}

static void take_params(struct conn *c, const char *bytes, size_t len)
{
	size_t room = MAX_REQUEST_HEAD - c->params.len;

	if (len > room)
		c->head_over = true;
	if (c->head_over) {
		/* as much as fits is kept: the path tells whose tongue to use */
		c->skipped += len - (len < room ? len : room);
		len = len < room ? len : room;
	}
	buf_add(&c->params, bytes, len);
	if (buf_err(&c->params) || c->skipped > MAX_SKIPPED)
		malformed(c);
}

static void end_params(struct conn *c)
{
	c->req = params_request(c->wire, &c->params, c->head_over);
	buf_free(&c->params);
	if (!c->req) {
		malformed(c);
		return;
	}
	c->req->begun_us = c->begun_us;
	c->length = body_length(c->req);
	c->phase = PHASE_STDIN;
}

static void take_stdin(struct conn *c, const char *bytes, size_t len)
{
	if (body_add(c->req, c->length, bytes, len))
		return;
	c->skipped += len;
	if (c->skipped > MAX_SKIPPED) {
		/* enough: it may hear the answer or not, then it is closed */
		c->keep = false;
		conn_hand_over(c);
	}
}

static void end_stdin(struct conn *c)
{
	body_check(c->req, c->length);
	conn_hand_over(c);
}

static void abort_request(struct conn *c)
{
	if (c->state != CONN_READING) {
		conn_lost(c);
		return;
	}
	/* Half here: nobody has seen it yet. */
	conn_reply_end(c, c->id, END_COMPLETE);
	if (c->state != CONN_DEAD)
		conn_finished(c);
}

/* --- records */

static enum take management_take(struct conn *c, size_t content)
{
	struct reader *r = &c->reader;
	const unsigned char type[8] = { r->type };

	if (r->type == FCGI_VALUES && content <= MAX_SMALL)
		return TAKE_SMALL;
	if (r->type <= FCGI_VALUES)
		malformed(c);
	else
		conn_reply(c, FCGI_UNKNOWN, 0,
			   (struct span){ (const char *)type, sizeof(type) });
	return TAKE_SKIP;
}

static enum take stream_take(struct conn *c)
{
	const struct reader *r = &c->reader;

	if (!is_ours(c, r->id) || c->phase == PHASE_WHOLE)
		/* of a request that we refused, or late: nobody wants it */
		return TAKE_SKIP;
	if (r->type == FCGI_PARAMS && c->phase == PHASE_PARAMS)
		return TAKE_PARAMS;
	if (r->type == FCGI_STDIN && c->phase == PHASE_STDIN)
		return TAKE_STDIN;
	malformed(c);
	return TAKE_SKIP;
}

static void begin_record(struct conn *c)
{
	struct reader *r = &c->reader;
	const unsigned char *h = r->head;

	r->type = h[1];
	r->id = (uint16_t)(h[2] << 8 | h[3]);
	r->content = (uint16_t)(h[4] << 8 | h[5]);
	r->padding = h[6];
	r->take = TAKE_SKIP;
	if (h[0] != 1) {
		malformed(c);
		return;
	}
	if (r->id == 0) {
		r->take = management_take(c, r->content);
		return;
	}
	switch (r->type) {
	case FCGI_BEGIN:
		if (r->content == 8)
			r->take = TAKE_SMALL;
		else
			malformed(c);
		break;
	case FCGI_ABORT:
		if (is_ours(c, r->id))
			r->take = TAKE_ABORT;
		break;
	case FCGI_PARAMS:
	case FCGI_STDIN:
		r->take = stream_take(c);
		break;
	default:
		malformed(c);
	}
}

/* The content of a small record, whole. */
static void take_small(struct conn *c, const char *bytes, size_t len)
{
	struct reader *r = &c->reader;

	if (r->type == FCGI_BEGIN)
		begin_request(c, r->id, (const unsigned char *)bytes);
	else
		answer_values(c, (struct span){ bytes, len });
}

static void gather_small(struct conn *c, const char *bytes, size_t len)
{
	struct reader *r = &c->reader;

	if (len == r->content && !c->small.len) {
		take_small(c, bytes, len);
		return;
	}
	buf_add(&c->small, bytes, len);
	if (buf_err(&c->small)) {
		malformed(c);
	} else if (len == r->content) {
		take_small(c, c->small.ptr, c->small.len);
		buf_free(&c->small);
	}
}

static void take_content(struct conn *c, const char *bytes, size_t len)
{
	switch ((enum take)c->reader.take) {
	case TAKE_SMALL:
		gather_small(c, bytes, len);
		break;
	case TAKE_PARAMS:
		take_params(c, bytes, len);
		break;
	case TAKE_STDIN:
		if (c->phase == PHASE_STDIN)
			take_stdin(c, bytes, len);
		break;
	case TAKE_SKIP:
	case TAKE_ABORT:
		break;
	}
}

/* What a record without content says. */
static void take_empty(struct conn *c)
{
	switch ((enum take)c->reader.take) {
	case TAKE_SMALL:
		take_small(c, "", 0);
		break;
	case TAKE_PARAMS:
		end_params(c);
		break;
	case TAKE_STDIN:
		end_stdin(c);
		break;
	case TAKE_ABORT:
		abort_request(c);
		break;
	case TAKE_SKIP:
		break;
	}
}

/* Takes what it can of one record; returns how much. */
static size_t feed_some(struct conn *c, const char *bytes, size_t len)
{
	struct reader *r = &c->reader;
	size_t n;

	if (r->head_have < RECORD_HEAD) {
		n = (size_t)(RECORD_HEAD - r->head_have);
		n = n < len ? n : len;
		memcpy(r->head + r->head_have, bytes, n);
		r->head_have += (uint8_t)n;
		if (r->head_have < RECORD_HEAD)
			return n;
		begin_record(c);
		if (c->state != CONN_DEAD && !r->content)
			take_empty(c);
	} else if (r->content) {
		n = r->content < len ? r->content : len;
		take_content(c, bytes, n);
		r->content -= (uint16_t)n;
		if (!r->content && r->take == TAKE_ABORT && c->state != CONN_DEAD)
			abort_request(c);
	} else {
		n = r->padding < len ? r->padding : len;
		r->padding -= (uint8_t)n;
	}
	if (r->head_have == RECORD_HEAD && !r->content && !r->padding)
		r->head_have = 0;
	return n;
}

void record_feed(struct conn *c, const char *bytes, size_t len)
{
	bool idle;

	while (len && c->state != CONN_DEAD) {
		size_t n = feed_some(c, bytes, len);

		bytes += n;
		len -= n;
	}
	/* Half of something is here, or nothing: only the former is timed. */
	idle = c->kept && c->phase == PHASE_NONE && !c->reader.head_have;
	if (c->state == CONN_IDLE && !idle)
		conn_move(c, CONN_READING);
	else if (c->state == CONN_READING && idle)
		conn_move(c, CONN_IDLE);
}
