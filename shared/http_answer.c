/*
 * http_answer.c - what curl hears, on its way to the handler.
 *
 * Holding back. Over HTTP/1.1 curl leaves the rest in the socket. Over
 * HTTP/2 curl 7.88 would stop reading the connection, with all other streams
 * on it, and turn around in circles meanwhile. There the bytes are piled up
 * here instead, up to MAX_H2_HELD; a client that falls further behind loses
 * its call. What waits for our own threads may pile up higher.
 */
#include <stdlib.h>

#include "ceilings.h"
#include "http_private.h"
#include "text.h"

#define GIVE_PIECE	(16u << 10)
#define GIVE_TURN	(256u << 10)

/* Curl decodes what comes compressed. Of the encodings it knows only these
 * can blow up no more than a thousandfold. */
static bool encoding_ok(struct http_call *call)
{
	struct span e = http_header(call, "content-encoding");

	return !e.len || text_eq_nocase(e, "identity") ||
	       text_eq_nocase(e, "gzip") || text_eq_nocase(e, "deflate");
}

static void give_up(struct http_call *call, const char *fault)
{
	if (call->doomed)
		return;
	call->fault = fault;
	http_call_doom(call);
}

/* Curl is never told to break off: over HTTP/2 it would do so without a word
 * to upstream. http_call_dies() does, as soon as curl returns. */
size_t http_on_header(char *line, size_t one, size_t len, void *arg)
{
	struct http_call *call = arg;
	long status = 0, version = 0;

	(void)one;
	if (call->doomed)
		return len;
	call->header_bytes += len;
	if (call->header_bytes > MAX_UPSTREAM_HEADERS)
		give_up(call, "its headers are over the ceiling");
	if (call->doomed || call->head_seen || len > 2 ||
	    (line[0] != '\r' && line[0] != '\n'))
		return len;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return len;
	if (!encoding_ok(call)) {
		give_up(call, "compressed in a way nobody asked for");
		return len;
	}
	curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
	call->h2 = version == CURL_HTTP_VERSION_2_0;
	call->head_seen = true;
	http_headers_forget(call);
	if (call->handler->head)
		call->handler->head(call->ctx, call, (int)status);
	return len;
}

static void hold(struct http_call *call, const char *bytes, size_t len)
{
	size_t most = call->hold_long ? MAX_H2_HELD_LONG : MAX_H2_HELD;
	bool fits = call->held.len + len <= most;

	if (fits)
		buf_add(&call->held, bytes, len);
	if (!fits || buf_err(&call->held))
		give_up(call, "its client is too slow for HTTP/2");
}

size_t http_on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct http_call *call = arg;

	(void)one;
	if (call->doomed)
		return len;
	if (!call->holding || !call->h2)
		call->holding = !call->handler->bytes(call->ctx, call,
						      (struct span){ bytes, len });
	if (call->doomed || !call->holding)
		return len;
	if (!call->h2)
		return CURL_WRITEFUNC_PAUSE;
	hold(call, bytes, len);
	return len;
}

/* One piece of what was piled up; false when it is not taken. */
static bool give_piece(struct http_call *call, size_t off)
{
	size_t left = call->held.len - off;
	struct span piece = { call->held.ptr + off,
			      left < GIVE_PIECE ? left : GIVE_PIECE };

	return call->handler->bytes(call->ctx, call, piece);
}

/* HTTP/2: gives what was piled up, in pieces as the socket's would be, so that
 * the handler can hold again; the rest of megabytes comes in later turns. */
void http_held_give(struct http_call *call)
{
	size_t off = 0, len = call->held.len;

	call->holding = false;
	while (off < len && !call->doomed && !call->holding) {
		if (off >= GIVE_TURN) {
			call->holding = true;
			(void)loop_timer_in(call->http->loop, &call->resume, 0);
		} else if (give_piece(call, off)) {
			off += len - off < GIVE_PIECE ? len - off : GIVE_PIECE;
		} else {
			call->holding = true;
		}
	}
	if (call->holding && !call->doomed) {
		buf_drop(&call->held, off);
	} else {
		buf_free(&call->held);
		call->hold_long = false;
	}
}

void http_hold_long(struct http_call *call)
{
	call->hold_long = true;
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

bool http_header_next(struct http_call *call, void **at, struct span *name,
		      struct span *value)
{
	struct curl_header *h = curl_easy_nextheader(call->easy, CURLH_HEADER, -1,
						     *at);

	*at = h;
	if (!h)
		return false;
	*name = span_of(h->name);
	*value = text_trim(span_of(h->value));
	return true;
}
