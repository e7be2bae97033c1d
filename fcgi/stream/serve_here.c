/*
 * serve_here.c - what is answered at once, from what a worker knows.
 */
#include "../../shared/ceilings.h"
#include "../tongues/models.h"
#include "../tongues/ollama.h"
#include "answer.h"
#include "stream.h"

/* The body of an answer that needs no upstream; 0 or s->note's code. */
static enum err write_here(struct stream *s, struct buf *body)
{
	const struct config *c = s->app->config;
	const struct catalog *cat = s->app->catalog;

	switch (s->route->kind) {
	case ROUTE_OLLAMA_TAGS:
		ollama_tags(c, cat, body);
		break;
	case ROUTE_OLLAMA_SHOW:
		/* here and now: no name is longer than that */
		if (prepare_unpack(s, INLINE_PARSE, &s->note))
			return s->note.code;
		return ollama_show(c, cat, buf_span(&s->req->body), body, &s->note);
	case ROUTE_OLLAMA_PS:
		ollama_ps(body);
		break;
	case ROUTE_OLLAMA_VERSION:
		ollama_version(body);
		break;
	default:
		home_page(c, request_param(s->req, "HTTP_HOST"), body);
		break;
	}
	return ERR_NONE;
}

void serve_here(struct stream *s, struct span arg)
{
	struct buf body;

	if (s->route->kind == ROUTE_MODELS || s->route->kind == ROUTE_MODEL) {
		serve_models(s, arg);
		return;
	}
	buf_init(&body, MAX_CACHE_FILE);
	if (write_here(s, &body))
		goto out;
	if (buf_err(&body)) {
		err_set(&s->note, buf_err(&body), "the answer");
		goto out;
	}
	answer_begin(s, 200, s->route->kind == ROUTE_HOME ?
			     "text/plain; charset=utf-8" : "application/json");
	if (strcmp(s->req->method, "HEAD") != 0)
		buf_span_add(conn_body(s->conn), buf_span(&body));
out:
	buf_free(&body);
	if (s->note.code)
		stream_fail(s);
	else
		stream_done(s);
}
