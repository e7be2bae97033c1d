/*
 * compact.h - POST /v1/responses/compact where upstream has no such route: a
 * request whose input ends with a trigger, and whose answer is one item that
 * stands for all that was said.
 */
#ifndef CHATMOCK_COMPACT_H
#define CHATMOCK_COMPACT_H

#include "tongue.h"

extern const struct tongue tongue_compact;

#endif
