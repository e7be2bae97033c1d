/*
 * serve_socket.c - a WebSocket's handshake: 101, or at once 426, at which
 * clients go on with POST.
 */
#include "../../shared/catalog.h"
#include "answer.h"
#include "stream.h"

/* What Codex compares its list of models with. */
static void say_models(struct stream *s)
{
	const char *etag = catalog_origin(s->app->catalog)->etag;

	if (etag && *etag)
		conn_header(s->conn, "x-models-etag", etag);
}

void serve_socket(struct stream *s)
{
	const struct config *c = s->app->config;

	if (!c->enable_responses_api)
		err_tell(&s->note, ERR_NO_ROUTE, "The Responses API is switched off "
			 "here (CHATMOCK_ENABLE_RESPONSES_API).");
	else if (!c->codex_enabled)
		err_set(&s->note, ERR_DISABLED, "CODEX__ENABLED is false");
	else if (!c->websocket || !conn_is_socket(s->conn))
		err_set(&s->note, ERR_UPGRADE, "%s", s->route->path);
	if (s->note.code) {
		stream_fail(s);
		return;
	}
	answer_begin(s, 101, NULL);
	say_models(s);
	stream_done(s);
}
