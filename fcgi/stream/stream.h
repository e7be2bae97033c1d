/*
 * stream.h - one request on its way: what is known of it at any time.
 *
 * stream.c is the map. A stream lives from the handing over of its request
 * until its client has its answer, its upstream call is over and no thread
 * works for it; stream_settle() alone frees, at the end of each callback.
 */
#ifndef CHATMOCK_STREAM_H
#define CHATMOCK_STREAM_H

#include "../../shared/keys.h"
#include "../../shared/sse.h"
#include "app.h"
#include "collect.h"
#include "decode.h"
#include "filter.h"
#include "order.h"
#include "route.h"
#include "session.h"

enum stream_step {
	STEP_PREPARE,		/* the request is read and translated */
	STEP_LOGIN,		/* waits for a usable login */
	STEP_CALL,		/* upstream was called, has not answered */
	STEP_RELAY,		/* upstream streams its answer */
	STEP_REFUSAL,		/* upstream refused: its error body is read */
	STEP_WAIT,		/* before another attempt */
	STEP_FOLLOW,		/* says what another stream's answer stored */
	STEP_OVER		/* the client has its answer */
};

#define KEY_DIGITS 8

/* Of a caller with a credential of its own, see bearer.h: hashes of it and of
 * its account, or "". */
struct own { char id[37], account[17]; };

struct big_event;
struct background;
struct following;
struct keeping;

struct stream {
	/* What each event looks at, side by side: with thousands of streams
	 * nearly all of it has to come from far away each time. As far as terms
	 * http.c has it fetched ahead. */
	struct app *app;
	struct conn *conn;		/* NULL once the client's part is over */
	struct http_call *call;
	struct decoder *decoder;
	struct answer *answer;		/* whole answers only */
	struct big_event *big;		/* being parsed in a thread */
	struct keeping *keep;		/* what is to be stored of it; see keep.h */
	enum stream_step step;
	bool semantic;			/* an event has left: no attempt any more */
	bool done;			/* upstream ended it well */
	bool held;			/* the call waits for http_resume() */
	bool job_running;		/* preparing in a thread */
	struct loop_after flush;	/* sends what a read of upstream's made */
	size_t received;		/* bytes of the answer, all events */
	int64_t called_us, heard_us;	/* upstream: when called, last heard of */
	int64_t told_us;		/* the client: last bytes */
	struct buf payload;		/* until upstream has it and answers */
	struct sse sse;
	struct emitter emitter;
	struct filter filter;
	struct terms terms;
	struct err_note note;

	struct stream *prev, *next;
	struct request *req;
	const struct route *route;

	bool by_socket;			/* asked over a WebSocket */
	struct ask ask;			/* until upstream has the request */
	struct prompts *prompts;	/* while preparing; NULL: none are used */
	char session[SESSION_MAX];
	struct span session_arg;	/* borrowed from req, while preparing */

	struct login_wait wait;
	bool wanting;			/* inside login_want() */
	char *token;			/* the access token sent; until upstream answered */
	bool refused;			/* upstream answered 401 to it */
	bool recovered;			/* the one recovery from a 401 was used */
	bool instructed;		/* sent again with instructions */
	bool limit_waited;		/* a short limit was waited for */
	bool retrying;			/* has a part of the retry budget */
	struct breaker_ticket ticket;	/* from the first call to the end */
	int64_t lease_us;		/* a probe's: when it was renewed */
	bool body_lent;			/* a cancelled call may look at payload
					 * until its callback has returned */
	int attempts;
	int upstream_status;

	struct order order;
	struct buf refusal;		/* upstream's error body */
	struct buf handed_on;		/* upstream's headers for the client, lines */
	struct background *background;	/* it runs so, or asked for it, or NULL */
	struct following *following;	/* STEP_FOLLOW */

