/* See keep.h. */
#include "keep.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"
#include "../tongues/memory.h"
#include "../tongues/responses.h"
#include "answer.h"
#include "background.h"
#include "bearer.h"

#define WAIT_US 1000000

struct keeping {
	struct app *app;
	struct stream *s;		/* NULL: it has left */
	struct store_write write;
	struct loop_job job;		/* a conversation's alone */
	char caller[STORE_CALLER], conversation[STORE_ID];
	struct store_items items;
	struct err_note note;
	struct loop_timer limit;
	bool asked;			/* the store was told, or need not be */
	bool flying;			/* and has not answered */
	bool waits;			/* s waits for it */
	struct buf begun;		/* the response as it began */
	struct buf text;		/* the last event */
	struct event end;
	struct event_source source;
	bool held;
};

const char *keep_caller(const struct stream *s)
{
	return bearer_is_own(s) ? s->own.id : s->caller;
}

void keep_account(struct app *app, const struct login *login)
{
	const char *who = login ? login->account_id : NULL;
	char hash[65] = "";

	if (login && !who)
		who = login->api_key;
	if (who)
		sha256_hex(span_of(who), hash);
	text_copy(app->account, sizeof(app->account),
		  (struct span){ hash, strlen(hash) / 4 });
}

static bool is_kept(const struct stream *s)
{
	return memory_keeps(s->terms.memory) && s->app->store;
}

/* --- what is known of it on the way --- */

static void on_limit(struct loop_timer *t);

static struct keeping *keeping_of(struct stream *s)
{
	struct keeping *k = s->keep;

	if (k)
		return k;
	k = s->keep = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->app = s->app;
	k->s = s;
	k->limit.fn = on_limit;
	buf_init(&k->begun, MAX_OUT);
	buf_init(&k->text, MAX_OUT + MAX_SSE_EVENT);
	store_items_init(&k->items, MAX_OUT + (size_t)MAX_REQUEST_BODY * 2,
			 MAX_JSON_MEMBERS + MAX_ANSWER_ITEMS);
	return k;
}

static void keeping_free(struct keeping *k)
{
	loop_timer_cancel(k->app->loop, &k->limit);
	buf_free(&k->begun);
	buf_free(&k->text);
	store_items_free(&k->items);
	free(k);
}

void keep_begun(struct stream *s, const struct event *ev)
{
	struct keeping *k;

	if (!is_kept(s) || s->answer || s->keep || !ev->source)
		return;
	k = keeping_of(s);
	if (k)
		buf_span_add(&k->begun, ev->source->response);
}

/* The place in the copy of what lay in the event's text. */
static struct span moved(struct span s, struct span old, const char *text)
{
	if (s.ptr < old.ptr || s.ptr > old.ptr + old.len)
		return SPAN("");
	return (struct span){ text + (s.ptr - old.ptr), s.len };
}

bool keep_hold(struct stream *s, const struct event *ev)
{
	const struct event_source *src = ev->source;
	struct keeping *k;
	char *text;

	if (!is_kept(s) || s->answer || !src || !(k = keeping_of(s)))
		return false;
	buf_reset(&k->text);
	buf_span_add(&k->text, src->json);
	buf_span_add(&k->text, src->type);	/* it may stand elsewhere */
	if (buf_err(&k->text))
		return false;
	text = k->text.ptr;
	k->source = (struct event_source){
		.json = { text, src->json.len },
		.type = { text + src->json.len, src->type.len },
		.sequence = moved(src->sequence, src->json, text),
		.response = moved(src->response, src->json, text),
	};
	k->end = (struct event){ .kind = ev->kind, .finish = ev->finish,
				 .usage = ev->usage, .source = &k->source };
	k->held = true;
	return true;
}

const struct event *keep_held(const struct stream *s)
{
	return s->keep && s->keep->held ? &s->keep->end : NULL;
}

bool keep_waits(const struct stream *s)
{
	return s->keep && s->keep->waits;
}

/* --- what is stored --- */

static enum store_status status_of(const struct stream *s)
{
	enum finish finish = s->answer ? s->answer->finish :
			     s->keep->held ? s->keep->end.finish : FINISH_STOP;

	if (s->note.code)
		return s->note.code == ERR_CLIENT_GONE ? STORE_CANCELLED :
							 STORE_FAILED;
	return finish == FINISH_STOP ? STORE_COMPLETED : STORE_INCOMPLETE;
}

/* The response object as a whole answer would say it. */
static void write_body(struct stream *s, enum store_status status, struct buf *out)
{
	const struct keeping *k = s->keep;
	bool ended = s->answer || (k->held && k->source.response.len);
	struct responses_said said = {
		.response = s->answer ? buf_span(&s->answer->response) :
			    ended ? k->source.response : buf_span(&k->begun),
		.id = span_of(s->emitter.response_id[0] ?
			      s->emitter.response_id : s->terms.id),
		.model = span_of(s->terms.model),
		.finish = s->answer ? s->answer->finish : k->end.finish,
	};
	struct buf output, error;
	struct fault f = answer_fault(&s->note, s->req->id);

	buf_init(&output, MAX_OUT);
	buf_init(&error, 16u << 10);
	if (s->answer && s->answer->id[0])
		said.id = span_of(s->answer->id);
	if (status == STORE_CANCELLED)
		said.status = SPAN("\"cancelled\"");
	if (status == STORE_FAILED)
		said.status = SPAN("\"failed\"");
	if (status == STORE_FAILED && !ended) {
		responses_put_error(&error, &f);
		said.error = buf_span(&error);
	}
	if (s->note.code && !ended && s->decoder) {
		decode_items_so_far(s->decoder, &output);
		said.output = buf_span(&output);
	}
	responses_object(&s->terms, out, &said);
	buf_free(&output);
	buf_free(&error);
}

