/*
 * conn.h - FastCGI connections on the loop, and plain CGI behind the same face.
 *
 * The only module that includes <fcgiapp.h>. The loop owns every descriptor:
 * wire accepts the listening socket itself, gathers records without blocking
 * until PARAMS and STDIN have ended, under ceilings, and lets libfcgi parse
 * the parameters from a pipe that can not block. Answers leave as
 * FCGI_STDOUT records through a bounded buffer and a non-blocking send, ended
 * by an empty STDOUT and END_REQUEST. What it relies on in libfcgi is said in
 * params.c. Keep-alive connections (FCGI_KEEP_CONN) go back to reading.
 *
 * A peer that sends half a request holds its own connection and nothing else,
 * for MAX_PEER_SILENCE_MS of silence at most. A peer that closes (or half
 * closes) after its request is a client that is gone; so is one whose client
 * has closed its connection to a web server on this machine (watch.c).
 *
 * A WebSocket's requests come behind the same face (ws.h): conn_is_socket()
 * tells its handshake, which is answered with 101 or refused; each message
 * that asks for a response is then a request of its own.
 *
 * Life of a conn: handler->request hands over conn and request; the handler
 * answers through the functions below and ends with conn_end() or
 * conn_abort(), after which conn is not its own any more. When the peer goes
 * first, handler->gone is called once; the conn is dead when it returns.
 * No handler function is called inside a conn_ function.
 */
#ifndef CHATMOCK_CONN_H
#define CHATMOCK_CONN_H

#include "../../shared/fdqueue.h"
#include "../../shared/loop.h"
#include "request.h"

struct wire;
struct conn;

struct wire_handler {
	/* A whole request (or one with note.code set). The handler owns req. */
	void (*request)(void *ctx, struct conn *conn, struct request *req);
	/* The peer has gone. user is what conn_set_user() gave. */
	void (*gone)(void *ctx, struct conn *conn, void *user);
	/* Pending output fell below OUT_LOW_WATER after conn_full() was true
	 * (whether it was asked or not). */
	void (*drained)(void *ctx, struct conn *conn, void *user);
	/* May one more be accepted now? Asked before each accept. */
	bool (*may_accept)(void *ctx);
	/* Clients can not be asked after (any more): an errno. NULL is fine. */
	void (*unwatched)(void *ctx, int why);
	/* May a kept connection of another worker be taken over now? Asked
	 * besides may_accept; and it was. NULL is fine. */
	bool (*may_take)(void *ctx);
	void (*taken)(void *ctx);
};

/* Listens on fd (made non-blocking; stays the caller's). NULL: no memory. */
struct wire *wire_new(struct loop *l, int fd, const struct wire_handler *h,
		      void *ctx);
void wire_accept(struct wire *w, bool on);	/* off while draining: none is kept */
/* While it accepts it also takes what other workers give away by q. */
void wire_share(struct wire *w, const struct fdqueue *q);
/* Draining: kept connections, and such as have said nothing yet, go to who
 * shares the queue. Who is not taken is served on. No queue: as before. */
void wire_give(struct wire *w);
size_t wire_open(const struct wire *w);		/* conns, or given and not yet taken */
size_t wire_conns(const struct wire *w);	/* open, idle kept ones too */
size_t wire_accept_failures(const struct wire *w);	/* no descriptors, no memory */
void wire_close_idle(struct wire *w);		/* between requests: closed now, not given */
void wire_free(struct wire *w);			/* closes every conn, no callbacks */

/*
 * Plain CGI (RFC 3875): reads one request from fd 0 and the environment and
 * hands it to the handler on the loop; the answer goes to fd 1. done is
 * called when the answer has left, or nobody reads it any more. SIGPIPE is
 * ignored from then on. Returns false when there is no memory.
 */
bool wire_cgi(struct loop *l, char *const environ_[], const struct wire_handler *h,
	      void *ctx, void (*done)(void *ctx));

/*
 * A conn that no peer has: what conn_flush() and conn_end() would send is given
 * to take() instead, inside them, without a head. False: not now; it is offered
 * again with the next conn_flush(), and counts as pending. What is refused to
 * conn_end() is lost. It never goes by itself. NULL: no memory.
 */
typedef bool (*conn_take_fn)(void *ctx, struct span bytes);
struct conn *conn_spool(struct wire *w, conn_take_fn take, void *ctx);

void conn_set_user(struct conn *c, void *user);

/* The request is a WebSocket's handshake, good to be answered with 101. */
bool conn_is_socket(const struct conn *c);

/* --- answering. Order: conn_begin, any conn_header, then body, conn_end. */
void conn_begin(struct conn *c, int status);		/* writes "Status: 200 OK" */
void conn_header(struct conn *c, const char *name, const char *value);
/* Lines that are the same each time, all with their "\r\n": as they are. */
void conn_header_lines(struct conn *c, const char *lines);
bool conn_begun(const struct conn *c);			/* the status is spent */

/* The buf to which body bytes are appended, until the next conn_ call. Ends
 * the headers when they are open. */
struct buf *conn_body(struct conn *c);

/* Sends what has gathered as far as the socket takes it. */
void conn_flush(struct conn *c);

/* More than OUT_HIGH_WATER waits to be sent: stop making more. */
bool conn_full(const struct conn *c);
size_t conn_pending(const struct conn *c);

/* The answer is complete: sent in full on the loop, then closed or kept. A
 * failed buf (too large, no memory) closes without END_REQUEST. */
void conn_end(struct conn *c);
/* Broken off: closed without END_REQUEST, what is pending is lost. */
void conn_abort(struct conn *c);

#endif
