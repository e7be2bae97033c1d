/* names.c - see names.h. */
#include "names.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

/* 64 bits of the hash: two names of one request do not meet by accident, and
 * who makes them meet on purpose only confuses his own tools. */
#define HASH_CHARS 16

static bool fit_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool fit(struct span name)
{
	if (name.len == 0 || name.len > MAX_UPSTREAM_NAME)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!fit_char(name.ptr[i]))
			return false;
	return true;
}

static size_t add(char *out, size_t at, const char *ptr, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[at + i] = fit_char(ptr[i]) ? ptr[i] : '_';
	return at + len;
}

/*
 * The model chooses tools by their names, so as much of the name as there is
 * room for stays readable: all of a short one, else its end, which tells one
 * tool of a server from another.
 */
static void make_fit(struct span full, char out[65])
{
	char hash[65];
	size_t at = 0, room = MAX_UPSTREAM_NAME - HASH_CHARS - 1;

	sha256_hex(full, hash);
	if (full.len <= room) {
		at = add(out, at, full.ptr, full.len);
		out[at++] = '_';
		at = add(out, at, hash, HASH_CHARS);
	} else {
		if (span_starts(full, "mcp__"))
			at = add(out, at, "mcp__", 5);
		at = add(out, at, hash, HASH_CHARS);
		out[at++] = '_';
		room = MAX_UPSTREAM_NAME - at;
		at = add(out, at, full.ptr + full.len - room, room);
	}
	out[at] = '\0';
}

void names_init(struct names *n)
{
	*n = (struct names){ 0 };
}

void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->pairs[i].shorted);
		free(n->pairs[i].full);
	}
	free(n->pairs);
	names_init(n);
}

static bool remembered(const struct names *n, const char *shorted)
{
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->pairs[i].shorted, shorted))
			return true;
	return false;
}

static bool remember(struct names *n, const char *shorted, struct span full)
{
	struct name_pair pair;

	/* Grown by doubling whenever the count is a power of two. */
	if ((n->count & (n->count - 1)) == 0) {
		size_t size = n->count ? 2 * n->count : 1;
		void *pairs = realloc(n->pairs, size * sizeof(*n->pairs));

		if (!pairs)
			return false;
		n->pairs = pairs;
	}
	pair.shorted = strdup(shorted);
	pair.full = strndup(full.ptr, full.len);
	if (!pair.shorted || !pair.full) {
		free(pair.shorted);
		free(pair.full);
		return false;
	}
	n->pairs[n->count++] = pair;
	return true;
}

bool names_short(struct names *n, struct span full, char out[65])
{
	names_call_id(full, out);
	if (span_eq(full, out) || remembered(n, out))
		return true;
	return remember(n, out, full);
}

void names_call_id(struct span full, char out[65])
{
	if (fit(full)) {
		memcpy(out, full.ptr, full.len);
		out[full.len] = '\0';
	} else {
		make_fit(full, out);
	}
}

struct span names_full(const struct names *n, struct span name)
{
	for (size_t i = 0; i < n->count; i++)
		if (span_eq(name, n->pairs[i].shorted))
			return span_of(n->pairs[i].full);
	return name;
}
