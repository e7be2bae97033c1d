/* demo.c - what a newcomer sees before there is a login. */
#include "upstream.h"

#define SCRIPT "{\"interval_ms\":30,\"say\":\"" \
	"Hello! This is the ChatMock demo upstream: no account is used and no model " \
	"is asked. To get real answers, log in with `chatmock login`, or set " \
	"CHATMOCK_UPSTREAM_URL to a Responses API, and start again.\"}"

void demo_begin(struct conn *c, const struct request *req)
{
	struct json_object *script, *body;
	struct span model;
	struct play *p = play_new();
	struct buf why;

	buf_init(&why, 1000);
	script = json_reader_parse(c->srv->reader, SPAN(SCRIPT), NULL);
	body = json_reader_parse(c->srv->reader, req->body, NULL);
	model = json_get_str(body, "model");
	play_send(p, SPAN("HTTP/1.1 200 OK\r\n"
			  "content-type: text/event-stream; charset=utf-8\r\n"
			  "transfer-encoding: chunked\r\n\r\n"));
	canned_add(c->srv, p, script, model.len ? model.ptr : "demo", &why);
	play_begin(c, p);
	json_object_put(script);
	json_object_put(body);
	buf_free(&why);
}
