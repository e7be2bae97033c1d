/* See tally.h. */
#include <stdlib.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "background.h"
#include "tally.h"

#define KNOWN_KEYS 16
#define MAX_TOKENS (UINT64_C(1) << 40)

/*
 * A caller sends the same key with each request, so its SHA-256 is looked up
 * by a cheaper hash first. Neither of them is the key.
 */
struct tally {
	struct { uint64_t hash; char digits[KEY_DIGITS + 1]; } known[KNOWN_KEYS];
	struct { struct metrics_label label; enum metric_tongue tongue; } routes[];
};

struct tally *tally_new(void)
{
	size_t count = route_count();
	struct tally *t = calloc(1, sizeof(*t) + count * sizeof(t->routes[0]));
	char text[METRICS_NAME + 1];

	for (size_t i = 0; t && i < count; i++) {
		const struct route *r = route_at(i);

		snprintf(text, sizeof(text), "%s %s %s", r->method, r->path,
			 r->tongue->name);
		t->routes[i].label = metrics_label(span_of(text));
		t->routes[i].tongue = metrics_tongue(span_of(r->tongue->name));
	}
	return t;
}

void tally_free(struct tally *t)
{
	free(t);
}

/* --- the caller's key --- */

static uint64_t quick_hash(struct span s)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(1099511628211);
	return hash;
}

static struct span key_of(const struct request *req)
{
	struct span key = span_of(request_param(req, "HTTP_AUTHORIZATION"));

	if (text_starts_nocase(key, "Bearer "))
		key = text_trim((struct span){ key.ptr + 7, key.len - 7 });
	return key.len ? key : span_of(request_param(req, "HTTP_X_API_KEY"));
}

void tally_key(struct stream *s)
{
	struct tally *t = s->app->tally;
	struct span key = key_of(s->req);
	uint64_t hash;
	char hex[65];
	size_t at;

	if (s->caller[0] || !key.len || !t)
		return;
	hash = quick_hash(key);
	at = hash % KNOWN_KEYS;
	if (t->known[at].hash != hash || !t->known[at].digits[0]) {
		sha256_hex(key, hex);
		memcpy(t->known[at].digits, hex, KEY_DIGITS);
		t->known[at].hash = hash;
	}
	memcpy(s->key, t->known[at].digits, sizeof(s->key));
}

/* --- on its way --- */

void tally_call(struct stream *s)
{
	s->calling = true;
	if (s->was_called)
		return;
	s->was_called = true;
	s->own_us += clock_mono_us() - s->req->begun_us;
}

void tally_called(struct stream *s)
{
	enum metric_counter outcome = COUNT_UPSTREAM_FAILED;

	if (!s->calling)
		return;
	s->calling = false;
	if (s->note.code == ERR_CLIENT_GONE || s->note.code == ERR_SHUTDOWN)
		outcome = COUNT_UPSTREAM_ABORTED;
	else if (!s->note.code)
		outcome = COUNT_UPSTREAM_OK;
	else if (s->upstream_status >= 400)
		outcome = COUNT_UPSTREAM_REFUSED;
	metrics_count(s->app->metrics, outcome);
}

void tally_login_wait(struct stream *s, int64_t since_us)
{
	if (!s->was_called)
		s->own_us -= clock_mono_us() - since_us;
}

/* --- its end --- */

bool tally_is_partial(const struct stream *s)
{
	return s->usage.partial || (s->semantic && !s->done);
}

static void count_usage(struct stream *s)
{
	const struct usage *u = &s->usage;
	struct metrics *m = s->app->metrics;
	const uint64_t tokens[TOKEN__COUNT] = {
		[TOKEN_INPUT] = (uint64_t)u->input,
		[TOKEN_CACHED] = (uint64_t)u->cached,
		[TOKEN_CACHE_WRITE] = (uint64_t)u->cache_write,
		[TOKEN_OUTPUT] = (uint64_t)u->output,
		[TOKEN_REASONING] = (uint64_t)u->reasoning,
	};

	if (tally_is_partial(s))
		metrics_count(m, COUNT_USAGE_PARTIAL);
	else if (s->done)
		metrics_count(m, u->known ? COUNT_USAGE_COMPLETE :
					    COUNT_USAGE_UNKNOWN);
	if (!u->known)
		return;
	for (size_t i = 0; i < TOKEN__COUNT; i++)
		if (tokens[i] > MAX_TOKENS)
			return;		/* nobody's count, and none to be added */
	metrics_tokens(m, span_of(s->upstream_model[0] ? s->upstream_model :
				  s->terms.model), tokens);
	metrics_key_tokens(m, span_of(s->caller[0] ? s->caller_name : s->key), tokens);
}

static void count_end(struct stream *s)
{
	struct metrics *m = s->app->metrics;

	if (s->terms.dropped.len)
		metrics_count(m, COUNT_PARAMS_DROPPED);
	if (s->note.code == ERR_CLIENT_GONE) {
		metrics_count(m, COUNT_ABORT_CLIENT);
	} else if (s->note.code && s->status == 200) {
		metrics_count(m, COUNT_TRUNCATED);
		metrics_count(m, s->note.code >= ERR_UPSTREAM_CONNECT ?
				 COUNT_ABORT_UPSTREAM : COUNT_ABORT_GATEWAY);
	}
}

void tally_request(struct stream *s)
{
	struct app *app = s->app;
	bool found = s->route && s->note.code != ERR_NO_ROUTE &&
		     s->note.code != ERR_BAD_METHOD;
	size_t at = found ? (size_t)(s->route - route_at(0)) : 0;
	int64_t now = clock_mono_us(), begun = s->req->begun_us;
	bool heard = s->was_called && s->heard_us > s->called_us;
	struct metrics_request r = {
		.route = found && app->tally ? &app->tally->routes[at].label : NULL,
		.tongue = found && app->tally ? app->tally->routes[at].tongue :
						TONGUE_OTHER,
		.status = s->note.code == ERR_CLIENT_GONE ? 499 : s->status,
		.end = s->note.code,
		.total_us = now - begun,
		.ttft_us = s->first_us ? s->first_us - begun : -1,
		.upstream_us = s->was_called ?
			       (heard ? s->heard_us : now) - s->called_us : -1,
		.own_us = heard ? s->own_us + now - s->heard_us :
			  s->was_called ? s->own_us : -1,
	};

	/* whose client has its answer was counted with that */
	if (!background_runs(s))
		metrics_request(app->metrics, &r);
	tally_called(s);
	count_usage(s);
	count_end(s);
}

/* --- the login --- */

void tally_login(struct app *app, const char *event, const struct login *login,
		 const struct err_note *note)
{
	if (login && login->expires_at)
		metrics_gauge(app->metrics, GAUGE_LOGIN_EXPIRY, login->expires_at);
	if (strcmp(event, "login_renewed") == 0)
		metrics_count(app->metrics, COUNT_LOGIN_RENEWED);
	else if (strcmp(event, "login_renewal_failed") == 0)
		metrics_count(app->metrics, note->code == ERR_LOGIN_STALE ?
			      COUNT_LOGIN_REFUSED : COUNT_LOGIN_FAILED);
}
