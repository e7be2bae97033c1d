/*
 * responses.h - what the files of the Responses tongue have in common.
 *
 * ask_responses() takes the request as it is, but for what the ChatGPT
 * backend cannot take; emit_responses.c passes upstream's events on;
 * responses_whole() says upstream's response object, in which what the
 * request asked for stands as the API has it, also where upstream never heard
 * of it.
 */
#ifndef CHATMOCK_RESPONSES_H
#define CHATMOCK_RESPONSES_H

#include "tongue.h"

struct asking;

/* The members of a request that its response repeats, into terms.echo. */
void responses_echo(struct terms *t, struct json_object *body);

/* An item in its full shape, a message also where it has no type or a string
 * for content. The caller's. NULL: no memory, told. */
struct json_object *responses_full_item(struct asking *q, struct json_object *item);

/* The same of a request's input for the ChatGPT backend; one that only names a
 * stored item stays, and the memory knows that there are such. at: where it is. */
struct json_object *responses_backend_item(struct asking *q,
					   struct json_object *item,
					   const struct at *at);

/* What a whole response is made of. */
struct responses_said {
	struct span response;		/* upstream's object, or empty */
	struct span id, model;		/* where it does not say them */
	enum finish finish;		/* the same: for its status */
	/* JSON in place of upstream's word, or empty */
	struct span status, error, output;
};
void responses_object(const struct terms *t, struct buf *out,
		      const struct responses_said *said);

/* A failure as a response's "error" has it. */
void responses_put_error(struct buf *out, const struct fault *f);

void responses_whole(const struct terms *t, struct buf *out,
		     const struct answer *a);

#endif
