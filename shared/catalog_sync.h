/*
 * catalog_sync.h - brings $CHATMOCK_HOME/models.json up to date.
 *
 * One process at a time (an flock on models.json.lock), conditional (ETag),
 * within seconds or not at all: the file that is there stays in use. For the
 * fetcher's job, and for a worker's thread when an answer of upstream's says
 * that its list has changed. Blocking: never on the loop.
 */
#ifndef CHATMOCK_CATALOG_SYNC_H
#define CHATMOCK_CATALOG_SYNC_H

#include "catalog.h"
#include "http.h"
#include "metrics.h"

enum sync_result {
	SYNC_OFF,		/* CHATMOCK_MODEL_SYNC or dynamic info is off */
	SYNC_FRESH,		/* nothing was due; upstream was not asked */
	SYNC_ELSEWHERE,		/* another process is at it, or was just now */
	SYNC_SAME,		/* upstream: it has not changed */
	SYNC_NEW		/* another list was written */
};

struct catalog_sync {
	const struct config *config;
	const struct http_settings *http;
	struct metrics *metrics;	/* for the breaker and the time, or NULL */
	const char *authorization;	/* "Bearer <key>", or NULL: the login, or none */
	const char *announced;		/* an answer's x-models-etag, or NULL */
	bool force;			/* ask even when nothing is due */
	bool renew;			/* a login that has run out is renewed */
	int64_t ahead_s;		/* due is what will be within so long */
	int wait_ms;			/* for the lock */
	/* out */
	enum sync_result result;
	size_t models;			/* entries of a new list */
};

/*
 * Codes: ERR_CIRCUIT_OPEN when the list failed again and again and is left
 * alone for a while; those of login_read(), login_renew() and http_fetch();
 * ERR_UPSTREAM_ERROR for a status that is no list, ERR_UPSTREAM_GARBLED for a
 * body that is none, ERR_SYSTEM when the file could not be written.
 */
MUST_USE enum err catalog_sync(struct catalog_sync *s, struct err_note *note);

#endif
