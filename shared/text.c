/* text.c - see text.h. */
#include <math.h>

#include "text.h"
#include "utf8.h"

bool text_int(struct span s, int64_t *out)
{
	uint64_t n = 0, max = INT64_MAX;
	bool minus = s.len > 0 && s.ptr[0] == '-';
	size_t i = minus;

	if (i == s.len)
		return false;
	max += minus;
	for (; i < s.len; i++) {
		unsigned digit = (unsigned)(s.ptr[i] - '0');

		if (digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = minus ? (int64_t)-n : (int64_t)n;
	return true;
}

bool text_double(struct span s, double *out)
{
	char text[64];
	size_t i = 0, digits = 0, dots = 0;
	double d;

	if (s.len == 0 || s.len >= sizeof(text))
		return false;
	if (s.ptr[0] == '-')
		i++;
	for (; i < s.len; i++) {
		if (s.ptr[i] >= '0' && s.ptr[i] <= '9')
			digits++;
		else if (s.ptr[i] == '.' && digits > 0 && dots == 0)
			dots++;
		else
			return false;
	}
	if (digits == 0 || s.ptr[s.len - 1] == '.')
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	d = strtod(text, NULL);
	if (!isfinite(d))
		return false;
	*out = d;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span text_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool text_starts_nocase(struct span a, const char *b)
{
	size_t i;

	for (i = 0; b[i]; i++)
		if (i == a.len || lower(a.ptr[i]) != lower(b[i]))
			return false;
	return true;
}

bool text_eq_nocase(struct span a, const char *b)
{
	return a.len == strlen(b) && text_starts_nocase(a, b);
}

bool text_next(struct span *rest, char sep, struct span *piece)
{
	const char *end;
	size_t len;

	while (rest->len > 0) {
		end = memchr(rest->ptr, sep, rest->len);
		len = end ? (size_t)(end - rest->ptr) : rest->len;
		*piece = text_trim((struct span){ rest->ptr, len });
		if (end)
			len++;
		rest->ptr += len;
		rest->len -= len;
		if (piece->len > 0)
			return true;
	}
	return false;
}

bool text_glob(const char *pattern, struct span s)
{
	const char *star = NULL;	/* behind the last '*' seen */
	size_t i = 0, mark = 0;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			mark = i;
		} else if (i < s.len && *pattern && *pattern == s.ptr[i]) {
			pattern++;
			i++;
		} else if (i == s.len && !*pattern) {
			return true;
		} else if (star && mark < s.len) {
			/* let the last '*' take one byte more */
			pattern = star;
			i = ++mark;
		} else {
			return false;
		}
	}
}

bool utf8_valid(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i = 0;
	uint64_t w;
	bool ok, more;

	while (i < s.len) {
		if (i + sizeof(w) <= s.len) {
			memcpy(&w, p + i, sizeof(w));
			if (!(w & UINT64_C(0x8080808080808080))) {
				i += sizeof(w);
				continue;
			}
		}
		i += utf8_step(p + i, s.len - i, &ok, &more);
		if (!ok)
			return false;
	}
	return true;
}

size_t utf8_partial_tail(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t back;
	bool ok, more;

	for (back = 1; back <= 3 && back <= s.len; back++) {
		if ((p[s.len - back] & 0xc0) == 0x80)
			continue;
		utf8_step(p + s.len - back, back, &ok, &more);
		return more ? back : 0;
	}
	return 0;
}

static int base64url_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct span s, struct buf *out)
{
	uint32_t bits = 0;
	unsigned have = 0;
	int digit, pad = 0;
	size_t i;

	while (s.len > 0 && s.ptr[s.len - 1] == '=' && pad < 2) {
		s.len--;
		pad++;
	}
	if (s.len % 4 == 1 || (pad && (s.len + (size_t)pad) % 4))
		return false;
	for (i = 0; i < s.len; i++) {
		digit = base64url_digit(s.ptr[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_char(out, (char)(bits >> have & 0xff));
		}
	}
	return true;
}

bool text_copy(char *dst, size_t size, struct span s)
{
	bool fits = s.len < size;

	if (size == 0)
		return false;
	if (!fits) {
		s.len = size - 1;
		s.len -= utf8_partial_tail(s);	/* no half character */
	}
	memcpy(dst, s.ptr, s.len);
	dst[s.len] = '\0';
	return fits;
}

void base64url_encode(struct span s, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < s.len; i++) {
		bits = bits << 8 | (unsigned char)s.ptr[i];
		for (have += 8; have >= 6; have -= 6)
			buf_char(out, digits[bits >> (have - 6) & 63]);
	}
	if (have)
		buf_char(out, digits[bits << (6 - have) & 63]);
}

bool text_eq_secret(struct span a, struct span b)
{
	volatile unsigned char differ = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differ |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
	return differ == 0;
}
