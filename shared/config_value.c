/*
 * config_value.c - a setting's text to its member: one short function a type.
 *
 * A refusal is one sentence: setting, where it was set, value, what is
 * wanted. The value of a secret, and of a URL that holds a password, is never
 * quoted.
 */
#include "config_private.h"

#include <limits.h>

#include "file.h"
#include "text.h"

/* The member of a setting, as a pointer to its type. */
#define MEMBER(type, c, s) ((type *)(void *)((char *)(c) + (s)->offset))

void config_want(const struct setting *s, struct buf *out)
{
	switch (s->type) {
	case TYPE_STR:	  buf_str(out, "one line of text"); break;
	case TYPE_PATH:	  buf_str(out, "a path"); break;
	case TYPE_URL:	  buf_str(out, "an http:// or https:// URL"); break;
	case TYPE_BOOL:	  buf_str(out, "1/0, true/false, yes/no or on/off"); break;
	case TYPE_LIST:	  buf_str(out, "a comma-separated list"); break;
	case TYPE_SECRET: buf_str(out, "one word without blanks"); break;
	case TYPE_ENUM:	  buf_fmt(out, "one of %s", s->values); break;
	case TYPE_INT:
		buf_fmt(out, "a number from %lld to %lld", (long long)s->min,
			(long long)s->max);
		break;
	case TYPE_MILLIS:
		buf_fmt(out, "%g to %g seconds (fractions, or 90s, 5m, 2h, 1d)",
			(double)s->min / 1000, (double)s->max / 1000);
		break;
	}
}

/* A refusal with the words of the type, or with want in their place. */
static enum err refuse(const struct setting *s, const char *text,
		       const char *where, const char *want, struct err_note *note)
{
	struct buf words;
	enum err err;

	buf_init(&words, MAX_SETTING_VALUE);
	config_want(s, &words);
	if (text && s->type != TYPE_SECRET)
		err = err_tell(note, ERR_CONFIG, "%s (%s): \"%.120s\" is not it; "
			       "wanted is %s.", s->name, where, text,
			       want ? want : words.ptr);
	else
		err = err_tell(note, ERR_CONFIG, "%s (%s): wanted is %s.", s->name,
			       where, want ? want : words.ptr);
	buf_free(&words);
	return err;
}

static bool read_bool(struct span text, bool *out)
{
	static const char *const yes[] = { "1", "true", "yes", "on" };
	static const char *const no[] = { "0", "false", "no", "off" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (text_eq_nocase(text, yes[i]) || text_eq_nocase(text, no[i])) {
			*out = text_eq_nocase(text, yes[i]);
			return true;
		}
	}
	return false;
}

static bool read_int(const struct setting *s, struct span text, int64_t *out)
{
	return text_int(text, out) && *out >= s->min && *out <= s->max;
}

/* "2.5", "90s", "5m", "250ms": to milliseconds within the setting's range. */
static bool read_millis(const struct setting *s, struct span text, int64_t *out)
{
	static const struct { const char *word; double ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60e3 }, { "h", 3600e3 },
		{ "d", 86400e3 },
	};
	double number, ms = 1000;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t len = strlen(units[i].word);
		struct span tail = { text.ptr + text.len - len, len };

		if (text.len <= len || !text_eq_nocase(tail, units[i].word))
			continue;
		text = text_trim((struct span){ text.ptr, text.len - len });
		ms = units[i].ms;
		break;
	}
	if (!text_double(text, &number))
		return false;
	number *= ms;
	if (!(number >= (double)s->min && number <= (double)s->max))
		return false;
	*out = (int64_t)(number + 0.5);
	return true;
}

/* Case aside, and '_' is as good as '-'. */
static bool same_word(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char x = a.ptr[i] == '_' ? '-' : a.ptr[i];

		if (x >= 'A' && x <= 'Z')
			x = (char)(x + 32);
		if (x != b.ptr[i])
			return false;
	}
	return true;
}

