/*
 * attempt.c - one attempt at upstream, and whether there is another.
 *
 * There is another one only before the first semantic event has left: nobody
 * sees the same answer twice. retry.c says for which failures; the request's
 * own faults (4xx) and bad certificates are never tried again. A 401 of a
 * ChatGPT login is mended once by re-reading or renewing the login.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "bearer.h"
#include "circuit.h"
#include "heads.h"
#include "refusal.h"
#include "reqlog.h"
#include "retry.h"
#include "stream.h"
#include "tally.h"

#define MAX_HEADERS 48
#define SMALL_HEAD 500		/* room for most at once */

/* --- upstream's answer --- */

static bool is_event_stream(struct http_call *call)
{
	return text_starts_nocase(http_header(call, "content-type"),
				  "text/event-stream");
}

static void on_head(void *ctx, struct http_call *call, int status)
{
	struct stream *s = ctx;

	s->upstream_status = status;
	s->heard_us = loop_now(s->app->loop);
	reqlog_head(s);
	if (!bearer_is_own(s))
		catalog_keeper_announced(s->app->models,
					 http_header(call, "x-models-etag"));
	heads_take(s, call);
	if (status == 200 && is_event_stream(call)) {
		s->step = STEP_RELAY;
		relay_begin(s);
	} else {
		s->step = STEP_REFUSAL;
		buf_reset(&s->refusal);
	}
	stream_watch(s);
}

static bool on_bytes(void *ctx, struct http_call *call, struct span bytes)
{
	struct stream *s = ctx;
	size_t room;
	bool taken = true;

	(void)call;
	s->heard_us = loop_now(s->app->loop);
	if (s->step == STEP_RELAY) {
		taken = relay_bytes(s, bytes);
		s->held = !taken;
	} else if (s->step == STEP_REFUSAL) {
		room = MAX_UPSTREAM_ERROR - s->refusal.len;
		buf_add(&s->refusal, bytes.ptr, bytes.len < room ? bytes.len : room);
		if (bytes.len >= room)
			buf_cut(&s->refusal, MAX_UPSTREAM_ERROR);
	}
	stream_settle(s);
	return taken;
}

static void read_refusal(struct stream *s)
{
	struct http_call *call = s->call;
	struct refusal r = {
		.status = s->upstream_status,
		.content_type = http_header(call, "content-type"),
		.retry_after = http_header(call, "retry-after"),
		.retry_after_ms = http_header(call, "retry-after-ms"),
		.should_retry = http_header(call, "x-should-retry"),
		.cf_ray = http_header(call, "cf-ray"),
		.cf_mitigated = http_header(call, "cf-mitigated"),
		.body = buf_span(&s->refusal),
		.now_s = clock_wall_us() / 1000000,
	};

	bearer_mask(s, &s->refusal);
	refusal_read(&r, s->app->login && !bearer_is_own(s), &s->note);
}

static void suggest_models(struct stream *s)
{
	struct span asked = span_of(s->terms.model);
	struct buf near;
	size_t len = strlen(s->note.tell);
	/* upstream's own words, which may end without a stop */
	bool ended = !len || strchr(".!?", s->note.tell[len - 1]);

	buf_init(&near, 512);
	catalog_suggest(s->app->catalog, asked, &near);
	if (near.len && !buf_err(&near))
		snprintf(s->note.tell + len, sizeof(s->note.tell) - len,
			 "%s%sDid you mean %s?", ended ? "" : ".",
			 len ? " " : "", near.ptr);
	buf_free(&near);
}

/* What the network did. why is curl's: it names the host and what was wrong
 * with a certificate, which is what helps whoever has to mend it. */
static void note_fault(struct err_note *note, enum err code, const char *why)
{
	if (note->code)
		return;
	/* the call's own limit is that of connecting; ours are stream.c's */
	if (code == ERR_UPSTREAM_TIMEOUT) {
		code = ERR_UPSTREAM_CONNECT;
		note->status = 504;
	}
	if (code == ERR_UPSTREAM_DNS)
		snprintf(note->tell, sizeof(note->tell), "%.200s: check the "
			 "network and /etc/resolv.conf.", why);
	else if (code == ERR_UPSTREAM_TLS)
		snprintf(note->tell, sizeof(note->tell), "Upstream's certificate "
			 "or TLS was refused: %.250s. Set CODEX_CA_CERTIFICATE "
			 "if it has a CA of its own.", why);
	err_set(note, code, "%s", why);
}

