/* json_text.c - strings, numbers and the place of an error; see json_text.h. */
#include "ceilings.h"
#include "json_text.h"
#include "utf8.h"

struct place { size_t line, column; };

static struct place place_of(const struct json_text *t)
{
	struct place at = { 1, 1 };

	for (const char *p = t->start; p < t->at; p++) {
		if (*p == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

bool json_text_fail(struct json_text *t, const char *what)
{
	struct place at = place_of(t);

	err_tell(t->note, ERR_BAD_JSON, "invalid JSON at line %zu, column %zu: %s%s",
		 at.line, at.column, what, t->at == t->end ? ", found the end" : "");
	return false;
}

bool json_text_too_deep(struct json_text *t)
{
	struct place at = place_of(t);

	err_tell(t->note, ERR_TOO_DEEP, "the JSON is nested deeper than %d levels "
		 "at line %zu, column %zu", MAX_JSON_DEPTH, at.line, at.column);
	return false;
}

/* Over bytes that stand for themselves, up to one that does not. */
static bool plain(struct json_text *t)
{
	const unsigned char *p = (const unsigned char *)t->at;
	const unsigned char *end = (const unsigned char *)t->end;
	bool ok, more;
	size_t step;

	for (;;) {
		p += utf8_plain_run(p, (size_t)(end - p));
		if (p == end || *p < 0x80)
			break;
		step = utf8_step(p, (size_t)(end - p), &ok, &more);
		if (!ok) {
			t->at = (const char *)p;
			return json_text_fail(t, "this is not UTF-8");
		}
		p += step;
	}
	t->at = (const char *)p;
	return true;
}

/* Four hex digits at t->at, or -1. */
static int32_t hex4(const struct json_text *t)
{
	int32_t n = 0;
	int i;

	if (t->end - t->at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = t->at[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			n = n << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return n;
}

static void put_utf8(struct buf *b, uint32_t c)
{
	char s[4];
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	for (i = len - 1; i > 0; i--, c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)(len == 1 ? c : (0xf00u >> len & 0xf0) | c);
	buf_add(b, s, len);
}

/* Behind "\u". Half a pair is replaced by U+FFFD, as everywhere. */
static bool unicode(struct json_text *t)
{
	int32_t c = hex4(t), low;

	if (c < 0)
		return json_text_fail(t, "expected four hex digits after \\u");
	t->at += 4;
	if (c >= 0xd800 && c < 0xdc00 && t->end - t->at >= 6 &&
	    t->at[0] == '\\' && t->at[1] == 'u') {
		t->at += 2;
		low = hex4(t);
		if (low >= 0xdc00 && low < 0xe000) {
			t->at += 4;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		} else {
			t->at -= 2;	/* it is read on its own next */
		}
	}
	put_utf8(t->scratch, c >= 0xd800 && c < 0xe000 ? 0xfffd : (uint32_t)c);
	return true;
}

/* Behind a backslash. */
static bool escape(struct json_text *t)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;

	if (t->at == t->end)
		return json_text_fail(t, "expected an escape");
	if (*t->at == 'u') {
		t->at++;
		return unicode(t);
	}
	hit = memchr(from, *t->at, sizeof(from) - 1);
	if (!hit)
		return json_text_fail(t, "there is no such escape");
	buf_char(t->scratch, to[hit - from]);
	t->at++;
	return true;
}

/* The rest of a string in which a backslash was met at t->at. */
static bool escaped(struct json_text *t, const char *begin, struct span *out)
{
	struct buf *b = t->scratch;

	buf_reset(b);
	for (;;) {
		buf_add(b, begin, (size_t)(t->at - begin));
		if (t->at == t->end || *t->at != '\\')
			break;
		t->at++;
		if (!escape(t))
			return false;
		begin = t->at;
		if (!plain(t))
			return false;
	}
	if (buf_err(b)) {
		err_set(t->note, buf_err(b), "a JSON string");
		return false;
	}
	*out = buf_span(b);
	return true;
}

bool json_text_string(struct json_text *t, struct span *out)
{
	const char *begin = ++t->at;

	if (!plain(t))
		return false;
	if (t->at < t->end && *t->at == '"')
		*out = (struct span){ begin, (size_t)(t->at - begin) };
	else if (!escaped(t, begin, out))
		return false;
	if (t->at == t->end)
		return json_text_fail(t, "a string does not end");
	if (*t->at != '"')
		return json_text_fail(t, "a control character in a string");
	t->at++;
	return true;
}

static bool digits(struct json_text *t)
{
	const char *begin = t->at;

	while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
		t->at++;
	return t->at > begin;
}

bool json_text_number(struct json_text *t, struct span *out, bool *whole)
{
	const char *begin = t->at;

	*whole = true;
	if (*t->at == '-')
		t->at++;
	if (t->at < t->end && *t->at == '0')
		t->at++;
	else if (!digits(t))
		return json_text_fail(t, t->at > begin ? "expected a digit" :
				      "expected a value");
	if (t->at < t->end && *t->at == '.') {
		*whole = false;
		t->at++;
		if (!digits(t))
			return json_text_fail(t, "expected a digit");
	}
	if (t->at < t->end && (*t->at | 0x20) == 'e') {
		*whole = false;
		t->at++;
		if (t->at < t->end && (*t->at == '+' || *t->at == '-'))
			t->at++;
		if (!digits(t))
			return json_text_fail(t, "expected a digit");
	}
	*out = (struct span){ begin, (size_t)(t->at - begin) };
	return true;
}
