/*
 * http_private.h - what the http*.c files share; nobody else includes it.
 */
#ifndef CHATMOCK_HTTP_PRIVATE_H
#define CHATMOCK_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "http.h"

/* Each part of curl that grows with a call is asked to stay small. */
#define RECEIVE_BUFFER		4096	/* one per running call */
#define SEND_BUFFER		16384	/* where a body goes out in pieces */
#define MAX_IDLE_EASY		512	/* easy handles kept for later calls */
#define STREAMS_PER_CONNECTION	32	/* HTTP/2 */

/* What a held HTTP/2 call may pile up here; see http_call.c. */
#define MAX_H2_HELD		(4u << 20)

/* --- http.c: the rules, the same for the loop and for http_fetch() */

struct http_target {
	bool tls;
	bool loopback;
};

/* Refuses what http_url_ok() refuses. */
MUST_USE bool http_target_of(const char *url, struct http_target *target,
			     struct err_note *note);

/* What never changes in an easy handle's life. */
MUST_USE bool http_easy_init(CURL *easy, const struct http_settings *s,
			     const char *accept_encoding);

/* What hangs on the URL. */
MUST_USE bool http_easy_url(CURL *easy, const struct http_settings *s,
			    const char *url, const struct http_target *target);

/* Method and body. */
MUST_USE bool http_easy_request(CURL *easy, const struct http_request *r);

/* The headers in one piece of memory, to be freed with free(). NULL: no
 * memory, or one that would break out of its line. */
struct curl_slist *http_headers_new(const struct http_request *r);

/* Our code for curl's. text, of CURL_ERROR_SIZE, holds curl's own words and
 * becomes the reason for the log. */
enum err http_error(CURL *easy, CURLcode rc, const struct http_settings *s,
		    char *text);

/* --- http_multi.c: curl_multi on the loop */

struct http_multi {
	struct http *http;
	CURLM *multi;			/* NULL: not in use just now */
	struct loop_timer timer;	/* curl's */
	struct loop_timer idle;		/* nothing runs: let go of the rest */
	struct http_call *dying;	/* cancelled inside curl */
	int live;
	bool busy;			/* inside a callback: handles must stay */
};

/* A multi for one more call, never one that is inside curl. */
struct http_multi *http_multi_pick(struct http *h, bool tls);

/* After curl has run: sees to calls that were cancelled meanwhile or ended. */
void http_multi_settle(struct http_multi *m);

/* Counts a call in or out. */
void http_multi_count(struct http_multi *m, int change);

/* --- http_call.c: one transfer */

#define MAX_MULTIS 128

struct http {
	struct loop *loop;
	const struct http_settings *settings;
	CURLSH *share;			/* names and TLS sessions */
	struct http_multi *multis[MAX_MULTIS];
	struct http_call *live, *idle;
	int idle_count;
	char *url;			/* the last one found good */
	struct http_target target;
};

struct http_call {
	CURL *easy;
	struct http *http;
	struct http_multi *multi;
	struct http_call *next, *prev;		/* of live, or of idle */
	struct http_call *next_dying;
	struct loop_timer resume;
	const struct http_handler *handler;
	void *ctx;
	struct curl_slist *headers;
	char *url;			/* what easy is set to */
	struct http_target target;
	size_t body_len;
	size_t header_bytes;
	struct buf held;		/* HTTP/2 while the handler holds */
	const char *fault;			/* our own reason to break off */
	enum err code;
	enum {
		CALL_RUNNING,
		CALL_LEFT,	/* curl is through, held bytes are left to give */
		CALL_CANCELLED,	/* nobody is told anything any more */
		CALL_DONE	/* in done() */
	} state;
	bool head_seen;
	bool h2;
	bool holding;				/* bytes() said false */
	char error[CURL_ERROR_SIZE];
};

/* Curl is through with the call: done(), after what is held was given. */
void http_call_ended(struct http_call *call, CURLcode rc);

/* Back to the idle ones, without a word; the multi must not be busy. */
void http_call_drop(struct http_call *call);
void http_call_free(struct http_call *call);

#endif
