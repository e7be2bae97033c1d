/*
 * ws_turn.c - the answer to one request: what the handler writes as an event
 * stream leaves as a message for each event, its data as they are.
 *
 * The handler's heartbeats, comments, become pings. What is no stream is an
 * error: its object and the headers that matter become one message.
 */
#include "../../shared/json_walk.h"
#include "../../shared/text.h"
#include "ws_private.h"

#define KEEP_BUFFER	4096

/* What the events of a response are to the connection. */
static enum err on_event(void *ctx, struct span name, struct span data)
{
	struct ws_conn *c = ctx;

	if (span_eq(name, "response.created")) {
		ws_response_id(data, c->id);
	} else if (span_eq(name, "response.completed") ||
		   span_eq(name, "response.incomplete")) {
		buf_reset(&c->end);
		buf_span_add(&c->end, data);
		if (!c->id[0])
			ws_response_id(data, c->id);
	}
	frames_text(c->frames, &c->out, data);
	c->told = true;
	return ERR_NONE;
}

void ws_turn_begin(struct ws_conn *c)
{
	sse_init(&c->sse, MAX_OUT, on_event, c);
	buf_init(&c->lines, MAX_REQUEST_HEAD * 2);
	buf_init(&c->input, MAX_WS_KEPT);
	buf_init(&c->end, MAX_SSE_EVENT + MAX_OUT);
	c->id[0] = '\0';
	c->status = 0;
	c->chained = c->told = false;
}

void ws_turn_free(struct ws_conn *c)
{
	sse_free(&c->sse);
	buf_free(&c->lines);
	buf_free(&c->input);
	buf_free(&c->end);
}

/* --- the head */

static struct span unsent(const struct conn *v)
{
	return (struct span){ v->out.ptr + v->out_off, v->out.len - v->out_off };
}

/* "Status: 200 OK", lines. False: not all of it is here. */
static bool take_head(struct ws_conn *c, struct conn *v)
{
	size_t end = ws_head_end(unsent(v), 0);
	struct span head = { unsent(v).ptr, end };
	int64_t status;

	if (!end)
		return false;
	buf_add(&c->lines, head.ptr, head.len - 2);
	v->out_off += end;
	/* conn_begin() wrote it */
	if (head.len > 11 && text_int((struct span){ head.ptr + 8, 3 }, &status))
		c->status = (int)status;
	return true;
}

/* One of its lines; false at the end. */
static bool next_line(struct span *rest, struct span *name, struct span *value)
{
	while (rest->len) {
		const char *end = memchr(rest->ptr, '\n', rest->len), *colon;
		struct span line = *rest;

		line.len = end ? (size_t)(end - rest->ptr) : rest->len;
		rest->ptr += line.len + (end ? 1 : 0);
		rest->len -= line.len + (end ? 1 : 0);
		colon = memchr(line.ptr, ':', line.len);
		if (!colon)
			continue;
		*name = (struct span){ line.ptr, (size_t)(colon - line.ptr) };
		*value = text_trim((struct span){ colon + 1, line.len - name->len - 1 });
		return true;
	}
	return false;
}

/* No header can tell it here: a message before the response's first. */
static void say_dropped(struct ws_conn *c)
{
	struct span rest = buf_span(&c->lines), name, value, word;
	struct buf out;

	while (next_line(&rest, &name, &value)) {
		if (!text_eq_nocase(name, "x-chatmock-dropped-params") || !value.len)
			continue;
		buf_init(&out, MAX_REQUEST_HEAD * 2);
		buf_str(&out, "{\"type\":\"chatmock.dropped_params\",\"params\":[");
		for (bool more = false; text_next(&value, ',', &word); more = true) {
			if (more)
				buf_char(&out, ',');
			buf_json(&out, word);
		}
		buf_str(&out, "]}");
		if (!buf_err(&out))
			frames_text(c->frames, &c->out, buf_span(&out));
		buf_free(&out);
		return;
	}
}

/* --- errors */

/* Headers of HTTP's, not of the answer. */
static bool is_told(struct span name)
{
	static const char *const not[] = {
		"status", "content-type", "content-length", "cache-control",
		"x-content-type-options", "x-accel-buffering", "vary",
	};

	for (size_t i = 0; i < ARRAY_LEN(not); i++)
		if (text_eq_nocase(name, not[i]))
			return false;
	return !text_starts_nocase(name, "access-control-");
}

static void put_headers(struct ws_conn *c, struct buf *out)
{
	struct span rest = buf_span(&c->lines), name, value;
	bool more = false;

	buf_char(out, '{');
	while (next_line(&rest, &name, &value)) {
		if (!is_told(name))
			continue;
		if (more)
			buf_char(out, ',');
		more = true;
		buf_char(out, '"');
		for (size_t i = 0; i < name.len; i++) {
			char ch = name.ptr[i];

			buf_char(out, ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch);
		}
		buf_str(out, "\":");
		buf_json(out, value);
	}
	buf_char(out, '}');
}

/* {"error": ...}: the object. */
static struct span error_of(struct span body)
{
	struct span key, value, error = SPAN("");
	struct json_walk w;

	json_walk_object(&w, body);
	while (json_walk_next(&w, &key, &value))
		if (span_eq(key, "error"))
			error = value;
	return w.ok ? error : SPAN("");
}

