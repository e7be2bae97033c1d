/*
 * mask.h - secrets taken out of words that came from outside.
 *
 * An upstream may quote a key or a token in its error message. What looks
 * like one becomes "***": a bearer token, sk-... keys, JWTs (eyJ...), and the
 * value behind access_token, refresh_token, id_token, api_key and the like.
 * Masking a harmless word too much is fine, one secret too few is not.
 */
#ifndef CHATMOCK_MASK_H
#define CHATMOCK_MASK_H

#include <stddef.h>

/* Changes the len bytes at text in place and returns the new length. */
size_t mask_secrets(char *text, size_t len);

#endif
