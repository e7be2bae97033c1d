/*
 * http_call.c - one transfer on the loop, from http_start() to done().
 *
 * An easy handle costs more to make than a small request costs to send, so
 * they are kept and only what differs is set anew.
 *
 * Holding back. Over HTTP/1.1 curl leaves the rest in the socket. Over
 * HTTP/2 curl 7.88 would stop reading the connection, with all other streams
 * on it, and turn around in circles meanwhile. There the bytes are piled up
 * here instead, up to MAX_H2_HELD; a client that falls further behind loses
 * its call.
 */
#include <stdlib.h>

#include "ceilings.h"
#include "http_private.h"
#include "text.h"

static void on_resume(struct loop_timer *t);

static void list_add(struct http_call **list, struct http_call *call)
{
	call->prev = NULL;
	call->next = *list;
	if (*list)
		(*list)->prev = call;
	*list = call;
}

static void list_del(struct http_call **list, struct http_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else
		*list = call->next;
	if (call->next)
		call->next->prev = call->prev;
}

/* --- what curl calls */

/* Curl decodes what comes compressed. Of the encodings it knows only these
 * can blow up no more than a thousandfold. */
static bool encoding_ok(struct http_call *call)
{
	struct span e = http_header(call, "content-encoding");

	return !e.len || text_eq_nocase(e, "identity") ||
	       text_eq_nocase(e, "gzip") || text_eq_nocase(e, "deflate");
}

static size_t give_up(struct http_call *call, const char *fault)
{
	if (call->state != CALL_CANCELLED)
		call->fault = fault;
	return 0;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct http_call *call = arg;
	long status = 0, version = 0;

	(void)one;
	call->header_bytes += len;
	if (call->state == CALL_CANCELLED)
		return 0;
	if (call->header_bytes > MAX_UPSTREAM_HEADERS)
		return give_up(call, "its headers are over the ceiling");
	if (call->head_seen || len > 2 || (line[0] != '\r' && line[0] != '\n'))
		return len;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return len;
	if (!encoding_ok(call))
		return give_up(call, "compressed in a way nobody asked for");
	curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
	call->h2 = version == CURL_HTTP_VERSION_2_0;
	call->head_seen = true;
	if (call->handler->head)
		call->handler->head(call->ctx, call, (int)status);
	return call->state == CALL_CANCELLED ? 0 : len;
}

static size_t hold(struct http_call *call, const char *bytes, size_t len)
{
	buf_add(&call->held, bytes, len);
	if (buf_err(&call->held))
		return give_up(call, "its client is too slow for HTTP/2");
	return len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct http_call *call = arg;

	(void)one;
	if (call->state == CALL_CANCELLED)
		return 0;
	if (call->holding && call->h2)
		return hold(call, bytes, len);
	call->holding = !call->handler->bytes(call->ctx, call,
					      (struct span){ bytes, len });
	if (call->state == CALL_CANCELLED)
		return 0;
	if (!call->holding)
		return len;
	return call->h2 ? hold(call, bytes, len) : CURL_WRITEFUNC_PAUSE;
}

/* --- making and keeping calls */

static struct http_call *call_new(struct http *h)
{
	struct http_call *call = calloc(1, sizeof(*call));
	CURL *e;

	if (!call)
		return NULL;
	buf_init(&call->held, MAX_H2_HELD);
	call->http = h;
	call->resume.fn = on_resume;
	e = call->easy = curl_easy_init();
	if (!e || !http_easy_init(e, h->settings, "identity") ||
	    curl_easy_setopt(e, CURLOPT_PRIVATE, call) ||
	    curl_easy_setopt(e, CURLOPT_SHARE, h->share) ||
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error) ||
	    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) ||
	    curl_easy_setopt(e, CURLOPT_HEADERDATA, call) ||
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) ||
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, call)) {
		curl_easy_cleanup(e);
		free(call);
		return NULL;
	}
	return call;
}

void http_call_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	buf_free(&call->held);
	free(call->headers);
	free(call->url);
	free(call);
}

/* The URL's checks are dear beside a small request: only a new one's. */
static bool call_url(struct http_call *call, const char *url)
{
	struct http *h = call->http;

	if (call->url && !strcmp(call->url, url))
		return true;
	if (!h->url || strcmp(h->url, url)) {
		struct http_target target;
		char *copy;

		if (!http_target_of(url, &target, NULL))
			return false;
		copy = strdup(url);
		if (!copy)
			return false;
		free(h->url);
		h->url = copy;
		h->target = target;
	}
	free(call->url);
	call->url = strdup(url);
	call->target = h->target;
	if (call->url && http_easy_url(call->easy, h->settings, url, &h->target))
		return true;
	free(call->url);
	call->url = NULL;
	return false;
}

