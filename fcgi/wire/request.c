/*
 * request.c - the parameters of one request, and what we make of them.
 *
 * The block of "NAME=value" strings stays as it came. It is walked once: a name
 * is looked up a score of times, mostly one that is not there, so a small table
 * says where each begins.
 */
#include "request.h"

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"

/* What libfcgi adds of its own (FCGI_ROLE); '=' and NUL replace the lengths. */
#define HEAD_EXTRA 64
#define FIRST_ENTRIES 48

struct request_entry {
	uint32_t at;
	uint16_t name_len;
	uint16_t next;		/* 1-based: of those in the same slot, the one before */
};

/* A control byte: none may stand in a parameter, save the tab. */
static bool is_control(unsigned char c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* Without a branch, and in steps of a known length, so that the compiler makes
 * vectors of it: it runs over each request and almost never finds anything. */
#define STEP 32

static unsigned char any_control(const unsigned char *p, size_t len)
{
	unsigned char found = 0;

	for (size_t i = 0; i < len; i++)
		found |= (unsigned char)((p[i] < 0x20) & (p[i] != '\t') &
					 (p[i] != '\0')) |
			 (unsigned char)(p[i] == 0x7f);
	return found;
}

/* The same for a whole block of strings, whose NULs are no matter. */
static bool has_control(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char found = 0;

	for (; len >= STEP; p += STEP, len -= STEP)
		found |= any_control(p, STEP);
	return found | any_control(p, len);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool request_param_next(const struct request *r, size_t *at, const char **name,
			const char **value)
{
	if (*at >= r->entry_count)
		return false;
	*name = r->params + r->entries[*at].at;
	*value = *name + r->entries[*at].name_len + 1;
	++*at;
	return true;
}

static size_t slot_of(const char *name, size_t len)
{
	const unsigned char *p = (const unsigned char *)name;

	return len ? (len * 5 + p[len - 1] + p[len / 2] * 3u) % REQUEST_SLOTS : 0;
}

/* Of equal names the first counts. */
const char *request_param(const struct request *r, const char *name)
{
	size_t len = strlen(name);
	const char *value = NULL;

	for (size_t i = r->first[slot_of(name, len)]; i; ) {
		const struct request_entry *e = &r->entries[i - 1];

		if (e->name_len == len && memcmp(r->params + e->at, name, len) == 0)
			value = r->params + e->at + len + 1;
		i = e->next;
	}
	return value;
}

static bool add_entry(struct request *r, size_t *size, const char *entry,
		      const char *eq)
{
	size_t len = (size_t)(eq - entry);
	struct request_entry *entries;
	uint16_t *first;

	_Static_assert(MAX_REQUEST_HEAD + HEAD_EXTRA <= UINT16_MAX, "fits an entry");
	if (entry - r->params > MAX_REQUEST_HEAD || len > MAX_REQUEST_HEAD)
		return true;		/* over the ceiling: that is told below */
	if (r->entry_count == *size) {
		*size = *size ? *size * 2 : FIRST_ENTRIES;
		entries = reallocarray(r->entries, *size, sizeof(*entries));
		if (!entries) {
			err_set(&r->note, ERR_NO_MEMORY, "parameters");
			return false;
		}
		r->entries = entries;
	}
	first = &r->first[slot_of(entry, len)];
	r->entries[r->entry_count++] = (struct request_entry){
		.at = (uint32_t)(entry - r->params),
		.name_len = (uint16_t)len, .next = *first,
	};
	*first = (uint16_t)r->entry_count;
	return true;
}

/* Finds the entries, and looks at the ceilings on what the head may hold. */
static void read_params(struct request *r)
{
	size_t headers = 0, at = 0, size = 0;

	if (has_control(r->params, r->params_len))
		err_set(&r->note, ERR_BAD_REQUEST, "control byte in a parameter");
	while (at < r->params_len) {
		const char *entry = r->params + at;
		size_t len = strlen(entry);
		const char *eq = memchr(entry, '=', len);

		if (len > 5 && memcmp(entry, "HTTP_", 5) == 0)
			headers++;
		if (eq && !add_entry(r, &size, entry, eq))
			return;
		at += len + 1;
	}
	if (headers > MAX_REQUEST_HEADERS)
		err_set(&r->note, ERR_HEAD_TOO_LARGE, "%zu header lines", headers);
	if (r->params_len > MAX_REQUEST_HEAD + HEAD_EXTRA)
		err_set(&r->note, ERR_HEAD_TOO_LARGE, "%zu bytes of parameters",
			r->params_len);
}

/* The byte that "%xx" stands for, or -1 when it may not stand in a path. */
static int escaped_byte(struct request *r, const char *src, size_t left)
{
	int hi = left > 2 ? hex_value(src[1]) : -1;
	int lo = left > 2 ? hex_value(src[2]) : -1;

	if (hi < 0 || lo < 0) {
		err_set(&r->note, ERR_BAD_REQUEST, "bad percent escape in the path");
		return -1;
	}
	if (is_control((unsigned char)(hi << 4 | lo)) || (hi << 4 | lo) == '\t') {
		err_set(&r->note, ERR_BAD_REQUEST, "control byte 0x%02x in the path",
			(unsigned)(hi << 4 | lo));
		return -1;
	}
	return hi << 4 | lo;
}

/*
 * Percent-decodes the path into out, which is as long as src at least. What
 * can not be decoded stays as it was and fails the request, which is still
 * answered in the tongue that its path names.
 */
static void decode_path(struct request *r, const char *src, size_t len, char *out)
{
	size_t o = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = -1;

		if (src[i] == '%')
			byte = escaped_byte(r, src + i, len - i);
		if (byte >= 0)
			i += 2;
		out[o++] = byte >= 0 ? (char)byte : src[i];
	}
	out[o] = '\0';
}

/* "http://host/path" is a form that proxies send: only its path counts. */
static const char *after_authority(const char *uri)
{
	const char *p = strstr(uri, "://");

	if (*uri == '/' || !p)
		return uri;
	p += 3;
	p += strcspn(p, "/?");
	return *p == '/' ? p : uri;
}

/*
 * Memory for the method and for a path of path_len bytes at most, which is
 * returned: NULL when there is none. Apart from the parameters, because the
 * log needs both after request_let_go().
 */
static char *words_new(struct request *r, size_t path_len)
{
	const char *method = request_param(r, "REQUEST_METHOD");
	size_t len = method ? strlen(method) : 0;

	r->words = malloc(len + 1 + path_len + 1);
	if (!r->words) {
		err_set(&r->note, ERR_NO_MEMORY, "path of %zu bytes", path_len);
		return NULL;
	}
	if (len)
		memcpy(r->words, method, len);
	r->words[len] = '\0';
	r->words[len + 1] = '\0';
	r->method = r->words;
	r->path = r->words + len + 1;
	return r->words + len + 1;
}

static void find_path_in_uri(struct request *r, const char *uri)
{
	size_t len;
	char *path;

	if (strlen(uri) > MAX_REQUEST_URI)
		err_set(&r->note, ERR_URI_TOO_LONG, "%zu bytes", strlen(uri));
	uri = after_authority(uri);
	len = strcspn(uri, "?");
	path = words_new(r, len);
	if (path)
		decode_path(r, uri, len, path);
	if (uri[len] == '?')
		r->query = uri + len + 1;
}

/* Without REQUEST_URI: these come decoded (RFC 3875 4.1.5, 4.1.13). */
static void find_path_in_parts(struct request *r)
{
	struct span script = span_of(request_param(r, "SCRIPT_NAME"));
	struct span info = span_of(request_param(r, "PATH_INFO"));
	const char *query = request_param(r, "QUERY_STRING");
	size_t len = script.len + info.len;
	char *path = words_new(r, len);

	if (query)
		r->query = query;
	if (len > MAX_REQUEST_URI)
		err_set(&r->note, ERR_URI_TOO_LONG, "%zu bytes", len);
	if (!path)
		return;
	memcpy(path, script.ptr, script.len);
	memcpy(path + script.len, info.ptr, info.len);
	path[len] = '\0';
}

void request_init(struct request *r, char *params, size_t params_len)
{
	const char *uri;

	*r = (struct request){ .method = "", .path = "", .query = "" };
	r->note = ERR_NOTE_INIT;
	r->params = params;
	r->params_len = params_len;
	r->begun_us = clock_mono_us();
	random_id(r->id, sizeof(r->id), "req_");
	buf_init(&r->body, MAX_REQUEST_BODY);
	read_params(r);
	uri = request_param(r, "REQUEST_URI");
	if (uri && *uri)
		find_path_in_uri(r, uri);
	else
		find_path_in_parts(r);
}

struct request *request_copy(const struct request *r)
{
	struct request *copy = r->params ? malloc(sizeof(*copy)) : NULL;
	char *params = copy ? malloc(r->params_len + 1) : NULL;

	if (!params) {
		free(copy);
		return NULL;
	}
	memcpy(params, r->params, r->params_len);
	params[r->params_len] = '\0';
	request_init(copy, params, r->params_len);
	memcpy(copy->id, r->id, sizeof(copy->id));
	copy->begun_us = r->begun_us;
	copy->on_heap = true;
	return copy;
}

void request_let_go(struct request *r)
{
	if (!r)
		return;
	buf_free(&r->body);
	if (r->params)
		explicit_bzero(r->params, r->params_len);	/* keys, logins */
	free(r->params);
	free(r->entries);
	r->params = NULL;
	r->entries = NULL;
	r->params_len = r->entry_count = 0;
	memset(r->first, 0, sizeof(r->first));
	r->query = "";
}

void request_free(struct request *r)
{
	if (!r)
		return;
	request_let_go(r);
	free(r->words);
	r->words = NULL;
	r->method = r->path = "";
	if (r->on_heap)
		free(r);
}
