#include "mask.h"

#include "../../shared/text.h"

#define STARS "***"

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* What keys, JWTs and base64 are made of. */
static bool is_token(char c)
{
	return is_word(c) || (c && strchr("-_.~+/=*%", c));
}

static bool is_gap(char c)
{
	return c == ' ' || c == ':' || c == '=' || c == '"' || c == '\'' ||
	       c == '\\' || c == '`' || c == '\t' || c == '<' || c == '(';
}

static size_t token_len(struct span s)
{
	size_t n = 0;

	while (n < s.len && is_token(s.ptr[n]))
		n++;
	while (n && s.ptr[n - 1] == '.')	/* the end of the sentence */
		n--;
	return n;
}

/* Words that stand behind "Bearer" or "api_key" in ordinary sentences. */
static bool is_ordinary(struct span s)
{
	static const char *const words[] = {
		"token", "tokens", "auth", "authentication", "authorization",
		"scheme", "is", "was", "has", "not", "or", "and", "in", "of",
		"for", "required", "missing", "invalid", "expired", "error",
		"header", "null", "none", "realm",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (text_eq_nocase(s, words[i]))
			return true;
	return false;
}

/* Bytes to leave before a secret that a name announces; 0: no such name. */
static size_t after_name(struct span s)
{
	static const char *const names[] = {
		"bearer", "key provided", "access_token", "refresh_token",
		"id_token", "api_key", "apikey", "code_verifier",
		"client_secret", "password", "authorization",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t at = strlen(names[i]);

		if (!text_starts_nocase(s, names[i]) || at >= s.len ||
		    !is_gap(s.ptr[at]))
			continue;
		while (at < s.len && is_gap(s.ptr[at]))
			at++;
		return at;
	}
	return 0;
}

/* A secret that is known by how it begins. */
static bool is_secret(struct span s)
{
	static const struct { const char *start; size_t least; } shapes[] = {
		{ "sk-", 8 }, { "eyJ", 12 }, { "sess-", 16 }, { "at-", 24 },
		{ "rt_", 16 }, { "rt-", 24 }, { "pk-", 16 },
	};

	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (span_starts(s, shapes[i].start) &&
		    token_len(s) >= shapes[i].least)
			return true;
	return false;
}

size_t mask_secrets(char *text, size_t len)
{
	size_t in = 0, out = 0;
	bool inside = false;		/* in the middle of a word */

	while (in < len) {
		struct span s = { text + in, len - in };
		size_t lead = inside ? 0 : after_name(s), n;

		s.ptr += lead;
		s.len -= lead;
		n = token_len(s);
		if (lead && n && is_ordinary((struct span){ s.ptr, n }))
			n = 0;
		if (n > strlen(STARS) &&
		    ((lead && !after_name(s)) || (!inside && is_secret(s)))) {
			memmove(text + out, text + in, lead);
			memcpy(text + out + lead, STARS, strlen(STARS));
			out += lead + strlen(STARS);
			in += lead + n;
			inside = false;
			continue;
		}
		inside = is_word(text[in]);
		text[out++] = text[in++];
	}
	return out;
}
