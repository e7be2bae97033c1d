/*
 * json_text.h - the small parts of a JSON text; for json_read.c alone.
 *
 * Each function reads at t->at and moves on; false: the note says why.
 */
#ifndef CHATMOCK_JSON_TEXT_H
#define CHATMOCK_JSON_TEXT_H

#include "buf.h"

struct json_text {
	const char *start, *at, *end;
	unsigned depth, weight;
	struct buf *scratch;	/* strings with escapes, numbers */
	struct err_note *note;
};

static inline void json_text_blanks(struct json_text *t)
{
	/* most texts have none: one look says so */
	while (t->at < t->end && (unsigned char)*t->at <= ' ' &&
	       (*t->at == ' ' || *t->at == '\n' || *t->at == '\r' || *t->at == '\t'))
		t->at++;
}

/* ERR_BAD_JSON, ERR_TOO_DEEP with the line and column of t->at; false. */
bool json_text_fail(struct json_text *t, const char *what);
bool json_text_too_deep(struct json_text *t);

/* The string whose opening quote is at t->at. out is good until the next call
 * on the same scratch buffer. */
MUST_USE bool json_text_string(struct json_text *t, struct span *out);

/* The number at t->at, as it stands; whole: without fraction and exponent. */
MUST_USE bool json_text_number(struct json_text *t, struct span *out, bool *whole);

#endif
