/*
 * wire_private.h - what the files of fcgi/wire share; see conn.h first.
 *
 *	wire.c		listening, time limits
 *	conn.c		the life of a conn, reading
 *	record.c	FastCGI records in: from bytes to a request
 *	params.c	the parameters: checked by us, parsed by libfcgi
 *	conn_out.c	the answer: records out
 *	peer.c		what the kernel knows of a client (peer.h)
 *	watch.c		who is asked after, and when
 *	cgi.c		one plain CGI request behind the same face
 *	move.c		kept connections that go to another worker
 *	ws*.c		WebSockets behind it: see ws_private.h
 *	spool.c		an answer that goes to no peer
 */
#ifndef CHATMOCK_WIRE_PRIVATE_H
#define CHATMOCK_WIRE_PRIVATE_H

#include "../../shared/buf.h"
#include "../../shared/ceilings.h"
#include "../../shared/fdqueue.h"
#include "conn.h"
#include "peer.h"

#define RECORD_HEAD	8
#define END_RECORD	16		/* an END_REQUEST with its head */
#define TAIL		(RECORD_HEAD + END_RECORD)
#define MAX_SMALL	512		/* content of BEGIN, GET_VALUES */
#define MAX_CONTROL	4096		/* our replies that the peer does not read */

enum record_type {
	FCGI_BEGIN = 1, FCGI_ABORT, FCGI_END, FCGI_PARAMS, FCGI_STDIN, FCGI_STDOUT,
	FCGI_STDERR, FCGI_DATA, FCGI_VALUES, FCGI_VALUES_RESULT, FCGI_UNKNOWN
};

enum end_status { END_COMPLETE, END_CANT_MPX, END_OVERLOADED, END_UNKNOWN_ROLE };

/* In which list of its wire a conn is. */
enum conn_state {
	CONN_IDLE,		/* kept, between two requests */
	CONN_READING,		/* a request is awaited or half here */
	CONN_ANSWERING,		/* the handler has it */
	CONN_ENDING,		/* answered, not all is sent */
	CONN_DEAD,		/* closed, freed when no callback is running */
	CONN__STATES
};

/* How far the request of a conn has come. */
enum phase { PHASE_NONE, PHASE_PARAMS, PHASE_STDIN, PHASE_WHOLE };

/* What is done with the content of the record being read. */
enum take { TAKE_SKIP, TAKE_SMALL, TAKE_PARAMS, TAKE_STDIN, TAKE_ABORT };

/* Which clients are asked after. */
enum watch { WATCH_WAITING, WATCH_TOLD, WATCH__QUEUES };

struct link {
	struct link *prev, *next;
};

/* The record being read. */
struct reader {
	unsigned char head[RECORD_HEAD];
	uint8_t head_have;
	uint8_t padding;		/* left */
	uint16_t content;		/* left */
	uint16_t id;
	uint8_t type;
	uint8_t take;			/* enum take */
};

/* An answer that leaves neither as records nor as it is. Called with the head
 * ended and out not failed, but for abort(). */
struct conn_way {
	void (*flush)(struct conn *c);		/* takes what it can of out */
	void (*end)(struct conn *c);		/* the conn is closed then */
	void (*abort)(struct conn *c);		/* the conn is closed already */
	size_t (*pending)(const struct conn *c);	/* beyond what is in out */
	bool (*is_socket)(const struct conn *c);
};

struct conn {
	/* what each piece of an answer needs is in front */
	struct wire *wire;
	const struct conn_way *way;	/* NULL: records, or raw bytes */
	struct loop_fd f;
	struct buf out;			/* STDOUT content */
	size_t out_off;			/* of it already sent */
	int64_t heard_us;		/* bytes last moved */
	unsigned char head[RECORD_HEAD];	/* of the record being sent */
	uint8_t head_left;
	uint8_t tail_off;		/* of the last two records, sent */
	uint16_t record_left;		/* content of the record being sent */
	uint16_t id;			/* the request's, while phase says so */
	uint8_t state;			/* enum conn_state */
	uint8_t phase;			/* enum phase */
	bool keep;			/* FCGI_KEEP_CONN */
	bool kept;			/* one request at least was answered */
	bool head_over;			/* parameters passed their ceiling */
	bool begun, head_open;		/* the answer's head */
	bool broken;			/* sending failed */
	bool was_full;
	bool raw;			/* no records, and the fd is not ours */
	bool moved;			/* another worker had it before */
	struct buf control;		/* whole records that go between */

	struct link link;		/* in wire->lists[state] */
	struct loop_timer soon;		/* what may not be told inside a call */
	void *user;
	struct link watched;		/* in a queue of watch.c, or alone */
	int64_t look_us;		/* when to ask after its client */
	struct peer peer;		/* that client */

	/* in */
	struct reader reader;
	struct buf small;		/* BEGIN or GET_VALUES in pieces */
	struct buf params;		/* content of PARAMS so far */
	struct request *req;		/* until it is handed over */
	int64_t length;			/* CONTENT_LENGTH, -1: none */
	int64_t begun_us;
	size_t skipped;			/* bytes of this request thrown away */

