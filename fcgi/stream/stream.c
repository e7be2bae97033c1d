/*
 * stream.c - the life of a request, from its arrival to its log line.
 *
 * This file is the map: read it first. A request passes through the steps of
 * enum stream_step in their order, each a short function here or in a file of
 * its own:
 *
 *	stream_begin	wire/access.c, route.c: may it, and who serves it?
 *	serve_*.c	what needs no call to upstream
 *	prepare.c	client's JSON -> Responses request -> payload
 *	attempt.c	login, call, other attempts
 *	relay.c		sse -> decode -> filter -> emit or collect -> client
 *	stream_done	the end, or stream_fail: answer.c says what went wrong
 *
 * No step answers an error, logs or counts by itself: stream_over() is the
 * one place through which each request leaves, once.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../tongues/compact.h"
#include "../wire/access.h"
#include "answer.h"
#include "background.h"
#include "caller.h"
#include "circuit.h"
#include "follow.h"
#include "forward.h"
#include "keep.h"
#include "quota.h"
#include "reqlog.h"
#include "retry.h"
#include "serve_stored.h"
#include "stream.h"
#include "tally.h"

/* After the terminal event upstream's connection is free for the next call
 * once its last chunk is there; so long we wait for it. */
#define LINGER_US 1000000

static void stream_timer(struct loop_timer *t);

struct stream *stream_new(struct app *app, struct conn *conn, struct request *req)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->app = app;
	s->conn = conn;
	s->req = req;
	s->note = ERR_NOTE_INIT;
	s->timer.fn = stream_timer;
	s->flush.fn = relay_flush;
	s->told_us = loop_now(app->loop);
	ask_init(&s->ask, app->config, app->catalog);
	s->prompts = prompts_now(app->prompts);
	terms_init(&s->terms);
	buf_init(&s->payload, (size_t)MAX_REQUEST_BODY * 2);
	buf_init(&s->refusal, MAX_UPSTREAM_ERROR);
	buf_init(&s->handed_on, MAX_HANDED_ON);
	s->next = app->first;
	if (app->first)
		app->first->prev = s;
	app->first = s;
	app_arrived(app);
	conn_set_user(conn, s);
	return s;
}

static void stream_free(struct stream *s)
{
	struct app *app = s->app;

	loop_timer_cancel(app->loop, &s->timer);
	loop_after_cancel(&s->flush);
	attempt_stop(s);
	attempt_forget(s);
	keep_free(s);
	background_free(s);
	follow_free(s);
	relay_free(s);
	ask_free(&s->ask);
	prompts_unref(s->prompts);
	terms_free(&s->terms);
	buf_free(&s->payload);
	buf_free(&s->refusal);
	buf_free(&s->handed_on);
	request_free(s->req);
	if (s->prev)
		s->prev->next = s->next;
	else
		app->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	free(s);
}

void stream_settle(struct stream *s)
{
	if (s->step != STEP_OVER || s->call || s->job_running || s->big)
		return;
	if (!s->body_lent || !loop_timer_in(s->app->loop, &s->timer, 0))
		stream_free(s);
}

/* The one place through which a request leaves: logged and counted once. */
static void stream_over(struct stream *s)
{
	s->conn = NULL;
	keep_leave(s);
	s->step = STEP_OVER;
	loop_after_cancel(&s->flush);
	retry_over(s);
	circuit_leave(s);
	tally_request(s);
	reqlog(s);
	if (s->call)
		loop_timer_in(s->app->loop, &s->timer, LINGER_US);
	else
		loop_timer_cancel(s->app->loop, &s->timer);
	app_answered(s->app);
}

void stream_done(struct stream *s)
{
	conn_end(s->conn);
	stream_over(s);
}

