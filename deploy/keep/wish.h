/*
 * wish.h - that the gateway shall run, and with which settings: written by
 * start, removed by stop, read by ensure and restart, which may be called from
 * another environment than the start was.
 *
 * The file holds the settings of the environment of start, but no secrets: of
 * those only the names.
 */
#ifndef CHATMOCK_WISH_H
#define CHATMOCK_WISH_H

#include "../../shared/config.h"

MUST_USE enum err wish_write(const char *home, char *const environ_[],
			     struct err_note *note);
void wish_forget(const char *home);
bool wish_there(const char *home);

/*
 * Into our environment, where it does not say otherwise. missing (of size
 * bytes): the first secret that start had and we have not, or "".
 */
MUST_USE enum err wish_adopt(const char *home, char *missing, size_t size,
			     struct err_note *note);

#endif
