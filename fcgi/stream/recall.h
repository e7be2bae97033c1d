/*
 * recall.h - what a request has in the store: the turns behind its
 * previous_response_id, or its conversation, put before its input; the items
 * that its input only names, in their place.
 */
#ifndef CHATMOCK_RECALL_H
#define CHATMOCK_RECALL_H

#include "../tongues/refer.h"
#include "../tongues/tongue.h"

/*
 * Blocks: from a job only. Reasoning that another account's turn holds is
 * left out. Failure is told in the API's words: previous_response_not_found
 * (400), an unknown conversation or item (404), one that is too long.
 */
MUST_USE enum err recall(struct ask *a, const struct recall *r,
			 struct err_note *note);

#endif