static void on_done(void *ctx, enum err code, const char *why)
{
	struct stream *s = ctx;

	/* a refusal counts, even when its words were cut off */
	if (s->step == STEP_REFUSAL && (!code || s->upstream_status >= 400)) {
		read_refusal(s);
		if (s->note.code == ERR_MODEL_NOT_FOUND)
			suggest_models(s);
		s->call = NULL;
		stream_fail(s);
	} else if (s->step == STEP_OVER) {
		s->call = NULL;
	} else {
		s->call = NULL;
		if (code)
			note_fault(&s->note, code, why);
		relay_end(s);
	}
	stream_settle(s);
}

static const struct http_handler handler = {
	.head = on_head, .bytes = on_bytes, .done = on_done,
};

/* --- the call --- */

/* Header lines in one block, so that they need no allocation each. */
struct header_list {
	const char *lines[MAX_HEADERS];
	size_t count;
	struct buf text;
};

static void header_pair(struct header_list *h, const char *name,
			const char *before, const char *value)
{
	if (h->count == MAX_HEADERS || !value || !*value)
		return;
	/* offsets now, pointers when the block moves no more */
	h->lines[h->count++] = (const char *)(uintptr_t)h->text.len;
	buf_str(&h->text, name);
	buf_str(&h->text, ": ");
	buf_str(&h->text, before);
	buf_str(&h->text, value);
	buf_char(&h->text, '\0');
}

static void header_add(struct header_list *h, const char *name, const char *value)
{
	header_pair(h, name, "", value);
}

static void header_fix(struct header_list *h)
{
	for (size_t i = 0; i < h->count; i++)
		h->lines[i] = h->text.ptr + (uintptr_t)h->lines[i];
}

/* The client's x-codex-* headers, by their CGI names, and more of who speaks
 * upstream's own tongue. */
static void forward_headers(struct header_list *h, const struct request *req,
			    bool native)
{
	const char *name, *value;
	size_t at = 0;
	char lower[64];

	while (request_param_next(req, &at, &name, &value)) {
		size_t n = 0;

		if (!heads_forwarded(name, native) ||
		    (size_t)(value - name) >= sizeof(lower))
			continue;
		for (const char *p = name + 5; *p != '='; p++)
			lower[n++] = *p == '_' ? '-' :
				     *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		lower[n] = '\0';
		header_add(h, lower, value);
	}
}

static void fill_headers(struct header_list *h, const struct stream *s,
			 const struct login *login)
{
	const struct app *app = s->app;
	struct bearer who;

	header_add(h, "Content-Type", "application/json");
	header_add(h, "Accept", "text/event-stream");
	if (bearer_choose(s, login, &who))
		header_pair(h, "Authorization", "Bearer ", who.token);
	else if (!bearer_is_own(s))
		header_add(h, "Authorization", app->authorization);
	if (who.token && app->config->kind == KIND_CHATGPT) {
		header_add(h, "chatgpt-account-id", who.account);
		header_add(h, "originator", "chatmock");
		header_add(h, "OpenAI-Beta", "responses=experimental");
		if (who.fedramp)
			header_add(h, "X-OpenAI-Fedramp", "true");
	}
	header_add(h, "session-id", s->session);
	/* it says in which shape the body is */
	if (s->terms.tongue->passes)
		header_add(h, "x-openai-internal-codex-responses-lite",
			   request_param(s->req, HEADS_LITE));
	if (app->config->header_override)
		forward_headers(h, s->req, s->terms.tongue->passes);
}

