/*
 * decode_fast.c - a delta read straight from its text.
 *
 * Nearly every event of an answer is a small flat object with one delta in it,
 * and a tree of it costs more than all the rest. Anything that is not such an
 * object goes to the parser, which then also words the fault.
 */
#include "../../shared/json_text.h"
#include "../../shared/text.h"
#include "../../shared/utf8.h"
#include "decode_state.h"

struct reading {
	struct json_text t;
	struct fast_delta *out;
	bool has_text, has_index;
};

static bool plain_string(struct reading *r, struct span *out)
{
	const char *begin = r->t.at + 1;
	size_t len;

	if (*r->t.at != '"')
		return false;
	len = utf8_plain_run((const unsigned char *)begin,
			     (size_t)(r->t.end - begin));
	if (begin + len == r->t.end || begin[len] != '"')
		return false;
	*out = (struct span){ begin, len };
	r->t.at = begin + len + 1;
	return true;
}

static bool text_string(struct reading *r)
{
	r->has_text = true;
	return plain_string(r, &r->out->text) ||
	       (*r->t.at == '"' && json_text_string(&r->t, &r->out->text));
}

static bool whole_number(struct reading *r, int64_t *out)
{
	struct span s;
	bool whole;

	return *r->t.at != '-' && json_text_number(&r->t, &s, &whole) &&
	       whole && text_int(s, out);
}

/* content_index or summary_index: one of them, once. */
static bool part_index(struct reading *r)
{
	if (r->has_index)
		return false;
	r->has_index = true;
	return whole_number(r, &r->out->at.index);
}

static bool skip_word(struct reading *r, const char *word)
{
	struct span rest = { r->t.at, (size_t)(r->t.end - r->t.at) };

	if (!span_starts(rest, word))
		return false;
	r->t.at += strlen(word);
	return true;
}

/* A member that says nothing to us: no trees, no escapes. */
static bool skip_value(struct reading *r)
{
	struct span s;
	bool whole;

	switch (*r->t.at) {
	case '"':
		return plain_string(r, &s);
	case '[':
		return skip_word(r, "[]");
	case '{':
		return skip_word(r, "{}");
	case 'n':
		return skip_word(r, "null");
	case 't':
		return skip_word(r, "true");
	case 'f':
		return skip_word(r, "false");
	default:
		return json_text_number(&r->t, &s, &whole);
	}
}

/* False for a type that has no delta too: no need to read on. */
static bool type_string(struct reading *r)
{
	struct span *type = &r->out->type;
	static const char end[] = ".delta";

	return plain_string(r, type) && type->len > sizeof(end) &&
	       memcmp(type->ptr + type->len - strlen(end), end, strlen(end)) == 0;
}

static bool value(struct reading *r, struct span key)
{
	struct fast_delta *out = r->out;

	if (r->t.at == r->t.end)
		return false;
	if (span_eq(key, "delta"))
		return text_string(r);
	if (span_eq(key, "type"))
		return type_string(r);
	if (span_eq(key, "item_id"))
		return plain_string(r, &out->at.item_id);
	if (span_eq(key, "output_index"))
		return whole_number(r, &out->at.output_index);
	if (span_eq(key, "content_index") || span_eq(key, "summary_index"))
		return part_index(r);
	return skip_value(r);
}

static bool member(struct reading *r)
{
	struct span key;

	if (r->t.at == r->t.end || !plain_string(r, &key))
		return false;
	json_text_blanks(&r->t);
	if (r->t.at == r->t.end || *r->t.at != ':')
		return false;
	r->t.at++;
	json_text_blanks(&r->t);
	return value(r, key);
}

static bool object(struct reading *r)
{
	json_text_blanks(&r->t);
	if (r->t.at == r->t.end || *r->t.at++ != '{')
		return false;
	for (;;) {
		json_text_blanks(&r->t);
		if (!member(r))
			return false;
		json_text_blanks(&r->t);
		if (r->t.at == r->t.end)
			return false;
		if (*r->t.at == '}')
			break;
		if (*r->t.at++ != ',')
			return false;
	}
	r->t.at++;
	json_text_blanks(&r->t);
	return r->t.at == r->t.end;
}

bool decode_fast(struct span data, struct buf *scratch, struct fast_delta *out)
{
	struct reading r = {
		.t = { .start = data.ptr, .at = data.ptr,
		       .end = data.ptr + data.len, .scratch = scratch },
		.out = out,
	};

	*out = (struct fast_delta){ .at = { .output_index = -1 } };
	return object(&r) && r.has_text && out->type.len;
}
