/*
 * json_read.c - the parser: RFC 8259 to the letter, building json-c's objects.
 *
 * json-c's own tokener takes single quotes, NaN, comments and more, refuses
 * big numbers and looks at each byte through a state machine; a descent of our
 * own is shorter than the checks it would need around it, and faster.
 */
#include "ceilings.h"
#include "json.h"
#include "json_text.h"

/* Small values are the dear ones: "{}" costs 800 bytes of memory. So they are
 * weighed: about 300 MB of objects at the most from any text. */
#define MAX_WEIGHT	4000000u
#define OBJECT_WEIGHT	10u
#define ARRAY_WEIGHT	3u

struct json_reader {
	struct buf scratch;
};

/* A key waits for its value, which may need the scratch buffer itself. */
struct key {
	char small[64];
	char *ptr;
};

static bool value(struct json_text *t, struct json_object **out);

static bool weigh(struct json_text *t, unsigned weight)
{
	t->weight += weight;
	if (t->weight <= MAX_WEIGHT)
		return true;
	err_tell(t->note, ERR_TOO_LARGE, "the JSON holds too many values");
	return false;
}

static bool no_memory(struct json_text *t)
{
	err_set(t->note, ERR_NO_MEMORY, "JSON of %zu bytes",
		(size_t)(t->end - t->start));
	return false;
}

static bool enter(struct json_text *t)
{
	if (++t->depth <= MAX_JSON_DEPTH)
		return true;
	return json_text_too_deep(t);
}

static bool key_take(struct json_text *t, struct key *k)
{
	struct span s;

	k->ptr = k->small;
	if (t->at == t->end || *t->at != '"')
		return json_text_fail(t, "expected a key in double quotes");
	if (!json_text_string(t, &s))
		return false;
	if (s.len >= sizeof(k->small)) {
		k->ptr = malloc(s.len + 1);
		if (!k->ptr)
			return no_memory(t);
	}
	memcpy(k->ptr, s.ptr, s.len);
	k->ptr[s.len] = '\0';
	return true;
}

static void key_free(struct key *k)
{
	if (k->ptr != k->small)
		free(k->ptr);
}

static bool member(struct json_text *t, struct json_object *obj)
{
	struct json_object *v = NULL;
	struct key k;
	bool ok = false;

	if (!key_take(t, &k))
		goto out;
	json_text_blanks(t);
	if (t->at == t->end || *t->at != ':') {
		json_text_fail(t, "expected ':' after the key");
		goto out;
	}
	t->at++;
	if (!value(t, &v))
		goto out;
	if (json_object_object_add(obj, k.ptr, v) < 0) {
		no_memory(t);
		goto out;
	}
	v = NULL;
	ok = true;
out:
	json_object_put(v);
	key_free(&k);
	return ok;
}

static bool element(struct json_text *t, struct json_object *array)
{
	struct json_object *v = NULL;

	if (!value(t, &v))
		goto fail;
	if (json_object_array_add(array, v) < 0) {
		no_memory(t);
		goto fail;
	}
	return true;
fail:
	json_object_put(v);
	return false;
}

/* What stands between the brackets, which are close and the byte before at. */
static bool list(struct json_text *t, struct json_object *in, char close,
		 bool (*one)(struct json_text *t, struct json_object *in))
{
	size_t count = 0;

	json_text_blanks(t);
	if (t->at < t->end && *t->at == close)
		goto closed;
	for (;;) {
		if (++count > MAX_JSON_MEMBERS) {
			err_tell(t->note, ERR_TOO_LARGE,
				 "a JSON value holds more than %d members",
				 MAX_JSON_MEMBERS);
			return false;
		}
		if (!one(t, in))
			return false;
		json_text_blanks(t);
		if (t->at < t->end && *t->at == close)
			goto closed;
		if (t->at == t->end || *t->at != ',')
			return json_text_fail(t, close == '}' ?
					      "expected ',' or '}'" :
					      "expected ',' or ']'");
		t->at++;
		json_text_blanks(t);
	}
closed:
	t->at++;
	return true;
}

static bool object(struct json_text *t, struct json_object **out)
{
	t->at++;
	if (!enter(t) || !weigh(t, OBJECT_WEIGHT))
		return false;
	*out = json_object_new_object();
	if (!*out)
		return no_memory(t);
	if (!list(t, *out, '}', member))
		return false;
	t->depth--;
	return true;
}

