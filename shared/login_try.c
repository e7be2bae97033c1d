/*
 * login_try.c - a sign-in in the browser: its URL, and what comes back.
 *
 * PKCE (RFC 7636) keeps a code from being worth anything to who sees it; the
 * state keeps others from bringing us a code of their own account.
 */
#include "clock.h"
#include "form.h"
#include "login_file.h"
#include "login_new.h"
#include "text.h"

#define MAX_WORDS	160	/* of the issuer's, shown to the person */

/* len random bytes as base64url. */
static void random_word(char *out, size_t size, size_t len)
{
	char bytes[64];
	struct buf word;

	random_bytes(bytes, len);
	buf_init(&word, 128);
	base64url_encode((struct span){ bytes, len }, &word);
	/* out of memory: an empty one, which never matches */
	(void)text_copy(out, size, buf_span(&word));
	explicit_bzero(bytes, sizeof(bytes));
	buf_wipe_free(&word);
}

void login_try_begin(struct login_try *t, int port)
{
	*t = (struct login_try){ 0 };
	random_word(t->verifier, sizeof(t->verifier), 64);
	random_word(t->state, sizeof(t->state), 32);
	snprintf(t->redirect, sizeof(t->redirect),
		 "http://localhost:%d/auth/callback", port);
}

static void add_challenge(const char *verifier, struct buf *out)
{
	struct sha256 *h = sha256_begin();
	unsigned char sum[32];
	struct buf word;

	sha256_add(h, span_of(verifier));
	sha256_done(h, sum);
	buf_init(&word, 64);
	base64url_encode((struct span){ (char *)sum, sizeof(sum) }, &word);
	form_add(out, "code_challenge", buf_span(&word));
	buf_free(&word);
}

void login_try_url(const struct login_try *t, const struct config *c,
		   struct buf *out)
{
	char url[2048];

	if (!login_issuer_url(c, "/oauth/authorize?", url, sizeof(url)))
		return;
	buf_str(out, url);
	form_add(out, "response_type", SPAN("code"));
	form_add(out, "client_id", span_of(c->oauth_client_id));
	form_add(out, "redirect_uri", span_of(t->redirect));
	add_challenge(t->verifier, out);
	form_add(out, "code_challenge_method", SPAN("S256"));
	form_add(out, "state", span_of(t->state));
	form_add(out, "scope", span_of(c->oauth_scopes));
	form_add(out, "id_token_add_organizations", SPAN("true"));
	form_add(out, "codex_cli_simplified_flow", SPAN("true"));
	form_add(out, "originator", SPAN(LOGIN_ORIGINATOR));
	if (c->login_workspace && *c->login_workspace)
		form_add(out, "allowed_workspace_id",
			 span_of(c->login_workspace));
}

/* What the issuer says, to be shown: no control characters, not endless. */
static void plain(struct span s, char out[MAX_WORDS])
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n + 1 < MAX_WORDS; i++)
		if ((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f)
			out[n++] = s.ptr[i];
	out[n] = '\0';
}

/* error and error_description, in words. */
static void refused(struct span error, struct span description,
		    struct err_note *note)
{
	char code[MAX_WORDS], words[MAX_WORDS];

	plain(error, code);
	plain(description, words);
	if (span_eq(error, "access_denied") &&
	    span_eq(description, "missing_codex_entitlement"))
		err_tell(note, ERR_LOGIN_STALE, "Codex is not enabled for this "
			 "workspace: ask its administrator, or choose another "
			 "workspace when you sign in.");
	else if (span_eq(error, "access_denied"))
		err_tell(note, ERR_LOGIN_STALE, "The sign-in was refused or "
			 "cancelled in the browser%s%s. Run `chatmock login` "
			 "again to try anew.", words[0] ? ": " : "", words);
	else
		err_tell(note, ERR_LOGIN_STALE, "The issuer refused the sign-in "
			 "(%s)%s%s. Run `chatmock login` again to try anew.",
			 code, words[0] ? ": " : "", words);
}

/* The state is right: a code, or an error. */
static enum login_came read_answer(struct login_try *t, struct span query,
				   struct buf *code, struct err_note *note)
{
	enum login_came came = CAME_REFUSED;
	struct buf error, words;

	buf_init(&error, 256);
	buf_init(&words, 4096);
	if (t->used) {
		came = CAME_AGAIN;
		goto out;
	}
	if (form_get(query, "error", &error)) {
		(void)!form_get(query, "error_description", &words);
		refused(buf_span(&error), buf_span(&words), note);
		goto out;
	}
	if (!form_get(query, "code", code) ||
	    !login_word_ok(buf_span(code), MAX_LOGIN_CODE)) {
		err_tell(note, ERR_LOGIN_STALE, "The issuer sent the browser "
			 "back without a code (missing_authorization_code). Run "
			 "`chatmock login` again.");
		goto out;
	}
	t->used = true;
	came = CAME_CODE;
out:
	buf_free(&error);
	buf_free(&words);
	return came;
}

enum login_came login_try_came(struct login_try *t, struct span query,
			       struct buf *code, struct err_note *note)
{
	enum login_came came = CAME_ALIEN;
	struct buf state;

	buf_init(&state, 256);
	if (t->state[0] && form_get(query, "state", &state) &&
	    text_eq_secret(buf_span(&state), span_of(t->state)))
		came = read_answer(t, query, code, note);
	else
		err_tell(note, ERR_BAD_REQUEST, "This is not the answer to the "
			 "sign-in that is waiting (its state is another one).");
	buf_wipe_free(&state);
	return came;
}

enum login_came login_try_pasted(struct login_try *t, struct span line,
				 struct buf *code, struct err_note *note)
{
	const char *mark, *hash;

	line = text_trim(line);
	mark = memchr(line.ptr, '?', line.len);
	if (mark) {
		line.len -= (size_t)(mark + 1 - line.ptr);
		line.ptr = mark + 1;
	}
	hash = memchr(line.ptr, '#', line.len);
	if (hash)
		line.len = (size_t)(hash - line.ptr);
	if (!memmem(line.ptr, line.len, "state=", 6)) {
		err_tell(note, ERR_BAD_REQUEST, "That is not it: the whole "
			 "address is wanted, as it stands in the browser after "
			 "the sign-in (%s?code=...&state=...).", t->redirect);
		return CAME_ALIEN;
	}
	return login_try_came(t, line, code, note);
}

void login_grant_try(struct login_grant *g, const struct login_try *t,
		     struct buf *code)
{
	*g = (struct login_grant){ .code = *code };
	buf_init(code, MAX_LOGIN_CODE);
	(void)text_copy(g->verifier, sizeof(g->verifier), span_of(t->verifier));
	(void)text_copy(g->redirect, sizeof(g->redirect), span_of(t->redirect));
}

void login_grant_free(struct login_grant *g)
{
	if (g->code.ptr)
		buf_wipe_free(&g->code);
	explicit_bzero(g, sizeof(*g));
}
