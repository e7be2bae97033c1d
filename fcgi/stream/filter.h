/*
 * filter.h - event to event: reasoning shown as the client wants it, stop
 * strings kept.
 *
 * think: COMPAT_THINK turns reasoning into text inside <think>...</think>
 *	  before the answer's text (never in structured output, where reasoning
 *	  is dropped, nor behind the first text of the answer); COMPAT_NONE
 *	  drops it; else it passes.
 * cut:	  holds back as much text as could begin a stop string; at the stop
 *	  string that is complete first the text before it is told, then
 *	  EVENT_DONE with FINISH_STOP_STRING and usage partial, and *stopped is
 *	  set: the caller cancels upstream; later events are dropped. What is
 *	  held back is told before any other event that says something;
 *	  annotations and events without meaning pass it by, so that the same
 *	  text gives the same result however it was cut. Tool calls and
 *	  reasoning are not searched.
 * calls: with whole_calls (struct terms) arguments are kept back, and
 *	  EVENT_CALL_END has all of them and the call's id and name.
 * Annotations' start_index and end_index count from the begin of a text part;
 * they go on counted from the begin of all text told.
 */
#ifndef CHATMOCK_FILTER_H
#define CHATMOCK_FILTER_H

#include "../tongues/tongue.h"

struct answer;

struct filter {
	const struct terms *terms;	/* borrowed */
	event_fn fn;			/* where events go on */
	void *ctx;
	bool stopped;			/* a stop string was met */
	/* private */
	bool thinking;			/* <think> is open */
	bool answered;			/* text of the answer has begun */
	bool in_part;			/* inside a text part */
	bool over;			/* the end was told */
	struct buf held;		/* text that may begin a stop string */
	struct answer *calls;		/* that are not complete, or NULL */
	int64_t points;			/* code points told as text */
	int64_t part_start;		/* of these, before this part */
};
void filter_init(struct filter *f, const struct terms *t, event_fn fn, void *ctx);
void filter_free(struct filter *f);
/* An event_fn; ctx is the struct filter. */
enum err filter_event(void *ctx, const struct event *ev);

#endif
