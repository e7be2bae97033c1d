/* See stored.h. */
#include "stored.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

/* What an item shows only if it was asked for. list: the parts that have it,
 * or NULL for the item itself; into: the object that has it. */
static const struct {
	const char *word, *type, *list, *part, *into, *member;
} includes[] = {
	{ "reasoning.encrypted_content", "reasoning", NULL, NULL, NULL,
	  "encrypted_content" },
	{ "message.output_text.logprobs", "message", "content", "output_text", NULL,
	  "logprobs" },
	{ "message.input_image.image_url", "message", "content", "input_image", NULL,
	  "image_url" },
	{ "web_search_call.action.sources", "web_search_call", NULL, NULL, "action",
	  "sources" },
	{ "web_search_call.results", "web_search_call", NULL, NULL, NULL, "results" },
	{ "file_search_call.results", "file_search_call", NULL, NULL, NULL, "results" },
	{ "code_interpreter_call.outputs", "code_interpreter_call", NULL, NULL, NULL,
	  "outputs" },
	{ "computer_call_output.output.image_url", "computer_call_output", NULL, NULL,
	  "output", "image_url" },
};

/* --- the question --- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Into out, cut to its size. */
static void url_decode(struct span s, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n + 1 < size; i++) {
		int high = s.ptr[i] == '%' && i + 2 < s.len ? hex(s.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex(s.ptr[i + 2]) : -1;

		if (low > 0 || (low == 0 && high > 0)) {
			out[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[n++] = s.ptr[i] == '+' ? ' ' : s.ptr[i];
		}
	}
	out[n] = '\0';
}

static void include_word(struct stored_query *q, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(includes); i++)
		if (!strcmp(includes[i].word, word))
			q->include |= 1u << i;
}

static enum err wrong(struct err_note *note, const char *name, const char *wanted)
{
	return err_at(note, ERR_BAD_REQUEST, name, "Invalid value for '%s': "
		      "it must be %s.", name, wanted);
}

static enum err query_pair(struct stored_query *q, const char *name,
			   const char *value, struct err_note *note)
{
	int64_t n;

	if (!strcmp(name, "limit")) {
		if (!text_int(span_of(value), &n) || n < 1 || n > 100)
			return wrong(note, name, "a number from 1 to 100");
		q->limit = (size_t)n;
	} else if (!strcmp(name, "order")) {
		q->ascending = !strcmp(value, "asc");
		if (!q->ascending && strcmp(value, "desc"))
			return wrong(note, name, "asc or desc");
	} else if (!strcmp(name, "after")) {
		text_copy(q->after, sizeof(q->after), span_of(value));
	} else if (!strcmp(name, "before")) {
		text_copy(q->before, sizeof(q->before), span_of(value));
	} else if (!strcmp(name, "starting_after")) {
		if (!text_int(span_of(value), &n) || n < 0)
			return wrong(note, name, "a number of an event");
		q->starting_after = n;
	} else if (!strcmp(name, "stream")) {
		q->stream = !strcmp(value, "true") || !strcmp(value, "1");
	} else if (span_starts(span_of(name), "include") &&
		   (!name[7] || name[7] == '[')) {
		include_word(q, value);
	}
	return ERR_NONE;
}

enum err stored_query(struct span query, struct stored_query *q,
		      struct err_note *note)
{
	char name[32], value[STORE_ID];
	struct span pair;
	enum err err = ERR_NONE;

	*q = (struct stored_query){ .limit = 20, .starting_after = -1 };
	while (!err && text_next(&query, '&', &pair)) {
		const char *eq = memchr(pair.ptr, '=', pair.len);
		size_t len = eq ? (size_t)(eq - pair.ptr) : pair.len;

		url_decode((struct span){ pair.ptr, len }, name, sizeof(name));
		url_decode(eq ? (struct span){ eq + 1, pair.len - len - 1 } : SPAN(""),
			   value, sizeof(value));
		err = query_pair(q, name, value, note);
	}
	return err;
}

/* --- an item --- */

static void hide_in(struct json_object *o, size_t i)
{
	if (includes[i].into)
		o = json_get_object(o, includes[i].into);
	if (!o || !json_get(o, includes[i].member))
		return;
	if (!strcmp(includes[i].member, "logprobs"))
		json_set(o, "logprobs", json_object_new_array_ext(1));
	else
		json_object_object_del(o, includes[i].member);
}

