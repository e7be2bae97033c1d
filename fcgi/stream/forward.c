/* See forward.h. */
#include "forward.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "answer.h"
#include "bearer.h"
#include "heads.h"
#include "tally.h"

#define MAX_URL (MAX_REQUEST_URI * 4)

/* --- upstream's answer --- */

static bool begins(struct http_call *call, const char *type)
{
	return text_starts_nocase(http_header(call, "content-type"), type);
}

static void on_head(void *ctx, struct http_call *call, int status)
{
	struct stream *s = ctx;

	s->upstream_status = status;
	s->heard_us = loop_now(s->app->loop);
	heads_take(s, call);
	s->step = STEP_RELAY;
	s->terms.stream = status == 200 && begins(call, "text/event-stream");
	if (s->terms.stream)
		answer_begin(s, status, "text/event-stream; charset=utf-8");
	stream_watch(s);
}

static bool on_bytes(void *ctx, struct http_call *call, struct span bytes)
{
	struct stream *s = ctx;
	bool taken = true;

	(void)call;
	s->heard_us = loop_now(s->app->loop);
	if (s->step != STEP_RELAY) {
		;
	} else if (!s->terms.stream) {
		buf_span_add(&s->refusal, bytes);
	} else if (conn_full(s->conn)) {
		taken = false;
		s->held = true;
	} else {
		buf_span_add(conn_body(s->conn), bytes);
		conn_flush(s->conn);
	}
	stream_settle(s);
	return taken;
}

/* Why it can not be handed on; 0: it can. */
static enum err fault(struct stream *s, enum err code, const char *why)
{
	struct span type = s->call ? http_header(s->call, "content-type") : SPAN("");

	if (code)
		return err_set(&s->note, code == ERR_UPSTREAM_TIMEOUT ?
			       ERR_UPSTREAM_CONNECT : code, "%s", why);
	if (buf_err(&s->refusal))
		return err_set(&s->note, ERR_UPSTREAM_GARBLED, "an endless answer");
	if (!s->terms.stream && s->refusal.len &&
	    !text_starts_nocase(type, "application/json"))
		return err_set(&s->note, ERR_UPSTREAM_GARBLED, "status %d, and no "
			       "JSON", s->upstream_status);
	return ERR_NONE;
}

static void on_done(void *ctx, enum err code, const char *why)
{
	struct stream *s = ctx;

	if (s->step == STEP_OVER) {
		s->call = NULL;
	} else if (fault(s, code, why)) {
		s->call = NULL;
		stream_fail(s);
	} else {
		s->call = NULL;
		if (!s->terms.stream)
			answer_begin(s, s->upstream_status, "application/json");
		if (!s->terms.stream && strcmp(s->req->method, "HEAD") != 0)
			buf_span_add(conn_body(s->conn), buf_span(&s->refusal));
		stream_done(s);
	}
	stream_settle(s);
}

static const struct http_handler handler = {
	.head = on_head, .bytes = on_bytes, .done = on_done,
};

/* --- the question --- */

static void put_segment(struct buf *url, struct span s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
				    "TUVWXYZ0123456789-._~";

	buf_char(url, '/');
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] && strchr(plain, s.ptr[i]))
			buf_char(url, s.ptr[i]);
		else
			buf_fmt(url, "%%%02X", (unsigned char)s.ptr[i]);
}

/* Dots would lead somewhere else. */
static bool is_dots(struct span s)
{
	return span_eq(s, ".") || span_eq(s, "..");
}

/* The route's path behind upstream's base, with what was asked for in the
 * place of its names. False: such an id there is nowhere. */
static bool make_url(struct stream *s, const struct route_match *match,
		     struct buf *url)
{
	struct span rest = span_of(s->route->path + strlen("/v1")), word;
	struct span args[] = { match->arg, match->second };
	size_t n = 0;

	buf_str(url, s->app->config->upstream_base);
	while (text_next(&rest, '/', &word)) {
		if (*word.ptr == '{')
			word = args[n++ % 2];
		if (is_dots(word))
			return false;
		put_segment(url, word);
	}
	if (s->req->query[0])
		buf_fmt(url, "?%s", s->req->query);
	return true;
}

/* Header lines, and what they are made of. */
struct lines {
	const char *all[4];
	size_t count;
	struct buf key, packing;
};

static void lines_free(struct lines *l)
{
	buf_wipe_free(&l->key);
	buf_free(&l->packing);
}

static bool make_lines(struct stream *s, struct lines *l)
{
	const char *encoding = request_param(s->req, "HTTP_CONTENT_ENCODING");
	struct bearer own;

	l->all[l->count++] = "Accept: application/json, text/event-stream";
	if (s->req->body.len)
		l->all[l->count++] = "Content-Type: application/json";
	if (bearer_choose(s, NULL, &own))
		buf_fmt(&l->key, "Authorization: Bearer %s", own.token);
	else if (s->app->authorization && !bearer_is_own(s))
		buf_fmt(&l->key, "Authorization: %s", s->app->authorization);
	if (l->key.len)
		l->all[l->count++] = l->key.ptr;
	if (encoding && *encoding) {
		buf_fmt(&l->packing, "Content-Encoding: %s", encoding);
		l->all[l->count++] = l->packing.ptr;
	}
	return !buf_err(&l->key) && !buf_err(&l->packing);
}

static void call(struct stream *s, const char *url, const struct lines *l)
{
	struct http_request r = {
		.method = strcmp(s->req->method, "HEAD") ? s->req->method : "GET",
		.url = url, .body = buf_span(&s->req->body),
		.headers = l->all, .header_count = l->count,
	};

	s->step = STEP_CALL;
	s->called_us = s->heard_us = loop_now(s->app->loop);
	s->call = http_start(s->app->http, &r, &handler, s);
}

void forward_start(struct stream *s, const struct route_match *match)
{
	struct lines l = { .count = 0 };
	struct buf url;

	s->terms.tongue = s->route->tongue;
	buf_init(&url, MAX_URL);
	buf_init(&l.key, MAX_REQUEST_HEAD);
	buf_init(&l.packing, MAX_REQUEST_HEAD);
	buf_free(&s->refusal);
	buf_init(&s->refusal, MAX_OUT);
	if (!make_url(s, match, &url))
		err_set(&s->note, ERR_NOT_STORED, "an id of dots");
	else if (make_lines(s, &l) && !buf_err(&url))
		call(s, url.ptr, &l);
	buf_free(&url);
	lines_free(&l);
	if (s->call) {
		s->attempts = 1;
		tally_call(s);
		stream_watch(s);
		return;
	}
	err_set(&s->note, ERR_NO_MEMORY, "no call to upstream");
	stream_fail(s);
}
