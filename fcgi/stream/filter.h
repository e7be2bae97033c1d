/*
 * filter.h - event to event: reasoning shown as the client wants it, stop
 * strings kept.
 *
 * think: COMPAT_THINK turns reasoning into text inside <think>...</think>
 *	  before the answer's text (never in structured output, where reasoning
 *	  is dropped); COMPAT_NONE drops it; else it passes.
 * cut:	  holds back as much text as could begin a stop string; at a stop
 *	  string the text before it is told, then EVENT_DONE with
 *	  FINISH_STOP_STRING and usage partial, and *stopped is set: the caller
 *	  cancels upstream. What is held back is told before any other event.
 *	  Tool calls and reasoning are not searched.
 */
#ifndef CHATMOCK_FILTER_H
#define CHATMOCK_FILTER_H

#include "../tongues/tongue.h"

struct filter {
	const struct terms *terms;	/* borrowed */
	event_fn fn;			/* where events go on */
	void *ctx;
	bool stopped;			/* a stop string was met */
	/* private */
	bool thinking;			/* <think> is open */
	bool dropped_thought;
	struct buf held;		/* text that may begin a stop string */
};
void filter_init(struct filter *f, const struct terms *t, event_fn fn, void *ctx);
void filter_free(struct filter *f);
/* An event_fn; ctx is the struct filter. */
enum err filter_event(void *ctx, const struct event *ev);

#endif