static void hide(struct json_object *item, stored_include include)
{
	struct span type = json_get_str(item, "type");

	for (size_t i = 0; i < ARRAY_LEN(includes); i++) {
		struct json_object *list;

		if ((include & (1u << i)) || !span_eq(type, includes[i].type))
			continue;
		if (!includes[i].list) {
			hide_in(item, i);
			continue;
		}
		list = json_get_array(item, includes[i].list);
		for (size_t n = 0; list && n < json_object_array_length(list); n++) {
			struct json_object *part = json_object_array_get_idx(list, n);

			if (span_eq(json_get_str(part, "type"), includes[i].part))
				hide_in(part, i);
		}
	}
}

/* What the API always says of a text of the model's. */
static void complete_texts(struct json_object *item)
{
	struct json_object *list = json_get_array(item, "content");

	for (size_t n = 0; list && n < json_object_array_length(list); n++) {
		struct json_object *part = json_object_array_get_idx(list, n);

		if (!span_eq(json_get_str(part, "type"), "output_text"))
			continue;
		if (!json_get_array(part, "annotations"))
			json_set(part, "annotations", json_object_new_array_ext(1));
		if (!json_get_array(part, "logprobs"))
			json_set(part, "logprobs", json_object_new_array_ext(1));
	}
}

/* An item as it is listed: under its id, and with its status. */
static bool complete(struct json_object *item, struct span id)
{
	static const char *const with_status[] = {
		"message", "function_call", "function_call_output",
		"custom_tool_call", "custom_tool_call_output",
	};
	struct span type;

	if (!json_get_str(item, "type").len &&
	    !json_set_cstr(item, "type", "message"))
		return false;
	type = json_get_str(item, "type");
	if (!json_set_str(item, "id", id))
		return false;
	complete_texts(item);
	for (size_t i = 0; i < ARRAY_LEN(with_status); i++)
		if (span_eq(type, with_status[i]) && !json_get(item, "status"))
			return json_set_cstr(item, "status", "completed");
	return true;
}

enum err stored_item(const struct store_items *items, size_t i,
		     stored_include include, struct buf *out,
		     struct err_note *note)
{
	struct json_object *item = json_parse(store_item_json(items, i), note);
	bool ok;

	if (!item)
		return err_set(note, note->code, "a stored item");
	ok = json_is_object(item) && complete(item, store_item_id(items, i));
	if (ok) {
		hide(item, include);
		json_write(out, item);
	}
	json_object_put(item);
	return ok ? buf_err(out) : err_set(note, ERR_NO_MEMORY, "a stored item");
}

enum err stored_list(const struct store_items *items, bool more,
		     stored_include include, struct buf *out,
		     struct err_note *note)
{
	size_t last = items->count ? items->count - 1 : 0;

	buf_str(out, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < items->count && !note->code; i++) {
		if (i)
			buf_char(out, ',');
		(void)!stored_item(items, i, include, out, note);
	}
	buf_str(out, "],\"first_id\":");
	buf_json(out, items->count ? store_item_id(items, 0) : SPAN(""));
	buf_str(out, ",\"last_id\":");
	buf_json(out, items->count ? store_item_id(items, last) : SPAN(""));
	buf_fmt(out, ",\"has_more\":%s}", more ? "true" : "false");
	if (!note->code && buf_err(out))
		err_set(note, buf_err(out), "a list of items");
	return note->code;
}

/* --- the rest --- */

enum err stored_response(struct span body, stored_include include,
			 struct buf *out, struct err_note *note)
{
	struct json_object *response = json_parse(body, note), *output;

	if (!response)
		return err_set(note, note->code, "a stored response");
	output = json_get_array(response, "output");
	for (size_t i = 0; output && i < json_object_array_length(output); i++)
		hide(json_object_array_get_idx(output, i), include);
	json_write(out, response);
	json_object_put(response);
	return buf_err(out) ? err_set(note, buf_err(out), "a stored response") :
			      ERR_NONE;
}

void stored_deleted(const char *object, const char *id, struct buf *out)
{
	buf_str(out, "{\"id\":");
	buf_json(out, span_of(id));
	buf_fmt(out, ",\"object\":\"%s\",\"deleted\":true}", object);
}

void stored_conversation(const struct store_conv *c, struct buf *out)
{
	buf_str(out, "{\"id\":");
	buf_json(out, span_of(c->id));
	buf_str(out, ",\"object\":\"conversation\",\"created_at\":");
	buf_int(out, c->created_s);
	buf_str(out, ",\"metadata\":");
	if (c->metadata.len)
		buf_span_add(out, buf_span(&c->metadata));
	else
		buf_str(out, "{}");
	buf_char(out, '}');
}
