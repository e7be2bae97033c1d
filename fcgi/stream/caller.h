/*
 * caller.h - who calls: the keys that a worker has, and the one a request
 * brings.
 */
#ifndef CHATMOCK_CALLER_H
#define CHATMOCK_CALLER_H

#include "stream.h"

/* Makes app->keys, of app's settings, loop and worker. False: no memory. */
bool caller_open(struct app *app);

/*
 * May this caller ask this? Fills s->caller. 0, or the code in s->note; of
 * what is wrong beside it (s->note has a code before) only who has a key
 * hears.
 */
enum err caller_admit(struct stream *s);

#endif
