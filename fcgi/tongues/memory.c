/* See memory.h. */
#include "memory.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"

const char *const memory_members[] = {
	"store", "previous_response_id", "conversation", "background", "id", NULL
};

/* In each answer's words an item's id says what it is. */
static const struct { const char *type, *prefix; } ids[] = {
	{ "message", "msg_" },
	{ "reasoning", "rs_" },
	{ "function_call", "fc_" },
	{ "function_call_output", "fco_" },
	{ "custom_tool_call", "ctc_" },
	{ "custom_tool_call_output", "ctco_" },
	{ "web_search_call", "ws_" },
	{ "file_search_call", "fs_" },
	{ "image_generation_call", "ig_" },
	{ "code_interpreter_call", "ci_" },
	{ "local_shell_call", "lsh_" },
	{ "compaction", "cmp_" },
};

struct memory *memory_new(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m)
		store_items_init(&m->given, (size_t)MAX_REQUEST_BODY * 2,
				 MAX_JSON_MEMBERS);
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	store_items_free(&m->given);
	free(m);
}

static bool say_conversation(const struct memory *m, struct buf *out)
{
	if (!m->conversation[0]) {
		buf_str(out, "null");
		return false;
	}
	buf_str(out, "{\"id\":");
	buf_json(out, span_of(m->conversation));
	buf_char(out, '}');
	return true;
}

static bool say_previous(const struct memory *m, struct buf *out)
{
	const char *id = m->previous[0] ? m->previous : m->continues;

	if (id[0])
		buf_json(out, span_of(id));
	else
		buf_str(out, "null");
	return id[0];
}

bool memory_member(const struct memory *m, struct span key, bool is_new,
		   struct buf *out)
{
	if (span_eq(key, "store")) {
		buf_str(out, m->store ? "true" : "false");
		return true;
	}
	if (span_eq(key, "conversation"))
		return say_conversation(m, out) || !is_new;
	if (span_eq(key, "background")) {
		buf_str(out, m->background ? "true" : "false");
		return m->background || !is_new;
	}
	if (span_eq(key, "id")) {
		buf_json(out, span_of(m->id));
		return m->id[0];
	}
	if (!span_eq(key, "previous_response_id"))
		return false;
	return say_previous(m, out) || !is_new;
}

void memory_item_id(struct span type, char out[STORE_ID])
{
	const char *prefix = "item_";

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (span_eq(type, ids[i].type))
			prefix = ids[i].prefix;
	random_id(out, STORE_ID, prefix);
}

/* What a client may name and a path may hold. */
static bool id_is_usable(struct span id)
{
	if (!id.len || id.len >= STORE_ID)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool is_taken(const struct store_items *list, struct span id)
{
	for (size_t i = 0; i < list->count; i++) {
		struct span other = store_item_id(list, i);

		if (other.len == id.len && !memcmp(other.ptr, id.ptr, id.len))
			return true;
	}
	return false;
}

/* Not for lists so long that it would take a while: new ids there. */
#define MAX_COMPARED 1000

static void give(struct store_items *list, bool output, struct span type,
		 struct span id, struct span json)
{
	char made[STORE_ID];

	if (!id_is_usable(id) || list->count > MAX_COMPARED ||
	    is_taken(list, id)) {
		memory_item_id(type.len ? type : SPAN("message"), made);
		id = span_of(made);
	}
	store_items_add(list, output, id, json);
}

bool memory_give(struct store_items *list, struct json_object *input)
{
	size_t count = input ? json_object_array_length(input) : 0;
	struct buf text;
	bool ok;

	buf_init(&text, (size_t)MAX_REQUEST_BODY * 2);
	for (size_t i = 0; i < count && !store_items_err(list); i++) {
		struct json_object *item = json_object_array_get_idx(input, i);

		buf_reset(&text);
		json_write(&text, item);
		if (buf_err(&text))
			break;
		give(list, false, json_get_str(item, "type"),
		     json_get_str(item, "id"), buf_span(&text));
	}
	ok = !buf_err(&text) && !store_items_err(list);
	buf_free(&text);
	return ok;
}

bool memory_output(struct store_items *list, struct span output)
{
	struct json_walk w, in;
	struct span key, item, value;

	json_walk_array(&w, output);
	while (json_walk_next(&w, &key, &item)) {
		struct span type = SPAN(""), id = SPAN("");

		json_walk_object(&in, item);
		while (json_walk_next(&in, &key, &value)) {
			if (span_eq(key, "type") && !json_walk_str(value, &type))
				type = SPAN("");
			if (span_eq(key, "id") && !json_walk_str(value, &id))
				id = SPAN("");
		}
		give(list, true, type, id, item);
	}
	return w.ok && !store_items_err(list);
}
