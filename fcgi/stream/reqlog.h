/*
 * reqlog.h - one line a request, in the access log; a failed one in the error
 * log too. Path without query, no header, no secret; bodies only where
 * CHATMOCK_LOG_BODIES asks for them, cut at MAX_LOG_FIELD.
 */
#ifndef CHATMOCK_REQLOG_H
#define CHATMOCK_REQLOG_H

#include "stream.h"

void reqlog(struct stream *s);

/* With CHATMOCK_VERBOSE or CODEX__VERBOSE_LOGGING: what goes upstream, and how
 * upstream begins to answer. Nothing otherwise. */
void reqlog_payload(struct stream *s);
void reqlog_head(struct stream *s);

/* What the login's keeper has to tell; ctx is the app. */
void reqlog_login(void *ctx, const char *event, const struct login *login,
		  const struct err_note *note);

/* The same of the models' keeper. */
void reqlog_models(struct app *app, const char *event, const struct catalog *now,
		   const struct err_note *note);
/* Which keys are in force from now on; ctx is the app. */
void reqlog_keys(void *ctx, const struct keyring *now);
/* Which prompts are put into requests from now on; ctx is the app. */
void reqlog_prompts(void *ctx, const struct prompts *p);
/* The kernel is not asked after clients (wire/peer.h): why; ctx is the app. */
void reqlog_unwatched(void *ctx, int why);

/* A log of CHATMOCK_HOME, for a process that has no master. NULL: none. */
struct log *reqlog_open(const struct config *c, const char *name);

#endif
