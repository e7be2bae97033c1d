/*
 * prompts_fetch.c - a prompt from the first of its sources that has it.
 *
 * A source that may do better in a moment (no connection, a time limit, 429,
 * 5xx) is asked again with growing pauses; one that answers something else
 * than a prompt is not.
 */
#include "prompts_file.h"

#include "ceilings.h"
#include "clock.h"
#include "guard.h"
#include "text.h"

struct getting {
	const struct config *c;
	const struct http_settings *http;
	struct metrics *metrics;
	enum prompt_id id;
	const struct prompt_patience *patience;
	struct prompt_news *news;
	/* what we have, where it is a whole pair */
	struct json_object *tree;
	struct buf old;
	struct prompt_meta had;
	/* the words of sources that failed */
	struct buf why;
	enum err last;
};

/* The last part of a source's path tells which it is. */
static void blame(struct getting *g, const char *url, enum err code,
		  const char *what)
{
	struct span host = span_of(strstr(url, "://") + 3);
	const char *slash = strchr(host.ptr, '/'), *name = strrchr(url, '/');

	if (slash)
		host.len = (size_t)(slash - host.ptr);
	if (g->why.len)
		buf_str(&g->why, "; ");
	buf_fmt(&g->why, "%.*s%s%.60s: %.120s", (int)(host.len < 60 ? host.len : 60),
		host.ptr, slash && slash != name ? "/..." : "", slash ? name : "",
		what);
	g->last = code;
}

/* Those a pause may mend. A bad certificate is none. */
static bool may_pass(enum err code, int status)
{
	switch (code) {
	case ERR_NONE:
		return status == 408 || status == 429 || status >= 500;
	case ERR_UPSTREAM_CONNECT:
	case ERR_UPSTREAM_DNS:
	case ERR_UPSTREAM_TIMEOUT:
	case ERR_UPSTREAM_TOTAL:
	case ERR_UPSTREAM_BROKE:
		return true;
	default:
		return false;
	}
}

static void wait_before(const struct prompt_patience *p, int try)
{
	int64_t most = p->pause_ms, ms;
	struct timespec t;
	uint32_t random;

	for (; try > 1; try--)
		most *= 2;
	random_bytes(&random, sizeof(random));
	ms = most / 2 + (int64_t)(random % (uint32_t)(most / 2 + 1));
	t = (struct timespec){ .tv_sec = ms / 1000,
			       .tv_nsec = ms % 1000 * 1000000L };
	nanosleep(&t, NULL);
}

/* One that may stand in a header of ours. */
static struct span fit_etag(struct span etag)
{
	if (etag.len > 256)
		return SPAN("");
	for (size_t i = 0; i < etag.len; i++)
		if (etag.ptr[i] < 0x20 || etag.ptr[i] > 0x7e)
			return SPAN("");
	return etag;
}

static bool is_ours(const struct getting *g, const char *url)
{
	return g->had.cached_at && fit_etag(g->had.etag).len &&
	       span_eq(g->had.source, url);
}

/* Asks until it answers something that another try would not change. */
static enum err ask_again(struct getting *g, const char *url, struct http_reply *reply,
		    struct err_note *note)
{
	const char *headers[2] = { "Accept: text/plain, */*" };
	struct http_request r = { .method = "GET", .url = url,
				  .headers = headers, .header_count = 1 };
	char match[300];
	enum err err;

	if (is_ours(g, url)) {
		snprintf(match, sizeof(match), "If-None-Match: %.*s",
			 (int)g->had.etag.len, g->had.etag.ptr);
		headers[r.header_count++] = match;
	}
	for (int try = 1;; try++) {
		*note = ERR_NOTE_INIT;
		err = http_fetch(g->http, &r, g->patience->try_ms, MAX_PROMPT,
				 reply, note);
		if (try >= g->patience->tries || !may_pass(err, reply->status))
			return err;
		http_reply_free(reply);
		wait_before(g->patience, try);
	}
}

/* The same under its breaker's guard: all tries are one call to it. */
static enum err ask(struct getting *g, const char *url, struct http_reply *reply,
		    struct err_note *note)
{
	struct breaker_ticket ticket;
	struct guard guard;
	int64_t wait_us;
	bool failed;
	int failures;
	enum err err;

