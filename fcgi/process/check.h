/*
 * check.h - is everything there that serving needs? One line a finding:
 * what, where, how to mend it.
 *
 * A line begins with "fault: " (the start is refused) or "warning: ". No
 * secret ever stands in one. It takes no more than 300 ms: the network is not
 * waited for.
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

/* How many keys would let somebody in; blocking. */
size_t check_keys_in_force(const struct config *c);

/* All findings; 0, or the exit code of <sysexits.h> of the first fault. */
int check_all(const struct config *c, struct buf *out);

/* The same before web server and gateway are started: may the port be had,
 * does nobody serve there yet, are the programs installed? */
int check_before_start(const struct config *c, struct buf *out);

/* Either, with a line "pass: ..." for each thing that is in order. */
int check_tell(const struct config *c, bool starting, struct buf *out);

/* config_read() failed: its line, and the exit code. */
int check_unread(enum err err, const struct err_note *note, struct buf *out);

#endif
