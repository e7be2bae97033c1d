/*
 * login_words.c - what the issuer's refusals mean, in words, with what to do.
 *
 * Shown to a person: the issuer's own sentence where there is one, never the
 * body as it came, which may hold what must not be shown.
 */
#include "clock.h"
#include "login_file.h"
#include "login_new.h"
#include "text.h"

#define MAX_SAID	140

/* error_description, error.message, error, or the status alone. */
static void said(const struct http_reply *reply, struct span secret,
		 char out[MAX_SAID])
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = json_parse(buf_span(&reply->body), &ignored);
	struct span s = json_get_str(v, "error_description");
	size_t n = 0;

	if (!s.len)
		s = json_get_str(json_get_object(v, "error"), "message");
	if (!s.len)
		s = json_get_str(v, "error");
	if (secret.len && memmem(s.ptr, s.len, secret.ptr, secret.len))
		s.len = 0;
	for (size_t i = 0; i < s.len && n + 1 < MAX_SAID; i++)
		if ((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f)
			out[n++] = s.ptr[i];
	while (n && (out[n - 1] == '.' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
	if (!n)
		snprintf(out, MAX_SAID, "status %d", reply->status);
	json_object_put(v);
}

/* What a person can do about it. */
static const char *advice(int status, const char *code)
{
	static const struct { const char *code, *what; } known[] = {
		{ "invalid_grant", "It was used already or has run out: run "
		  "`chatmock login` again." },
		{ "invalid_client", "The client id is not known there: see "
		  "CODEX__OAUTH__CLIENT_ID." },
		{ "unauthorized_client", "The client id may not do this: see "
		  "CODEX__OAUTH__CLIENT_ID." },
		{ "invalid_scope", "See CODEX__OAUTH__SCOPES." },
		{ "unsupported_country_region_territory", "The account's "
		  "service is not offered where you are." },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(code, known[i].code) == 0)
			return known[i].what;
	if (status == 429)
		return "That was too often: wait some minutes and try again.";
	if (status >= 500)
		return "The fault is the issuer's: try again later.";
	return "Run `chatmock login` again.";
}

enum err login_no(const struct http_reply *reply, const char *what,
		  struct span secret, struct err_note *note)
{
	char code[64], words[MAX_SAID];
	bool later = reply->status == 429 || reply->status >= 500;

	login_code(buf_span(&reply->body), code, sizeof(code));
	if (secret.len && strstr(code, secret.ptr))
		code[0] = '\0';
	said(reply, secret, words);
	return err_tell(note, later ? ERR_LOGIN_RENEWAL : ERR_LOGIN_STALE,
			"The issuer refused %s: %s. %s", what, words,
			advice(reply->status, code));
}

enum err login_unreached(const struct config *c, struct err_note *note)
{
	char why[160];

	(void)text_copy(why, sizeof(why), span_of(note->why));
	err_clear(note);
	return err_tell(note, ERR_LOGIN_RENEWAL, "No answer from %.120s (%s). "
			"Check the network, proxy and CHATMOCK_AUTH_ISSUER, and "
			"try again.", c->auth_issuer,
			strncmp(why, "the issuer: ", 12) ? why : why + 12);
}

const char *login_refusal_words(const char *code)
{
	static const struct { const char *code, *words; } known[] = {
		{ "refresh_token_expired", "its refresh token has run out" },
		{ "refresh_token_reused", "another program shares it and renewed "
		  "it first" },
		{ "refresh_token_invalidated", "somebody logged it out" },
		{ "invalid_grant", "the issuer knows it no more" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(code, known[i].code) == 0)
			return known[i].words;
	return "the issuer refuses it";
}

/* A copy of a claim that may be shown: no control characters. */
static void show(struct json_object *from, const char *key, char *out,
		 size_t size)
{
	struct span s = json_get_str(from, key);

	if (out[0] || !utf8_valid(s))
		return;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return;
	if (!text_copy(out, size, s))
		out[0] = '\0';
}

/* The title of the default organization, else of the first. */
static void show_workspace(struct json_object *auth, struct login_account *a)
{
	struct json_object *list = json_get_array(auth, "organizations");
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n && i < 64; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (json_get_bool(o, "is_default", false))
			show(o, "title", a->workspace, sizeof(a->workspace));
	}
	if (n)
		show(json_object_array_get_idx(list, 0), "title", a->workspace,
		     sizeof(a->workspace));
}

void login_account(const struct login *l, struct login_account *a)
{
	const char *tokens[] = { l->id_token, l->access_token };

	*a = (struct login_account){ 0 };
	(void)text_copy(a->imported, sizeof(a->imported),
			span_of(l->imported_from));
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		struct json_object *claims = login_claims(tokens[i]);
		struct json_object *auth = json_get_object(claims, AUTH_CLAIM);

		show(claims, "email", a->email, sizeof(a->email));
		show(json_get_object(claims, "https://api.openai.com/profile"),
		     "email", a->email, sizeof(a->email));
		show(auth, "chatgpt_user_id", a->user, sizeof(a->user));
		show(auth, "user_id", a->user, sizeof(a->user));
		show_workspace(auth, a);
		json_object_put(claims);
	}
}
