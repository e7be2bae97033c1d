/*
 * session.h - which conversation a request belongs to.
 *
 * The path's {session_id}, else X-Session-Id, session_id, session-id; else a
 * UUID made of the SHA-256 of (caller's key, instructions, tools, first user
 * message), so that the same conversation meets the same prompt cache on any
 * worker of any machine.
 */
#ifndef CHATMOCK_SESSION_H
#define CHATMOCK_SESSION_H

#include "../../shared/json.h"

#define SESSION_MAX 128

/* given: from path or header, or empty; anything but [A-Za-z0-9._:-] of at
 * most 127 characters is hashed into a UUID. key: the caller's key or "".
 * request: the Responses request. scratch: may become as large as it, and is
 * empty afterwards. */
void session_id(struct span given, struct span key, struct json_object *request,
		struct buf *scratch, char out[SESSION_MAX]);

#endif
