/*
 * tongue.h - one way of asking and of saying an answer.
 *
 * A tongue is one ask_*.c, one emit_*.c and its lines in route.c. It knows
 * the client's JSON, struct ask and struct event, and nothing of sockets,
 * upstreams or time limits.
 */
#ifndef CHATMOCK_TONGUE_H
#define CHATMOCK_TONGUE_H

#include "../../shared/catalog.h"
#include "../../shared/ceilings.h"
#include "event.h"
#include "names.h"

struct tongue;
struct at;
struct memory;

/*
 * The terms on which an answer is given: what has to be known of the request
 * after its text was let go. Owned by who called terms_init().
 */
struct terms {
	const struct tongue *tongue;
	struct memory *memory;		/* see memory.h; NULL: nothing is kept */
	enum reasoning_compat reasoning;
	bool stream;
	bool private_events;		/* a Codex client: the backend's own are
					 * passed on */
	bool include_usage;
	bool legacy_functions;		/* asked with functions, answered so */
	bool structured;		/* JSON output: no think tags in it */
	bool thoughts_sent;		/* upstream's reasoning goes back to it; it
					 * may be left out if it is refused */
	bool thought_hidden;		/* reasoning is sealed, its text not shown */
	bool whole_calls;		/* the filter keeps a stream's calls back
					 * until they are complete */
	size_t stop_count;
	char id[40];			/* "chatcmpl-...": the answer's id */
	int64_t created;		/* Unix seconds */
	char *model;			/* as the client is told */
	const char *at_once;		/* why the answer ends without upstream
					 * having been asked ("load"), or NULL */
	int64_t tokens;			/* the answer, where it is their number */
	/* clock_mono_us() when the request came, when the first of its answer
	 * was there, and its end; 0: not yet */
	int64_t begun_us, first_us, done_us;
	struct buf echo;		/* the request's part in a whole response,
					 * a JSON object or empty */
	struct names names;
	char *stops[MAX_STOPS_KEPT];	/* stop strings, kept by us */
	struct buf dropped;		/* "temperature, seed": parameters that
					 * were dropped, for the header */
};
void terms_init(struct terms *t);
void terms_free(struct terms *t);		/* safe twice */
/* Notes a dropped parameter once. */
void terms_drop(struct terms *t, const char *param);
bool terms_dropped(const struct terms *t, struct span param);

/*
 * A request on its way to a Responses request. ask_* fills request and terms.
 * config is borrowed; of catalog it holds a reference. headers of the client's that matter were
 * read into the members by who calls.
 */
struct ask {
	const struct config *config;
	struct catalog *catalog;	/* as it was when the request came */
	struct json_object *request;	/* the Responses request being made; owned */
	struct terms terms;
	struct model_choice model;
	/* parameters that the Responses API lacks and that change the answer's
	 * meaning, for CODEX__PROPAGATE_UNSUPPORTED_PARAMS; merged by payload */
	struct json_object *unsupported;	/* object or NULL; owned */
	const char *reasoning_header;	/* X-ChatMock-Reasoning or NULL */
	const struct at *in;		/* see ask_params() in ask.h */
	bool socket;			/* asked over a WebSocket, whose words are
					 * more: generate */
	const char *continues;		/* id of the response whose items that
					 * socket put into the input, or NULL */
	bool native;			/* asked in upstream's own tongue: what it
					 * says stays as it was said */
};
void ask_init(struct ask *a, const struct config *c, const struct catalog *cat);
void ask_free(struct ask *a);			/* safe twice */

/* What an error has to say, ready for any tongue (made by answer.c). */
struct fault {
	int status;
	const char *type, *code, *param, *message;	/* code, param may be NULL */
	const char *request_id;
	const struct err_note *note;	/* plan, resets_at, retry_after_s; may be NULL */
};

/* What upstream told of its limits; minutes or limit 0: nothing of that. */
struct limit_window { int64_t minutes, resets_at; double used; };
struct limit_count { int64_t limit, remaining, resets_at; };
struct limits {
	struct limit_window windows[2];
	struct limit_count requests, tokens;
	bool reached;			/* this request was refused for one */
};

