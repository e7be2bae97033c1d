/*
 * decode.h - upstream's events (Responses API over SSE) to struct event.
 *
 * One decoder per stream, small: it remembers per output item what has been
 * said of it, so that an upstream that leaves out .added events or deltas, and
 * says a call or a text only in output_item.done, is told whole and once.
 * Text and calls of response.completed.output are used only for items that no
 * event told before. Private and unknown events become EVENT_OTHER, keepalive EVENT_KEEPALIVE.
 * Several reasoning summary parts are told apart by EVENT_THOUGHT_BREAK.
 * response.failed and error events become EVENT_FAILED with a note made by
 * refusal.h's table (status, type, code, words).
 *
 * No I/O, no time. Failure: ERR_UPSTREAM_GARBLED for what is not JSON or has
 * no type; more than MAX_ANSWER_ITEMS items; whatever fn returned.
 */
#ifndef CHATMOCK_DECODE_H
#define CHATMOCK_DECODE_H

#include "../tongues/event.h"

struct decoder;
struct decoder *decoder_new(event_fn fn, void *ctx);	/* NULL: no memory */
void decoder_free(struct decoder *d);			/* NULL is fine */

/* name: the SSE event field, may be empty; data's "type" decides. "[DONE]" is
 * ignored. r parses on this thread; note gets the failure. */
MUST_USE enum err decode_event(struct decoder *d, struct json_reader *r,
			       struct span name, struct span data,
			       struct err_note *note);

/* The second half, for data parsed elsewhere (large events in a thread).
 * root is borrowed. */
MUST_USE enum err decode_object(struct decoder *d, struct json_object *root,
				struct span raw, struct err_note *note);

/* True for events that are dropped by their name alone, unparsed: EVENT_OTHER. */
bool decode_skips(struct span name);

/*
 * Makes it a decoder that passes upstream's events on (decode_pass.c), before
 * the first: each is told once, with its source, as START, KEEPALIVE, DONE,
 * FAILED, OTHER (private to the ChatGPT backend) or PASSED. Nothing is read in
 * them but their type, and of the last one its figures. An end whose output
 * is empty is told with the items that came before it. False: no memory.
 */
MUST_USE bool decoder_pass(struct decoder *d);

/* For such a decoder: the items that are done, as a JSON array. */
void decode_items_so_far(const struct decoder *d, struct buf *out);

/* For such a decoder: a large event is looked at in any thread, and told on
 * the loop. data has to live until then. NULL: no memory. */
struct decode_look;
struct decode_look *decode_look(struct span data);
MUST_USE enum err decode_looked(struct decoder *d, struct decode_look *look,
				struct err_note *note);
void decode_look_free(struct decode_look *look);	/* NULL is fine */

/* A terminal event (completed, incomplete, failed, error) was seen. */
bool decoder_ended(const struct decoder *d);

#endif
