/*
 * upstream.h - the test upstream: one loop, one process, many streams.
 *
 *	main.c		options, signals, sockets
 *	conn.c		one connection: reading, writing, whose turn it is
 *	http1.c		a request out of bytes
 *	routes.c	which path is answered by whom
 *	script.c	which answer is next; play.c: its steps, one after another
 *	canned.c	whole event sequences by name ({"say":"Hello"})
 *	check*.c	what the ChatGPT backend, or a public one, would refuse
 *	records.c	what was received, counted and timed
 *	issuer.c	/oauth/token
 *	models.c	/models
 *	bench.c		cheap streams for the benchmark; demo.c: the demo's text
 */
#ifndef CHATMOCK_UPSTREAM_H
#define CHATMOCK_UPSTREAM_H

#include "../../shared/buf.h"
#include "../../shared/json.h"
#include "../../shared/loop.h"

#define MAX_HEADERS	100
#define MAX_HEAD	(64u << 10)
#define MAX_BODY	(128u << 20)
#define MAX_RECORDS	20000		/* requests remembered */
#define MAX_RECORDED_BODY (4u << 20)	/* longer ones by their hash alone */
#define MAX_ABORTS	100000		/* their times remembered */
#define OUT_HIGH	(256u << 10)	/* an answer pauses above */

enum mode { MODE_SCRIPT, MODE_DEMO, MODE_BENCH };
enum kind { KIND_CHATGPT, KIND_RESPONSES };

struct options {
	enum mode mode;
	enum kind kind;
	int port;
	const char *unix_path, *key;
	bool stay, lax;
	long events;		/* of a bench stream */
	int64_t interval_us, delay_us;
};

struct header { struct span name, value; };

/* Borrowed from the connection's input, good until the handler returns. */
struct request {
	struct span method, path, query, body;
	struct header headers[MAX_HEADERS];
	size_t header_count;
	bool close;		/* the connection ends with the answer */
};

/* The first header of that name; "" when there is none. */
struct span request_header(const struct request *req, const char *name);

struct stats {
	uint64_t connections, requests, streams, finished, aborts, refused, events;
	uint64_t open;		/* streams that have begun and not ended */
	uint64_t token_requests, tokens_issued, tokens_reused, tokens_failed;
	int64_t aborted_us[MAX_ABORTS];	/* a ring */
};

struct server {
	struct options opt;
	struct loop *loop;
	struct loop_fd tcp, local, signals;
	struct conn *conns, *grave;
	struct loop_timer bury;
	struct json_reader *reader;
	struct stats stats;
	struct json_object *records;	/* array */
	struct json_object *queue, *keyed, *usual;	/* answers to give */
	struct json_object *token_queue, *token_config, *tokens_used;
	struct json_object *models;	/* {"list", "etag", "accounts"} or NULL */
	char newest_token[1024];	/* access token */
	char newest_client[128];	/* the client_id that last asked for one */
	uint64_t ids;		/* for resp_1, msg_1 ... */
};

/* --- conn.c --- */

/* What an answer wants after its turn. */
enum turn {
	TURN_MORE,		/* call again, as soon as there is room */
	TURN_WAIT,		/* a timer was set by conn_wait() */
	TURN_STALL,		/* nothing more until the peer goes */
	TURN_DONE,		/* the answer is complete */
	TURN_CLOSE,		/* FIN when all is sent */
	TURN_RESET,		/* RST when all is sent */
};

struct conn {
	struct loop_fd fd;
	struct loop_timer timer;
	struct server *srv;
	struct conn *prev, *next;
	struct buf in, out;
	size_t out_at, need;
	size_t cut_every;	/* bytes of one send(); 0: as many as go */
	enum turn (*run)(struct conn *c);
	void (*drop)(void *state);
	void *state;		/* of run; freed by drop */
	struct json_object *record;
	bool dead, blocked, continued, closing, streaming, close_after, chunked;
};

void conn_accepted(struct server *srv, int fd);
void conn_kill(struct conn *c);
void conn_bury(struct server *srv);

/* Bytes for the peer; they leave when the turn ends. */
void conn_put(struct conn *c, struct span bytes);