	void *over;			/* what way's answers go over */
	conn_take_fn take;		/* a spool's, see spool.c */
	void *take_ctx;
};

struct wire {
	struct loop *loop;
	struct wire_handler h;
	void *ctx;
	struct loop_fd listener;
	struct fdqueue queue;		/* see move.c */
	struct loop_fd arrivals;	/* what is to be taken from there */
	struct loop_timer take_again;	/* after a pause */
	struct loop_timer move;		/* the next look at what is to be given */
	int64_t untaken_us;		/* since when something lies there; 0 */
	unsigned refusals;		/* how often nobody took them */
	struct loop_timer again;	/* accept after a pause */
	struct loop_timer sweep;	/* once a second, while there is need */
	struct loop_timer over;		/* CGI: the one conn has gone */
	struct loop_timer watch;	/* the next look at clients */
	struct link lists[CONN__STATES];
	struct link watched[WATCH__QUEUES];	/* see watch.c; next first */
	struct peers peers;
	size_t conns;
	size_t accept_failures;
	unsigned depth;			/* callbacks of ours that are running */
	int pair[2];			/* to libfcgi: read, written; -1: none */
	bool accepting, tcp;
	bool giving, given;		/* kept conns; one at least */
	char *scratch;
	struct buf spare;		/* memory for the next answer's out */
};

#define SCRATCH_SIZE (64u << 10)
#define MAX_SPARE (64u << 10)
#define SWEEP_US 1000000

/* --- lists: the head is a link of its own */
static inline void link_init(struct link *head)
{
	head->prev = head->next = head;
}

static inline void link_del(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

static inline void link_add(struct link *head, struct link *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline bool link_empty(const struct link *head)
{
	return head->next == head;
}

static inline struct conn *conn_of_link(struct link *l)
{
	return CONTAINER_OF(l, struct conn, link);
}

/* --- wire.c */
/* A wire without a listener and without libfcgi. */
void wire_init(struct wire *w, struct loop *l, const struct wire_handler *h,
	       void *ctx);
bool wire_setup(struct wire *w, struct loop *l, const struct wire_handler *h,
		void *ctx);
void wire_teardown(struct wire *w);

/* --- move.c */
void move_init(struct wire *w);
void move_soon(struct wire *w);		/* a conn is between two requests */
void move_end(struct wire *w);		/* no more are given */
bool move_may(const struct wire *w);	/* is one worth being kept? */

/* --- conn.c */
/* Every callback of ours runs between these two: conns die at the end. */
void wire_enter(struct wire *w);
void wire_leave(struct wire *w);
/* Takes over fd once the caller has added c->f to the loop. NULL: no memory. */
struct conn *conn_new(struct wire *w, int fd);
/* A conn of an open socket, in the loop. moved: of another worker. NULL: it
 * could not be, and the socket is closed. */
struct conn *conn_admit(struct wire *w, int fd, bool moved, bool kept);
void conn_move(struct conn *c, enum conn_state state);
void conn_close(struct conn *c);
/* The peer has gone or broke the protocol: tells the handler that has it. */
void conn_lost(struct conn *c);
/* Reads what is there. closed: until the peer's end is seen. */
void conn_read(struct conn *c, bool closed);
/* All of a request is here (or enough to refuse it). */
void conn_hand_over(struct conn *c);
/* Back to waiting for a request, or closed. */
void conn_finished(struct conn *c);

/* --- record.c */
/* Takes bytes from the peer. The conn may be dead afterwards. */
void record_feed(struct conn *c, const char *bytes, size_t len);
/* The body and its length agree, as far as can be said. */
void body_check(struct request *req, int64_t length);
/* Adds to the body; false when it is not wanted any more. */
bool body_add(struct request *req, int64_t length, const char *bytes, size_t len);
/* CONTENT_LENGTH of req, -1 when there is none; fails the request when bad. */
int64_t body_length(struct request *req);

/* --- params.c */
/* Makes libfcgi ready, and the pair through which it reads. */
void params_init(struct wire *w);
void params_end(struct wire *w);
/* One name and value off the front of *rest. False: at the end, or the rest
 * is not a whole pair. */
bool params_next(struct span *rest, struct span *name, struct span *value);
/*
 * Makes a request of the content of PARAMS, which is moved about in it: what
 * nobody looks at is left out. cut: more than the ceiling came, the last pair
 * may be incomplete. NULL: malformed, or no memory.
 */
struct request *params_request(struct wire *w, struct buf *raw, bool cut);

/* --- conn_out.c */
/* Sends what there is; sees to what happens then. */
void conn_push(struct conn *c);
void conn_reply(struct conn *c, enum record_type type, uint16_t id,
		struct span content);
void conn_reply_end(struct conn *c, uint16_t id, enum end_status status);
void conn_out_reset(struct conn *c);

/* --- watch.c */
void watch_open(struct wire *w);
void watch_begin(struct conn *c, const struct peer *p);
void watch_end(struct conn *c);		/* not watched: no-op */

/* --- cgi.c */
/* Non-blocking write to fd 1: as send(2). */
ssize_t cgi_write(int fd, const char *bytes, size_t len);

#endif
