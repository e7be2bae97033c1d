/* See bearer.h. */
#include "bearer.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

/* What follows "Bearer "; empty: something else, or nothing. */
static struct span token_of(const struct request *r)
{
	struct span value = span_of(request_param(r, "HTTP_AUTHORIZATION"));

	if (!text_starts_nocase(value, "Bearer "))
		return SPAN("");
	value.ptr += strlen("Bearer ");
	value.len -= strlen("Bearer ");
	while (value.len && *value.ptr == ' ')
		value.ptr++, value.len--;
	return value;
}

static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f)
			return false;
	return true;
}

static bool is_account(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && !(c && strchr("._:-", c)))
			return false;
	}
	return s.len <= MAX_BEARER_ACCOUNT;
}

static enum err refuse(struct err_note *note, const char *what, size_t most)
{
	return err_tell(note, ERR_BAD_REQUEST, "%s of this request can not be sent "
			"to upstream: it is longer than %zu bytes, or has "
			"characters that none has.", what, most);
}

enum err bearer_read(const struct config *c, const struct request *r,
		     struct bearer *b, struct err_note *note)
{
	struct span token, account;

	*b = (struct bearer){ .token = NULL };
	if (!c->forward_auth)
		return ERR_NONE;
	token = token_of(r);
	account = span_of(request_param(r, "HTTP_CHATGPT_ACCOUNT_ID"));
	if (!token.len || key_text_like(token) ||
	    (account.len > 0) != (c->kind == KIND_CHATGPT))
		return ERR_NONE;
	if (token.len > MAX_BEARER || !is_visible(token))
		return refuse(note, "The bearer token", MAX_BEARER);
	if (!is_account(account))
		return refuse(note, "The chatgpt-account-id", MAX_BEARER_ACCOUNT);
	b->token = token.ptr;
	b->account = account.len ? account.ptr : NULL;
	b->fedramp = text_eq_nocase(span_of(request_param(r,
					"HTTP_X_OPENAI_FEDRAMP")), "true");
	return ERR_NONE;
}

/* Each part with its NUL, so that none can pass for another's end. */
static void add(struct sha256 *h, const char *part)
{
	sha256_add(h, (struct span){ part ? part : "", part ? strlen(part) + 1 : 1 });
}

/* The account alone is no secret: who only names it has nothing of it. */
static bool hash_owner(struct own *o, const char *caller, const struct bearer *b)
{
	struct sha256 *h = sha256_begin();
	unsigned char hash[32];
	size_t at = strlen("own_");

	if (!h)
		return false;
	add(h, caller);
	add(h, b->account);
	add(h, b->token);
	sha256_done(h, hash);
	memcpy(o->id, "own_", at);
	for (size_t i = 0; at + 2 < sizeof(o->id); i++, at += 2)
		snprintf(o->id + at, 3, "%02x", hash[i]);
	return true;
}

static void hash_account(struct own *o, const char *account)
{
	char hash[65];

	sha256_hex(span_of(account), hash);
	text_copy(o->account, sizeof(o->account),
		  (struct span){ hash, sizeof(o->account) - 1 });
}

enum err bearer_admit(struct stream *s)
{
	struct bearer b;

	if (bearer_read(s->app->config, s->req, &b, &s->note) || !b.token)
		return s->note.code;
	if (!hash_owner(&s->own, s->caller, &b))
		return err_set(&s->note, ERR_NO_MEMORY, "a bearer's hash");
	if (b.account)
		hash_account(&s->own, b.account);
	return ERR_NONE;
}

bool bearer_is_own(const struct stream *s)
{
	return s->own.id[0] != '\0';
}

bool bearer_choose(const struct stream *s, const struct login *login,
		   struct bearer *b)
{
	struct err_note ignored = ERR_NOTE_INIT;

	*b = (struct bearer){ .token = NULL };
	if (bearer_is_own(s))
		return !bearer_read(s->app->config, s->req, b, &ignored) && b->token;
	if (login)
		*b = (struct bearer){
			.token = login->access_token ? login->access_token :
						       login->api_key,
			.account = login->account_id, .fedramp = login->fedramp,
		};
	return b->token;
}

void bearer_mask(const struct stream *s, struct buf *words)
{
	char *at = words->ptr, *end = at + words->len;
	struct bearer b;
	size_t len;

	if (!words->len || !bearer_is_own(s) || !bearer_choose(s, NULL, &b))
		return;
	len = strlen(b.token);
	while ((at = memmem(at, (size_t)(end - at), b.token, len))) {
		memset(at, '*', len);
		at += len;
	}
}

const char *bearer_account(const struct stream *s)
{
	return bearer_is_own(s) ? s->own.account : s->app->account;
}