/* A whole answer, gathered from events by collect.c. */
struct answer_call {
	char *id, *name;
	bool custom;
	struct buf args;
};
/* A run of the same in the order in which it was told. */
struct answer_piece {
	enum event_kind kind;		/* TEXT, REFUSAL, THOUGHT, CALL, HOSTED */
	size_t begin, end;		/* of its buf; CALL, HOSTED: begin is its
					 * number */
	size_t notes, notes_end;	/* TEXT: of annotations */
	bool over;			/* nothing joins it any more */
	char *id, *encrypted;		/* THOUGHT: what its end said, or NULL */
};
struct answer {
	char id[80];			/* upstream's response id */
	char model[257];		/* upstream's word for the model, or "" */
	struct buf text, thought, refusal;
	bool has_refusal;
	struct json_object *annotations;	/* array or NULL */
	struct json_object *hosted;		/* array or NULL */
	struct answer_call *calls;
	size_t call_count;
	bool ordered;			/* pieces are wanted */
	struct answer_piece *pieces;
	size_t piece_count;
	enum finish finish;
	struct span stop;		/* the stop string met, as terms has it */
	struct usage usage;
	bool done;			/* EVENT_DONE was seen */
	struct buf response;		/* upstream's own object, where it is
					 * passed on */
};

/* What a tongue remembers while it says a stream. Zeroed at the start. */
struct emitter {
	const struct terms *terms;	/* borrowed */
	bool begun;			/* first chunk is out */
	bool ended;
	unsigned calls;			/* calls begun so far */
	unsigned open;			/* tongue's own: what block is open */
	unsigned blocks;		/* tongue's own: blocks begun */
	unsigned searches;		/* tongue's own: hosted searches told */
	bool thinking;			/* tongue's own: inside reasoning */
	bool refused;			/* tongue's own: some refusal was told */
	bool numbered;			/* tongue's own: sequence is upstream's */
	int64_t sequence;		/* tongue's own: number of the next event */
	char response_id[80];		/* tongue's own: as upstream named it */
	int64_t second;			/* tongue's own: of its last stamp, */
	char stamp[32];			/* which is RFC 3339 */
};

struct tongue {
	const char *name;		/* in logs and metrics: "chat" */
	const char *stream_type;	/* content type of a stream */
	const char *id_prefix;		/* "chatcmpl-" */
	const char *heartbeat;		/* bytes that keep a silent stream alive, or NULL */
	/* or says them itself, where they are not always the same; or NULL */
	void (*beat)(struct emitter *e, struct buf *out);
	const char *id_header;		/* the request's id once more, or NULL */
	bool ordered;			/* one thing behind the other: whole() wants the
					 * answer's pieces, emit() no calls that overlap */
	bool passes;			/* it is upstream's own: events come with
					 * their source and unfiltered, upstream's
					 * headers are handed on */

	/* Fills a->request and a->terms from the client's body (borrowed; it may
	 * take references). */
	enum err (*ask)(struct ask *a, struct json_object *body,
			struct err_note *note);

	/* Says one event of a stream; EVENT_DONE includes the tongue's end
	 * marker. Before the first, whatever begins a stream. */
	void (*emit)(struct emitter *e, struct buf *out, const struct event *ev);

	/* Is a whole answer what was asked for? Or NULL: any is. */
	enum err (*check)(const struct answer *a, struct err_note *note);

	/* Says a whole answer. */
	void (*whole)(const struct terms *t, struct buf *out,
		      const struct answer *a);

	/* Upstream's limits as header lines; or NULL. */
	void (*limits)(struct buf *out, const struct limits *l);

	/* The status of an error where it is not the fault's own; or NULL. */
	int (*error_status)(const struct fault *f);

	/* An error as a body, and as an event inside a stream that has begun
	 * (nothing may follow it; never a good end marker). */
	void (*error_body)(struct buf *out, const struct fault *f);
	void (*error_event)(struct emitter *e, struct buf *out,
			    const struct fault *f);
};

extern const struct tongue tongue_chat, tongue_completion, tongue_anthropic;
extern const struct tongue tongue_ollama, tongue_ollama_generate;
extern const struct tongue tongue_responses;

#endif
