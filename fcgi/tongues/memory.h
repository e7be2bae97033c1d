/*
 * memory.h - what a Responses request has to do with the store: what it
 * continues, and what shall be found again.
 *
 * Only where the upstream has no memory of its own (the ChatGPT backend) and
 * the store is ours: elsewhere terms.memory is NULL, and the request's words
 * go upstream. store says the truth at any time: it turns false when the
 * answer can not be kept.
 */
#ifndef CHATMOCK_MEMORY_H
#define CHATMOCK_MEMORY_H

#include "../../shared/store.h"
#include "tongue.h"

struct memory {
	bool store;			/* the answer shall be found again */
	char previous[STORE_ID];	/* what it continues, or "" */
	char conversation[STORE_ID];	/* what it belongs to, or "" */
	char continues[STORE_ID];	/* as previous, but its items are in the
					 * input already; or "" */
	bool refers;			/* items of its input only name stored ones */
	bool background;		/* it runs on without its client */
	char id[STORE_ID];		/* the answer's, in place of upstream's; or "" */
	struct store_items given;	/* the request's own input */
};

struct memory *memory_new(void);	/* NULL: no memory */
void memory_free(struct memory *m);	/* NULL is fine */

/* Is anything of the answer kept? m may be NULL. */
static inline bool memory_keeps(const struct memory *m)
{
	return m && (m->store || m->conversation[0]);
}

/* Is there something that goes before the input? */
static inline bool memory_recalls(const struct memory *m)
{
	return m && (m->previous[0] || m->conversation[0]);
}

/* Must the store be asked before upstream is? */
static inline bool memory_asks(const struct memory *m)
{
	return memory_recalls(m) || (m && m->refers);
}

/*
 * A response's member whose value is ours to say: appended to out as JSON.
 * False: key is none of those. is_new: it was not there; true then only if it
 * says more than its absence.
 */
bool memory_member(const struct memory *m, struct span key, bool is_new,
		   struct buf *out);
/* Their names; NULL behind the last. */
extern const char *const memory_members[];

/* An id as the API makes them for an item of that type: "msg_" + 24. */
void memory_item_id(struct span type, char out[STORE_ID]);

/* The items of the array into list, each under its own id or, where it has
 * none that may be used, a new one. False: list's failure, or no memory. */
bool memory_give(struct store_items *list, struct json_object *input);

/* The items of an answer's output, a JSON array's text, behind what is there. */
bool memory_output(struct store_items *list, struct span output);

#endif
