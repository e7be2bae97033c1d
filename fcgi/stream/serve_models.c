/*
 * serve_models.c - GET /v1/models and its kin: which shape, and whether the
 * client has it already.
 */
#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "../tongues/models.h"
#include "answer.h"
#include "stream.h"

/* "a=1&client_version=0.169.0": is there a member of that name? */
static bool query_has(const char *query, const char *name)
{
	struct span rest = span_of(query), pair;
	size_t len = strlen(name);

	while (text_next(&rest, '&', &pair))
		if (span_starts(pair, name) &&
		    (pair.len == len || pair.ptr[len] == '='))
			return true;
	return false;
}

/* Codex says its version, or comes by the path of the real backend;
 * Anthropic's clients have their header. */
static const struct models_shape *shape_of(const struct stream *s)
{
	if (answer_is_anthropic(s))
		return &models_anthropic;
	if (query_has(s->req->query, "client_version") ||
	    strncmp(s->route->path, "/backend-api/", 13) == 0)
		return &models_codex;
	return &models_openai;
}

/* A strong or weak one, it is the same to us. */
static struct span bare(struct span tag)
{
	if (span_starts(tag, "W/"))
		return (struct span){ tag.ptr + 2, tag.len - 2 };
	return tag;
}

static bool client_has(const struct stream *s, const char *etag)
{
	struct span rest = span_of(request_param(s->req, "HTTP_IF_NONE_MATCH"));
	struct span one, ours = bare(span_of(etag));

	while (ours.len && text_next(&rest, ',', &one)) {
		one = bare(one);
		if (span_eq(one, "*") || (one.len == ours.len &&
		    memcmp(one.ptr, ours.ptr, one.len) == 0))
			return true;
	}
	return false;
}

void serve_models(struct stream *s, struct span id)
{
	const struct models_shape *shape = shape_of(s);
	struct models_ask ask = { s->app->config, s->app->catalog, s->req->query };
	bool list = s->route->kind == ROUTE_MODELS;
	char etag[300] = "";
	struct buf body;

	catalog_keeper_asked(s->app->models);
	buf_init(&body, MAX_OUT);
	if (list && shape->etag)
		shape->etag(&ask, etag, sizeof(etag));
	if (client_has(s, etag)) {
		answer_begin(s, 304, NULL);
		conn_header(s->conn, "ETag", etag);
		stream_done(s);
		goto out;
	}
	if (list && shape->check)
		shape->check(&ask, &s->note);
	if (list && !s->note.code)
		shape->list(&ask, &body);
	else if (!list)
		shape->one(&ask, id, &body, &s->note);
	if (!s->note.code && buf_err(&body))
		err_set(&s->note, buf_err(&body), "the list of models");
	if (s->note.code) {
		stream_fail(s);
		goto out;
	}
	answer_begin(s, 200, "application/json");
	if (etag[0])
		conn_header(s->conn, "ETag", etag);
	if (strcmp(s->req->method, "HEAD") != 0)
		buf_span_add(conn_body(s->conn), buf_span(&body));
	stream_done(s);
out:
	buf_free(&body);
}
