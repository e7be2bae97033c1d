/* See serve_stored.h. */
#include "serve_stored.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "answer.h"
#include "close.h"
#include "follow.h"
#include "forward.h"
#include "keep.h"

/* A page of items of any size that one answer can hold. */
#define MAX_PAGE_ITEMS 100

bool stored_is_route(enum route_kind kind)
{
	return kind >= ROUTE_RESPONSE && kind <= ROUTE_CONV_ITEM_DELETE;
}

enum err serving_told(struct serving *v, enum err code, const char *what,
		      const char *id)
{
	struct err_note *note = &v->note;

	if (code != ERR_NOT_STORED)
		return err_set(note, code, "the store");
	*note = ERR_NOTE_INIT;
	return err_tell(note, code, "%s with id '%s' not found.", what, id);
}

/* --- in a thread --- */

static void get_response(struct serving *v)
{
	struct store_record *r = store_record_new();
	enum err err = ERR_NO_MEMORY;

	if (r)
		err = store_get(v->store, v->caller, v->id, r, &v->note);
	if (!err)
		err = close_orphan(v->store, r, &v->note);
	if (!serving_told(v, err, "Response", v->id))
		(void)!stored_response(buf_span(&r->body), v->query.include,
				       &v->out, &v->note);
	store_record_free(r);
}

/* One that has ended already stays as it is, and is told. */
static void cancel_response(struct serving *v)
{
	struct store_record *r = store_record_new();
	enum err err = ERR_NO_MEMORY;

	if (r)
		err = store_get(v->store, v->caller, v->id, r, &v->note);
	if (!err && !r->background) {
		err_tell(&v->note, ERR_BAD_REQUEST, "Only a response that was made "
			 "with 'background' can be cancelled.");
		store_record_free(r);
		return;
	}
	if (!err && r->status <= STORE_IN_PROGRESS) {
		err = close_response(v->store, r, NULL, &v->note);
		r = NULL;
		if (err == ERR_NOT_STORED)
			err_clear(&v->note);
	}
	store_record_free(r);
	if (!err || err == ERR_NOT_STORED)
		get_response(v);
	else
		err_set(&v->note, err, "the store");
}

static void delete_response(struct serving *v)
{
	enum err err = store_delete(v->store, v->caller, v->id, &v->note);

	if (!serving_told(v, err, "Response", v->id))
		stored_deleted("response", v->id, &v->out);
}

static void list_input(struct serving *v)
{
	struct store_page page = {
		.after = v->query.after, .before = v->query.before,
		.limit = v->query.limit, .ascending = v->query.ascending,
	};
	struct store_items items;
	enum err err;

	store_items_init(&items, MAX_OUT, MAX_PAGE_ITEMS);
	err = store_items(v->store, v->caller, v->id, &page, &items, &v->note);
	if (!serving_told(v, err, "Response", v->id))
		(void)!stored_list(&items, page.more, v->query.include, &v->out,
				   &v->note);
	store_items_free(&items);
}

static bool has_body(const struct serving *v)
{
	return v->kind == ROUTE_CONV_NEW || v->kind == ROUTE_CONV_UPDATE ||
	       v->kind == ROUTE_CONV_ADD;
}

static void read_body(struct serving *v)
{
	struct request *req = v->s->req;

	if (prepare_unpack(v->s, MAX_REQUEST_BODY, &v->note))
		return;
	if (!req->body.len && v->kind == ROUTE_CONV_NEW)
		v->body = json_object_new_object();
	else
		v->body = json_parse(buf_span(&req->body), &v->note);
}

static void serve_work(struct loop_job *job)
{
	struct serving *v = CONTAINER_OF(job, struct serving, job);

	if (has_body(v))
		read_body(v);
	if (v->note.code)
		return;
	if (v->kind == ROUTE_RESPONSE)
		get_response(v);
	else if (v->kind == ROUTE_RESPONSE_CANCEL)
		cancel_response(v);
	else if (v->kind == ROUTE_RESPONSE_DELETE)
		delete_response(v);
	else if (v->kind == ROUTE_RESPONSE_ITEMS)
		list_input(v);
	else
		serving_conversation(v);
	json_object_put(v->body);
	v->body = NULL;
	if (!v->note.code && buf_err(&v->out))
		err_set(&v->note, buf_err(&v->out), "a stored answer");
}

/* --- on the loop --- */

static void say(struct serving *v)
{
	struct stream *s = v->s;

	if (v->note.code) {
		s->note = v->note;
		stream_fail(s);
		return;
	}
	answer_begin(s, 200, "application/json");
	if (strcmp(s->req->method, "HEAD") != 0)
		buf_span_add(conn_body(s->conn), buf_span(&v->out));
	stream_done(s);
}

static void serving_free(struct serving *v)
{
	buf_free(&v->out);
	free(v);
}

static void serve_done(struct loop_job *job)
{
	struct serving *v = CONTAINER_OF(job, struct serving, job);
	struct stream *s = v->s;

	s->job_running = false;
	if (s->step != STEP_OVER)
		say(v);
	serving_free(v);
	stream_settle(s);
}

/* Nothing is stored: so nothing is there. */
static void refuse(struct stream *s)
{
	if (s->route->kind >= ROUTE_CONV_NEW)
		err_tell(&s->note, ERR_NOT_SERVED, "There are no conversations "
			 "here: nothing is stored (CHATMOCK_STORE).");
	else
		err_tell(&s->note, ERR_NOT_STORED, "There is no such response: "
			 "nothing is stored here (CHATMOCK_STORE).");
	stream_fail(s);
}

static bool path_ids(struct serving *v, const struct route_match *match)
{
	const char *what = v->kind >= ROUTE_CONV_NEW ? "Conversation" : "Response";

	/* longer than any of ours: it is not there */
	if (text_copy(v->id, sizeof(v->id), match->arg) &&
	    text_copy(v->item, sizeof(v->item), match->second))
		return true;
	serving_told(v, ERR_NOT_STORED, what, v->id);
	return false;
}

void stored_serve(struct stream *s, const struct route_match *match)
{
	struct serving *v;

	if (s->app->config->kind != KIND_CHATGPT) {
		forward_start(s, match);
		return;
	}
	if (!s->app->store) {
		refuse(s);
		return;
	}
	v = calloc(1, sizeof(*v));
	if (!v) {
		err_set(&s->note, ERR_NO_MEMORY, "asking the store");
		stream_fail(s);
		return;
	}
	v->job.work = serve_work;
	v->job.done = serve_done;
	v->s = s;
	v->store = s->app->store;
	v->kind = s->route->kind;
	v->caller = keep_caller(s);
	v->note = ERR_NOTE_INIT;
	buf_init(&v->out, MAX_OUT);
	if (path_ids(v, match) &&
	    !stored_query(span_of(s->req->query), &v->query, &v->note)) {
		if (v->kind == ROUTE_RESPONSE && v->query.stream &&
		    s->app->running) {
			follow_begin(s, span_of(v->id), v->query.starting_after);
			serving_free(v);
			return;
		}
		s->job_running = loop_submit(s->app->loop, LANE_WORK, &v->job);
		if (s->job_running)
			return;
		err_set(&v->note, ERR_NO_MEMORY, "no thread to ask the store");
	}
	say(v);
	serving_free(v);
}
