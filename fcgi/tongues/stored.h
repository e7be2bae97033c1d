/*
 * stored.h - what is stored as the API shows it: responses, lists of items,
 * conversations; and the questions about it.
 */
#ifndef CHATMOCK_STORED_H
#define CHATMOCK_STORED_H

#include "../../shared/json.h"
#include "../../shared/store.h"
#include "refer.h"

/* What is shown only to who asks for it, a bit each; see stored.c's table. */
typedef unsigned stored_include;

struct stored_query {
	size_t limit;			/* 1 to 100 */
	bool ascending;
	bool stream;
	int64_t starting_after;		/* of a stream; -1: all of it */
	char after[STORE_ID], before[STORE_ID];	/* or "" */
	stored_include include;
};

/* Of a URL. ERR_BAD_REQUEST names what is wrong; what is not known here is no
 * fault. */
MUST_USE enum err stored_query(struct span query, struct stored_query *q,
			       struct err_note *note);

/* The response object; body is what was stored. */
MUST_USE enum err stored_response(struct span body, stored_include include,
				  struct buf *out, struct err_note *note);

/* {"object":"list","data":[...],...} */
MUST_USE enum err stored_list(const struct store_items *items, bool more,
			      stored_include include, struct buf *out,
			      struct err_note *note);

/* One item of a list. */
MUST_USE enum err stored_item(const struct store_items *items, size_t i,
			      stored_include include, struct buf *out,
			      struct err_note *note);

void stored_deleted(const char *object, const char *id, struct buf *out);
void stored_conversation(const struct store_conv *c, struct buf *out);

/* The body of POST /v1/conversations and of its kin: metadata (an object, or
 * {}) and items under their ids. Any part may be NULL: it is not asked for,
 * or, with needed, must be there. Blocks where items only name stored ones. */
struct stored_asked {
	struct buf *metadata;
	struct store_items *items;
	bool needed;
	const struct recall *recall;	/* with items: for those that only name
					 * stored ones */
};
MUST_USE enum err stored_ask(struct json_object *body,
			     const struct stored_asked *to, struct err_note *note);

#endif
