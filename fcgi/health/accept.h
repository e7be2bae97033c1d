/*
 * accept.h - which of two forms of an answer the caller's Accept prefers.
 */
#ifndef CHATMOCK_ACCEPT_H
#define CHATMOCK_ACCEPT_H

#include "../../shared/base.h"

/*
 * How much an Accept header (NULL: none) wants exactly this type, in
 * thousandths: its q, 1000 where it has none, 0 when the type is not named.
 * Ranges with '*' name no type. version: a "version" parameter that stands
 * there has to be this one; NULL: any will do.
 */
int accept_quality(const char *accept, const char *type, const char *version);

#endif
