/*
 * login_finish.c - a grant becomes tokens, and tokens become the file.
 *
 * The code is good once, so everything that can be known to fail beforehand
 * is tried before it is spent.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "form.h"
#include "login_file.h"
#include "login_new.h"
#include "text.h"

#define LOCK_WAIT_MS	35000	/* a renewal may be under way */

static enum err exchange(const struct config *c, const struct http_settings *http,
			 const struct login_grant *g, struct login_answer *a,
			 struct err_note *note)
{
	struct http_reply reply = { 0 };
	struct buf body;
	enum err err;

	buf_init(&body, 64u << 10);
	form_add(&body, "grant_type", SPAN("authorization_code"));
	form_add(&body, "client_id", span_of(c->oauth_client_id));
	form_add(&body, "code", buf_span(&g->code));
	form_add(&body, "redirect_uri", span_of(g->redirect));
	form_add(&body, "code_verifier", span_of(g->verifier));
	err = login_post(c, http, "/oauth/token", LOGIN_FORM, &body, &reply, note);
	if (err)
		err = login_unreached(c, note);
	else if (reply.status < 200 || reply.status > 299)
		err = login_no(&reply, "the code of this sign-in",
			       buf_span(&g->code), note);
	else if (login_tokens(buf_span(&reply.body), a, NULL) ||
		 !a->access.len || !a->refresh.len)
		err = err_tell(note, ERR_LOGIN_RENEWAL, "The issuer took the code, "
			       "but gave no usable tokens for it. Run `chatmock "
			       "login` again.");
	login_reply_wipe(&reply);
	buf_wipe_free(&body);
	return err;
}

/* The file's text from new tokens. */
static struct json_object *make_tree(const struct login_answer *a)
{
	struct json_object *root = json_object_new_object();
	struct json_object *tokens = json_object_new_object();
	char at[32];
	bool ok;

	clock_rfc3339(at, clock_wall_us());
	ok = root && tokens && json_set_cstr(root, "auth_mode", "chatgpt") &&
	     json_set(root, "OPENAI_API_KEY", NULL) &&
	     json_set_str(tokens, "id_token", a->id) &&
	     json_set_str(tokens, "access_token", a->access) &&
	     json_set_str(tokens, "refresh_token", a->refresh) &&
	     json_set_cstr(root, "last_refresh", at);
	if (ok)
		ok = json_set(root, "tokens", json_ref(tokens));
	json_object_put(tokens);
	if (!ok) {
		json_object_put(root);
		root = NULL;
	}
	return root;
}

/* Is it an account of the workspaces that a login may belong to? */
static bool is_allowed(const struct config *c, const struct login *l)
{
	struct span rest = span_of(c->login_workspace), one;
	bool any = false;

	while (text_next(&rest, ',', &one)) {
		any = true;
		if (l->account_id && span_eq(one, l->account_id))
			return true;
	}
	return !any;
}

static enum err check_workspace(const struct config *c, const struct login *l,
				struct err_note *note)
{
	if (is_allowed(c, l))
		return ERR_NONE;
	return err_tell(note, ERR_LOGIN_STALE, "You signed in to the workspace "
			"%.60s, but CHATMOCK_LOGIN_WORKSPACE allows %.160s only: "
			"nothing was kept. Sign in again and choose that one.",
			l->account_id ? l->account_id : "(none)",
			c->login_workspace);
}

enum err login_put(const char *real, struct json_object *tree,
		   struct err_note *note)
{
	struct err_note bad = ERR_NOTE_INIT;
	struct buf text;
	enum err err;

	buf_init(&text, MAX_AUTH_FILE);
	json_write(&text, tree);
	buf_char(&text, '\n');
	err = buf_err(&text);
	if (!err)
		err = file_replace(real, 0600, buf_span(&text), &bad);
	buf_wipe_free(&text);
	if (err)
		return err_tell(note, ERR_SYSTEM, "The login could not be "
				"written: %s.", bad.why[0] ? bad.why :
				err_name(err));
	login_refused_forget(real);
	return ERR_NONE;
}

/* True when the issuer took it back. What stands in the way goes into why. */
bool login_revoke(const struct config *c, const struct http_settings *http,
		  const char *refresh_token, char *why, size_t size)
{
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply = { 0 };
	struct buf body;
	enum err err;
	bool ok;

	buf_init(&body, MAX_TOKEN + 4096);
	buf_str(&body, "{\"token\":");
	buf_json(&body, span_of(refresh_token));
	buf_str(&body, ",\"token_type_hint\":\"refresh_token\",\"client_id\":");
	buf_json(&body, span_of(c->oauth_client_id));
	buf_char(&body, '}');
	err = login_post(c, http, "/oauth/revoke", LOGIN_JSON, &body, &reply,
			 &note);
	ok = !err && reply.status >= 200 && reply.status <= 299;
	if (err)
		(void)text_copy(why, size, span_of(note.why));
	else if (!ok)
		snprintf(why, size, "the issuer answered %d", reply.status);
	login_reply_wipe(&reply);
	buf_wipe_free(&body);
	return ok;
}

/* The login that is replaced is revoked, unless another program owns it, too. */
static bool revoke_old(const struct config *c, const struct http_settings *http,
		       const struct login *old, const struct login *got)
{
	char ignored[200];

	if (!old->refresh_token || old->imported_from ||
	    strcmp(old->refresh_token, got->refresh_token) == 0)
		return false;
	return login_revoke(c, http, old->refresh_token, ignored,
			    sizeof(ignored));
}

static enum err keep(const struct config *c, const char *real,
		     struct json_object *tree, struct login *old,
		     struct err_note *note)
{
	struct err_note ignored = ERR_NOTE_INIT;
	int lock = -1;
	enum err err;

	err = login_lock(real, LOCK_WAIT_MS, &lock, note);
	if (err)
		return err;
	/* a broken one, or none: nothing to revoke */
	(void)!login_load(c, real, old, NULL, &ignored);
	err = login_put(real, tree, note);
	close(lock);
	return err;
}

enum err login_finish(const struct config *c, const struct http_settings *http,
		      const struct login_grant *g, struct login *got,
		      bool *replaced, struct err_note *note)
{
	struct login_answer a = { 0 };
	struct json_object *tree = NULL;
	struct login old = { 0 };
	char real[PATH_MAX], ignored[200];
	enum err err;

	*got = (struct login){ 0 };
	*replaced = false;
	err = login_home(c, real, note);
	if (err)
		return err;
	err = exchange(c, http, g, &a, note);
	if (err)
		goto out;
	tree = make_tree(&a);
	err = tree ? login_parse_tree(tree, got, note) :
		     err_set(note, ERR_NO_MEMORY, "login");
	if (!err && got->account_id &&
	    !json_set_cstr(json_get_object(tree, "tokens"), "account_id",
			   got->account_id))
		err = err_set(note, ERR_NO_MEMORY, "login");
	if (!err)
		err = check_workspace(c, got, note);
	if (!err)
		err = keep(c, real, tree, &old, note);
	if (err) {	/* nobody will ever use them */
		(void)login_revoke(c, http, a.refresh.ptr, ignored, sizeof(ignored));
		goto out;
	}
	*replaced = old.path != NULL;
	(void)revoke_old(c, http, &old, got);
	if (!(got->path = strdup(real)))
		err = err_set(note, ERR_NO_MEMORY, "login");
out:
	if (err)
		login_free(got);
	login_free(&old);
	json_object_put(tree);
	login_answer_free(&a);
	return err;
}
