/*
 * http_fetch.c - one call, start to end, on the caller's thread.
 */
#include <stdlib.h>

#include "ceilings.h"
#include "http_private.h"
#include "text.h"

struct fetch {
	struct http_reply *reply;
	bool head_complete;
};

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct fetch *f = arg;
	struct http_reply *reply = f->reply;
	struct span rest = text_trim((struct span){ line, len });
	const char *colon;

	(void)one;
	if (span_starts(rest, "HTTP/")) {
		buf_reset(&reply->headers);	/* what came was 1xx */
		f->head_complete = false;
		return len;
	}
	if (!rest.len)
		f->head_complete = true;
	colon = memchr(rest.ptr, ':', rest.len);
	if (!colon)
		return len;
	buf_add(&reply->headers, rest.ptr, (size_t)(colon - rest.ptr));
	buf_str(&reply->headers, ": ");
	rest.len -= (size_t)(colon + 1 - rest.ptr);
	rest.ptr = colon + 1;
	buf_span_add(&reply->headers, text_trim(rest));
	buf_char(&reply->headers, '\n');
	return buf_err(&reply->headers) ? 0 : len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct http_reply *reply = ((struct fetch *)arg)->reply;

	(void)one;
	buf_add(&reply->body, bytes, len);
	return buf_err(&reply->body) ? 0 : len;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose,
			     struct curl_sockaddr *address)
{
	(void)purpose;
	return http_socket_open(arg, address);
}

static bool easy_fill(CURL *e, const struct http_settings *s,
		      const struct http_request *r,
		      struct http_target *t,
		      struct curl_slist *headers)
{
	return http_easy_init(e, s, "") &&
	       http_easy_target(e, s, t) &&
	       http_easy_request(e, r) &&
	       !curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers) &&
	       !curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open) &&
	       !curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t) &&
	       !curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) &&
	       !curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
}

/* What kept the answer from being read whole, where it was us. */
static enum err overflow(const struct http_reply *reply, struct err_note *note)
{
	if (buf_err(&reply->body) == ERR_NO_MEMORY ||
	    buf_err(&reply->headers) == ERR_NO_MEMORY)
		return err_set(note, ERR_NO_MEMORY, "answer");
	if (buf_err(&reply->body))
		return err_set(note, ERR_UPSTREAM_GARBLED,
			       "the answer is over %zu bytes", reply->body.max);
	if (buf_err(&reply->headers))
		return err_set(note, ERR_UPSTREAM_GARBLED,
			       "the answer's headers are over %zu bytes",
			       reply->headers.max);
	return ERR_NONE;
}

static enum err fetch(CURL *e, const struct http_settings *s,
		      struct http_reply *reply, struct err_note *note)
{
	struct fetch f = { .reply = reply };
	char text[CURL_ERROR_SIZE] = "";
	curl_off_t connected = 0;
	long status = 0;
	enum err code;
	CURLcode rc;

	if (curl_easy_setopt(e, CURLOPT_HEADERDATA, &f) ||
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, &f) ||
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, text))
		return err_set(note, ERR_NO_MEMORY, "call");
	rc = curl_easy_perform(e);
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
	if (!rc && f.head_complete)
		return ERR_NONE;
	if (!rc)
		return err_set(note, ERR_UPSTREAM_BROKE,
			       "it closed before its headers were complete");
	code = overflow(reply, note);
	if (code)
		return code;
	code = http_error(e, rc, s, text);
	curl_easy_getinfo(e, CURLINFO_PRETRANSFER_TIME_T, &connected);
	if (code == ERR_UPSTREAM_TIMEOUT && connected)
		code = ERR_UPSTREAM_TOTAL;
	return err_set(note, code, "%s", text);
}

enum err http_fetch(const struct http_settings *s, const struct http_request *r,
		    int total_ms, size_t max, struct http_reply *reply,
		    struct err_note *note)
{
	struct curl_slist *headers = NULL;
	struct http_target *t;
	enum err code = ERR_NONE;
	CURL *e = NULL;

	reply->status = 0;
	buf_init(&reply->body, max);
	buf_init(&reply->headers, MAX_UPSTREAM_HEADERS);
	t = http_target_new(r->url, note);
	if (!t)
		return note && note->code ? note->code : ERR_CONFIG;
	headers = http_headers_new(r, NULL);
	e = curl_easy_init();
	if (!headers || !e || !easy_fill(e, s, r, t, headers) ||
	    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)total_ms)) {
		code = err_set(note, ERR_NO_MEMORY, "call");
		goto out;
	}
	code = fetch(e, s, reply, note);
out:
	curl_easy_cleanup(e);
	free(headers);
	http_target_drop(t);
	return code;
}

struct span http_reply_header(const struct http_reply *reply, const char *name)
{
	struct span rest = buf_span(&reply->headers), found = span_of("");
	size_t len = strlen(name);

	while (rest.len) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t line = end ? (size_t)(end - rest.ptr) : rest.len;

		if (line > len && rest.ptr[len] == ':' &&
		    text_starts_nocase(rest, name))
			found = text_trim((struct span){ rest.ptr + len + 1,
							 line - len - 1 });
		line += end != NULL;
		rest.ptr += line;
		rest.len -= line;
	}
	return found;
}

void http_reply_free(struct http_reply *reply)
{
	buf_free(&reply->body);
	buf_free(&reply->headers);
	reply->status = 0;
}