static bool fill(struct stream *s, struct store_record *r)
{
	struct memory *m = s->terms.memory;
	struct span id;

	r->status = status_of(s);
	r->created_s = s->terms.created;
	snprintf(r->caller, sizeof(r->caller), "%s", keep_caller(s));
	snprintf(r->account, sizeof(r->account), "%s", bearer_account(s));
	memcpy(r->previous, m->previous, sizeof(r->previous));
	memcpy(r->conversation, m->conversation, sizeof(r->conversation));
	text_copy(r->model, sizeof(r->model), span_of(s->terms.model));
	write_body(s, r->status, &r->body);
	if (buf_err(&r->body) ||
	    !json_walk_str(json_walk_get(buf_span(&r->body), "id"), &id) ||
	    !id.len || !text_copy(r->id, sizeof(r->id), id))
		return false;
	store_items_free(&r->items);
	r->items = m->given;
	store_items_init(&m->given, 0, 0);
	return memory_output(&r->items, json_walk_get(buf_span(&r->body), "output"));
}

/* --- asking the store --- */

static void complain(struct keeping *k, const char *why)
{
	log_msg(k->app->log, LOG_ERROR, "store", "an answer was not stored: %s", why);
}

/* The store has answered, or its time is over. */
static void go_on(struct keeping *k, bool kept)
{
	struct stream *s = k->s;

	k->waits = false;
	loop_timer_cancel(k->app->loop, &k->limit);
	if (s->step == STEP_OVER)
		return;			/* the process ends */
	if (!kept)
		s->terms.memory->store = false;
	stream_kept(s);
	stream_settle(s);
}

static void on_limit(struct loop_timer *t)
{
	struct keeping *k = CONTAINER_OF(t, struct keeping, limit);

	complain(k, "the store took longer than a second");
	metrics_count(k->app->metrics, COUNT_STORE_LATE);
	go_on(k, false);
}

static void answered(struct keeping *k, enum err err, const struct err_note *note)
{
	k->flying = false;
	/* a cancelled one has its end already */
	if (err && err != ERR_NOT_STORED)
		complain(k, note->why[0] ? note->why : err_name(err));
	if (!k->s)
		keeping_free(k);
	else if (k->waits)
		go_on(k, !err);
}

static void on_written(struct store_write *w)
{
	answered(CONTAINER_OF(w, struct keeping, write), w->err, &w->note);
}

static void add_work(struct loop_job *job)
{
	struct keeping *k = CONTAINER_OF(job, struct keeping, job);

	(void)!store_conv_add(k->app->store, k->caller, k->conversation, &k->items,
			      &k->note);
}

static void add_done(struct loop_job *job)
{
	struct keeping *k = CONTAINER_OF(job, struct keeping, job);

	answered(k, k->note.code, &k->note);
}

/* Not stored itself, but part of a conversation. */
static bool add_alone(struct keeping *k, struct store_record *r)
{
	bool ended = r->status == STORE_COMPLETED || r->status == STORE_INCOMPLETE;

	if (!ended)
		return false;
	memcpy(k->caller, r->caller, sizeof(k->caller));
	memcpy(k->conversation, r->conversation, sizeof(k->conversation));
	store_items_free(&k->items);
	k->items = r->items;
	store_items_init(&r->items, 0, 0);
	k->note = ERR_NOTE_INIT;
	k->job.work = add_work;
	k->job.done = add_done;
	return loop_submit(k->app->loop, LANE_WORK, &k->job);
}

/* True: the store was asked, its answer comes. */
static bool ask_store(struct stream *s)
{
	struct keeping *k = s->keep;
	struct store_record *r = store_record_new();

	k->asked = true;
	if (!r || !fill(s, r)) {
		complain(k, "no memory, or too large");
		s->terms.memory->store = false;
		store_record_free(r);
		return false;
	}
	if (!s->terms.memory->store) {
		k->flying = add_alone(k, r);
		store_record_free(r);
		return k->flying;
	}
	if (!background_ends(s, r)) {
		store_record_free(r);
		return false;
	}
	k->flying = true;
	k->write.done = on_written;
	store_put(k->app->store, &k->write, r->background ? STORE_IF_RUNNING :
							    STORE_ALWAYS, r);
	return true;
}

/* Has the client, or will it have, an id to ask for? */
static bool is_worth_it(const struct stream *s)
{
	return is_kept(s) && s->terms.tongue->passes &&
	       (s->answer ? !s->note.code :
			    s->keep != NULL || background_runs(s));
}

bool keep_end(struct stream *s)
{
	struct keeping *k;

	if (keep_waits(s))
		return true;
	if (!is_worth_it(s))
		return false;
	k = keeping_of(s);
	if (!k || k->asked || !ask_store(s))
		return false;
	k->waits = true;
	if (loop_timer_in(s->app->loop, &k->limit, WAIT_US))
		return true;
	k->waits = false;
	return false;
}

void keep_leave(struct stream *s)
{
	struct keeping *k = background_runs(s) && is_kept(s) ? keeping_of(s) :
							       s->keep;

	if (k && !k->asked && is_worth_it(s))
		ask_store(s);
	keep_free(s);
}

void keep_free(struct stream *s)
{
	struct keeping *k = s->keep;

	s->keep = NULL;
	if (!k)
		return;
	k->s = NULL;
	k->waits = false;
	loop_timer_cancel(k->app->loop, &k->limit);
	if (!k->flying)
		keeping_free(k);
}
