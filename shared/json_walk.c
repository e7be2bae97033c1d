/* json_walk.c - see json_walk.h. */
#include "json_walk.h"

#include "ceilings.h"
#include "text.h"
#include "utf8.h"

static void blanks(struct json_walk *w)
{
	while (w->at < w->end && (*w->at == ' ' || *w->at == '\n' ||
				  *w->at == '\r' || *w->at == '\t'))
		w->at++;
}

static bool is_digit(const struct json_walk *w)
{
	return w->at < w->end && *w->at >= '0' && *w->at <= '9';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind a backslash. */
static bool skip_escape(struct json_walk *w)
{
	if (w->at == w->end || !*w->at)
		return false;
	if (*w->at != 'u')
		return strchr("\"\\/bfnrt", *w->at++) != NULL;
	if (w->end - w->at < 5)
		return false;
	for (int i = 1; i < 5; i++)
		if (!is_hex(w->at[i]))
			return false;
	w->at += 5;
	return true;
}

/* plain: nothing in it is escaped. */
static bool skip_string(struct json_walk *w, bool *plain)
{
	bool ok = true, more;

	*plain = true;
	w->at++;
	while (ok) {
		const unsigned char *p = (const unsigned char *)w->at;
		size_t left = (size_t)(w->end - w->at), run;

		run = utf8_plain_run(p, left);
		w->at += run;
		if (run == left)
			return false;
		if (*w->at == '"') {
			w->at++;
			return true;
		}
		if (*w->at == '\\') {
			*plain = false;
			w->at++;
			ok = skip_escape(w);
		} else {
			ok = p[run] >= 0x80;
			if (ok)
				w->at += utf8_step(p + run, left - run, &ok, &more);
		}
	}
	return false;
}

static bool skip_digits(struct json_walk *w)
{
	if (!is_digit(w))
		return false;
	while (is_digit(w))
		w->at++;
	return true;
}

static bool skip_number(struct json_walk *w)
{
	if (*w->at == '-')
		w->at++;
	if (w->at < w->end && *w->at == '0')
		w->at++;
	else if (!skip_digits(w))
		return false;
	if (w->at < w->end && *w->at == '.') {
		w->at++;
		if (!skip_digits(w))
			return false;
	}
	if (w->at < w->end && (*w->at | 0x20) == 'e') {
		w->at++;
		if (w->at < w->end && (*w->at == '+' || *w->at == '-'))
			w->at++;
		return skip_digits(w);
	}
	return true;
}

static bool skip_word(struct json_walk *w, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(w->end - w->at) < len || memcmp(w->at, word, len) != 0)
		return false;
	w->at += len;
	return true;
}

static bool skip_value(struct json_walk *w, int depth);

/* A key and its colon; key may be NULL. */
static bool skip_key(struct json_walk *w, struct span *key)
{
	const char *begin = w->at + 1;
	bool plain;

	if (w->at == w->end || *w->at != '"' || !skip_string(w, &plain))
		return false;
	if (key) {
		*key = (struct span){ begin, (size_t)(w->at - begin - 1) };
		if (!plain)
			return false;
	}
	blanks(w);
	if (w->at == w->end || *w->at++ != ':')
		return false;
	blanks(w);
	return true;
}

static bool skip_list(struct json_walk *w, char close, int depth)
{
	if (depth > MAX_JSON_DEPTH)
		return false;
	w->at++;
	blanks(w);
	if (w->at < w->end && *w->at == close) {
		w->at++;
		return true;
	}
	for (;;) {
		if (close == '}' && !skip_key(w, NULL))
			return false;
		if (!skip_value(w, depth))
			return false;
		blanks(w);
		if (w->at == w->end)
			return false;
		if (*w->at == close) {
			w->at++;
			return true;
		}
		if (*w->at++ != ',')
			return false;
		blanks(w);
	}
}

/* depth: of the list that it stands in. */
static bool skip_value(struct json_walk *w, int depth)
{
	bool plain;

	if (w->at == w->end)
		return false;
	switch (*w->at) {
	case '"':
		return skip_string(w, &plain);
	case '{':
		return skip_list(w, '}', depth + 1);
	case '[':
		return skip_list(w, ']', depth + 1);
	case 'n':
		return skip_word(w, "null");
	case 't':
		return skip_word(w, "true");
	case 'f':
		return skip_word(w, "false");
	default:
		return skip_number(w);
	}
}

static void begin(struct json_walk *w, struct span text, char open, char close)
{
	*w = (struct json_walk){ .at = text.ptr, .end = text.ptr + text.len,
				 .close = close };
	blanks(w);
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

/* At the closing bracket: nothing may follow. */
static bool at_end(struct json_walk *w)
{
	w->at++;
	blanks(w);
	w->ok = w->at == w->end;
	w->close = '\0';
	return false;
}

bool json_walk_next(struct json_walk *w, struct span *key, struct span *value)
{
	if (!w->ok || !w->close)
		return false;
	blanks(w);
	if (w->at < w->end && *w->at == w->close)
		return at_end(w);
	w->ok = false;
	if (w->begun && (w->at == w->end || *w->at++ != ','))
		return false;
	w->begun = true;
	blanks(w);
	*key = SPAN("");
	if (w->close == '}' && !skip_key(w, key))
		return false;
	value->ptr = w->at;
	if (!skip_value(w, 1))
		return false;
	value->len = (size_t)(w->at - value->ptr);
	w->ok = true;
	return true;
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
