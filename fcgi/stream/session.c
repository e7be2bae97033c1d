/*
 * session.c - the id of a conversation, made of what stays the same in it.
 *
 * Each piece is hashed with its length before it, so that no two requests
 * meet by where one piece ends and the next begins. System and developer
 * messages at the head of the input are the conversation's instructions as
 * much as the member of that name is.
 */
#include "session.h"

#include "../../shared/text.h"

static void add(struct sha256 *h, struct span s)
{
	char head[24];
	size_t at = sizeof(head), rest = s.len;

	head[--at] = ':';
	do {
		head[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	sha256_add(h, (struct span){ head + at, sizeof(head) - at });
	sha256_add(h, s);
}

/* A string as it is, all else as compact JSON. */
static void add_value(struct sha256 *h, struct buf *scratch, struct json_object *v)
{
	if (!v || json_is_str(v)) {
		add(h, json_str(v));
		return;
	}
	buf_reset(scratch);
	json_write(scratch, v);
	add(h, buf_span(scratch));
}

/* The input up to the first user message and with it; all of it when there
 * is none. */
static void add_input(struct sha256 *h, struct buf *scratch,
		      struct json_object *request)
{
	struct json_object *input = json_get(request, "input");
	size_t count;

	if (!json_is_array(input)) {
		add_value(h, scratch, input);
		return;
	}
	count = json_object_array_length(input);
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(input, i);

		add_value(h, scratch, json_get(item, "content"));
		if (span_eq(json_get_str(item, "role"), "user"))
			return;
	}
}

static void derive(struct span key, struct json_object *request,
		   struct buf *scratch, char out[37])
{
	struct sha256 *h = sha256_begin();
	unsigned char hash[32] = { 0 };

	(void)buf_room(scratch, 2000);		/* most at once */
	add(h, key);
	add_value(h, scratch, json_get(request, "instructions"));
	add_value(h, scratch, json_get(request, "tools"));
	add_input(h, scratch, request);
	sha256_done(h, hash);
	uuid_from(hash, out);
	buf_reset(scratch);
}

static bool is_plain(struct span s)
{
	if (s.len >= SESSION_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') &&
		    !(c && strchr("._:-", c)))
			return false;
	}
	return true;
}

void session_id(struct span given, struct span key, struct json_object *request,
		struct buf *scratch, char out[SESSION_MAX])
{
	struct sha256 *h;
	unsigned char hash[32] = { 0 };

	if (!given.len) {
		derive(key, request, scratch, out);
	} else if (is_plain(given)) {
		text_copy(out, SESSION_MAX, given);
	} else {
		h = sha256_begin();
		sha256_add(h, given);
		sha256_done(h, hash);
		uuid_from(hash, out);
	}
}
