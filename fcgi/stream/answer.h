/*
 * answer.h - the one place where a failure becomes an answer, before and
 * during a stream, in the caller's tongue.
 */
#ifndef CHATMOCK_ANSWER_H
#define CHATMOCK_ANSWER_H

#include "stream.h"

/* Status, type, code and words of a failure. Strings borrow from the note and
 * from constants; request_id from the caller. */
struct fault answer_fault(const struct err_note *note, const char *request_id);

/* Begins a good answer: status, content type and the headers of every answer. */
void answer_begin(struct stream *s, int status, const char *content_type);

/* Says s->note to the client: as a whole answer, or as an event of the stream
 * that has begun. The caller ends the conn. */
void answer_error(struct stream *s);

/* CORS preflight of a listed origin. */
void answer_preflight(struct stream *s);

/* README's table of errors. */
void answer_print_markdown(struct buf *out);

/* Is the caller one of Anthropic's, on a path that serves others, too? They
 * are known by their anthropic-version header. */
bool answer_is_anthropic(const struct stream *s);

#endif
