/*
 * access.h - who may ask at all, decided before a byte of the body is read.
 *
 * Where keys are wanted each request has to bring one, wherever it comes from.
 * As long as there are none only this machine may: REMOTE_ADDR, and SERVER_ADDR
 * where the server gives it, must be loopback, whatever the settings say. Host
 * must name loopback or be listed, so that no web page reaches us by a name
 * of its own. A foreign Origin, or Sec-Fetch-Site: cross-site, is refused
 * unless the origin is listed. A POST must say that it brings JSON; a client
 * that sends neither Content-Type nor Origin is let through.
 */
#ifndef CHATMOCK_ACCESS_H
#define CHATMOCK_ACCESS_H

#include "../../shared/config.h"
#include "../../shared/keys.h"
#include "request.h"

/* 0 or ERR_NOT_LOOPBACK, ERR_HOST_REFUSED, ERR_ORIGIN_REFUSED,
 * ERR_BAD_MEDIA_TYPE. Takes precedence over what the note says already. */
enum err access_check(const struct config *c, const struct keyring *keys,
		      const struct request *r, struct err_note *note);

/*
 * Whose request is it, and may that key what is of this scope (0: whatever)?
 * Taken are Authorization: Bearer, x-api-key and api-key, and nothing of the
 * URL. *who is borrowed from keys, NULL where none is wanted. 0 or
 * ERR_KEYS_BROKEN, ERR_KEY_MISSING, ERR_KEY_REFUSED, ERR_KEY_SCOPE; takes
 * precedence over what the note says already.
 */
enum err access_key(const struct keyring *keys, const struct request *r,
		    unsigned scope, const struct key **who,
		    struct err_note *note);

/* The request's Origin when it is listed and so gets CORS headers, or NULL. */
const char *access_cors_origin(const struct config *c, const struct request *r);

/* An OPTIONS request of a listed origin that passes access_check(). */
bool access_is_preflight(const struct config *c, const struct keyring *keys,
			 const struct request *r);

#endif
