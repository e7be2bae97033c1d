/*
 * sse.h - server-sent events, pushed in, called out.
 *
 * The parser owns no file, no socket and no JSON. The caller pushes bytes as
 * they come, cut anywhere; whole events come out through the function given.
 * Rules are WHATWG's (HTML, 9.2.6): lines end in LF, CRLF or CR; one BOM at
 * the start is skipped; comments and unknown fields are ignored; data fields
 * repeated in one event are joined by LF; an event without data is none;
 * one without a name is called "message".
 * An event whose lines are not followed by a blank line is never called out.
 *
 * Lifetime: name and data are good until the function returns.
 * Memory:   a buffer for the data and one for the line that were cut by the
 *           end of a push, each max bytes and a few at the most; a whole event
 *           of one data line inside one push is called out in place.
 *           Nothing is held while no event is half-read.
 * Failure:  data or a line over max: ERR_UPSTREAM_GARBLED (the caller fills
 *           the note); whatever the function returns stops the push and is
 *           returned. After a failure the parser stays failed.
 */
#ifndef CHATMOCK_SSE_H
#define CHATMOCK_SSE_H

#include "buf.h"

typedef enum err (*sse_fn)(void *ctx, struct span name, struct span data);

struct sse {
	sse_fn fn;
	void *ctx;
	/* private */
	size_t max;
	size_t name_len;
	enum err err;
	bool has_data, after_cr, begun;
	struct buf line;	/* a line, or an event, that was cut */
	char name[64];		/* event: field; longer ones are cut */
	struct buf data;	/* data of an event of several data lines */
};

void sse_init(struct sse *p, size_t max, sse_fn fn, void *ctx);
void sse_free(struct sse *p);		/* safe twice, safe after sse_init */
MUST_USE enum err sse_push(struct sse *p, struct span bytes);

/* True when an event has begun and not ended: upstream was cut inside one. */
bool sse_rest(const struct sse *p);

#endif