	struct loop_timer timer;	/* the earliest of all limits below */
	int64_t resume_us;		/* STEP_WAIT: next attempt */
	int64_t first_us;		/* first semantic event, or 0 */
	int status;			/* the HTTP status that the client got, or 0 */
	char key[KEY_DIGITS + 1];	/* whose key: a hash's digits, or "" */
	/* who calls: the id of the key, which tells callers apart for good, and
	 * its name; "" where no keys are wanted, and all callers are one */
	char caller[KEY_ID_SIZE], caller_name[KEY_NAME_SIZE];
	struct own own;
	bool was_called;		/* upstream was, once at least */
	bool calling;			/* a call whose end has not been counted */
	int64_t asked_us;		/* for a login, while it is waited for */
	int64_t own_us;			/* so far, see tally.h */
	char upstream_model[80];
	struct usage usage;
};

/* conn's request begins its life; both are the stream's from here on. */
void stream_begin(struct app *app, struct conn *conn, struct request *req);

/* The client has gone: whatever runs for it is cancelled. */
void stream_client_gone(struct stream *s);

/* The client takes bytes again. */
void stream_drained(struct stream *s);

/* Ends it with an error now (ERR_SHUTDOWN): the drain limit is reached. */
void stream_cut(struct stream *s);

/* At the end of the process: nothing is said any more to those that are still
 * there; when their threads have ended (loop_join()) they can be freed. */
void stream_stop_all(struct app *app);
void stream_free_all(struct app *app);

/* --- between the files of this folder --- */

/* One more; conn and req are its own. NULL: no memory, they are not. */
struct stream *stream_new(struct app *app, struct conn *conn, struct request *req);
/* s->note says why: tries again or answers the error. */
void stream_fail(struct stream *s);
/* The same without a word: what its client has is a part of something. */
void stream_break_off(struct stream *s);
/* What keep_end() made it wait for is over: the end is said. */
void stream_kept(struct stream *s);
/* The answer has been said in full. */
void stream_done(struct stream *s);
/* Frees the stream when nothing of it is left. The last call of a callback. */
void stream_settle(struct stream *s);
/* Sets the one timer to the earliest limit. */
void stream_watch(struct stream *s);

/* prepare.c: the request to upstream's payload, here or in a thread. */
void prepare_start(struct stream *s);
/* A packed body becomes what it was, of at most max bytes. */
enum err prepare_unpack(struct stream *s, size_t max, struct err_note *note);
void prepare_done(struct stream *s);		/* stream.c's next step */

/* serve_here.c: short answers that need no upstream; arg as route_match has it. */
void serve_here(struct stream *s, struct span arg);

/* serve_models.c: the list of models, or one. */
void serve_models(struct stream *s, struct span id);

/* serve_socket.c: a WebSocket's handshake. */
void serve_socket(struct stream *s);

/* attempt.c: the login, the call, its end. */
void attempt_start(struct stream *s);
/* True when another attempt was arranged for the failure in s->note. */
bool attempt_again(struct stream *s);
void attempt_stop(struct stream *s);		/* cancels call and waiting */
void attempt_forget(struct stream *s);		/* the token it sent */

/* mend.c: takes reasoning that upstream cannot read out of the payload, once. */
bool mend_reasoning(struct stream *s);

/* relay.c: upstream's bytes to the client. */
void relay_begin(struct stream *s);
bool relay_bytes(struct stream *s, struct span bytes);	/* false: hold */
void relay_at_once(struct stream *s);		/* an answer without upstream */
void relay_end(struct stream *s);		/* upstream's transfer is over */
void relay_kept(struct stream *s);		/* says what was held, and ends */
void relay_heartbeat(struct stream *s);
void relay_flush(struct loop_after *a);
void relay_free(struct stream *s);
enum err relay_sse(void *ctx, struct span name, struct span data);

/* relay_big.c: events too large to be parsed on the loop. */
bool big_start(struct stream *s, struct span name, struct span data);
bool big_queue(struct stream *s, struct span name, struct span data);
/* big_event's thread has ended: relay.c goes on. */
void relay_go_on(struct stream *s, bool ended);

#endif
