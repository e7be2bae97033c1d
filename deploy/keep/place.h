/*
 * place.h - where a gateway keeps its things: paths under CHATMOCK_HOME, the
 * link to the programs it runs, the samples that came with them.
 *
 *	run/pid		the keeper: pid, start time, boot
 *	run/keeper.lock	held by the keeper alone: it lives
 *	run/lock	held by all parts: something of the gateway lives
 *	run/command.lock held by who starts, stops or updates
 *	run/state	what the keeper keeps (state.h)
 *	run/wish	it shall run, and with which settings (wish.h)
 *	run/programs	link to the directory of the programs in use: they are
 *			started and reloaded through it, so an update is one
 *			rename
 */
#ifndef CHATMOCK_PLACE_H
#define CHATMOCK_PLACE_H

#include "../../shared/config.h"

#define PLACE_SIZE 4400

struct place { char s[PLACE_SIZE]; };

/* HOME/NAME into p; returns p->s. Cut to fit: a home that long is refused. */
const char *place_in(struct place *p, const char *home, const char *name);

/* A home that web servers and sockets can be told; ERR_CONFIG else. */
MUST_USE enum err place_check(const struct config *c, struct err_note *note);

/* Its directories are there. */
MUST_USE enum err place_make(const char *home, struct err_note *note);

/* The directory with lighttpd.conf.sample and deploy/ that belongs to the
 * programs in bin; false: there is none. */
MUST_USE bool place_samples(const char *bin, struct place *p);

/* Listens on every address. */
bool place_is_wide(const char *bind);

/* Where people reach it: http://127.0.0.1:8000 */
void place_url(const char *bind, int64_t port, char *out, size_t size);

/* Puts link's target in place of what it was, by rename. */
MUST_USE enum err place_link(const char *link, const char *target,
			     struct err_note *note);

#endif
