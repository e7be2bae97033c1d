/*
 * talk.h - one request to the gateway that runs, as a client makes it.
 */
#ifndef CHATMOCK_CLI_TALK_H
#define CHATMOCK_CLI_TALK_H

#include "cli.h"

struct talk {
	/* in; borrowed */
	const char *url;
	struct span body;		/* JSON */
	const char *key;		/* bearer, or NULL */
	int64_t timeout_us;
	/* a piece of a body with status 200; ctx is the caller's */
	void (*bytes)(void *ctx, struct span bytes);
	void *ctx;
	/* out */
	int status;			/* 0: there was no answer */
	char request_id[80];
	int64_t took_us;
	struct buf refusal;		/* the body of any other status */
	struct err_note note;		/* why there is no whole answer */
};

/* Blocking. talk_free() is due afterwards. */
void talk(struct talk *t);
void talk_free(struct talk *t);		/* safe on zero */

/* "http://127.0.0.1:8000": where the gateway of these settings listens. */
void talk_base(const struct config *c, char *out, size_t size);

#endif