static bool read_enum(const struct setting *s, struct span text, int *out)
{
	struct span rest = span_of(s->values), word;

	for (int i = 0; text_next(&rest, '|', &word); i++) {
		if (same_word(text, word)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return !utf8_valid(text);
}

static bool has_blank(struct span text)
{
	return memchr(text.ptr, ' ', text.len) != NULL;
}

/*
 * NULL when url (trailing '/' gone already) is one we would call, else what
 * is wanted in its place. *quote is cleared when it must not be shown.
 */
static const char *url_fault(struct span url, bool *quote)
{
	bool tls = text_starts_nocase(url, "https://");
	size_t scheme = tls ? 8 : 7, host_len;
	const char *colon, *end;
	struct span rest, host;
	char name[256];
	int64_t port;

	*quote = !memchr(url.ptr, '@', url.len);
	if (!tls && !text_starts_nocase(url, "http://"))
		return "an http:// or https:// URL";
	if (has_blank(url))
		return "a URL without blanks";
	rest = (struct span){ url.ptr + scheme, url.len - scheme };
	end = memchr(rest.ptr, '/', rest.len);
	host = (struct span){ rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len };
	if (memchr(host.ptr, '@', host.len))
		return "a URL without user and password";
	if (memchr(url.ptr, '?', url.len) || memchr(url.ptr, '#', url.len))
		return "a URL without '?' and '#'";
	end = host.len && host.ptr[0] == '[' ?
		memchr(host.ptr, ']', host.len) : host.ptr;
	if (!end)
		return "a URL with a whole IPv6 address";
	colon = memchr(end, ':', (size_t)(host.ptr + host.len - end));
	host_len = colon ? (size_t)(colon - host.ptr) : host.len;
	if (colon && (!text_int((struct span){ colon + 1,
				host.len - host_len - 1 }, &port) ||
		      port < 1 || port > 65535))
		return "a URL with a port from 1 to 65535";
	if (!host_len || !text_copy(name, sizeof(name),
				    (struct span){ host.ptr, host_len }))
		return "a URL with a host";
	if (!tls && !config_is_loopback(name))
		return "https:// for a host that is not this machine";
	return NULL;
}

static enum err read_url(struct config *c, const struct setting *s,
			 const char *text, const char *where, struct err_note *note)
{
	struct span url = span_of(text);
	const char *fault;
	bool quote;

	while (url.len && url.ptr[url.len - 1] == '/')
		url.len--;
	fault = url_fault(url, &quote);
	if (!fault && s != &config_settings[SETTING_auth_issuer] && url.len > 10 &&
	    memcmp(url.ptr + url.len - 10, "/responses", 10) == 0)
		fault = "the part of the URL before /responses";
	if (fault)
		return refuse(s, quote ? text : NULL, where, fault, note);
	*MEMBER(const char *, c, s) = config_keep(c, url);
	return *MEMBER(const char *, c, s) ? 0 :
		err_set(note, ERR_NO_MEMORY, "settings");
}

static enum err read_path(struct config *c, const struct setting *s,
			  const char *text, const char *where, struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	char path[PATH_MAX];

	if (file_expand(text, path, sizeof(path), &why))
		return refuse(s, text, where, why.why, note);
	*MEMBER(const char *, c, s) = config_keep(c, span_of(path));
	return *MEMBER(const char *, c, s) ? 0 :
		err_set(note, ERR_NO_MEMORY, "settings");
}

/* What a piece of one of the lists can not be; NULL: it is fine. */
static const char *piece_fault(const struct setting *s, struct span piece)
{
	bool origins = s == &config_settings[SETTING_allowed_origins];
	bool quote;

	if (s == &config_settings[SETTING_prompt_base_urls] ||
	    s == &config_settings[SETTING_prompt_codex_urls])
		return url_fault(piece, &quote);
	if (has_blank(piece) || memchr(piece.ptr, '*', piece.len))
		return "a comma-separated list of whole names, no blanks, no '*'";
	if (!origins)
		return memchr(piece.ptr, '/', piece.len) ?
			"a list of host names, without scheme or path" : NULL;
	if (!text_starts_nocase(piece, "https://") &&
	    !text_starts_nocase(piece, "http://"))
		return "a list of origins like https://app.example";
	if (piece.ptr[piece.len - 1] == '/')
		return "a list of origins, none with a '/' at the end";
	return NULL;
}

static bool is_sha256(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] ||
		    !strchr("0123456789abcdefABCDEF", text.ptr[i]))
			return false;
	return text.len == 64;
}

static enum err read_string(struct config *c, const struct setting *s,
			    const char *text, const char *where,
			    struct err_note *note)
{
	struct span rest = span_of(text), piece;
	const char *fault;

	if (s->type == TYPE_SECRET && has_blank(rest))
		return refuse(s, NULL, where, NULL, note);
	if ((s == &config_settings[SETTING_prompt_base_sha256] ||
	     s == &config_settings[SETTING_prompt_codex_sha256]) &&
	    !is_sha256(rest))
		return refuse(s, text, where, "a SHA-256: 64 hexadecimal digits",
			      note);
	while (s->type == TYPE_LIST && text_next(&rest, ',', &piece)) {
		fault = piece_fault(s, piece);
		if (fault)
			return refuse(s, text, where, fault, note);
	}
	*MEMBER(const char *, c, s) = text;
	return 0;
}

enum err config_value(struct config *c, const struct setting *s,
		      const char *text, const char *where, struct err_note *note)
{
	struct span span = span_of(text);
	bool ok = true;

	if (span.len > MAX_SETTING_VALUE)
		return refuse(s, NULL, where, "a shorter value", note);
	if (has_control(span))
		return refuse(s, NULL, where, "text in UTF-8 without control "
			      "characters", note);
	switch (s->type) {
	case TYPE_URL:	  return read_url(c, s, text, where, note);
	case TYPE_PATH:	  return read_path(c, s, text, where, note);
	case TYPE_STR:
	case TYPE_LIST:
	case TYPE_SECRET: return read_string(c, s, text, where, note);
	case TYPE_BOOL:	  ok = read_bool(span, MEMBER(bool, c, s)); break;
	case TYPE_INT:	  ok = read_int(s, span, MEMBER(int64_t, c, s)); break;
	case TYPE_MILLIS: ok = read_millis(s, span, MEMBER(int64_t, c, s)); break;
	case TYPE_ENUM:	  ok = read_enum(s, span, MEMBER(int, c, s)); break;
	}
	return ok ? 0 : refuse(s, text, where, NULL, note);
}
