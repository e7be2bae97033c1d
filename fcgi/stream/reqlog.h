/*
 * reqlog.h - one line a request, in the access log; a failed one in the error
 * log too. Path without query, no header, no body, no secret.
 */
#ifndef CHATMOCK_REQLOG_H
#define CHATMOCK_REQLOG_H

#include "stream.h"

void reqlog(struct stream *s);

#endif
