/*
 * login_parse.c - an auth.json and the claims of its tokens, out of bytes.
 *
 * The tokens' signatures are not checked: whoever can write the file is the
 * account's owner, and the issuer and upstream check them anyway.
 */
#include "clock.h"
#include "login_file.h"
#include "text.h"

#define MAX_JWT_CLAIMS	(64u << 10)
#define MAX_PLAN	64
#define LAST_SECOND	253402300799	/* of the year 9999 */

bool login_word_ok(struct span s, size_t max)
{
	if (s.len == 0 || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e)
			return false;
	return true;
}

/* A copy of a member into *out; missing, null and "" leave it NULL. */
static enum err take_word(struct json_object *from, const char *key, size_t max,
			  char **out, struct err_note *note)
{
	struct json_object *v = json_get(from, key);
	struct span s = json_str(v);

	if (!v || (json_is_str(v) && s.len == 0))
		return ERR_NONE;
	if (!json_is_str(v) || !login_word_ok(s, max))
		return err_set(note, ERR_LOGIN_BROKEN,
			       "%s is not a usable string", key);
	*out = strndup(s.ptr, s.len);
	if (!*out)
		return err_set(note, ERR_NO_MEMORY, "reading the login");
	return ERR_NONE;
}

struct json_object *login_claims(const char *token)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *claims = NULL;
	const char *from, *to;
	struct buf json;

	from = token ? strchr(token, '.') : NULL;
	to = from ? strchr(from + 1, '.') : NULL;
	if (!to || (size_t)(to - from) > MAX_JWT_CLAIMS)
		return NULL;
	buf_init(&json, MAX_JWT_CLAIMS);
	if (base64url_decode((struct span){ from + 1, (size_t)(to - from - 1) },
			     &json) &&
	    !buf_err(&json))
		claims = json_parse(buf_span(&json), &ignored);
	buf_wipe_free(&json);
	if (claims && !json_is_object(claims)) {
		json_object_put(claims);
		claims = NULL;
	}
	return claims;
}

/* A time in Unix seconds; 0 for what is none or lies in no calendar. */
static int64_t claim_time(struct json_object *claims, const char *key)
{
	struct json_object *v = json_get(claims, key);
	int64_t n = 0;

	if (json_object_is_type(v, json_type_int)) {
		n = json_object_get_int64(v);
	} else if (json_object_is_type(v, json_type_double)) {
		double d = json_object_get_double(v);

		if (d >= 1 && d <= (double)LAST_SECOND)
			n = (int64_t)d;
	}
	return n > 0 && n <= LAST_SECOND ? n : 0;
}

/* What the file itself does not say, the claims may; odd ones are left out. */
static bool fill_word(char **out, struct json_object *from, const char *key,
		      size_t max)
{
	struct span s = json_get_str(from, key);

	if (*out || !login_word_ok(s, max))
		return true;
	*out = strndup(s.ptr, s.len);
	return *out != NULL;
}

static bool take_claims(struct login *l, struct json_object *claims)
{
	struct json_object *auth = json_get_object(claims, AUTH_CLAIM);

	if (json_get_bool(auth, "chatgpt_account_is_fedramp", false))
		l->fedramp = true;
	return fill_word(&l->account_id, auth, "chatgpt_account_id",
			 MAX_ACCOUNT_ID) &&
	       fill_word(&l->plan, auth, "chatgpt_plan_type", MAX_PLAN);
}

/*
 * A key only where the file says so or holds nothing else: older programs
 * left a key beside the tokens, and it is the tokens that upstream takes.
 */
static enum err take_key(struct json_object *root, struct login *l,
			 struct err_note *note)
{
	struct span mode = json_get_str(root, "auth_mode");
	struct json_object *tokens = json_get_object(root, "tokens");

	if (!span_eq(mode, "apikey") &&
	    (mode.len > 0 || json_get_str(tokens, "access_token").len > 0 ||
	     json_get_str(tokens, "refresh_token").len > 0))
		return ERR_NONE;
	return take_word(root, "OPENAI_API_KEY", MAX_TOKEN, &l->api_key, note);
}

static enum err take_tokens(struct json_object *tokens, struct login *l,
			    struct err_note *note)
{
	enum err err;

	if ((err = take_word(tokens, "access_token", MAX_TOKEN,
			     &l->access_token, note)) ||
	    (err = take_word(tokens, "refresh_token", MAX_TOKEN,
			     &l->refresh_token, note)) ||
	    (err = take_word(tokens, "id_token", MAX_TOKEN,
			     &l->id_token, note)) ||
	    (err = take_word(tokens, "account_id", MAX_ACCOUNT_ID,
			     &l->account_id, note)))
		return err;
	if (!l->access_token && !l->refresh_token)
		return err_set(note, ERR_LOGIN_BROKEN,
			       "it holds no tokens and no key");
	return ERR_NONE;
}

/* Where a copy came from; only for people to read. */
static bool take_origin(struct json_object *root, struct login *l)
{
	struct span from = json_get_str(json_get_object(root, "chatmock"),
					"imported_from");

	if (!from.len || from.len >= PATH_MAX)
		return true;
	l->imported_from = strndup(from.ptr, from.len);
	return l->imported_from != NULL;
}

enum err login_parse_tree(struct json_object *root, struct login *l,
			  struct err_note *note)
{
	struct json_object *access = NULL, *id = NULL, *agent;
	enum err err;

	if (!json_is_object(root))
		return err_set(note, ERR_LOGIN_BROKEN, "it is no JSON object");
	l->last_refresh = clock_parse(json_get_str(root, "last_refresh"));
	if (!take_origin(root, l))
		return err_set(note, ERR_NO_MEMORY, "reading the login");
	err = take_key(root, l, note);
	if (err || l->api_key)
		return err;
	err = take_tokens(json_get_object(root, "tokens"), l, note);
	if (err)
		return err;
	access = login_claims(l->access_token);
	id = login_claims(l->id_token);
	l->expires_at = claim_time(access, "exp");
	agent = json_get_object(root, "agent_identity");
	if (json_get_bool(agent, "chatgpt_account_is_fedramp", false))
		l->fedramp = true;
	if (!take_claims(l, id) || !take_claims(l, access))
		err = err_set(note, ERR_NO_MEMORY, "reading the login");
	json_object_put(access);
	json_object_put(id);
	return err;
}

enum err login_parse(struct span text, struct login *l,
		     struct json_object **tree, struct err_note *note)
{
	struct err_note bad = ERR_NOTE_INIT;
	struct json_object *root = json_parse(text, &bad);
	enum err err;

	if (!root && bad.code == ERR_NO_MEMORY)
		return err_set(note, ERR_NO_MEMORY, "reading the login");
	/* The parser's own words may quote the file: they stay here. */
	if (!root)
		return err_set(note, ERR_LOGIN_BROKEN, "it is not valid JSON");
	err = login_parse_tree(root, l, note);
	if (!err && tree)
		*tree = root;
	else
		json_object_put(root);
	return err;
}
