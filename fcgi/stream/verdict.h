/*
 * verdict.h - what upstream's words for a fault mean: a table.
 *
 * The code says most, then a sentence that upstreams without codes use, then
 * the type, which is often a mere class. A new word is a line in verdict.c.
 */
#ifndef CHATMOCK_VERDICT_H
#define CHATMOCK_VERDICT_H

#include "../../shared/err.h"

struct verdict {
	const char *word;	/* as error.code or error.type say it */
	enum err code;		/* 0: the status decides */
	int status;		/* for events, which have none of their own */
	bool final;		/* another attempt changes nothing */
};

/* NULL for words nobody knows. */
const struct verdict *verdict_find(struct span code, struct span type,
				   struct span message);

#endif
