/* canned.h - what canned.c (the response) and canned_items.c share. */
#ifndef CHATMOCK_CANNED_H
#define CHATMOCK_CANNED_H

#include "upstream.h"

struct canned {
	struct server *srv;
	struct play *play;
	struct json_object *script;
	const char *model;
	char response_id[40];
	int64_t sequence, index;	/* of the event, of the item */
	int64_t interval_us;
	struct span stop_before;	/* the event before which all ends */
	bool names, done_only, stopped;
};

/* An event with its type and number, and out with it (canned_put owns it). */
struct json_object *canned_new(struct canned *n, const char *type);
void canned_put(struct canned *n, struct json_object *event);

/* All output items of the script. */
void canned_items(struct canned *n);

#endif
