/*
 * ws_private.h - what the files of the WebSocket have in common; ws.h first.
 *
 *	ws.c		listening, draining, all connections
 *	ws_conn.c	one connection: its begin, and bytes in
 *	ws_out.c	bytes out, its time limits, its end
 *	ws_message.c	a message becomes a request
 *	ws_turn.c	the answer to one: events become messages
 *	ws_head.c	the handshake
 *	ws_frames.c	frames
 *	ws_create.c	what a message says, and what is remembered
 *
 * A request lives in a struct conn without a descriptor (v), which the handler
 * has; the struct ws_conn (c) is the connection that it came over. Neither a
 * handler's function is called nor a ws_conn freed inside a conn_ function.
 */
#ifndef CHATMOCK_WS_PRIVATE_H
#define CHATMOCK_WS_PRIVATE_H

#include "../../shared/sse.h"
#include "wire_private.h"
#include "ws.h"
#include "ws_create.h"
#include "ws_frames.h"
#include "ws_head.h"

enum ws_state {
	WS_HEAD,		/* the handshake is awaited */
	WS_ASKING,		/* the handler has it */
	WS_OPEN,
	WS_CLOSING,		/* we said close; theirs is awaited */
	WS_LINGER,		/* nothing is said any more: until it is sent, and
				 * they have closed */
	WS_DEAD
};

struct ws_reading;

struct ws_conn {
	struct link link;		/* in ws->conns or ws->dead */
	struct ws *ws;
	struct loop_fd f;
	struct loop_timer limit;	/* the earliest of its time limits */
	struct loop_timer soon;		/* what may not be done inside a call */
	int64_t begun_us, heard_us, moved_us, closed_us;

	/* in */
	struct buf early;		/* the head; then what came behind it */
	size_t early_off;
	struct frames *frames;
	size_t budget;			/* of this turn of the loop */
	size_t counted;			/* in ws->kept */
	struct ws_handshake shake;
	struct ws_memory memory;
	struct ws_reading *reading;	/* a message, maybe in a thread */
	size_t reading_size;

	/* out */
	struct buf out;
	size_t out_off;

	/* the request that is being answered */
	struct conn *v;
	struct sse sse;
	struct buf lines;		/* its answer's head */
	struct buf input, end;		/* to be remembered when it ends well */
	char id[WS_ID_MAX];
	int status;			/* 0: the head is not whole */
	bool chained, told;

	uint8_t state;			/* enum ws_state */
	bool cut;			/* there is more to be read at once */
	bool eof, broken;
	bool aged;			/* older than connections become */
	bool shut;
};

struct ws {
	struct wire wire;		/* of the requests; has no listener */
	struct loop_fd listener;
	struct loop_timer again;	/* accept after a pause */
	struct loop_timer reaper;
	struct link conns, dead;
	struct ws_limits limits;
	size_t count, kept;
	bool draining;
};

/* --- ws_conn.c */
/* Takes over fd. False: no memory or no place in epoll; fd is closed. */
bool ws_conn_new(struct ws *ws, int fd);
/* Looks again, soon. */
void ws_wake(struct ws_conn *c);

/* --- ws_out.c */
void ws_conn_free(struct ws_conn *c);		/* dead ones */
void ws_dead(struct ws_conn *c);
/* Tells the handler that its client has gone, if it has a request. From the
 * loop alone. */
void ws_drop_request(struct ws_conn *c);
/* Says close and then no more. The request must have ended. */
void ws_close(struct ws_conn *c, unsigned code, const char *why);
/* Sends what the socket takes. */
void ws_push(struct ws_conn *c);
size_t ws_pending(const struct ws_conn *c);
/* They wait to be read: nothing more is read from them. */
bool ws_is_stuffed(const struct ws_conn *c);
/* Counts what it holds; false: all together hold too much. */
bool ws_count(struct ws_conn *c);
/* Sets the timer to the earliest limit. */
void ws_watch(struct ws_conn *c);
void ws_limit(struct loop_timer *t);
/* Nothing is asked: closes it if its time has come. */
void ws_idle_or_close(struct ws_conn *c);
/* Says no more; the end of what was said is awaited. */
void ws_linger(struct ws_conn *c);
/* They have gone. From the loop alone. */
void ws_lost(struct ws_conn *c);

/* --- ws_message.c */
/* The handshake's request, or one for a message, to the handler. Takes req. */
bool ws_hand_over(struct ws_conn *c, struct request *req);
void ws_message(struct ws_conn *c, struct span text);
void ws_reading_forget(struct ws_conn *c);	/* it goes on without us */

/* --- ws_turn.c */
const struct conn_way *ws_turn_way(void);
void ws_turn_begin(struct ws_conn *c);
void ws_turn_free(struct ws_conn *c);

#endif
