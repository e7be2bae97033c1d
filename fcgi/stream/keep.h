/*
 * keep.h - the store of this worker: which responses are kept, and where.
 */
#ifndef CHATMOCK_KEEP_H
#define CHATMOCK_KEEP_H

#include "app.h"

/*
 * Opens app->store where settings and upstream ask for one: a ChatGPT backend
 * stores nothing itself; any other upstream keeps its responses. Left NULL
 * otherwise. False: no memory. Does not block.
 */
bool keep_open(struct app *app);

#endif
