/*
 * prepare.c - from the client's body to upstream's payload.
 *
 * Small bodies are done at once; a large one would hold up every stream of
 * the loop, so it goes to a thread. Nothing the thread touches is touched by
 * the loop until the job is done: the stream waits with job_running set, and
 * the thread's note is its own, for the stream may end meanwhile.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "../../shared/unpack.h"
#include "../tongues/memory.h"
#include "../wire/ws_create.h"
#include "bearer.h"
#include "inject.h"
#include "keep.h"
#include "payload.h"
#include "recall.h"
#include "stream.h"

static struct span given_session(const struct stream *s)
{
	static const char *const headers[] = {
		"HTTP_X_SESSION_ID", "HTTP_SESSION_ID",
		"HTTP_X_CLAUDE_CODE_SESSION_ID"
	};

	if (s->session_arg.len)
		return s->session_arg;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		const char *value = request_param(s->req, headers[i]);

		if (value && *value)
			return span_of(value);
	}
	return SPAN("");
}

/* What tells one caller's conversations from another's. Only ever hashed. */
static struct span callers_key(const struct stream *s)
{
	const char *key = request_param(s->req, "HTTP_AUTHORIZATION");

	if (*keep_caller(s))
		return span_of(keep_caller(s));
	if (!key || !*key)
		key = request_param(s->req, "HTTP_X_API_KEY");
	return span_of(key);
}

/* Codex, or who asks where Codex alone does: it reads the backend's private
 * events. */
static bool is_codex(const struct stream *s)
{
	struct span originator = span_of(request_param(s->req, "HTTP_ORIGINATOR"));
	struct span agent = span_of(request_param(s->req, "HTTP_USER_AGENT"));

	return text_starts_nocase(originator, "codex") ||
	       text_starts_nocase(agent, "codex") ||
	       span_starts(span_of(s->route->path), "/backend-api/");
}

/* A client that speaks the Responses API itself. */
static bool is_native(const struct stream *s)
{
	return strcmp(s->route->tongue->name, "responses") == 0;
}

static void drop_body(struct stream *s)
{
	buf_free(&s->req->body);
	buf_init(&s->req->body, MAX_REQUEST_BODY);
}

/* Room for what a body becomes, at once: where it grows step by step the
 * payload is there twice for a moment. */
static void reserve_payload(struct stream *s, size_t len)
{
	if (len > INLINE_PARSE)
		(void)!buf_room(&s->payload, len + len / 16);
}

static void read_body(struct stream *s, struct err_note *note)
{
	struct json_object *body = json_parse(buf_span(&s->req->body), note);
	size_t len = s->req->body.len;
	struct ask *ask = &s->ask;

	if (!body)
		return;
	/* the tree has all of it; before the payload is a third copy */
	drop_body(s);
	reserve_payload(s, len);
	ask->reasoning_header = request_param(s->req, "HTTP_X_CHATMOCK_REASONING");
	ask->socket = s->by_socket;
	ask->continues = request_param(s->req, WS_CONTINUES);
	ask->terms.tongue = s->route->tongue;
	ask->terms.private_events = is_codex(s);
	if (!json_is_object(body))
		err_tell(note, ERR_BAD_JSON,
			 "The body must be a JSON object.");
	else
		s->route->tongue->ask(ask, body, note);
	json_object_put(body);
}

/* Only a thread may ask the store. */
static bool must_recall(const struct stream *s, const struct err_note *note)
{
	return !note->code && memory_asks(s->ask.terms.memory);
}

static void build_payload(struct stream *s, struct err_note *note)
{
	struct ask *ask = &s->ask;

	if (note->code || ask->terms.at_once)
		return;
	/* one buffer for both, or a large text would be there once more */
	session_id(given_session(s), callers_key(s), ask->request, &s->payload,
		   s->session);
	/* behind the session, which is the client's own words' */
	if (inject(ask, s->prompts, is_native(s), note) ||
	    payload_build(ask, s->session, &s->payload, note))
		buf_reset(&s->payload);
	json_object_put(ask->request);
	ask->request = NULL;
}

