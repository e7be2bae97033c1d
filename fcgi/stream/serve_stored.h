/*
 * serve_stored.h - stored responses and conversations, asked for by their ids.
 *
 * Where upstream has a memory of its own (kind responses) the request goes
 * there as it is; else our store is asked, in a thread.
 */
#ifndef CHATMOCK_SERVE_STORED_H
#define CHATMOCK_SERVE_STORED_H

#include "../tongues/stored.h"
#include "stream.h"

bool stored_is_route(enum route_kind kind);

void stored_serve(struct stream *s, const struct route_match *match);

/* --- between serve_stored.c and serve_conversation.c */

/* One question to the store: what its thread knows. */
struct serving {
	struct loop_job job;
	struct stream *s;
	struct store *store;
	enum route_kind kind;
	const char *caller;		/* borrowed from s */
	char id[STORE_ID], item[STORE_ID];	/* of the path */
	struct stored_query query;
	struct json_object *body;	/* of a POST; owned */
	struct buf out;			/* the answer */
	struct err_note note;
};

/* The store's code told as the API does; what: "Response", "Conversation",
 * "Item". Returns the note's code, 0 for 0. */
enum err serving_told(struct serving *v, enum err code, const char *what,
		      const char *id);

/* In the thread: fills out or the note. */
void serving_conversation(struct serving *v);

#endif
