/*
 * form.h - application/x-www-form-urlencoded, and the queries of URLs.
 *
 * Nothing here keeps its arguments.
 */
#ifndef CHATMOCK_FORM_H
#define CHATMOCK_FORM_H

#include "buf.h"

/* Appends name=value, percent-encoded, with '&' before it unless out is empty
 * or ends in '?'. What RFC 3986 calls unreserved stays as it is. */
void form_add(struct buf *out, const char *name, struct span value);

/*
 * The first value of that name, decoded ('+' is a blank) and appended to out.
 * False: it is not there, or not to be decoded, or over out's ceiling.
 * Names are compared as they stand.
 */
MUST_USE bool form_get(struct span query, const char *name, struct buf *out);

#endif
