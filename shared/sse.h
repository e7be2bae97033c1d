/*
 * sse.h - server-sent events, pushed in, called out.
 *
 * The parser owns no file, no socket and no JSON. The caller pushes bytes as
 * they come, cut anywhere; whole events come out through the function given.
 * Rules are WHATWG's (HTML, 9.2.6): lines end in LF, CRLF or CR; one BOM at
 * the start is skipped; comments and unknown fields are ignored; data fields
 * repeated in one event are joined by LF; an event without data is none.
 * An event whose lines are not followed by a blank line is never called out.
 *
 * Lifetime: name and data are good until the function returns.
 * Memory:   one buffer that grows with the longest event that was cut by the
 *           end of a push, at most max bytes; a whole event inside one push
 *           is called out in place. sse_rest() tells whether half an event is
 *           left. Nothing is held while no event is half-read.
 * Failure:  an event over max: ERR_UPSTREAM_GARBLED (set by the caller's
 *           note); whatever the function returns stops the push and is
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
	struct buf line;	/* a line, or an event, that was cut */
	struct buf data;	/* data of an event of several data lines */
	char name[64];		/* event: field; longer ones are cut */
	size_t name_len;
	size_t max;
	bool has_data, after_cr, begun;
	enum err err;
};

void sse_init(struct sse *p, size_t max, sse_fn fn, void *ctx);
void sse_free(struct sse *p);		/* safe twice, safe after sse_init */
MUST_USE enum err sse_push(struct sse *p, struct span bytes);

/* True when an event has begun and not ended: upstream was cut inside one. */
bool sse_rest(const struct sse *p);

#endif
