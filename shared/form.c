/* form.c - see form.h. */
#include "form.h"

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void form_add(struct buf *out, const char *name, struct span value)
{
	if (out->len && out->ptr[out->len - 1] != '?')
		buf_char(out, '&');
	buf_str(out, name);
	buf_char(out, '=');
	for (size_t i = 0; i < value.len; i++) {
		if (is_unreserved(value.ptr[i]))
			buf_char(out, value.ptr[i]);
		else
			buf_fmt(out, "%%%02X", (unsigned char)value.ptr[i]);
	}
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			if (i + 2 >= s.len || hex(s.ptr[i + 1]) < 0 ||
			    hex(s.ptr[i + 2]) < 0)
				return false;
			c = (char)(hex(s.ptr[i + 1]) << 4 | hex(s.ptr[i + 2]));
			i += 2;
		}
		buf_char(out, c);
	}
	return !buf_err(out);
}

bool form_get(struct span query, const char *name, struct buf *out)
{
	size_t len = strlen(name);

	while (query.len) {
		const char *end = memchr(query.ptr, '&', query.len);
		size_t one = end ? (size_t)(end - query.ptr) : query.len;

		if (one > len && memcmp(query.ptr, name, len) == 0 &&
		    query.ptr[len] == '=')
			return decode((struct span){ query.ptr + len + 1,
						     one - len - 1 }, out);
		query.ptr += one + (end != NULL);
		query.len -= one + (end != NULL);
	}
	return false;
}
