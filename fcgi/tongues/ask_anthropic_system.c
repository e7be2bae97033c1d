/*
 * ask_anthropic_system.c - instructions: system, and messages that speak as
 * the system in the middle of a conversation.
 *
 * Claude Code begins its instructions with a line that tells its version and
 * a number that differs from turn to turn. It says nothing to a model, and a
 * prompt that changes at its front is never found in upstream's cache.
 */
#include "anthropic.h"

#include "../../shared/ceilings.h"

#define BILLING "x-anthropic-billing-header:"

/* The next such line at or behind from; its end is behind its line break. */
static bool find_line(struct span s, size_t from, struct span *line)
{
	while (from < s.len) {
		const char *hit = memmem(s.ptr + from, s.len - from, BILLING,
					 strlen(BILLING));
		const char *end;

		if (!hit)
			return false;
		end = memchr(hit, '\n', s.len - (size_t)(hit - s.ptr));
		end = end ? end + 1 : s.ptr + s.len;
		if (hit == s.ptr || hit[-1] == '\n') {
			*line = (struct span){ hit, (size_t)(end - hit) };
			return true;
		}
		from = (size_t)(end - s.ptr);
	}
	return false;
}

/* The text without such lines; text itself where there is none. To be put. */
static struct json_object *without_lines(struct asking *q, struct json_object *text)
{
	struct span s = json_str(text), line;
	size_t at = 0;
	struct buf b;

	if (!find_line(s, 0, &line))
		return json_ref(text);
	buf_init(&b, s.len + 1);
	while (find_line(s, at, &line)) {
		buf_add(&b, s.ptr + at, (size_t)(line.ptr - s.ptr) - at);
		at = (size_t)(line.ptr - s.ptr) + line.len;
	}
	buf_add(&b, s.ptr + at, s.len - at);
	return ask_str_of(q, &b);
}

static void add_text(struct asking *q, struct json_object *parts,
		     struct json_object *text)
{
	struct json_object *v = without_lines(q, text);

	if (v && json_str(v).len)
		ask_push(q, parts, ask_text(q, v, PART_USER));
	json_object_put(v);
}

static void add_blocks(struct asking *q, struct json_object *parts,
		       struct json_object *blocks, struct at *at)
{
	size_t count = json_object_array_length(blocks);

	for (at->index = 0; at->index < count && !q->note->code; at->index++) {
		struct json_object *block = json_object_array_get_idx(blocks, at->index);
		struct json_object *type = anthropic_type(q, block, at), *text;

		if (!type || !ask_one_of(q, type, "type", at, "text"))
			return;
		text = ask_need(q, block, "text", json_type_string, at);
		if (text)
			add_text(q, parts, text);
	}
}

enum err anthropic_system(struct asking *q, struct json_object *system,
			  const struct at *at, const char *key,
			  struct json_object *input)
{
	struct at here = { at, key, 0 };
	struct json_object *o, *parts;

	if (!json_is_str(system) && !json_is_array(system))
		return ask_wrong_type(q, at, key, "a string or an array of text blocks",
				      system);
	o = ask_message(q, "developer", NULL);
	if (!o)
		return q->note->code;
	parts = json_get(o, "content");
	if (json_is_str(system))
		add_text(q, parts, system);
	else
		add_blocks(q, parts, system, &here);
	if (!q->note->code && json_object_array_length(parts))
		ask_push(q, input, json_ref(o));
	json_object_put(o);
	return q->note->code;
}
