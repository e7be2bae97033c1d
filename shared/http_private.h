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
#define MAX_H2_HELD_LONG	(64u << 20)

/* --- http.c: the rules, the same for the loop and for http_fetch() */

/*
 * A URL found good, with what hangs on it. Curl's parse of it is kept as
 * well: it would cost a tenth of a small request. Counted, for calls keep
 * theirs from one request to the next.
 */
struct http_target {
	char *url;
	/* where it was found last, as curl wants it, and until when that is
	 * used because its name can not be resolved any more */
	char address[80];
	struct curl_slist by_address;
	int64_t by_address_until_us;
	CURLU *parsed;
	bool tls;
	bool own;			/* this machine itself */
	int users;
};

/* NULL: no memory, or what http_url_ok() refuses. Has one user then. */
struct http_target *http_target_new(const char *url, struct err_note *note);
void http_target_drop(struct http_target *t);	/* NULL is fine */

/* Closed on exec. A plain target's goes to this machine alone, whatever its name
 * may have come to mean. CURL_SOCKET_BAD on failure. */
curl_socket_t http_socket_open(const struct http_target *t,
			       const struct curl_sockaddr *a);

/* What never changes in an easy handle's life. */
MUST_USE bool http_easy_init(CURL *easy, const struct http_settings *s,
			     const char *accept_encoding);

/* The target must stay for as long as it is set. */
MUST_USE bool http_easy_target(CURL *easy, const struct http_settings *s,
			       const struct http_target *t);

/* Method and body. */
MUST_USE bool http_easy_request(CURL *easy, const struct http_request *r);

/* The headers in one piece of memory, to be freed with free(), and those
 * that always are the same behind them. NULL: no memory, or one that would
 * break out of its line. */
struct curl_slist *http_headers_new(const struct http_request *r,
				    struct curl_slist *always);

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
	struct http_call *starting;	/* to be added when curl returns */
	struct http_call *dying;	/* to be let go then */
	int live;
	bool busy;			/* inside a callback: handles must stay */
};

/* A multi for one more call; NULL: no memory. */
struct http_multi *http_multi_pick(struct http *h, bool tls);

/* Lets curl run. */
void http_multi_act(struct http_multi *m, curl_socket_t fd, int events);

/* After curl has run: sees to calls that meanwhile were started or cancelled
 * or have ended. */
void http_multi_settle(struct http_multi *m);

/* Counts a call in or out. */
void http_multi_count(struct http_multi *m, int change);

/* --- http_sock.c: curl's sockets on the loop */

/* For CURLMOPT_SOCKETFUNCTION, with the multi. */
int http_sock_wanted(CURL *easy, curl_socket_t fd, int what, void *multi,
		     void *unused);

/* Takes the call off its socket's list. Gives one that goes on using it. */
struct http_call *http_sock_leave(struct http_call *call);

/* A new socket for a connection; false: no memory. */
bool http_sock_opened(struct http *h, curl_socket_t fd);

/* For CURLOPT_CLOSESOCKETFUNCTION, with the struct http. */
int http_sock_close(void *http, curl_socket_t fd);

void http_socks_free(struct http *h);

/* --- http_call.c, http_answer.c: one transfer */

#define MAX_MULTIS 128

struct http_sock;

struct http {
	struct loop *loop;
	const struct http_settings *settings;
	CURLSH *share;			/* names and TLS sessions */
	struct http_multi *multis[MAX_MULTIS];
	struct http_call *live, *idle;
	int idle_count;
	struct http_target *target;	/* of the last call */
	struct curl_slist always[2];	/* what each call says alike */
	struct http_sock **socks;	/* by descriptor */
	size_t sock_count;
};

struct http_call {
	/* what each piece of an answer needs is in front */
	CURL *easy;
	struct http *http;
	struct http_multi *multi;
	const struct http_handler *handler;
	void *ctx;
	enum {
		CALL_RUNNING,
		CALL_LEFT,	/* curl is through, held bytes are left to give */
		CALL_CANCELLED,	/* nobody is told anything any more */
		CALL_DONE	/* in done() */
	} state;
	bool doomed;				/* on the multi's dying list */
	bool head_seen;
	bool h2;
	bool holding;				/* bytes() said false */
	bool hold_long;				/* until all is given */
	struct http_sock *sock;			/* that it uses or used last */
	struct http_call *next_user;		/* of the same socket */
	struct http_call *next, *prev;		/* of live, or of idle */
	struct http_call *next_starting, *next_dying;
	struct loop_timer resume;
	struct curl_slist *headers;
	struct http_target *target;	/* what easy is set to */
	bool by_address;		/* easy is set to its last address */
	size_t body_len;
	size_t header_bytes;
	struct buf held;		/* HTTP/2 while the handler holds */
	const char *fault;			/* our own reason to break off */
	enum err code;
	char error[CURL_ERROR_SIZE];
};

/* Gives the call to curl; ends it where curl will not have it. */
void http_call_begin(struct http_call *call);

/* Curl is through with the call: done(), after what is held was given. */
void http_call_ended(struct http_call *call, CURLcode rc);

/* Let go in the middle, told or untold. */
void http_call_dies(struct http_call *call);

/* Back to the idle ones, without a word; the multi must not be busy. */
void http_call_drop(struct http_call *call);
void http_call_free(struct http_call *call);

/* Puts it on the multi's dying list. */
void http_call_doom(struct http_call *call);

/* The request went out: its headers' memory is not needed any more. */
void http_headers_forget(struct http_call *call);

/* HTTP/2: gives what was piled up while the handler held. */
void http_held_give(struct http_call *call);

/* For CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION, with the call. */
size_t http_on_header(char *line, size_t one, size_t len, void *call);
size_t http_on_body(char *bytes, size_t one, size_t len, void *call);

#endif