static bool array(struct json_text *t, struct json_object **out)
{
	t->at++;
	if (!enter(t) || !weigh(t, ARRAY_WEIGHT))
		return false;
	*out = json_object_new_array_ext(4);
	if (!*out)
		return no_memory(t);
	if (!list(t, *out, ']', element))
		return false;
	t->depth--;
	return true;
}

static bool string(struct json_text *t, struct json_object **out)
{
	struct span s;

	if (!json_text_string(t, &s))
		return false;
	*out = json_new_str(s);
	return *out ? true : no_memory(t);
}

/* A number of json-c's whole kinds, or NULL when it is none of them. */
static struct json_object *whole(struct span s)
{
	bool minus = s.ptr[0] == '-';
	uint64_t n = 0;
	size_t i;

	for (i = minus; i < s.len; i++) {
		unsigned digit = (unsigned)(s.ptr[i] - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return NULL;
		n = n * 10 + digit;
	}
	if (minus && (n == 0 || n > (uint64_t)INT64_MAX + 1))
		return NULL;	/* -0 keeps its sign as a double */
	if (minus)
		return json_object_new_int64((int64_t)-n);
	if (n <= INT64_MAX)
		return json_object_new_int64((int64_t)n);
	return json_object_new_uint64(n);
}

static bool number(struct json_text *t, struct json_object **out)
{
	struct span s;
	bool is_whole;
	struct buf *b = t->scratch;

	if (!json_text_number(t, &s, &is_whole))
		return false;
	if (is_whole)
		*out = whole(s);
	if (*out)
		return true;
	/* json-c keeps the text beside the value */
	buf_reset(b);
	buf_span_add(b, s);
	if (!buf_err(b))
		*out = json_object_new_double_s(strtod(b->ptr, NULL), b->ptr);
	return *out ? true : no_memory(t);
}

static bool word(struct json_text *t, const char *text)
{
	struct span rest = { t->at, (size_t)(t->end - t->at) };

	if (!span_starts(rest, text))
		return json_text_fail(t, "expected a value");
	t->at += strlen(text);
	return true;
}

/* *out is the caller's also after a failure. */
static bool value(struct json_text *t, struct json_object **out)
{
	*out = NULL;
	json_text_blanks(t);
	if (t->at == t->end)
		return json_text_fail(t, "expected a value");
	if (!weigh(t, 1))
		return false;
	switch (*t->at) {
	case '{':
		return object(t, out);
	case '[':
		return array(t, out);
	case '"':
		return string(t, out);
	case 't':
		if (!word(t, "true"))
			return false;
		*out = json_object_new_boolean(1);
		return *out ? true : no_memory(t);
	case 'f':
		if (!word(t, "false"))
			return false;
		*out = json_object_new_boolean(0);
		return *out ? true : no_memory(t);
	case 'n':
		return word(t, "null");
	default:
		return number(t, out);
	}
}

struct json_reader *json_reader_new(void)
{
	struct json_reader *r = calloc(1, sizeof(*r));

	if (r)
		buf_init(&r->scratch, SIZE_MAX);
	return r;
}

void json_reader_free(struct json_reader *r)
{
	if (!r)
		return;
	buf_free(&r->scratch);
	free(r);
}

static struct json_object *read_text(struct buf *scratch, struct span text,
				     struct err_note *note)
{
	struct json_text t = {
		.start = text.ptr, .at = text.ptr, .end = text.ptr + text.len,
		.scratch = scratch, .note = note,
	};
	struct json_object *v = NULL;

	json_text_blanks(&t);
	if (t.at == t.end) {
		err_tell(note, ERR_BAD_JSON, "the JSON text is empty");
		return NULL;
	}
	if (value(&t, &v)) {
		json_text_blanks(&t);
		if (t.at != t.end)
			json_text_fail(&t, "there is more behind the JSON value");
		else if (v)
			return v;
		else
			err_tell(note, ERR_BAD_JSON, "the JSON text is null");
	}
	json_object_put(v);
	return NULL;
}

struct json_object *json_reader_parse(struct json_reader *r, struct span text,
				      struct err_note *note)
{
	struct json_object *v = read_text(&r->scratch, text, note);

	/* one long string must not be remembered by its room for ever */
	if (r->scratch.size > (64u << 10))
		buf_free(&r->scratch);
	buf_reset(&r->scratch);
	return v;
}

struct json_object *json_parse(struct span text, struct err_note *note)
{
	struct json_reader r;
	struct json_object *v;

	buf_init(&r.scratch, SIZE_MAX);
	v = json_reader_parse(&r, text, note);
	buf_free(&r.scratch);
	return v;
}
