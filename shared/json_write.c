/* json_write.c - a tree into a buf; see json.h. */
#include <math.h>

#include "json.h"

static void write_whole(struct buf *b, struct json_object *v)
{
	int64_t n = json_object_get_int64(v);
	uint64_t u = json_object_get_uint64(v);

	if (n < 0 || u <= INT64_MAX)
		buf_int(b, n);
	else
		buf_fmt(b, "%llu", (unsigned long long)u);
}

/* The shortest text that reads back as the same number. */
static void write_fresh(struct buf *b, double d)
{
	char text[40];
	int digits;

	if (!isfinite(d)) {
		buf_str(b, "null");	/* JSON has no word for it */
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_str(b, text);
	if (!strpbrk(text, ".e"))
		buf_str(b, ".0");
}

static void write_double(struct buf *b, struct json_object *v)
{
	/* json-c keeps the text of a double that was read as its user data */
	const char *text = json_object_get_userdata(v);

	if (text)
		buf_str(b, text);
	else
		write_fresh(b, json_object_get_double(v));
}

static void write_object(struct buf *b, struct json_object *v)
{
	const struct lh_entry *e;

	buf_char(b, '{');
	lh_foreach(json_object_get_object(v), e) {
		if (e->prev)
			buf_char(b, ',');
		buf_json(b, span_of(e->k));
		buf_char(b, ':');
		json_write(b, (struct json_object *)lh_entry_v(e));
	}
	buf_char(b, '}');
}

static void write_array(struct buf *b, struct json_object *v)
{
	size_t i, count = json_object_array_length(v);

	buf_char(b, '[');
	for (i = 0; i < count; i++) {
		if (i)
			buf_char(b, ',');
		json_write(b, json_object_array_get_idx(v, i));
	}
	buf_char(b, ']');
}

void json_write(struct buf *b, struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		buf_str(b, "null");
		break;
	case json_type_boolean:
		buf_str(b, json_object_get_boolean(v) ? "true" : "false");
		break;
	case json_type_int:
		write_whole(b, v);
		break;
	case json_type_double:
		write_double(b, v);
		break;
	case json_type_string:
		buf_json(b, json_str(v));
		break;
	case json_type_array:
		write_array(b, v);
		break;
	case json_type_object:
		write_object(b, v);
		break;
	}
}
