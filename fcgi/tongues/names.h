/*
 * names.h - names and call ids that are too long for upstream, shortened and
 * found again.
 *
 * Upstream takes 64 characters of [a-zA-Z0-9_-]. names_short() leaves a fit
 * name as it is; else it makes one that is fit: characters replaced by '_', an
 * "mcp__" prefix and the end kept where there is room, a hash of the whole
 * inside, so that the same name gives the same result in every request, on
 * every worker (prompt caching needs it), and two names never meet.
 * Only changed names are remembered.
 */
#ifndef CHATMOCK_NAMES_H
#define CHATMOCK_NAMES_H

#include "../../shared/buf.h"

struct names {
	struct name_pair { char *shorted, *full; } *pairs;
	size_t count;
};
void names_init(struct names *n);
void names_free(struct names *n);		/* safe twice */

/* The name to send, into out[65]. False: no memory. */
MUST_USE bool names_short(struct names *n, struct span full, char out[65]);

/* A call id, or the name of a call in the history: the same result, but never
 * remembered (answers carry upstream's own ids and the names of tools). */
void names_call_id(struct span full, char out[65]);

/* The client's name for one of upstream's: borrowed from n or name itself. */
struct span names_full(const struct names *n, struct span name);

#endif
