/*
 * login.h - the ChatGPT account that we answer with: auth.json, read and
 * renewed (UPSTREAM facts: OAuth refresh, 401 recovery).
 *
 * Found in the order: $CHATMOCK_HOME, $CHATGPT_LOCAL_HOME, $CODEX_HOME,
 * ~/.chatmock, ~/.chatgpt-local, ~/.codex; the first auth.json that exists. A
 * broken one is ERR_LOGIN_BROKEN naming it, never a step to the next. Renewals
 * are written back to the file that was read, unknown fields kept, mode 0600,
 * replaced whole, under an exclusive lock on "<file>.lock" with re-reading.
 * A permanent refusal is remembered beside it in "<file>.refused" (the hash of
 * the refresh token and the code) until auth.json changes, so that no process
 * spends a dead token again.
 *
 * Secrets: no field but account_id, plan and path may be logged.
 */
#ifndef CHATMOCK_LOGIN_H
#define CHATMOCK_LOGIN_H

#include "config.h"
#include "file.h"
#include "http.h"
#include "loop.h"

/* One state of the file. Owned by the caller; login_free() wipes it. */
struct login {
	char *path;
	struct file_stamp stamp;
	char *access_token, *refresh_token, *id_token, *account_id, *plan;
	char *api_key;			/* OPENAI_API_KEY when auth_mode is apikey */
	char *imported_from;		/* it is a copy of that file, or NULL */
	int64_t expires_at;		/* Unix seconds; 0: the token does not say */
	int64_t last_refresh;		/* Unix seconds or 0 */
	bool fedramp;
	bool loose_mode;		/* others may read or write the file: warn */
	/* private: a renewal that could not be written to the file */
	bool unsaved;
	char spent[65];			/* hash of the token that it cost */
};
void login_free(struct login *l);	/* safe on zero, safe twice */

/* Reads the first auth.json there is. ERR_LOGIN_MISSING, ERR_LOGIN_BROKEN. */
MUST_USE enum err login_read(const struct config *c, struct login *l,
			     struct err_note *note);

/* True when it runs out within skew_s (or has no exp and was last renewed
 * over eight days ago). */
bool login_due(const struct login *l, int64_t now_s, int64_t skew_s);

#define LOGIN_SKEW_S 300	/* renew so long ahead of expiry */
#define LOGIN_AHEAD_S 900	/* who comes by every ten minutes: before the
				 * others would have to */

/*
 * Blocking: makes sure that l is fresh. Takes the lock (waiting at most
 * wait_ms), reads again, adopts what another process renewed, else asks the
 * issuer once and writes the answer. refused: an access token that upstream
 * answered 401 to, or NULL; a token equal to it is renewed even if not due.
 * reason: "proactive_expiry", "unauthorized_recovery", or "scheduled", which
 * counts what runs out within LOGIN_AHEAD_S as due, not LOGIN_SKEW_S.
 * ERR_LOGIN_STALE: for good, run the command that tell names.
 * ERR_LOGIN_RENEWAL: try again later (why says what the issuer or the network
 * did). ERR_LOGIN_MISSING, ERR_LOGIN_BROKEN: as login_read(). l stays usable
 * as it was then. When the new tokens could not be written, 0 is returned, l holds them
 * and note->why (its code stays 0) is for the log; the next renewal of this l
 * writes them first.
 */
MUST_USE enum err login_renew(const struct config *c,
			      const struct http_settings *http, struct login *l,
			      const char *refused, const char *reason,
			      int wait_ms, struct err_note *note);

/*
 * The login as one worker holds it: read in a thread, watched for changes
 * (once a second, in a thread), renewed in a thread, one renewal at a time.
 */
struct login_keeper;
struct login_keeper *login_keeper_new(const struct config *c, struct loop *l,
				      const struct http_settings *http);
/* No callbacks any more. Waits until its threads' work is over: a moment, but
 * up to 30 s when the issuer is being asked, for that answer must be kept. */
void login_keeper_free(struct login_keeper *k);

/*
 * For the log, on the loop: login_read, login_renewed, login_unsaved (why in
 * note), login_lost (the file can't be read any more), login_renewal_failed.
 * login is what is held now, or NULL. Called when something changed only.
 */
typedef void (*login_told_fn)(void *ctx, const char *event,
			      const struct login *login,
			      const struct err_note *note);
void login_keeper_listen(struct login_keeper *k, login_told_fn told, void *ctx);

/* Who waits. The struct is the caller's until ready ran or login_unwait(). */
struct login_wait {
	/* login borrows from the keeper until ready returns; on failure it
	 * is NULL and note says why. note is never NULL. */
	void (*ready)(struct login_wait *w, const struct login *login,
		      const struct err_note *note);
	/* private */
	struct login_wait *next, **link;
	char refused_hash[65];
};

/*
 * Asks for a usable login. refused: the access token upstream answered 401
 * to, or NULL. Returns true when ready was called before it returned.
 * While a renewal ahead of time runs, a token that has not expired yet is
 * handed out at once.
 */
bool login_want(struct login_keeper *k, struct login_wait *w, const char *refused);
void login_unwait(struct login_wait *w);	/* not waiting: no-op */

#endif