/* Upstream's own words for it, where they were held; else ours. */
static void failed(struct stream *s)
{
	const struct event *end = keep_held(s);

	if (end && end->kind == EVENT_FAILED)
		s->terms.tongue->emit(&s->emitter, conn_body(s->conn), end);
	answer_error(s);
	conn_end(s->conn);
	stream_over(s);
}

void stream_fail(struct stream *s)
{
	if (s->step == STEP_OVER)
		return;
	attempt_stop(s);
	if (attempt_again(s) || keep_end(s))
		return;
	failed(s);
}

void stream_break_off(struct stream *s)
{
	attempt_stop(s);
	conn_abort(s->conn);
	stream_over(s);
}

void stream_kept(struct stream *s)
{
	if (s->note.code)
		failed(s);
	else
		relay_kept(s);
}

void stream_client_gone(struct stream *s)
{
	attempt_stop(s);
	s->note = ERR_NOTE_INIT;
	err_set(&s->note, ERR_CLIENT_GONE, "the client closed its connection");
	stream_over(s);
	stream_settle(s);
}

void stream_cut(struct stream *s)
{
	if (s->step == STEP_OVER)
		return;
	attempt_stop(s);
	err_clear(&s->note);
	err_set(&s->note, ERR_SHUTDOWN, "the drain limit was reached");
	if (s->step == STEP_FOLLOW && conn_begun(s->conn)) {
		stream_break_off(s);	/* what it follows may go on */
	} else {
		answer_error(s);
		conn_end(s->conn);
		stream_over(s);
	}
	stream_settle(s);
}

void stream_drained(struct stream *s)
{
	follow_drained(s);
	if (s->held && s->call && !s->big) {
		s->held = false;
		/* the silence was ours; from here on it is upstream's */
		s->heard_us = loop_now(s->app->loop);
		stream_watch(s);
		http_resume(s->call);
	}
}

void stream_stop_all(struct app *app)
{
	for (struct stream *s = app->first; s; s = s->next) {
		s->step = STEP_OVER;
		s->conn = NULL;
		attempt_stop(s);
	}
}

void stream_free_all(struct app *app)
{
	while (app->first)
		stream_free(app->first);
}

/* --- time limits --- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When upstream's silence becomes too long. A client that does not read is
 * what we wait for then, not upstream. */
static int64_t silence_limit(const struct stream *s)
{
	const struct config *c = s->app->config;

	if (s->step == STEP_CALL)
		return s->called_us + c->first_byte_timeout_ms * 1000;
	if ((s->step == STEP_RELAY || s->step == STEP_REFUSAL) && !s->held &&
	    !s->big)
		return s->heard_us + c->idle_timeout_ms * 1000;
	return INT64_MAX;
}

static int64_t heartbeat_at(const struct stream *s)
{
	if (!s->terms.stream || !s->terms.tongue || s->job_running ||
	    !(s->terms.tongue->heartbeat || s->terms.tongue->beat) ||
	    s->step == STEP_PREPARE || s->background)
		return INT64_MAX;
	return s->told_us + s->app->config->heartbeat_ms * 1000;
}

static int64_t total_limit(const struct stream *s)
{
	return s->req->begun_us + s->app->config->total_timeout_ms * 1000;
}

void stream_watch(struct stream *s)
{
	int64_t at = earlier(total_limit(s), silence_limit(s));

	at = earlier(at, heartbeat_at(s));
	at = earlier(at, circuit_renew_at(s));
	if (s->step == STEP_WAIT)
		at = earlier(at, s->resume_us);
	loop_timer_set(s->app->loop, &s->timer, at);
}

/*
 * Within a step limits only move away while a stream is lively, so the timer
 * is not touched for each event: it fires at what was the earliest, and looks
 * again. With a new step another limit may be nearer: that one is set.
 */