	guard_init(&guard, g->metrics, g->c, "prompts", url);
	if (guard_enter(&guard, &ticket, &wait_us) == BREAKER_SKIP)
		return err_set(note, ERR_CIRCUIT_OPEN, "left alone for %lld s "
			       "more", (long long)(wait_us + 999999) / 1000000);
	err = ask_again(g, url, reply, note);
	failed = guard_is_failure(err, reply->status);
	(void)guard_leave(&guard, &ticket, failed ? BREAKER_FAILURE :
			  err ? BREAKER_NEUTRAL : BREAKER_SUCCESS, &failures);
	return err;
}

/* What is wrong with the answer; NULL: it is a prompt, or says that ours is. */
static const char *answer_fault(const struct getting *g, const char *url,
				const struct http_reply *reply, const char *hash)
{
	const char *pin = prompt_pin(g->c, g->id);
	struct span type = http_reply_header(reply, "content-type");

	if (reply->status == 304)
		return is_ours(g, url) ? NULL : "304, and we have no copy";
	if (text_starts_nocase(type, "text/html"))
		return "it is HTML";
	if (prompt_fault(buf_span(&reply->body)))
		return prompt_fault(buf_span(&reply->body));
	if (pin && !text_eq_nocase(span_of(pin), hash))
		return "it has not the pinned SHA-256";
	return NULL;
}

/* Into the files. */
static enum err keep(struct getting *g, const char *url,
		     const struct http_reply *reply, const char *hash,
		     struct err_note *note)
{
	struct span etag = fit_etag(http_reply_header(reply, "etag"));
	struct prompt_meta now = g->had;
	struct span text = { NULL, 0 };

	now.cached_at = clock_wall_us() / 1000000;
	if (reply->status == 304) {
		g->news->confirmed = true;
	} else {
		g->news->changed = !g->had.cached_at ||
				   !span_eq(g->had.hash, hash);
		if (g->news->changed)
			text = buf_span(&reply->body);
		now.size = (int64_t)reply->body.len;
		now.hash = span_of(hash);
		now.etag = etag;
		now.source = span_of(url);
	}
	g->news->size = (size_t)now.size;
	text_copy(g->news->source, sizeof(g->news->source), span_of(url));
	return prompt_cache_write(g->c, g->id, text, &now, note);
}

/* True when this source settled it, well or (the disk) not. */
static bool try_source(struct getting *g, const char *url, struct err_note *note)
{
	struct http_reply reply = { 0 };
	struct err_note why = ERR_NOTE_INIT;
	char hash[65] = "", words[48];
	const char *fault;
	bool settled = false;
	enum err err;

	err = ask(g, url, &reply, &why);
	if (err) {
		blame(g, url, err, why.why);
	} else if (reply.status != 200 && reply.status != 304) {
		snprintf(words, sizeof(words), "status %d", reply.status);
		blame(g, url, ERR_UPSTREAM_ERROR, words);
	} else {
		sha256_hex(buf_span(&reply.body), hash);
		fault = answer_fault(g, url, &reply, hash);
		if (fault)
			blame(g, url, ERR_UPSTREAM_GARBLED, fault);
		else
			(void)keep(g, url, &reply, hash, note);
		settled = !fault;
	}
	http_reply_free(&reply);
	return settled;
}

enum err prompt_fetch(const struct config *c, const struct http_settings *http,
		      struct metrics *m, enum prompt_id id,
		      const struct prompt_patience *patience,
		      struct prompt_news *news, struct err_note *note)
{
	struct getting g = { .c = c, .http = http, .metrics = m, .id = id,
			     .patience = patience, .news = news,
			     .last = ERR_CONFIG };
	struct span rest = span_of(prompt_urls(c, id)), one;
	struct err_note ignored = ERR_NOTE_INIT;
	bool settled = false;
	char url[1024];

	*news = (struct prompt_news){ 0 };
	buf_init(&g.old, MAX_PROMPT);
	buf_init(&g.why, sizeof(note->why));
	g.tree = prompt_meta_read(c, &ignored);
	if (!prompt_cache_read(c, id, g.tree, &g.old, &g.had, &ignored))
		g.had = (struct prompt_meta){ 0 };
	while (!settled && text_next(&rest, ',', &one))
		if (text_copy(url, sizeof(url), one))
			settled = try_source(&g, url, note);
	if (!settled)
		err_set(note, g.last, "%s", g.why.len ? g.why.ptr : "no source");
	buf_free(&g.old);
	buf_free(&g.why);
	json_object_put(g.tree);
	return note->code;
}
