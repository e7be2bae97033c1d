/*
 * login_file.h - what the parts of the login module share among themselves.
 *
 * Only login*.c, their unit tests and the fuzz target include this.
 */
#ifndef CHATMOCK_LOGIN_FILE_H
#define CHATMOCK_LOGIN_FILE_H

#include <limits.h>
#include <stdatomic.h>

#include "json.h"
#include "login.h"

#define MAX_TOKEN	(32u << 10)	/* one token of the file or the issuer */
#define MAX_ACCOUNT_ID	128
#define LOGIN_HTTP_MS	30000		/* the issuer's time, all in all */
#define LOGIN_OLD_S	(8 * 86400)	/* a token without exp is old then */

/* True for what may stand in an HTTP header: visible ASCII, 1 to max bytes. */
bool login_word_ok(struct span s, size_t max);

/*
 * Fills l from the text of an auth.json, or from the same already parsed.
 * path, stamp and loose_mode stay as they are. ERR_LOGIN_BROKEN with what is
 * wrong, in words that fit behind a colon and quote nothing of the file.
 */
MUST_USE enum err login_parse(struct span text, struct login *l,
			      struct json_object **tree, struct err_note *note);
MUST_USE enum err login_parse_tree(struct json_object *root, struct login *l,
				   struct err_note *note);

/* The first auth.json there is, into path, which holds PATH_MAX bytes. */
MUST_USE enum err login_find(const struct config *c, char *path,
			     struct err_note *note);

/*
 * Reads one file. l must be zeroed or freed. tree, when not NULL, gets the
 * parsed file (json_object_put). ERR_LOGIN_MISSING when it is not there.
 */
MUST_USE enum err login_load(const struct config *c, const char *path,
			     struct login *l, struct json_object **tree,
			     struct err_note *note);

/* A copy of all of it. False: no memory, and *to is empty. */
MUST_USE bool login_copy(struct login *to, const struct login *from);

/* The command that gets a login which is found before all others, to be typed
 * as it is; CHATMOCK_HOME is named where it is not the usual one. Returns a
 * pointer to mend's text. */
struct login_mend { char text[256]; };
const char *login_mend(const struct config *c, struct login_mend *mend);

/* No refresh will help a key, nor a token that is not there. */
bool login_expired(const struct login *l, int64_t now_s);

/* login_renew() that gives up waiting for the lock once *stop is true. */
MUST_USE enum err login_renew_until(const struct config *c,
				    const struct http_settings *http,
				    struct login *l, const char *refused,
				    const char *reason, int wait_ms,
				    const atomic_bool *stop,
				    struct err_note *note);

/*
 * Asks the issuer once. ERR_LOGIN_STALE: no, for good, and code says why
 * (the note stays as it is); ERR_LOGIN_RENEWAL: no answer, or no answer that
 * counts. The spans borrow from the answer; empty ones were not there.
 */
struct login_answer {
	struct span access, refresh, id;
	char code[64];
	struct json_object *tree;
};
MUST_USE enum err login_ask(const struct config *c,
			    const struct http_settings *http,
			    const char *refresh_token, const char *reason,
			    struct login_answer *a, struct err_note *note);
void login_answer_free(struct login_answer *a);

/* The issuer's URL with a path behind it. False: too long. */
bool login_issuer_url(const struct config *c, const char *path, char *out,
		      size_t size);

/* One POST to the issuer, LOGIN_HTTP_MS at the most; type is one of the two
 * lines. ERR_LOGIN_RENEWAL: no answer. login_reply_wipe() is due always. */
#define LOGIN_JSON "Content-Type: application/json"
#define LOGIN_FORM "Content-Type: application/x-www-form-urlencoded"
#define LOGIN_ORIGINATOR "chatmock"	/* what we call ourselves there */
MUST_USE enum err login_post(const struct config *c,
			     const struct http_settings *http, const char *path,
			     const char *type, const struct buf *body,
			     struct http_reply *reply, struct err_note *note);
void login_reply_wipe(struct http_reply *reply);

/* error.code, or error, or code; "" for what is no plain word. */
void login_code(struct span body, char *code, size_t size);

/* The tokens of an answer; the spans borrow from a->tree. */
MUST_USE enum err login_tokens(struct span body, struct login_answer *a,
			       struct err_note *note);

/* The claims of a JWT, unchecked; NULL when it is none. The caller owns them. */
#define AUTH_CLAIM "https://api.openai.com/auth"
struct json_object *login_claims(const char *token);

/* "$CHATMOCK_HOME/auth.json" into PATH_MAX bytes, the directory made if need
 * be; links of the file resolved where it is there. */
MUST_USE enum err login_home(const struct config *c, char real[PATH_MAX],
			     struct err_note *note);

/* Refusals and silences as a person shall read them (tell). what: of what we
 * asked for. secret: never repeated, whatever the issuer says. */
enum err login_no(const struct http_reply *reply, const char *what,
		  struct span secret, struct err_note *note);
enum err login_unreached(const struct config *c, struct err_note *note);

/* "its refresh token has run out": why a renewal was refused for good. */
const char *login_refusal_words(const char *code);

/* The whole file, replaced. Under the lock. */
MUST_USE enum err login_put(const char *real, struct json_object *tree,
			    struct err_note *note);

/* True when the issuer took the token back; else why says what was. */
bool login_revoke(const struct config *c, const struct http_settings *http,
		  const char *refresh_token, char *why, size_t size);

/* The lock that renewals take, too. Close *fd to let go. */
MUST_USE enum err login_lock(const char *real, int wait_ms, int *fd,
			     struct err_note *note);

/* False when new tokens could not be written beside this file. sure: also for
 * lack of space. Blocking. */
bool login_room(const char *real, bool sure);

/* Refusals for good, kept in "<real>.refused". hash: of the refresh token.
 * code gets 64 bytes. */
bool login_refused(const struct config *c, const char *real, const char *hash,
		   char *code);
void login_refused_set(const struct config *c, const char *real,
		       const char *hash, const char *code);
void login_refused_forget(const char *real);
#define LOGIN_LEFT "logged_out"		/* the code of what we ended ourselves */

#endif
