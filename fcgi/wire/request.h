/*
 * request.h - one request as the web server handed it over.
 *
 * Ownership: made by wire (or cgi), given to the handler, freed by
 *            request_free(), the struct itself too when wire made it.
 *            Everything in it is its own; request_let_go() drops body,
 *            parameters and query early: id, method and path stay.
 * Strings:   NUL-terminated, without control bytes but tab; a parameter that
 *            holds others is a request with note.code set.
 * Failure:   a request that passed a ceiling or broke the protocol still
 *            comes, with note.code set and whatever was read, so that it is
 *            answered in the caller's tongue.
 */
#ifndef CHATMOCK_REQUEST_H
#define CHATMOCK_REQUEST_H

#include "../../shared/buf.h"

#define REQUEST_SLOTS 64

struct request {
	char id[40];			/* x-request-id: "req_" + 24 random; ours, never the client's */
	int64_t begun_us;		/* clock_mono_us() when accepted */
	const char *method;		/* "" when missing */
	const char *path;		/* REQUEST_URI's path, percent-decoded; "" when missing */
	const char *query;		/* raw, "" when none */
	struct buf body;
	struct err_note note;
	/* private */
	char *params;			/* "NAME=value\0..." */
	size_t params_len;
	struct request_entry *entries;	/* where each begins */
	size_t entry_count;
	uint16_t first[REQUEST_SLOTS];	/* entries by their names' hash, 1-based */
	char *words;			/* method and path */
	bool on_heap;			/* made by wire */
};

/*
 * Fills r from the block of "NAME=value" strings (taken over, freed with r):
 * checks ceilings, finds method, path and query (REQUEST_URI, else
 * SCRIPT_NAME + PATH_INFO). The body is the caller's to fill.
 */
void request_init(struct request *r, char *params, size_t params_len);

/* Another one of the same parameters, id and time, without the body; made on
 * the heap. NULL: no memory, or r was let go. */
struct request *request_copy(const struct request *r);

/* A parameter's value, e.g. "HTTP_X_SESSION_ID", "REMOTE_ADDR"; NULL when
 * missing. Of the web server's own wire keeps those alone that params.c lists. */
const char *request_param(const struct request *r, const char *name);

/* Walks all: *at starts 0; false at the end. name ends at the '=' before value. */
bool request_param_next(const struct request *r, size_t *at, const char **name,
			const char **value);

void request_let_go(struct request *r);
void request_free(struct request *r);

#endif
