/*
 * event.h - the one vocabulary in which answers travel.
 *
 * decode.c turns upstream's events into these, filters (filter.c, order.c) pass
 * them on, a tongue says them to its client or collect.c gathers them into a
 * whole answer. Spans point into what is being decoded and die with the call.
 */
#ifndef CHATMOCK_EVENT_H
#define CHATMOCK_EVENT_H

#include "../../shared/json.h"

enum event_kind {
	EVENT_START,		/* id, model: upstream took the request */
	EVENT_THOUGHT,		/* text: more of the reasoning */
	EVENT_THOUGHT_BREAK,	/* another part of the reasoning begins */
	EVENT_THOUGHT_END,	/* a reasoning item is complete; id: item id,
				 * text: encrypted_content or empty */
	EVENT_TEXT,		/* text: more of the answer */
	EVENT_TEXT_END,		/* a text part is complete */
	EVENT_ANNOTATION,	/* json: upstream's annotation object */
	EVENT_REFUSAL,		/* text: more of a refusal */
	EVENT_CALL,		/* a call begins; call, id: call id, name */
	EVENT_CALL_ARGS,	/* text: more of its arguments; call */
	EVENT_CALL_END,		/* text: all of its arguments; call; with whole_calls
				 * (struct terms) id and name, too */
	EVENT_HOSTED,		/* json: a hosted tool's item (web search) is done */
	EVENT_KEEPALIVE,	/* upstream lives, nothing to say */
	EVENT_DONE,		/* finish, usage: upstream ended it well; text: with
				 * FINISH_STOP_STRING the one met, as terms has it */
	EVENT_FAILED,		/* note: upstream said that it failed */
	EVENT_OTHER,		/* nothing to us */
	EVENT_PASSED,		/* source says it: to a tongue that passes it on */
	EVENT__COUNT
};

/*
 * Upstream's own words for an event, as a tongue that speaks them passes them
 * on: the spans lie in json. Empty ones were not there, or not to be found.
 */
struct event_source {
	struct span json;	/* the event's data */
	struct span type;
	struct span sequence;	/* the number at "sequence_number" */
	struct span response;	/* the object at "response" */
};

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_FILTER, FINISH_STOP_STRING };

struct usage {
	bool known;		/* upstream gave figures */
	bool partial;		/* ended by us before upstream gave any */
	int64_t input, cached, cache_write, output, reasoning, total;
};

struct event {
	enum event_kind kind;
	struct span id, name, text, model;
	unsigned call;		/* 0, 1, 2 ... in the order of their begin */
	bool custom;		/* a custom tool's call: free text for arguments */
	enum finish finish;
	struct usage usage;
	struct json_object *json;	/* borrowed */
	const struct err_note *note;	/* EVENT_FAILED */
	struct span raw;	/* upstream's own JSON */
	const struct event_source *source;	/* only from a decoder that passes */
};

/* Takes one event; anything but 0 ends the stream with that code. */
typedef enum err (*event_fn)(void *ctx, const struct event *ev);

/* True for what a client would notice: retries end when one has left. */
static inline bool event_is_semantic(const struct event *ev)
{
	return ev->kind != EVENT_START && ev->kind != EVENT_KEEPALIVE &&
	       ev->kind != EVENT_OTHER && ev->kind != EVENT_FAILED;
}

#endif
