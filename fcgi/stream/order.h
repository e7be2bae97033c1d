/*
 * order.h - event to event: calls told one behind the other.
 *
 * Some tongues have room for one thing at a time. Upstreams tell calls one
 * after the other, too, but nothing makes them: what comes between the begin
 * and the end of a call and is none of its own is kept until that call has
 * ended. Nothing is kept, and nothing costs, while upstream does as it does.
 */
#ifndef CHATMOCK_ORDER_H
#define CHATMOCK_ORDER_H

#include "../tongues/event.h"

struct order {
	event_fn fn;			/* where events go on */
	void *ctx;
	/* private */
	bool open;			/* a call has begun and not ended */
	unsigned call;
	struct buf kept;		/* events, each a head and its texts */
};
void order_init(struct order *o, event_fn fn, void *ctx);
void order_free(struct order *o);		/* safe on a zeroed one, and twice */

/* An event_fn; ctx is the struct order. ERR_NO_MEMORY, ERR_UPSTREAM_GARBLED
 * past the ceiling, and what fn says. */
enum err order_event(void *ctx, const struct event *ev);

#endif
