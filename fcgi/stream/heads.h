/*
 * heads.h - which headers go through, from the client to upstream and back.
 */
#ifndef CHATMOCK_HEADS_H
#define CHATMOCK_HEADS_H

#include "stream.h"

/* It says in which shape a Codex client's body is: goes with the body. */
#define HEADS_LITE "HTTP_X_OPENAI_INTERNAL_CODEX_RESPONSES_LITE"

/* Is it the client's to say? name is the CGI's, up to its value. native: of
 * a client that speaks upstream's own tongue. */
bool heads_forwarded(const char *name, bool native);

/* Keeps upstream's headers for the answer, in every tongue: limits, the model
 * that served, the state of a turn. */
void heads_take(struct stream *s, struct http_call *call);

#endif
