/*
 * refuse.h - what health.fcgi answers instead of a page.
 */
#ifndef CHATMOCK_REFUSE_H
#define CHATMOCK_REFUSE_H

#include "../../shared/buf.h"

/* Appends the body, an error in OpenAI's shape as all of the gateway's are;
 * returns the HTTP status. */
int refusal_say(enum err code, struct buf *out);

#endif