static void call_upstream(struct stream *s, const struct login *login)
{
	struct app *app = s->app;
	struct header_list h = { .count = 0 };
	struct http_request r = {
		.method = "POST",
		.url = app->config->responses_url,
		.body = buf_span(&s->payload),
		.headers = h.lines,
	};

	buf_init(&h.text, MAX_REQUEST_HEAD * 2);
	(void)buf_room(&h.text, SMALL_HEAD);
	fill_headers(&h, s, login);
	header_fix(&h);
	r.header_count = h.count;
	if (login && login->access_token && !s->token)
		s->token = strdup(login->access_token);
	s->step = STEP_CALL;
	s->called_us = loop_now(app->loop);
	s->heard_us = s->called_us;
	s->upstream_status = 0;
	if (!buf_err(&h.text))
		s->call = http_start(app->http, &r, &handler, s);
	buf_wipe_free(&h.text);
	if (!s->call) {
		err_set(&s->note, ERR_NO_MEMORY, "no call to upstream");
		stream_fail(s);
		return;
	}
	tally_call(s);
	stream_watch(s);
}

static void login_ready(struct login_wait *w, const struct login *login,
			const struct err_note *note)
{
	struct stream *s = CONTAINER_OF(w, struct stream, wait);

	if (s->asked_us)
		tally_login_wait(s, s->asked_us);
	s->asked_us = 0;
	if (!login || (!login->access_token && !login->api_key)) {
		s->note = *note;
		stream_fail(s);
	} else {
		attempt_forget(s);
		call_upstream(s, login);
	}
	if (!s->wanting)
		stream_settle(s);
}

/* What was refused once for lack of instructions has some from the start. */
static void instruct_before(struct stream *s)
{
	if (s->attempts == 1 && !s->instructed &&
	    instruct_known(&s->app->instruct, buf_span(&s->payload)) &&
	    instruct_lacks(buf_span(&s->payload)))
		s->instructed = instruct_add(&s->payload);
}

void attempt_start(struct stream *s)
{
	if (!circuit_enter(s)) {
		stream_fail(s);
		return;
	}
	s->attempts++;
	instruct_before(s);
	if (!s->app->login || bearer_is_own(s)) {
		call_upstream(s, NULL);
		return;
	}
	s->step = STEP_LOGIN;
	s->wait.ready = login_ready;
	s->wanting = true;
	login_want(s->app->login, &s->wait, s->refused ? s->token : NULL);
	s->wanting = false;
	if (s->step == STEP_LOGIN) {
		s->asked_us = clock_mono_us();
		stream_watch(s);
	}
}

void attempt_stop(struct stream *s)
{
	login_unwait(&s->wait);
	if (s->call && !http_body_sent(s->call))
		s->body_lent = true;
	http_cancel(s->call);
	s->call = NULL;
}

void attempt_forget(struct stream *s)
{
	if (s->token)
		explicit_bzero(s->token, strlen(s->token));
	free(s->token);
	s->token = NULL;
	s->refused = false;
}

/* --- another attempt --- */

/* Upstream said 401: the login may have been renewed by another, or can be. */
static bool recover_login(struct stream *s)
{
	if (s->upstream_status != 401 || !s->app->login || s->recovered ||
	    !s->token || s->step != STEP_REFUSAL)
		return false;
	s->recovered = true;
	s->refused = true;
	s->attempts--;
	return true;
}

/* Asked for instructions in just these words, it gets some. */
static bool add_instructions(struct stream *s)
{
	if (s->instructed || s->step != STEP_REFUSAL ||
	    !refusal_wants_instructions(&s->note) ||
	    !instruct_lacks(buf_span(&s->payload)) || !instruct_add(&s->payload))
		return false;
	instruct_learn(&s->app->instruct, buf_span(&s->payload));
	s->instructed = true;
	s->attempts--;
	return true;
}

bool attempt_again(struct stream *s)
{
	int64_t now = loop_now(s->app->loop), after_us;

	if (s->job_running || s->big || s->semantic || !s->payload.len)
		return false;
	if (recover_login(s) || add_instructions(s) || mend_reasoning(s)) {
		s->resume_us = now;
	} else {
		if (!retry_allowed(s, &after_us))
			return false;
		s->resume_us = now + after_us;
	}
	tally_called(s);
	metrics_retry(s->app->metrics, s->note.code);
	log_msg(s->app->log, LOG_INFO, "retry", "%s: %s: %s", s->req->id,
		err_name(s->note.code), s->note.why);
	err_clear(&s->note);
	relay_free(s);
	s->held = false;
	s->step = STEP_WAIT;
	stream_watch(s);
	return true;
}
