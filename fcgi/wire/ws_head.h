/*
 * ws_head.h - the head of a WebSocket's handshake (HTTP/1.1), as the web
 * server hands it on, made into a request like those that come by FastCGI.
 *
 * Each header line is a parameter HTTP_*. REMOTE_ADDR is the last address of
 * X-Forwarded-For: it is the web server that wrote it, and only the web server
 * reaches the socket. Where it wrote none there is no REMOTE_ADDR, and access.c
 * lets nobody in.
 */
#ifndef CHATMOCK_WS_HEAD_H
#define CHATMOCK_WS_HEAD_H

#include "request.h"

struct ws_handshake {
	char accept[29];	/* Sec-WebSocket-Accept; "": it is no handshake */
	char *params;		/* the parameters as they go into each request of
				 * the connection; the caller's to free */
	size_t params_len;
};

/* Where the head in bytes ends (behind its empty line); 0: not all is here.
 * from: how much was looked at before. */
size_t ws_head_end(struct span bytes, size_t from);

/*
 * The request that head is; what is wrong with it is in its note. NULL: no
 * memory; h is then empty.
 */
struct request *ws_head_read(struct span head, struct ws_handshake *h);

/* For a head of which too much came: a request that says so. */
struct request *ws_head_refused(enum err code);

/*
 * A request POST for one response, of what the handshake's parameters were and
 * further ones ("NAME=value\0"), which count before those. NULL: no memory. The body is the
 * caller's to fill.
 */
struct request *ws_head_again(const struct ws_handshake *h, struct span further);

#endif
