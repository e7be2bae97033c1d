/*
 * openai.h - what OpenAI's chat and completion answers have in common.
 */
#ifndef CHATMOCK_OPENAI_H
#define CHATMOCK_OPENAI_H

#include "tongue.h"

/* {"id":...,"object":object,"created":...,"model":... without its end */
void openai_head(struct buf *out, const struct terms *t, struct span object);

/* "usage":{...}: figures that upstream did not give are 0 and the object says
 * "partial":true. */
void openai_usage(struct buf *out, const struct usage *u);

/* The chunk with usage and no choices, where the client asked for it, and the
 * good end of a stream. */
void openai_end(struct buf *out, const struct terms *t, struct span object,
		const struct usage *u);

/* {"error":{"message","type","param","code"}}, and a limit's plan and reset */
void openai_error_body(struct buf *out, const struct fault *f);

/* A limit's members, each behind a comma: plan_type, resets_at,
 * resets_in_seconds. Nothing for what is no limit; note may be NULL. */
void openai_limit(struct buf *out, const struct err_note *note);

/* The same as an event; nothing may follow it. */
void openai_error_event(struct emitter *e, struct buf *out,
			const struct fault *f);

#endif
