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

/* The members of a request that its response repeats, into terms.echo. */
void responses_echo(struct terms *t, struct json_object *body);

void responses_whole(const struct terms *t, struct buf *out,
		     const struct answer *a);

#endif
