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

/* The command that gets a new login into this file, to be typed as it is:
 * "codex login", or "CODEX_HOME=... codex login" where its own home is not the
 * file's. Returns a pointer to mend's text. */
struct login_mend { char text[256]; };
const char *login_mend(const struct config *c, const char *path,
		       struct login_mend *mend);

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

#endif
