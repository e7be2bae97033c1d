/*
 * login_issuer.c - a question to the OAuth issuer, and what its answer means.
 *
 * Knows nothing of files and locks: whoever asks holds the lock, for the
 * question spends the refresh token whatever becomes of the answer.
 */
#include "ceilings.h"
#include "login_file.h"
#include "text.h"

#define MAX_RETRY_AFTER	3600	/* seconds of the issuer's that we honour */

bool login_issuer_url(const struct config *c, const char *path, char *out,
		      size_t size)
{
	size_t len = strlen(c->auth_issuer);
	int n;

	while (len > 0 && c->auth_issuer[len - 1] == '/')
		len--;
	n = snprintf(out, size, "%.*s%s", (int)len, c->auth_issuer, path);
	return n > 0 && (size_t)n < size;
}

static void write_question(struct buf *b, const struct config *c,
			   const char *refresh_token, const char *reason)
{
	buf_str(b, "{\"client_id\":");
	buf_json(b, span_of(c->oauth_client_id));
	buf_str(b, ",\"grant_type\":\"refresh_token\",\"refresh_token\":");
	buf_json(b, span_of(refresh_token));
	buf_str(b, ",\"refresh_reason\":");
	buf_json(b, span_of(reason));
	buf_char(b, '}');
}

enum err login_post(const struct config *c, const struct http_settings *http,
		    const char *path, const char *type, const struct buf *body,
		    struct http_reply *reply, struct err_note *note)
{
	const char *const headers[] = {
		type, "Accept: application/json", "originator: " LOGIN_ORIGINATOR,
	};
	struct err_note bad = ERR_NOTE_INIT;
	struct http_request q = {
		.method = "POST", .headers = headers,
		.header_count = ARRAY_LEN(headers),
	};
	char url[2048];
	enum err err;

	if (!login_issuer_url(c, path, url, sizeof(url)))
		return err_set(note, ERR_LOGIN_RENEWAL, "the issuer's URL is too long");
	q.url = url;
	q.body = buf_span(body);
	err = buf_err(body);
	if (!err)
		err = http_fetch(http, &q, LOGIN_HTTP_MS, MAX_TOKEN_REPLY, reply,
				 &bad);
	if (err)
		err = err_set(note, ERR_LOGIN_RENEWAL, "the issuer: %s",
			      bad.code ? bad.why : err_name(err));
	return err;
}

void login_reply_wipe(struct http_reply *reply)
{
	if (reply->body.ptr)
		explicit_bzero(reply->body.ptr, reply->body.len);
	http_reply_free(reply);
}

/* error.code, or error, or code; "" for what is no plain word. */
void login_code(struct span body, char *code, size_t size)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = json_parse(body, &ignored);
	struct span word = json_get_str(json_get_object(v, "error"), "code");

	if (word.len == 0)
		word = json_get_str(v, "error");
	if (word.len == 0)
		word = json_get_str(v, "code");
	if (!login_word_ok(word, size - 1))
		word = SPAN("");
	text_copy(code, size, word);
	json_object_put(v);
}

static bool is_permanent(int status, const char *code)
{
	static const char *const codes[] = {
		"refresh_token_expired", "refresh_token_reused",
		"refresh_token_invalidated", "invalid_grant",
	};

	if (status == 401)
		return true;
	for (size_t i = 0; status >= 400 && status < 500 &&
			   i < ARRAY_LEN(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

static enum err read_refusal(const struct http_reply *reply,
			     struct login_answer *a, struct err_note *note)
{
	int64_t wait = 0;

	login_code(buf_span(&reply->body), a->code, sizeof(a->code));
	if (is_permanent(reply->status, a->code)) {
		if (!a->code[0])
			text_copy(a->code, sizeof(a->code), SPAN("401"));
		return ERR_LOGIN_STALE;
	}
	if (text_int(http_reply_header(reply, "retry-after"), &wait) &&
	    wait > 0 && note)
		note->retry_after_s = wait > MAX_RETRY_AFTER ? MAX_RETRY_AFTER
							     : (int)wait;
	return err_set(note, ERR_LOGIN_RENEWAL, "the issuer answered %d %s",
		       reply->status, a->code);
}

enum err login_tokens(struct span body, struct login_answer *a,
		      struct err_note *note)
{
	struct err_note ignored = ERR_NOTE_INIT;

	a->tree = json_parse(body, &ignored);
	if (!json_is_object(a->tree))
		return err_set(note, ERR_LOGIN_RENEWAL,
			       "the issuer's answer is no JSON object");
	a->access = json_get_str(a->tree, "access_token");
	a->refresh = json_get_str(a->tree, "refresh_token");
	a->id = json_get_str(a->tree, "id_token");
	if ((a->access.len && !login_word_ok(a->access, MAX_TOKEN)) ||
	    (a->refresh.len && !login_word_ok(a->refresh, MAX_TOKEN)) ||
	    (a->id.len && !login_word_ok(a->id, MAX_TOKEN)))
		return err_set(note, ERR_LOGIN_RENEWAL,
			       "the issuer's tokens are not usable");
	return ERR_NONE;
}

enum err login_ask(const struct config *c, const struct http_settings *http,
		   const char *refresh_token, const char *reason,
		   struct login_answer *a, struct err_note *note)
{
	struct http_reply reply = { 0 };
	struct buf body;
	enum err err;

	*a = (struct login_answer){ 0 };
	buf_init(&body, MAX_TOKEN + 8192);
	write_question(&body, c, refresh_token, reason);
	err = login_post(c, http, "/oauth/token", LOGIN_JSON, &body, &reply,
			 note);
	buf_wipe_free(&body);
	if (!err && reply.status >= 200 && reply.status <= 299)
		err = login_tokens(buf_span(&reply.body), a, note);
	else if (!err)
		err = read_refusal(&reply, a, note);
	login_reply_wipe(&reply);
	return err;
}

void login_answer_free(struct login_answer *a)
{
	json_object_put(a->tree);
	*a = (struct login_answer){ 0 };
}