static bool call_fill(struct http_call *call, const struct http_request *r)
{
	call->header_bytes = 0;
	call->fault = NULL;
	call->head_seen = call->h2 = call->holding = false;
	call->state = CALL_RUNNING;
	call->error[0] = '\0';
	call->body_len = r->body.len;
	call->headers = http_headers_new(r);
	return call->headers && call_url(call, r->url) &&
	       http_easy_request(call->easy, r) &&
	       !curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void call_keep(struct http_call *call)
{
	struct http *h = call->http;

	free(call->headers);
	call->headers = NULL;
	buf_free(&call->held);
	if (h->idle_count == MAX_IDLE_EASY) {
		http_call_free(call);
		return;
	}
	list_add(&h->idle, call);
	h->idle_count++;
}

void http_call_drop(struct http_call *call)
{
	struct http_multi *m = call->multi;

	call->state = CALL_CANCELLED;	/* curl may have a last word */
	curl_multi_remove_handle(m->multi, call->easy);
	loop_timer_cancel(call->http->loop, &call->resume);
	list_del(&call->http->live, call);
	http_multi_count(m, -1);
	call_keep(call);
}

void http_cancel(struct http_call *call)
{
	if (!call || call->state == CALL_CANCELLED || call->state == CALL_DONE)
		return;
	if (!call->multi->busy) {
		http_call_drop(call);
		return;
	}
	call->state = CALL_CANCELLED;
	call->next_dying = call->multi->dying;
	call->multi->dying = call;
}

static void call_finish(struct http_call *call)
{
	call->state = CALL_DONE;
	call->handler->done(call->ctx, call->code,
			    call->code ? call->error : "");
	http_call_drop(call);
}

void http_call_ended(struct http_call *call, CURLcode rc)
{
	call->code = ERR_NONE;
	if (!rc && !call->head_seen)	/* curl does not mind */
		call->fault = "it closed before its headers were complete";
	if (call->fault) {
		call->code = ERR_UPSTREAM_BROKE;
		snprintf(call->error, sizeof(call->error), "%s", call->fault);
	} else if (rc) {
		call->code = http_error(call->easy, rc, call->http->settings,
					call->error);
	}
	curl_multi_remove_handle(call->multi->multi, call->easy);
	call->state = CALL_LEFT;
	if (!call->held.len)
		call_finish(call);
}

struct http_call *http_start(struct http *h, const struct http_request *r,
			     const struct http_handler *handler, void *ctx)
{
	struct http_call *call = h->idle;

	if (call) {
		list_del(&h->idle, call);
		h->idle_count--;
	} else {
		call = call_new(h);
		if (!call)
			return NULL;
	}
	if (!call_fill(call, r))
		goto fail;
	call->handler = handler;
	call->ctx = ctx;
	call->multi = http_multi_pick(h, call->target.tls);
	if (!call->multi ||
	    curl_multi_add_handle(call->multi->multi, call->easy))
		goto fail;
	list_add(&h->live, call);
	http_multi_count(call->multi, 1);
	return call;
fail:
	call_keep(call);
	return NULL;
}

/* --- holding, resuming */

/* HTTP/2: gives what was piled up. */
static void give_held(struct http_call *call)
{
	call->holding = call->held.len &&
			!call->handler->bytes(call->ctx, call,
					      buf_span(&call->held));
	if (!call->holding)
		buf_free(&call->held);
}

/* The handler may cancel while it is given bytes: the multi counts as busy,
 * so that the call is still there afterwards. */
static void on_resume(struct loop_timer *t)
{
	struct http_call *call = CONTAINER_OF(t, struct http_call, resume);
	struct http_multi *m = call->multi;
	CURLcode rc = CURLE_OK;

	if (!call->holding)
		return;
	m->busy = true;
	if (call->h2) {
		give_held(call);
	} else {
		call->holding = false;
		rc = curl_easy_pause(call->easy, CURLPAUSE_CONT);
	}
	m->busy = false;
	if (call->state == CALL_LEFT && !call->holding)
		call_finish(call);
	else if (call->state == CALL_RUNNING && rc)
		http_call_ended(call, rc);	/* curl tells nobody else */
	http_multi_settle(m);
}

void http_resume(struct http_call *call)
{
	if (call->state == CALL_RUNNING || call->state == CALL_LEFT)
		(void)loop_timer_in(call->http->loop, &call->resume, 0);
}

bool http_body_sent(const struct http_call *call)
{
	curl_off_t sent = 0;

	if (call->state != CALL_RUNNING || !call->body_len)
		return true;
	/* Before the answer begins curl may send it anew: on another
	 * connection, when the kept one turns out to be dead. */
	return call->head_seen &&
	       !curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent) &&
	       (size_t)sent >= call->body_len;
}

/* --- the answer's headers */

struct span http_header(struct http_call *call, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &found))
		return span_of("");
	if (found->amount > 1 &&
	    curl_easy_header(call->easy, name, found->amount - 1, CURLH_HEADER,
			     -1, &found))
		return span_of("");
	return text_trim(span_of(found->value));
}

bool http_header_next(struct http_call *call, void **state, struct span *name,
		      struct span *value)
{
	struct curl_header *h;

	h = curl_easy_nextheader(call->easy, CURLH_HEADER, -1, *state);
	*state = h;
	if (!h)
		return false;
	*name = span_of(h->name);
	*value = text_trim(span_of(h->value));
	return true;
}
