/*
 * err.h - what can go wrong, by name, and the note that carries it.
 *
 * Fallible functions return enum err (0 = fine) and take the note last. The
 * first failure wins: err_set() on a note that already has a code changes
 * nothing. why is for the log alone and may quote what came from outside;
 * tell is for the client, when the fixed words of the answer table won't do.
 * Neither ever holds a secret.
 *
 * The name of a code is the same word in the log ("end"), in metrics and in
 * tests. fcgi/stream/answer.c turns a code into a status and a body.
 */
#ifndef CHATMOCK_ERR_H
#define CHATMOCK_ERR_H

#include "base.h"

#define ERR_TABLE(X) \
	X(OK, "ok") \
	/* the caller's request */ \
	X(BAD_JSON, "bad_json") \
	X(BAD_REQUEST, "bad_request") \
	X(TOO_DEEP, "too_deep") \
	X(TOO_LARGE, "too_large") \
	X(HEAD_TOO_LARGE, "head_too_large") \
	X(URI_TOO_LONG, "uri_too_long") \
	X(BAD_LENGTH, "bad_length") \
	X(UNSUPPORTED_PARAM, "unsupported_param") \
	X(BAD_MEDIA_TYPE, "bad_media_type") \
	X(BAD_ENCODING, "bad_encoding") \
	X(NO_ROUTE, "no_route") \
	X(BAD_METHOD, "bad_method") \
	X(UPGRADE, "upgrade_required") \
	X(NOT_SERVED, "not_served") \
	X(MODEL_NOT_FOUND, "model_not_found") \
	X(LIMITS_UNKNOWN, "limits_unknown") \
	X(HOST_REFUSED, "host_refused") \
	X(ORIGIN_REFUSED, "origin_refused") \
	X(NOT_LOOPBACK, "not_loopback") \
	X(KEY_MISSING, "key_missing") \
	X(KEY_REFUSED, "key_refused") \
	X(KEY_SCOPE, "key_scope") \
	X(CLIENT_GONE, "client_gone") \
	X(NOT_STORED, "not_stored") \
	/* ourselves */ \
	X(BUSY, "busy") \
	X(SHUTDOWN, "shutdown") \
	X(DISABLED, "codex_disabled") \
	X(NO_MEMORY, "no_memory") \
	X(SYSTEM, "system") \
	X(CONFIG, "config") \
	X(KEYS_BROKEN, "keys_broken") \
	X(STORE, "store_failed") \
	/* the login */ \
	X(LOGIN_MISSING, "login_missing") \
	X(LOGIN_BROKEN, "login_broken") \
	X(LOGIN_STALE, "login_stale") \
	X(LOGIN_RENEWAL, "login_renewal") \
	/* upstream */ \
	X(CIRCUIT_OPEN, "circuit_open") \
	X(UPSTREAM_CONNECT, "upstream_connect") \
	X(UPSTREAM_DNS, "upstream_dns") \
	X(UPSTREAM_TLS, "upstream_tls") \
	X(UPSTREAM_TIMEOUT, "upstream_timeout") \
	X(UPSTREAM_SILENT, "upstream_silent") \
	X(UPSTREAM_TOTAL, "upstream_total_time") \
	X(UPSTREAM_BROKE, "upstream_broke") \
	X(UPSTREAM_GARBLED, "upstream_garbled") \
	X(UPSTREAM_BLOCKED, "upstream_blocked") \
	X(UPSTREAM_REFUSED, "upstream_refused") \
	X(UPSTREAM_LIMIT, "upstream_limit") \
	X(UPSTREAM_ERROR, "upstream_error") \
	X(UPSTREAM_FAILED, "upstream_failed")

enum err {
#define X(code, name) ERR_##code,
	ERR_TABLE(X)
#undef X
	ERR__COUNT,
	ERR_NONE = 0
};

/*
 * What upstream said of its own fault is kept beside our code, so that the
 * client hears it: status (0: the answer table's), type and code as upstream
 * named them, the plan and when its limit ends.
 */
struct err_note {
	enum err code;
	int status;		/* upstream's HTTP status to keep, or 0 */
	int retry_after_s;	/* seconds, or 0 when not known */
	signed char should_retry;	/* upstream's x-should-retry: 1, 0, or -1 not said */
	bool not_final;		/* filled by who decides: worth another attempt */
	int64_t resets_at;	/* Unix seconds, or 0 */
	char plan[24];
	char type[48];		/* upstream's error.type, or "" */
	char ucode[64];		/* upstream's error.code, or "" */
	char param[96];		/* JSON path of the fault, or "" */
	char why[200];
	char tell[400];
};

/* An empty note: should_retry is -1, all else zero. */
#define ERR_NOTE_INIT ((struct err_note){ .should_retry = -1 })

/*
 * Sets code and why unless the note has a code already; returns the note's
 * code. note may be NULL: then only the code is returned.
 */
enum err err_set(struct err_note *note, enum err code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The same, and the words are meant for the client: they become tell too. */
enum err err_tell(struct err_note *note, enum err code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* err_tell() with the JSON path of the fault ("messages[2].content"). */
enum err err_at(struct err_note *note, enum err code, const char *path,
		const char *fmt, ...) PRINTF_LIKE(4, 5);

/* err_set() with ERR_SYSTEM, what was done to path, and errno's words. errno stays
 * as it is, for the caller to look at. */
enum err err_errno(struct err_note *note, const char *what, const char *path);

/* Forgets a failure, before another attempt. */
void err_clear(struct err_note *note);

/* What there is to say of a failure: tell, else why, else the code's name. It is
 * good as long as the note. */
const char *err_words(const struct err_note *note);

/* The code's name in logs, metrics and tests; never NULL. */
const char *err_name(enum err code);

#endif
