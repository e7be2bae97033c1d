/*
 * http.h - HTTP calls, on the loop or blocking. The only module that knows
 * libcurl: nothing else includes <curl/curl.h>.
 *
 * Always: TLS verified, https only (http for this machine's own addresses
 * alone), no redirects, no cookies, no proxy but the configured one (none for
 * this machine), TCP keep-alive 30/10/3, compressed answers decoded (identity
 * asked for on the loop). HTTP/2 where offered over TLS, at most 32 streams a
 * connection.
 */
#ifndef CHATMOCK_HTTP_H
#define CHATMOCK_HTTP_H

#include "buf.h"
#include "loop.h"

/* Strings are borrowed for the life of the struct http. NULL or "" = none. */
struct http_settings {
	int connect_timeout_ms;
	const char *ca_file;		/* PEM bundle in place of the system's */
	const char *proxy;		/* for https upstreams */
	const char *no_proxy;		/* comma-separated, as curl reads it */
	const char *user_agent;
	int max_calls;			/* sizes the connection pool */
	enum { HTTP_AUTO, HTTP_1_1, HTTP_2 } version;
};

/* Once per process, before any thread; returns false when libcurl won't. */
bool http_global_init(void);

/* False when the URL is not one that we would call; why says what is wrong. */
MUST_USE bool http_url_ok(const char *url, struct err_note *note);

struct http_request {
	const char *method;		/* "GET", "POST" */
	const char *url;
	struct span body;		/* borrowed until done or cancelled, or
					 * until http_body_sent() says so */
	const char *const *headers;	/* "Name: value", copied */
	size_t header_count;
};

struct http;				/* one per worker */
struct http_call;			/* one transfer; owned by http */

struct http *http_new(struct loop *l, const struct http_settings *s);
void http_free(struct http *h);		/* cancels all, without callbacks */

/*
 * head:  status and headers of the final answer are there (no 1xx).
 * bytes: a piece of the body. Return false to hold: the same bytes come again
 *        after http_resume(), maybe with more. Over HTTP/2 a held call piles
 *        up to 4 MB and is broken off beyond that. Cancelling inside is
 *        allowed.
 * done:  exactly once, unless cancelled; the call is gone after it returns.
 *        code 0: the transfer ended as HTTP has it. Else ERR_UPSTREAM_CONNECT,
 *        _DNS, _TLS, _TIMEOUT (connecting), _BROKE; why is for the log.
 * No callback runs inside http_start() or http_cancel(). What bytes() needs
 * each time is best in the first 700 bytes at ctx: see loop_fd's near.
 */
struct http_handler {
	void (*head)(void *ctx, struct http_call *call, int status);
	bool (*bytes)(void *ctx, struct http_call *call, struct span bytes);
	void (*done)(void *ctx, enum err code, const char *why);
};

/* NULL: no memory, or the URL is refused; nothing was started. */
struct http_call *http_start(struct http *h, const struct http_request *r,
			     const struct http_handler *handler, void *ctx);

/* Ends the call at once and closes its connection (HTTP/2: resets its
 * stream). No callback comes any more. NULL is fine. */
void http_cancel(struct http_call *call);

/* The handler hears more in this turn or the next, never inside here. */
void http_resume(struct http_call *call);

/* Before bytes() returns false: it is not a client that is slow, the rest is
 * wanted soon. Over HTTP/2 64 MB may pile up this time. */
void http_hold_long(struct http_call *call);

/* True when upstream has all of the body and its answer has begun: it will
 * not be needed again. */
bool http_body_sent(const struct http_call *call);

/* The last value of an answer's header, trimmed; good until done. Empty span
 * when not there. name in any case. From head() on. */
struct span http_header(struct http_call *call, const char *name);

/* Walks all of them: *at starts NULL; false at the end. */
bool http_header_next(struct http_call *call, void **at, struct span *name,
		      struct span *value);

/*
 * The same rules, blocking, for threads and for the fetcher: at most total_ms
 * in all and max bytes of body. http_reply_free() may be called on a zeroed
 * one and is due after a failure, too. Codes as above; ERR_UPSTREAM_TOTAL when
 * total_ms ran out while it answered, ERR_UPSTREAM_GARBLED for an answer over
 * its size, ERR_CONFIG for a URL that is refused.
 */
struct http_reply {
	int status;
	struct buf body;
	struct buf headers;		/* "name: value\n" lines */
};
MUST_USE enum err http_fetch(const struct http_settings *s,
			     const struct http_request *r, int total_ms,
			     size_t max, struct http_reply *reply,
			     struct err_note *note);
struct span http_reply_header(const struct http_reply *reply, const char *name);
void http_reply_free(struct http_reply *reply);

#endif
