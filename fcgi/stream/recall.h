/*
 * recall.h - what a request continues: the turns behind its
 * previous_response_id, or its conversation, put before its input.
 */
#ifndef CHATMOCK_RECALL_H
#define CHATMOCK_RECALL_H

#include "../tongues/tongue.h"

struct store;

/* What the loop knows and the thread needs. */
struct recall {
	struct store *store;		/* NULL: none */
	const char *caller;		/* borrowed */
	char account[17];		/* as struct app has it */
};

/*
 * Blocks: from a job only. Reasoning that another account's turn holds is
 * left out. Failure is told in the API's words: previous_response_not_found
 * (400), an unknown conversation (404), one that is too long.
 */
MUST_USE enum err recall(struct ask *a, const struct recall *r,
			 struct err_note *note);

#endif
