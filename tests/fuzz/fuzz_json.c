/*
 * fuzz_json.c - what was read is written, read again and written the same;
 * what is written is valid UTF-8 and has no raw control characters.
 */
#include "../../shared/json.h"
#include "../../shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json_object *parse_copy(struct span in, struct err_note *note)
{
	char *copy = malloc(in.len ? in.len : 1);
	struct json_object *v;

	if (!copy)
		abort();
	memcpy(copy, in.ptr, in.len);
	v = json_parse((struct span){ copy, in.len }, note);
	free(copy);
	return v;
}

static void clean(struct span s)
{
	size_t i;

	if (!utf8_valid(s))
		abort();
	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20)
			abort();
}

/* Any bytes become a JSON string that reads back as their valid part. */
static void as_string(struct span in)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;
	struct buf b;

	buf_init(&b, 64u << 20);
	buf_json(&b, in);
	clean(buf_span(&b));
	v = parse_copy(buf_span(&b), &note);
	if (!v)
		abort();
	if (utf8_valid(in) && (json_str(v).len != in.len ||
			       memcmp(json_str(v).ptr, in.ptr, in.len)))
		abort();
	json_object_put(v);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v, *again;
	struct buf one, two;

	as_string(in);
	v = parse_copy(in, &note);
	if (!v) {
		if (!note.code || !note.tell[0])
			abort();
		return 0;
	}
	buf_init(&one, 64u << 20);
	buf_init(&two, 64u << 20);
	json_write(&one, v);
	clean(buf_span(&one));
	again = parse_copy(buf_span(&one), &note);
	if (!again || note.code)
		abort();
	json_write(&two, again);
	if (one.len != two.len || memcmp(one.ptr, two.ptr, one.len))
		abort();
	json_object_put(v);
	json_object_put(again);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
