/*
 * check.h - is everything there that serving needs? One line a finding:
 * what, where, how to mend it.
 *
 * A line begins with "fault: " (the start is refused) or "warning: ". No
 * secret ever stands in one.
 */
#ifndef CHATMOCK_CHECK_H
#define CHATMOCK_CHECK_H

#include "../../shared/config.h"

/* True when fd 0 is a listening socket: what spawn-fcgi, systemd and a
 * reloading master hand over. */
bool check_listens(void);

/* How to start the program ("health.fcgi" listens at health.sock), for who
 * started it wrongly. */
void check_usage(const char *name, const char *argv0, struct buf *out);

/* True when fd 0 listens where other machines can reach it; name (46 bytes at
 * least) is then the address. */
bool check_reachable(char *name, size_t size);

/* All findings; 0, or the exit code of <sysexits.h> of the first fault. */
int check_all(const struct config *c, struct buf *out);

#endif
