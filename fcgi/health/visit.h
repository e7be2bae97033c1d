/*
 * visit.h - health.fcgi in a worker: its requests, from their arrival to their
 * end.
 *
 * A request is checked on the loop; what it wants to know is read, and its
 * page written, in a thread (page.h); the loop sends it.
 */
#ifndef CHATMOCK_VISIT_H
#define CHATMOCK_VISIT_H

#include "../../shared/config.h"
#include "../../shared/err.h"

struct worker_hooks;

/* See fcgi/process/worker.h. */
extern const struct worker_hooks health_hooks;

/* Serves the one plain CGI request of this process; returns its exit code. A
 * note with a code: it was not answered, the caller has to. */
int health_cgi(const struct config *c, char *const environ_[],
	       struct err_note *note);

#endif