static void stream_timer(struct loop_timer *t)
{
	struct stream *s = CONTAINER_OF(t, struct stream, timer);
	int64_t now = loop_now(s->app->loop);

	if (s->step == STEP_OVER) {
		attempt_stop(s);
		s->body_lent = false;	/* here curl is not running */
	} else if (keep_waits(s)) {
		;			/* it has a limit of its own */
	} else if (now >= total_limit(s)) {
		err_set(&s->note, ERR_UPSTREAM_TOTAL, "the request took too long");
		stream_fail(s);
	} else if (now >= silence_limit(s)) {
		if (s->step == STEP_CALL)
			err_set(&s->note, ERR_UPSTREAM_TIMEOUT,
				"upstream did not begin to answer");
		else
			err_set(&s->note, ERR_UPSTREAM_SILENT,
				"upstream fell silent");
		stream_fail(s);
	} else if (s->step == STEP_WAIT && now >= s->resume_us) {
		attempt_start(s);
	} else if (now >= circuit_renew_at(s)) {
		circuit_renew(s);
	} else if (now >= heartbeat_at(s)) {
		relay_heartbeat(s);
	}
	if (s->step != STEP_OVER && !keep_waits(s))
		stream_watch(s);
	stream_settle(s);
}

/* --- the steps --- */

/* May it, and who serves it? 0, or the code in s->note. */
static enum err admit(struct stream *s, struct route_match *match)
{
	/* the route first: even a refusal is said in the caller's tongue */
	route_find(s->req->method, s->req->path, match, &s->note);
	s->route = match->route;
	if (!s->note.code && s->route->kind == ROUTE_NOT_SERVED)
		err_set(&s->note, ERR_NOT_SERVED, "%s", s->route->path);
	if (s->req->note.code) {
		s->note = s->req->note;
		return s->note.code;
	}
	if (caller_admit(s))
		return s->note.code;
	if (s->note.code)
		return s->note.code;
	if (!s->app->config->enable_responses_api &&
	    s->route->tongue == &tongue_responses)
		return err_tell(&s->note, ERR_NO_ROUTE, "The Responses API is switched "
				"off here (CHATMOCK_ENABLE_RESPONSES_API).");
	if (s->route->kind != ROUTE_GENERATE)
		return ERR_NONE;
	if (!s->app->config->codex_enabled)
		return err_set(&s->note, ERR_DISABLED, "CODEX__ENABLED is false");
	if (circuit_refuses(s))
		return s->note.code;
	if (app_busy(s->app))
		return err_set(&s->note, ERR_BUSY, "%zu streams in this worker",
			       s->app->in_flight);
	return ERR_NONE;
}

void stream_begin(struct app *app, struct conn *conn, struct request *req)
{
	struct stream *s = stream_new(app, conn, req);
	struct route_match match = { 0 };

	if (!s) {
		conn_abort(conn);
		request_free(req);
		return;
	}
	if (access_is_preflight(app->config, keys_now(app->keys), req)) {
		answer_preflight(s);
		stream_done(s);
	} else if (admit(s, &match)) {
		stream_fail(s);
	} else if (s->route->kind == ROUTE_USAGE) {
		quota_serve(s);
	} else if (s->route->kind == ROUTE_SOCKET) {
		serve_socket(s);
	} else if (stored_is_route(s->route->kind)) {
		stored_serve(s, &match);
	} else if (s->route->tongue == &tongue_compact &&
		   app->config->kind != KIND_CHATGPT) {
		forward_start(s, &match);
	} else if (s->route->kind != ROUTE_GENERATE) {
		serve_here(s, match.arg);
	} else {
		tally_key(s);
		s->session_arg = match.arg;
		stream_watch(s);
		prepare_start(s);
	}
	stream_settle(s);
}

void prepare_done(struct stream *s)
{
	if (s->step == STEP_OVER)
		return;
	if (s->note.code) {
		stream_fail(s);
	} else if (s->terms.at_once) {
		relay_at_once(s);
	} else if (background_wanted(s)) {
		background_start(s);
	} else {
		reqlog_payload(s);
		attempt_start(s);
	}
}
