/*
 * http_call.c - one transfer on the loop, from http_start() to done().
 *
 * An easy handle costs more to make than a small request costs to send, so
 * they are kept and only what differs is set anew.
 */
#include <stdlib.h>
#include <unistd.h>

#include "http_private.h"

#define BY_ADDRESS_US 60000000

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

/* The request went out and is not sent again: what is held for minutes by
 * thousands of calls should be small. */
void http_headers_forget(struct http_call *call)
{
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
	free(call->headers);
	call->headers = NULL;
}

/* It stays until http_multi_settle() comes round to it. */
void http_call_doom(struct http_call *call)
{
	if (call->doomed)
		return;
	call->doomed = true;
	call->next_dying = call->multi->dying;
	call->multi->dying = call;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose,
			     struct curl_sockaddr *address)
{
	struct http_call *call = arg;
	curl_socket_t fd = http_socket_open(call->target, address);

	(void)purpose;
	if (fd != CURL_SOCKET_BAD && !http_sock_opened(call->http, fd)) {
		close(fd);
		fd = CURL_SOCKET_BAD;
	}
	return fd;
}

static struct http_call *call_new(struct http *h)
{
	struct http_call *call = calloc(1, sizeof(*call));
	CURL *e;

	if (!call)
		return NULL;
	buf_init(&call->held, MAX_H2_HELD_LONG);
	call->http = h;
	call->resume.fn = on_resume;
	e = call->easy = curl_easy_init();
	if (!e || !http_easy_init(e, h->settings, "identity") ||
	    curl_easy_setopt(e, CURLOPT_USERAGENT, NULL) ||	/* in always[] */
	    curl_easy_setopt(e, CURLOPT_PRIVATE, call) ||
	    curl_easy_setopt(e, CURLOPT_SHARE, h->share) ||
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open) ||
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call) ||
	    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, http_sock_close) ||
	    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, h) ||
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error) ||
	    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, http_on_header) ||
	    curl_easy_setopt(e, CURLOPT_HEADERDATA, call) ||
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, http_on_body) ||
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
	http_target_drop(call->target);
	free(call);
}

static bool call_target(struct http_call *call, const char *url)
{
	struct http *h = call->http;

	if (!h->target || strcmp(h->target->url, url)) {
		struct http_target *t = http_target_new(url, NULL);

		if (!t)
			return false;
		http_target_drop(h->target);
		h->target = t;
	}
	if (call->target == h->target)
		return true;
	curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, NULL);
	call->by_address = false;
	http_target_drop(call->target);
	call->target = NULL;
	if (!http_easy_target(call->easy, h->settings, h->target))
		return false;
	call->target = h->target;
	call->target->users++;
	return true;
}

/*
 * A resolver that fails is no reason to lose an upstream whose address was
 * good a moment ago: the certificate is still the name's. Not through a
 * proxy, which resolves names itself.
 */
static void address_learn(struct http_call *call)
{
	struct http_target *t = call->target;
	const char *proxy = call->http->settings->proxy;
	long connects = 0;
	char *ip = NULL;

	if (!t->tls || (proxy && *proxy && !t->own))
		return;
	if (call->code == ERR_UPSTREAM_DNS && t->address[0])
		t->by_address_until_us = loop_now(call->http->loop) + BY_ADDRESS_US;
	else if (call->head_seen && !t->by_address_until_us &&
		 !curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS,
				    &connects) && connects &&
		 !curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &ip) &&
		 ip && *ip && strlen(ip) < 64)
		snprintf(t->address, sizeof(t->address), "::%s%s%s:",
			 strchr(ip, ':') ? "[" : "", ip, strchr(ip, ':') ? "]" : "");
}

static bool address_use(struct http_call *call)
{
	struct http_target *t = call->target;

	if (t->by_address_until_us &&
	    loop_now(call->http->loop) >= t->by_address_until_us)
		t->by_address_until_us = 0;
	if (call->by_address == (t->by_address_until_us != 0))
		return true;
	call->by_address = !call->by_address;
	t->by_address.data = t->address;
	return !curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO,
				 call->by_address ? &t->by_address : NULL);
}