/* The same as one chunk of a chunked body (empty: nothing). */
void conn_chunk(struct conn *c, struct span bytes);

/* A whole answer at once. */
void conn_reply(struct conn *c, int status, struct span body);
void conn_reply_json(struct conn *c, int status, struct json_object *v);

/* An answer that goes on by itself: run is called now and after each wait. */
void conn_play(struct conn *c, enum turn (*run)(struct conn *c), void *state,
	       void (*drop)(void *state));
void conn_wait(struct conn *c, int64_t us);

const char *status_reason(int status);

/* --- http1.c --- */

enum parsed { PARSED_MORE, PARSED_WHOLE, PARSED_BAD };

/* *used: bytes of the request, or how many are needed to go on. */
enum parsed request_parse(struct span in, struct request *req, size_t *used,
			  bool *head_whole);

/* --- routes.c, answers --- */

void route(struct conn *c, const struct request *req);
void bench_begin(struct conn *c, const struct request *req);
void demo_begin(struct conn *c, const struct request *req);
void issuer_answer(struct conn *c, const struct request *req);
/* An access token for the account; lives for expires_in seconds. */
void issuer_make_token(struct server *srv, const char *account, int64_t expires_in,
		       struct buf *out);

/* --- models.c --- */

void models_answer(struct conn *c, const struct request *req);

/* --- script.c --- */

/* Takes a script for later answers; false: `why` says what is wrong. */
bool script_add(struct server *srv, struct json_object *v, struct buf *why);
void script_clear(struct server *srv);
/* Plays the next answer for this request; false: there is none for it. */
bool script_begin(struct conn *c, const struct request *req,
		  struct json_object *body);

/* --- play.c --- */

enum step_kind { STEP_SEND, STEP_WAIT, STEP_CLOSE, STEP_RESET, STEP_STALL, STEP_END };
struct step { enum step_kind kind; size_t from, len; int64_t us; };

struct play {
	struct buf bytes;	/* what the send steps send */
	struct buf steps;	/* struct step, one behind the other */
	size_t at;
	bool raw;		/* no head, no chunks */
	bool by_length;		/* the body is not chunked */
};

struct play *play_new(void);
void play_free(void *play);
void play_send(struct play *p, struct span bytes);
void play_wait(struct play *p, int64_t us);
void play_add(struct play *p, enum step_kind kind);
void play_begin(struct conn *c, struct play *p);

/* --- canned.c --- */

/* Adds the event sequence that a canned script names; model is echoed. */
bool canned_add(struct server *srv, struct play *p, struct json_object *script,
		const char *model, struct buf *why);
bool canned_is(struct json_object *script);
void canned_event(struct play *p, struct json_object *event, bool names);

/* --- check.c --- */

struct check {
	enum kind kind;
	struct json_object *problems;	/* array of strings */
	int status;			/* of the first; 0: none */
	char detail[400], param[160];	/* of the first */
	const char *code;		/* error.code, or NULL */
};

void check_request(struct check *k, const struct server *srv,
		   const struct request *req, struct json_object *body);
void check_login(struct check *k, const struct server *srv,
		 const struct request *req);
void check_models(struct check *k, const struct server *srv,
		  const struct request *req);
void check_input(struct check *k, struct json_object *input);
void check_tools(struct check *k, struct json_object *tools, const char *path);
void check_choice(struct check *k, struct json_object *choice,
		  struct json_object *tools);
void check_fail(struct check *k, const char *param, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* A string of 1 to 64 letters, digits, '_' and '-'. */
void check_name(struct check *k, struct json_object *v, const char *key,
		const char *path);
/* One of the words, which are separated by blanks. */
bool check_word(struct check *k, struct json_object *v, const char *words,
		const char *path);
void check_answer(struct conn *c, const struct check *k);

/* --- records.c --- */

void record_request(struct conn *c, const struct request *req,
		    struct json_object *body, const struct check *k);
void record_end(struct conn *c, bool aborted);
struct json_object *records_stats(const struct server *srv);
struct json_object *records_aborts(const struct server *srv);

#endif
