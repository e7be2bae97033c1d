/*
 * buf.h - the one growing byte buffer.
 *
 * A buf is born with a ceiling and keeps the first failure (no memory, or
 * past the ceiling) until buf_reset() or buf_free(). Appending to a failed
 * buf does nothing, so a caller writes a whole message and asks once:
 *
 *	buf_str(&b, "{\"model\":");
 *	buf_json(&b, model);
 *	buf_str(&b, "}");
 *	if (buf_err(&b))
 *		return err_set(note, buf_err(&b), "request to upstream");
 *
 * ptr is never NULL and always NUL-terminated; the bytes before the NUL may
 * hold NULs of their own. ptr moves on any append: do not keep it.
 * A zeroed struct buf is not valid: use buf_init(). buf_free() leaves a buf
 * that buf_free() may be called on again and buf_init() starts anew.
 * Memory grows from 64 bytes by a factor; nothing is allocated while empty.
 */
#ifndef CHATMOCK_BUF_H
#define CHATMOCK_BUF_H

#include "err.h"

struct buf {
	char *ptr;
	size_t len;
	/* private */
	size_t size;		/* allocated, 0: none */
	size_t max;
	enum err err;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
void buf_wipe_free(struct buf *b);		/* for secrets: zeroed first */

/* Empties the buf and clears its failure; memory is kept. */
void buf_reset(struct buf *b);

/* 0, ERR_NO_MEMORY or ERR_TOO_LARGE. */
static inline enum err buf_err(const struct buf *b) { return b->err; }

static inline struct span buf_span(const struct buf *b)
{
	return (struct span){ b->ptr, b->len };
}

void buf_add(struct buf *b, const void *bytes, size_t len);
/* Here, so that a literal's length is known when it is compiled. */
static inline void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}
static inline void buf_span_add(struct buf *b, struct span s)
{
	buf_add(b, s.ptr, s.len);
}
/* The same where it is worth its size: what each event of a stream runs. */
static inline void buf_put(struct buf *b, struct span s)
{
	if (b->err || s.len >= b->size - b->len) {
		buf_add(b, s.ptr, s.len);
		return;
	}
	memcpy(b->ptr + b->len, s.ptr, s.len);
	b->len += s.len;
	b->ptr[b->len] = '\0';
}
static inline void buf_char(struct buf *b, char c)
{
	if (b->err || b->size - b->len < 2) {
		buf_add(b, &c, 1);
		return;
	}
	b->ptr[b->len] = c;
	b->ptr[++b->len] = '\0';
}
void buf_int(struct buf *b, int64_t n);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for len more bytes, for reading into b->ptr + b->len. NULL after a
 * failure. The caller adds what it wrote to b->len and ends it with a NUL
 * through buf_wrote(). */
char *buf_room(struct buf *b, size_t len);
void buf_wrote(struct buf *b, size_t len);

/* Drops the first len bytes (memmove). */
void buf_drop(struct buf *b, size_t len);

/* Cuts to the first len bytes. */
void buf_cut(struct buf *b, size_t len);

/*
 * The bytes as a JSON string with its quotes: control characters escaped,
 * U+2028 and U+2029 too, each invalid UTF-8 sequence replaced by one U+FFFD
 * (WHATWG's maximal-subpart rule). '/' is not escaped.
 */
void buf_json(struct buf *b, struct span s);

/* The same without the quotes, to build a string from pieces. */
void buf_json_part(struct buf *b, struct span s);

/* Empties from. Its memory goes to a buf that has none, if that may be as
 * large and has not failed; else it is freed. */
void buf_pass(struct buf *from, struct buf *to);

/* Hands the memory over: NUL-terminated, the caller frees it. NULL after a
 * failure. The buf is empty then and may be used on. */
char *buf_take(struct buf *b);

#endif
