/*
 * refer.h - items of an input that only name stored ones, and these in their
 * place.
 */
#ifndef CHATMOCK_REFER_H
#define CHATMOCK_REFER_H

#include "../../shared/json.h"
#include "../../shared/store.h"

/* What the loop knows and the thread that asks the store needs. */
struct recall {
	struct store *store;		/* NULL: none */
	const char *caller;		/* borrowed */
	char account[17];		/* as struct app has it; "": any will do */
};

/* {"type":"item_reference","id":...}, or nothing but an id. */
bool refer_is(struct json_object *item);

/*
 * Blocks: from a job only. Puts what they name in the place of the references
 * of this array (refer_is() of each that has a string for id), to the letter;
 * reasoning of another account's is left out. thoughts: set when some was put.
 * Failure is told in the API's words, param being the array's name: an item
 * that is not there is 404.
 */
MUST_USE enum err refer_resolve(struct json_object *input, const char *param,
				const struct recall *r, bool *thoughts,
				struct err_note *note);

/* A stored item as JSON, the caller's. NULL: the note, or, without one, it is
 * reasoning that was encrypted for another account. */
struct json_object *refer_item(const struct store_chain *chain, size_t i,
			       const struct recall *r, bool *thoughts,
			       struct err_note *note);

#endif
