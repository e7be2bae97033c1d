/*
 * ws_create.h - what a message asks for, and what a connection remembers.
 *
 * ws_create_read() needs nothing but its struct, so that a large message can
 * be read by a thread. No tree is made of what is JSON as it should be.
 */
#ifndef CHATMOCK_WS_CREATE_H
#define CHATMOCK_WS_CREATE_H

#include "../../shared/buf.h"

#define WS_ID_MAX 128

/* The request's parameter with the id of the response that it continues, whose
 * items stand in its input. */
#define WS_CONTINUES "CHATMOCK_CONTINUES"

/* The last response of a connection. */
struct ws_memory {
	char id[WS_ID_MAX];	/* "": none */
	struct buf input;	/* the items that it was asked with, no brackets */
	struct buf end;		/* its last event, which has its output */
};
void ws_memory_init(struct ws_memory *m);
void ws_memory_free(struct ws_memory *m);	/* safe twice */
size_t ws_memory_size(const struct ws_memory *m);

enum ws_wants {
	WS_WANTS_RESPONSE,
	WS_WANTS_NOTHING,	/* it was good to know */
	WS_IS_WRONG,		/* note says why, for the client */
	WS_IS_NO_TEXT		/* not UTF-8 */
};

struct ws_create {
	struct buf text;		/* the message */
	struct ws_memory memory;
	/* what becomes of it */
	enum ws_wants wants;
	struct buf body;		/* of the request */
	struct buf further;		/* parameters for it, "NAME=value\0" */
	struct buf input;		/* to be remembered with the response */
	bool chained;			/* on what is not known here: nothing is
					 * to be remembered */
	struct err_note note;
};
void ws_create_init(struct ws_create *c);
void ws_create_free(struct ws_create *c);	/* safe twice */

void ws_create_read(struct ws_create *c);

/* Nothing but: is it {"type":"response.processed", ...}? For small texts. */
bool ws_is_processed(struct span text);

/* {"type":"error","status":400,"error":{...}} for the note of a message. */
void ws_put_wrong(struct buf *out, const struct err_note *note);

/* The id of the response in an event that begins or ends one: into id, "" when
 * there is none that fits. */
void ws_response_id(struct span event, char id[WS_ID_MAX]);

#endif
