/*
 * json_walk.c - see json_walk.h.
 *
 * Each function takes where it stands and returns where it has come to, or
 * NULL when that is no JSON: so all of it stays in registers.
 */
#include "json_walk.h"

#include "ceilings.h"
#include "text.h"
#include "utf8.h"

/* Most texts have none: one look says so. */
static inline const char *blanks(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ' &&
	       (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind a backslash. */
static const char *skip_escape(const char *p, const char *end)
{
	if (p == end || !*p)
		return NULL;
	if (*p != 'u')
		return strchr("\"\\/bfnrt", *p) ? p + 1 : NULL;
	if (end - p < 5)
		return NULL;
	for (int i = 1; i < 5; i++)
		if (!is_hex(p[i]))
			return NULL;
	return p + 5;
}

/* What is not plain ASCII, from p on. */
static const char *skip_rest(const char *p, const char *end)
{
	bool ok, more;

	while (p && p < end && *p != '"') {
		const unsigned char *u = (const unsigned char *)p;
		size_t left = (size_t)(end - p), step;

		if (*u == '\\') {
			p = skip_escape(p + 1, end);
		} else if (*u >= 0x80) {
			step = utf8_step(u, left, &ok, &more);
			p = ok ? p + step : NULL;
		} else if ((step = utf8_plain_run(u, left))) {
			p += step;
		} else {
			return NULL;	/* a control character */
		}
	}
	return p && p < end ? p + 1 : NULL;
}

static inline const char *skip_string(const char *p, const char *end)
{
	p++;
	p += utf8_plain_run((const unsigned char *)p, (size_t)(end - p));
	return p < end && *p == '"' ? p + 1 : skip_rest(p, end);
}

static const char *skip_digits(const char *p, const char *end)
{
	if (p == end || *p < '0' || *p > '9')
		return NULL;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *skip_number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	p = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
	if (p && p < end && *p == '.')
		p = skip_digits(p + 1, end);
	if (!p || p == end || (*p | 0x20) != 'e')
		return p;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		p++;
	return skip_digits(p, end);
}

static const char *skip_word(const char *p, const char *end, struct span word)
{
	if ((size_t)(end - p) < word.len || memcmp(p, word.ptr, word.len) != 0)
		return NULL;
	return p + word.len;
}

/* From behind a key to its value. */
static inline const char *skip_colon(const char *p, const char *end)
{
	p = blanks(p, end);
	return p < end && *p == ':' ? blanks(p + 1, end) : NULL;
}

static const char *skip_value(const char *p, const char *end, int depth);

/* p: behind the opening bracket. */
static const char *skip_list(const char *p, const char *end, char close, int depth)
{
	if (depth > MAX_JSON_DEPTH)
		return NULL;
	p = blanks(p, end);
	if (p < end && *p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			if (p == end || *p != '"' || !(p = skip_string(p, end)) ||
			    !(p = skip_colon(p, end)))
				return NULL;
		}
		p = skip_value(p, end, depth);
		if (!p)
			return NULL;
		p = blanks(p, end);
		if (p == end)
			return NULL;
		if (*p == close)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = blanks(p + 1, end);
	}
}

/* depth: of the list that it stands in. */
static const char *skip_value(const char *p, const char *end, int depth)
{
	if (p == end)
		return NULL;
	switch (*p) {
	case '"':
		return skip_string(p, end);
	case '{':
		return skip_list(p + 1, end, '}', depth + 1);
	case '[':
		return skip_list(p + 1, end, ']', depth + 1);
	case 'n':
		return skip_word(p, end, SPAN("null"));
	case 't':
		return skip_word(p, end, SPAN("true"));
	case 'f':
		return skip_word(p, end, SPAN("false"));
	default:
		return skip_number(p, end);
	}
}

static void begin(struct json_walk *w, struct span text, char open, char close)
{
	*w = (struct json_walk){ .at = text.ptr, .end = text.ptr + text.len,
				 .close = close, .depth = 1 };
	w->at = blanks(w->at, w->end);
	w->ok = w->at < w->end && *w->at == open;
	w->at += w->ok;
}

void json_walk_object(struct json_walk *w, struct span text)
{
	begin(w, text, '{', '}');
}

void json_walk_array(struct json_walk *w, struct span text)
{
	begin(w, text, '[', ']');
}

/* The key at p; returns where its value begins. NULL too for one with escapes. */
static inline const char *take_key(const char *p, const char *end, struct span *key)
{
	const char *begin = ++p;

	if (begin > end || begin[-1] != '"')
		return NULL;
	p += utf8_plain_run((const unsigned char *)p, (size_t)(end - p));
	if (p < end && (unsigned char)*p >= 0x80) {
		const char *close = skip_rest(p, end);

		p = close && !memchr(p, '\\', (size_t)(close - p)) ? close - 1 : end;
	}
	if (p == end || *p != '"')
		return NULL;
	*key = (struct span){ begin, (size_t)(p - begin) };
	return skip_colon(p + 1, end);
}

/* p: at the closing bracket. Behind the outermost nothing may follow. */
static bool at_close(struct json_walk *w, const char *p)
{
	w->at = p + 1;
	w->ok = w->inside || blanks(p + 1, w->end) == w->end;
	w->close = '\0';
	return false;
}

bool json_walk_key(struct json_walk *w, struct span *key)
{
	const char *p = w->at, *end = w->end;

	if (!w->ok || !w->close)
		return false;
	p = blanks(p, end);
	if (p < end && *p == w->close)
		return at_close(w, p);
	w->ok = false;
	if (w->begun) {
		if (p == end || *p != ',')
			return false;
		p = blanks(p + 1, end);
	}
	w->begun = true;
	*key = SPAN("");
	if (w->close == '}' && (p == end || !(p = take_key(p, end, key))))
		return false;
	w->at = p;
	return w->ok = true;
}

bool json_walk_value(struct json_walk *w, struct span *value)
{
	const char *begin = w->at;

	w->at = skip_value(begin, w->end, w->depth);
	w->ok = w->at != NULL;
	if (w->ok)
		*value = (struct span){ begin, (size_t)(w->at - begin) };
	return w->ok;
}

bool json_walk_next(struct json_walk *w, struct span *key, struct span *value)
{
	return json_walk_key(w, key) && json_walk_value(w, value);
}

bool json_walk_enter(struct json_walk *w, struct json_walk *inner)
{
	if (w->at == w->end || *w->at != '{' || w->depth >= MAX_JSON_DEPTH)
		return false;
	*inner = (struct json_walk){
		.at = w->at + 1, .end = w->end, .close = '}', .ok = true,
		.inside = true, .depth = w->depth + 1,
	};
	return true;
}

void json_walk_leave(struct json_walk *w, const struct json_walk *inner)
{
	w->at = inner->at;
	w->ok = inner->ok && !inner->close;
}

struct span json_walk_get(struct span object, const char *name)
{
	struct span key, value, found = SPAN("");
	struct json_walk w;

	json_walk_object(&w, object);
	while (json_walk_next(&w, &key, &value))
		if (span_eq(key, name))
			found = value;
	return w.ok ? found : SPAN("");
}

bool json_walk_str(struct span value, struct span *out)
{
	if (value.len < 2 || value.ptr[0] != '"' ||
	    memchr(value.ptr, '\\', value.len))
		return false;
	*out = (struct span){ value.ptr + 1, value.len - 2 };
	return true;
}

bool json_walk_int(struct span value, int64_t *out)
{
	char first = value.len ? value.ptr[0] : '\0';

	/* "-0" is a double to the parser */
	return ((first >= '0' && first <= '9') ||
		(first == '-' && value.len > 1 && value.ptr[1] != '0')) &&
	       text_int(value, out);
}
