/*
 * orphans.h - what is left of a gateway whose keeper has gone.
 *
 * They are known by what they are, not by a name: they hold HOME/run/lock, they
 * listen at the sockets of this home, or their session is one that the keeper
 * wrote down with its start time and boot. Only our own user's.
 */
#ifndef CHATMOCK_ORPHANS_H
#define CHATMOCK_ORPHANS_H

#include "proc.h"

#define ORPHANS_MAX 4096

/* True when nobody holds HOME/run/lock. */
bool orphans_none(const char *home);

/* Tells each of them; how many there were. Call again and again with KILL:
 * what forks meanwhile is met the next time. */
size_t orphans_signal(const char *home, int sig);

#endif