static bool call_fill(struct http_call *call, const struct http_request *r)
{
	call->header_bytes = 0;
	call->fault = NULL;
	call->head_seen = call->h2 = call->holding = call->doomed = false;
	call->hold_long = false;
	call->state = CALL_RUNNING;
	call->error[0] = '\0';
	call->body_len = r->body.len;
	call->headers = http_headers_new(r, call->http->always);
	return call->headers && call_target(call, r->url) &&
	       address_use(call) &&
	       http_easy_request(call->easy, r) &&
	       !curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void call_keep(struct http_call *call)
{
	struct http *h = call->http;

	http_headers_forget(call);
	buf_free(&call->held);
	if (h->idle_count == MAX_IDLE_EASY) {
		http_call_free(call);
		return;
	}
	list_add(&h->idle, call);
	h->idle_count++;
}

/*
 * Out of curl. cut: in the middle, upstream is to hear of it now. HTTP/1.1
 * closes the connection. For HTTP/2 curl 7.88 only writes down that the
 * stream is to be reset; another call of the same connection makes it send
 * that, and where there is none the connection is closed.
 */
static void call_remove(struct http_call *call, bool cut)
{
	struct http_call *other;

	cut = cut && call->target->tls;
	if (cut)
		curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_multi_remove_handle(call->multi->multi, call->easy);
	other = http_sock_leave(call);
	if (!cut)
		return;
	curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 0L);
	if (other) {
		curl_easy_pause(other->easy, CURLPAUSE_RECV);
		curl_easy_pause(other->easy, CURLPAUSE_CONT);
	}
}

void http_call_drop(struct http_call *call)
{
	struct http_multi *m = call->multi;
	bool cut = call->state != CALL_DONE;

	call->state = CALL_CANCELLED;	/* curl may have a last word */
	call_remove(call, cut);
	loop_timer_cancel(call->http->loop, &call->resume);
	list_del(&call->http->live, call);
	http_multi_count(m, -1);
	call_keep(call);
}

void http_cancel(struct http_call *call)
{
	if (!call || call->state == CALL_CANCELLED || call->state == CALL_DONE)
		return;
	if (!call->multi->busy && !call->doomed) {
		http_call_drop(call);
		return;
	}
	call->state = CALL_CANCELLED;
	http_call_doom(call);
}

static void call_finish(struct http_call *call)
{
	call->state = CALL_DONE;
	call->handler->done(call->ctx, call->code,
			    call->code ? call->error : "");
	http_call_drop(call);
}

static void call_end(struct http_call *call, CURLcode rc, bool cut)
{
	call->code = ERR_NONE;
	if (!rc && !call->head_seen)	/* curl does not mind */
		call->fault = "it closed before its headers were complete";
	/* what curl says of a line of more than 100 KB */
	if (rc == CURLE_OUT_OF_MEMORY && call->header_bytes && !call->head_seen)
		call->fault = "its headers are over the ceiling";
	if (call->fault) {
		call->code = ERR_UPSTREAM_BROKE;
		snprintf(call->error, sizeof(call->error), "%s", call->fault);
	} else if (rc) {
		call->code = http_error(call->easy, rc, call->http->settings,
					call->error);
	}
	address_learn(call);
	call->state = CALL_LEFT;
	call_remove(call, cut);
	if (!call->held.len)
		call_finish(call);
}

void http_call_begin(struct http_call *call)
{
	if (call->state == CALL_RUNNING &&
	    curl_multi_add_handle(call->multi->multi, call->easy)) {
		call->fault = "curl does not take it";
		http_call_doom(call);
	}
}

void http_call_ended(struct http_call *call, CURLcode rc)
{
	call_end(call, rc, false);
}

void http_call_dies(struct http_call *call)
{
	call->doomed = false;
	if (call->state == CALL_CANCELLED)
		http_call_drop(call);
	else
		call_end(call, CURLE_WRITE_ERROR, true);
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
	call->multi = http_multi_pick(h, call->target->tls);
	if (!call->multi)
		goto fail;
	if (call->multi->busy) {
		call->next_starting = call->multi->starting;
		call->multi->starting = call;
	} else if (curl_multi_add_handle(call->multi->multi, call->easy)) {
		goto fail;
	}
	list_add(&h->live, call);
	http_multi_count(call->multi, 1);
	return call;
fail:
	call_keep(call);
	return NULL;
}

/* --- holding, resuming */

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
		http_held_give(call);
	} else {
		call->holding = false;
		rc = curl_easy_pause(call->easy, CURLPAUSE_CONT);
	}
	m->busy = false;
	if (call->state == CALL_LEFT && !call->holding)
		call_finish(call);
	else if (call->state == CALL_RUNNING && rc && !call->doomed)
		call_end(call, rc, true);	/* curl tells nobody else */
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
