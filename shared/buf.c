/* buf.c - see buf.h. */
#include <stdarg.h>

#include "buf.h"
#include "utf8.h"

#define FIRST_SIZE 64
#define SMALL 4096		/* up to here in few steps */

/* What ptr shows while nothing is allocated; never written to. */
static char *nothing(void)
{
	static const char empty[1] = "";

	return (char *)(uintptr_t)empty;
}

void buf_init(struct buf *b, size_t max)
{
	/* room for the NUL and for doubling without overflow */
	if (max > SIZE_MAX / 4)
		max = SIZE_MAX / 4;
	*b = (struct buf){ .ptr = nothing(), .max = max };
}

void buf_free(struct buf *b)
{
	if (b->size)
		free(b->ptr);
	*b = (struct buf){ .ptr = nothing(), .max = b->max };
}

void buf_wipe_free(struct buf *b)
{
	if (b->size)
		explicit_bzero(b->ptr, b->size);
	buf_free(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = ERR_NONE;
	if (b->size)
		b->ptr[0] = '\0';
}

static bool grow(struct buf *b, size_t need)
{
	size_t size = b->size ? b->size : FIRST_SIZE;
	char *p;

	while (size < need)
		size *= size < SMALL ? 4 : 2;
	if (size > b->max + 1)
		size = b->max + 1;
	p = realloc(b->size ? b->ptr : NULL, size);
	if (!p) {
		b->err = ERR_NO_MEMORY;
		return false;
	}
	b->ptr = p;
	b->size = size;
	return true;
}

static inline bool make_room(struct buf *b, size_t len)
{
	if (b->err)
		return false;
	if (len < b->size - b->len)	/* the NUL fits too; size 0: len 0 */
		return true;
	if (len > b->max - b->len) {
		b->err = ERR_TOO_LARGE;
		return false;
	}
	return grow(b, b->len + len + 1);
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!len || !make_room(b, len))
		return;
	memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
	b->ptr[b->len] = '\0';
}

void buf_int(struct buf *b, int64_t n)
{
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324"
		"25262728293031323334353637383940414243444546474849"
		"50515253545556575859606162636465666768697071727374"
		"75767778798081828384858687888990919293949596979899";
	char text[24];
	size_t at = sizeof(text);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	for (; rest >= 100; rest /= 100) {
		at -= 2;
		memcpy(text + at, pairs + rest % 100 * 2, 2);
	}
	if (rest >= 10)
		text[--at] = (char)('0' + rest % 10);
	text[--at] = (char)('0' + (rest >= 10 ? rest / 10 : rest));
	if (n < 0)
		text[--at] = '-';
	buf_add(b, text + at, sizeof(text) - at);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0) {
		if (!b->err)
			b->err = ERR_NO_MEMORY;
		return;
	}
	if ((size_t)len < sizeof(text)) {
		buf_add(b, text, (size_t)len);
		return;
	}
	if (!make_room(b, (size_t)len))
		return;
	va_start(ap, fmt);
	vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

char *buf_room(struct buf *b, size_t len)
{
	/* one byte at least, so that there is memory to point to */
	return make_room(b, len ? len : 1) ? b->ptr + b->len : NULL;
}

void buf_wrote(struct buf *b, size_t len)
{
	if (!b->size)
		return;
	b->len += len;
	b->ptr[b->len] = '\0';
}

void buf_drop(struct buf *b, size_t len)
{
	if (!len || !b->size)
		return;
	if (len > b->len)
		len = b->len;
	b->len -= len;
	memmove(b->ptr, b->ptr + len, b->len + 1);
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->ptr[len] = '\0';
}

/* One character that does not stand for itself, at p; returns its length. */
static size_t escape(struct buf *b, const unsigned char *p, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[] = "btnvfr";	/* 8 to 13; 'v' has none */
	char u[6] = { '\\', 'u', '0', '0', hex[p[0] >> 4], hex[p[0] & 15] };
	bool ok, more;
	size_t step;

	if (p[0] == '"' || p[0] == '\\') {
		buf_add(b, (char[]){ '\\', (char)p[0] }, 2);
		return 1;
	}
	if (p[0] >= 8 && p[0] <= 13 && p[0] != '\v') {
		buf_add(b, (char[]){ '\\', shorts[p[0] - 8] }, 2);
		return 1;
	}
	if (p[0] < 0x20) {
		buf_add(b, u, sizeof(u));
		return 1;
	}
	step = utf8_step(p, len, &ok, &more);
	if (ok)		/* only U+2028 and U+2029 come here */
		buf_str(b, p[2] == 0xa8 ? "\\u2028" : "\\u2029");
	else
		buf_str(b, UTF8_REPLACEMENT);
	return step;
}

/* How many bytes from p on can be copied as they are. */
static size_t copy_run(const unsigned char *p, size_t len)
{
	size_t i = 0, step;
	bool ok, more;

	for (;;) {
		i += utf8_plain_run(p + i, len - i);
		if (i == len || p[i] < 0x80)
			return i;
		step = utf8_step(p + i, len - i, &ok, &more);
		if (!ok || (step == 3 && p[i] == 0xe2 && p[i + 1] == 0x80 &&
			    (p[i + 2] & 0xfe) == 0xa8))
			return i;
		i += step;
	}
}

void buf_json_part(struct buf *b, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i = 0, run;

	while (i < s.len && !b->err) {
		run = copy_run(p + i, s.len - i);
		buf_add(b, p + i, run);
		i += run;
		if (i < s.len)
			i += escape(b, p + i, s.len - i);
	}
}

void buf_json(struct buf *b, struct span s)
{
	char *p;

	/* most strings are short and plain: room once, then bytes */
	if (utf8_plain_run((const unsigned char *)s.ptr, s.len) != s.len ||
	    !make_room(b, s.len + 2)) {
		buf_char(b, '"');
		buf_json_part(b, s);
		buf_char(b, '"');
		return;
	}
	p = b->ptr + b->len;
	*p = '"';
	if (s.len)
		memcpy(p + 1, s.ptr, s.len);
	memcpy(p + 1 + s.len, "\"", 2);
	b->len += s.len + 2;
}

void buf_pass(struct buf *from, struct buf *to)
{
	if (from->size && !to->size && !to->err && from->size <= to->max) {
		to->ptr = from->ptr;
		to->size = from->size;
		to->ptr[0] = '\0';
		from->size = 0;
	}
	buf_free(from);
}

char *buf_take(struct buf *b)
{
	char *p = NULL;

	if (!b->err && (b->size || grow(b, 1))) {
		p = b->ptr;
		p[b->len] = '\0';
		*b = (struct buf){ .ptr = nothing(), .max = b->max };
		return p;
	}
	buf_free(b);
	return NULL;
}
