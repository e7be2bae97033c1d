/*
 * siblings.h - how a worker shares its work with its siblings: each takes what
 * it has fewer of, by what all say on the board.
 */
#ifndef CHATMOCK_SIBLINGS_H
#define CHATMOCK_SIBLINGS_H

#include "app.h"

/* Of a wire's handler; ctx is a struct app. */
bool siblings_may_accept(void *ctx);
bool siblings_may_take(void *ctx);
void siblings_taken(void *ctx);

/* Our part of the board. */
void siblings_tell(struct app *app);

#endif