static void say_error(struct ws_conn *c, struct span body)
{
	struct span error = error_of(body);
	struct buf out;

	if (!error.len)
		error = SPAN("{\"type\":\"server_error\",\"code\":\"internal_error\","
			     "\"message\":\"The gateway failed: its error log says "
			     "why.\",\"param\":null}");
	buf_init(&out, MAX_UPSTREAM_ERROR * 2);
	buf_fmt(&out, "{\"type\":\"error\",\"status\":%d,\"error\":", c->status);
	buf_span_add(&out, error);
	buf_str(&out, ",\"headers\":");
	put_headers(c, &out);
	buf_char(&out, '}');
	if (!buf_err(&out))
		frames_text(c->frames, &c->out, buf_span(&out));
	buf_free(&out);
}

/* --- a response */

/* What has been written becomes messages. False: it cannot be. */
static bool take(struct ws_conn *c, struct conn *v)
{
	struct span bytes;
	bool ok;

	if (!c->status) {
		if (!take_head(c, v))
			return true;
		if (c->status == 200)
			say_dropped(c);
	}
	bytes = unsent(v);
	if (c->status != 200 || !bytes.len)
		return true;
	c->told = false;
	ok = sse_push(&c->sse, bytes) == ERR_NONE;
	if (ok && !c->told && !sse_rest(&c->sse))
		frames_ping(c->frames, &c->out);
	if (v->out.len > KEEP_BUFFER)
		buf_free(&v->out);
	else
		buf_reset(&v->out);
	v->out_off = 0;
	return ok;
}

static void remember(struct ws_conn *c)
{
	bool good = c->end.len && c->id[0] && !buf_err(&c->end) &&
		    !buf_err(&c->input);

	if (good) {
		ws_memory_free(&c->memory);
		if (!c->chained && c->input.len + c->end.len <= MAX_WS_KEPT) {
			memcpy(c->memory.id, c->id, sizeof(c->id));
			c->memory.input = c->input;
			c->memory.end = c->end;
			buf_init(&c->input, 0);
			buf_init(&c->end, 0);
		}
	}
	ws_turn_free(c);
	ws_turn_begin(c);
	/* all together too much: this one asks with all its input again */
	if (!ws_count(c)) {
		ws_memory_free(&c->memory);
		ws_count(c);
	}
}

static void response_over(struct ws_conn *c, struct conn *v)
{
	bool ok = take(c, v) && c->status;

	if (ok && c->status != 200)
		say_error(c, unsent(v));
	c->v = NULL;
	remember(c);
	c->heard_us = loop_now(c->ws->wire.loop);
	if (!ok)
		ws_close(c, WS_INTERNAL, "the answer could not be told");
	ws_push(c);
	ws_idle_or_close(c);
	ws_watch(c);
	ws_wake(c);
}

/* --- the handshake */

static void handshake_over(struct ws_conn *c, struct conn *v)
{
	struct buf *out = &c->out;
	struct span body;
	size_t line;

	c->v = NULL;
	if (!take_head(c, v) || !c->status) {
		ws_dead(c);
		return;
	}
	body = unsent(v);
	line = strlen("Status: ");
	buf_str(out, "HTTP/1.1 ");
	buf_add(out, c->lines.ptr + line, c->lines.len - line);
	if (c->status == 101) {
		buf_fmt(out, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: %s\r\n\r\n", c->shake.accept);
		c->state = WS_OPEN;
		c->begun_us = c->heard_us = loop_now(c->ws->wire.loop);
	} else {
		if (c->status == 426)
			buf_str(out, "Sec-WebSocket-Version: 13\r\n");
		buf_fmt(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n",
			body.len);
		buf_span_add(out, body);
		ws_linger(c);
	}
	ws_turn_free(c);
	ws_turn_begin(c);
	ws_push(c);
	ws_idle_or_close(c);
	ws_watch(c);
	ws_wake(c);
}

/* --- what the conn's functions call */

static void turn_flush(struct conn *v)
{
	struct ws_conn *c = v->over;

	if (c->state != WS_OPEN)
		return;
	if (!take(c, v))
		c->broken = true;
	ws_push(c);
}

static void turn_end(struct conn *v)
{
	struct ws_conn *c = v->over;

	if (c->state == WS_ASKING)
		handshake_over(c, v);
	else if (c->state == WS_OPEN)
		response_over(c, v);
}

static void turn_abort(struct conn *v)
{
	struct ws_conn *c = v->over;

	c->v = NULL;
	if (c->state == WS_OPEN) {
		remember(c);
		ws_close(c, WS_INTERNAL, "the answer broke off");
	} else {
		ws_dead(c);
	}
}

static size_t turn_pending(const struct conn *v)
{
	return ws_pending(v->over);
}

static bool turn_is_socket(const struct conn *v)
{
	const struct ws_conn *c = v->over;

	return c->state == WS_ASKING && c->shake.accept[0];
}

const struct conn_way *ws_turn_way(void)
{
	static const struct conn_way way = {
		.flush = turn_flush, .end = turn_end, .abort = turn_abort,
		.pending = turn_pending, .is_socket = turn_is_socket,
	};

	return &way;
}
