/*
 * login_new.h - how a login comes about, and how it goes: in the browser, by
 * device code, copied from another program; and logging out.
 *
 * All but the functions that say so are blocking: they call the issuer (30 s
 * at the most) or wait for the login's lock. What is new goes into
 * $CHATMOCK_HOME/auth.json, the first place where a login is looked for:
 * replaced whole, mode 0600, under the lock of the renewals, so a gateway
 * that runs picks it up by itself.
 *
 * Failures: ERR_LOGIN_STALE, the issuer (or the account) said no; begin anew.
 * ERR_LOGIN_RENEWAL: no answer, or none that counts; try again. ERR_SYSTEM:
 * the file could not be written. note->tell has it in words with what to do,
 * for a person to read; no secret is ever in it.
 */
#ifndef CHATMOCK_LOGIN_NEW_H
#define CHATMOCK_LOGIN_NEW_H

#include "login.h"

#define MAX_LOGIN_CODE	(4u << 10)	/* an authorization code */
#define LOGIN_TRY_S	900		/* what a person gets for it */
#define LOGIN_PORT_STEP	2		/* to the second port: 1455, 1457 */

/* A sign-in in the browser, from its URL until the browser comes back. */
struct login_try {
	char verifier[87], state[44], redirect[64];
	bool used;		/* a code came */
};

/* port: where the browser shall come back to. Not blocking. */
void login_try_begin(struct login_try *t, int port);

/* The URL to open. Not blocking; out's failure sticks in it. */
void login_try_url(const struct login_try *t, const struct config *c,
		   struct buf *out);

/* What the browser brought. Not blocking. */
enum login_came {
	CAME_CODE,		/* into code; the try is used up */
	CAME_ALIEN,		/* not of this sign-in: wait on */
	CAME_AGAIN,		/* of this one, which has its code already */
	CAME_REFUSED,		/* the issuer's no, in words: it is over */
};
/* query: as it stands in the URL. */
enum login_came login_try_came(struct login_try *t, struct span query,
			       struct buf *code, struct err_note *note);
/* The same of what a person pasted: the whole URL, or its query. */
enum login_came login_try_pasted(struct login_try *t, struct span line,
				 struct buf *code, struct err_note *note);

/* A code is worth tokens together with these. */
struct login_grant {
	struct buf code;
	char verifier[129];
	char redirect[2048];
};
/* From a code of the try's (moved out of it). Not blocking. */
void login_grant_try(struct login_grant *g, const struct login_try *t,
		     struct buf *code);
void login_grant_free(struct login_grant *g);	/* wiped; safe on zero, twice */

/* Sign-in by device code. */
struct login_device {
	char url[512], user_code[64];	/* for the person */
	char id[256];
	int interval_s;			/* between two polls */
	int64_t until_us;		/* of clock_mono_us() */
	int troubles;			/* polls in a row without an answer */
};
/* ERR_NOT_SERVED: the issuer has no device codes for this account. */
MUST_USE enum err login_device_begin(const struct config *c,
				     const struct http_settings *http,
				     struct login_device *d,
				     struct err_note *note);
/* 0: g is filled. ERR_BUSY: not yet, poll again after interval_s. */
MUST_USE enum err login_device_poll(const struct config *c,
				    const struct http_settings *http,
				    struct login_device *d,
				    struct login_grant *g, struct err_note *note);

/*
 * Takes the grant to the issuer, once, and keeps what it gives. got: the new
 * login, to be freed. *replaced: another login was there, and its refresh
 * token was revoked as well as that went.
 */
MUST_USE enum err login_finish(const struct config *c,
			       const struct http_settings *http,
			       const struct login_grant *g, struct login *got,
			       bool *replaced, struct err_note *note);

/*
 * Copies another program's auth.json; from NULL: the Codex CLI's. The copy
 * says where it came from, for it is the same family of tokens: whoever
 * renews it first logs the other out. ERR_BUSY: there is a login already,
 * which force replaces.
 */
MUST_USE enum err login_import(const struct config *c, const char *from,
			       bool force, struct login *got,
			       struct err_note *note);

/* What logging out did. */
struct login_left {
	char path[512];		/* what was removed */
	bool revoked;		/* the issuer took it back */
	bool shared;		/* a copy, left valid for its other owner */
	char trouble[200];	/* why it was not revoked, or "" */
	char next[512];		/* another login that is used from now on, or "" */
};
/*
 * Revokes and removes $CHATMOCK_HOME/auth.json. A copy is only removed unless
 * all. ERR_LOGIN_MISSING: there is none (next says what is used instead).
 */
MUST_USE enum err login_leave(const struct config *c,
			      const struct http_settings *http, bool all,
			      struct login_left *left, struct err_note *note);

/* What may be shown of an account. Not blocking; "" for what is not known. */
struct login_account {
	char email[128], user[128], workspace[128];
	char imported[256];	/* the file that it was copied from */
};
void login_account(const struct login *l, struct login_account *a);

#endif
