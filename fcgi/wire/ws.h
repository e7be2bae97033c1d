/*
 * ws.h - the WebSocket face of the Responses API: a second listening socket,
 * behind the web server's proxy, for what FastCGI cannot carry.
 *
 * A connection begins with an HTTP/1.1 request, which goes to the same handler
 * as those that come by FastCGI; answered with 101 the connection is open
 * (conn_is_socket() tells when it may be). From then on each message
 *
 *	{"type":"response.create", ...}
 *
 * is a request to the handler, POST at the handshake's path with its headers,
 * the message's object for a body and "stream":true; what the handler writes
 * as an event stream leaves as a message for each event. An answer that is no
 * 200 leaves as {"type":"error","status":...}. One response at a time.
 *
 * previous_response_id that names the connection's last response is settled
 * here: that conversation is kept, as long as the connection is open, and put
 * before the new input. Other ids are left to the handler.
 *
 * Ceilings are ceilings.h's; the times of struct ws_limits are for tests.
 */
#ifndef CHATMOCK_WS_H
#define CHATMOCK_WS_H

#include "conn.h"

struct ws;

/* 0: as in ceilings.h */
struct ws_limits {
	int64_t head_ms, idle_ms, age_ms, close_ms;
	size_t kept, conns;
};

/* Listens on fd (made non-blocking; stays the caller's). NULL, which is fine
 * below: no memory, or no fd (-1). limits NULL: all as in ceilings.h. */
struct ws *ws_new(struct loop *l, int fd, const struct wire_handler *h, void *ctx,
		  const struct ws_limits *limits);

/* No more connections; those that are idle are closed (1001), the others when
 * their response has ended. */
void ws_drain(struct ws *ws);
size_t ws_conns(const struct ws *ws);
void ws_free(struct ws *ws);		/* closes all, no callbacks */

#endif