static struct span encoding_of(const struct stream *s)
{
	return span_of(request_param(s->req, "HTTP_CONTENT_ENCODING"));
}

enum err prepare_unpack(struct stream *s, size_t max, struct err_note *note)
{
	struct buf body;
	enum err err;

	if (!unpack_wanted(encoding_of(s)))
		return ERR_NONE;
	buf_init(&body, MAX_REQUEST_BODY);
	err = unpack(encoding_of(s), buf_span(&s->req->body), max, &body, note);
	buf_free(&s->req->body);
	s->req->body = body;
	return err;
}

/* What has to be known of the request moves on; its tree goes. */
static void prepare_take(struct stream *s)
{
	s->terms = s->ask.terms;
	if (s->terms.memory && s->terms.memory->store)
		s->terms.memory->store = s->app->store && !s->terms.at_once &&
					 store_is_on(s->app->store);
	terms_init(&s->ask.terms);
	ask_free(&s->ask);
	s->terms.tongue = s->route->tongue;
	s->terms.created = clock_wall_us() / 1000000;
	s->terms.begun_us = s->req->begun_us;
	if (!s->terms.id[0])
		random_id(s->terms.id, sizeof(s->terms.id),
			  s->route->tongue->id_prefix);
}

struct preparing {
	struct loop_job job;
	struct stream *s;
	bool was_read;			/* on the loop, where it was small */
	struct recall recall;
	struct err_note note;
};

/* In a thread: no loop, no conn, no log. */
static void job_work(struct loop_job *job)
{
	struct preparing *p = CONTAINER_OF(job, struct preparing, job);
	struct stream *s = p->s;

	if (!p->was_read && !prepare_unpack(s, MAX_REQUEST_BODY, &p->note))
		read_body(s, &p->note);
	if (must_recall(s, &p->note))
		(void)!recall(&s->ask, &p->recall, &p->note);
	build_payload(s, &p->note);
	drop_body(s);
}

static void job_done(struct loop_job *job)
{
	struct preparing *p = CONTAINER_OF(job, struct preparing, job);
	struct stream *s = p->s;

	s->job_running = false;
	if (s->step != STEP_OVER)
		s->note = p->note;
	free(p);
	prepare_take(s);
	prepare_done(s);
	stream_settle(s);
}

static bool job_start(struct stream *s, bool was_read)
{
	/* packed, a text is a fraction of itself */
	size_t heavy = HEAVY_TEXT / (unpack_wanted(encoding_of(s)) ? 8 : 1);
	struct preparing *p = malloc(sizeof(*p));

	if (!p)
		return false;
	*p = (struct preparing){
		.job = { .work = job_work, .done = job_done,
			 .heavy = s->req->body.len > heavy },
		.s = s, .was_read = was_read, .note = ERR_NOTE_INIT,
		.recall = { .store = s->app->store, .caller = keep_caller(s) },
	};
	snprintf(p->recall.account, sizeof(p->recall.account), "%s",
		 bearer_account(s));
	s->job_running = loop_submit(s->app->loop, LANE_WORK, &p->job);
	if (!s->job_running)
		free(p);
	return s->job_running;
}

void prepare_start(struct stream *s)
{
	/* how much a packed body holds is not known before */
	bool small = s->req->body.len <= INLINE_PARSE &&
		     !unpack_wanted(encoding_of(s));

	s->step = STEP_PREPARE;
	s->by_socket = request_param(s->req, "CHATMOCK_WEBSOCKET") != NULL;
	if (small)
		read_body(s, &s->note);
	if (!small || must_recall(s, &s->note)) {
		if (job_start(s, small))
			return;
		err_set(&s->note, ERR_NO_MEMORY, "no thread for the request");
	}
	build_payload(s, &s->note);
	drop_body(s);
	prepare_take(s);
	prepare_done(s);
}
