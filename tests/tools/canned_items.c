/* canned_items.c - reasoning, messages, calls and searches; see canned.h. */
#include "../../shared/text.h"
#include "canned.h"

#define PIECE 8			/* bytes of a call's arguments in one delta */

/* --- what all items share --- */

static struct json_object *item_new(struct canned *n, const char *type,
				    const char *prefix, const char *status)
{
	struct json_object *v = json_object_new_object();
	char id[40];

	snprintf(id, sizeof(id), "%s%llu", prefix, (unsigned long long)++n->srv->ids);
	json_set_cstr(v, "id", id);
	json_set_cstr(v, "type", type);
	if (status)
		json_set_cstr(v, "status", status);
	return v;
}

static void put_item(struct canned *n, const char *type, struct json_object *item)
{
	struct json_object *v = canned_new(n, type);

	json_set_int(v, "output_index", n->index);
	json_set(v, "item", item);
	/* done_only: as some backends do, the finished items alone */
	if (n->done_only && strcmp(type, "response.output_item.done"))
		json_object_put(v);
	else
		canned_put(n, v);
}

static void put_added(struct canned *n, struct json_object *item)
{
	put_item(n, "response.output_item.added", item);
}

static void put_done(struct canned *n, struct json_object *item)
{
	put_item(n, "response.output_item.done", item);
	n->index++;
}

/* An event about a part of an item: where names the part's index, or NULL. */
static struct json_object *about(struct canned *n, const char *type,
				 struct json_object *item, const char *where,
				 int64_t part)
{
	struct json_object *v = canned_new(n, type);

	json_set_str(v, "item_id", json_get_str(item, "id"));
	json_set_int(v, "output_index", n->index);
	if (where)
		json_set_int(v, where, part);
	return v;
}

static void put_about(struct canned *n, struct json_object *v)
{
	if (n->done_only)
		json_object_put(v);
	else
		canned_put(n, v);
}

static void put_text(struct canned *n, const char *type, struct json_object *item,
		     const char *where, int64_t part, const char *key, struct span s)
{
	struct json_object *v = about(n, type, item, where, part);

	json_set_str(v, key, s);
	if (strncmp(type, "response.output_text.", 21) == 0)
		json_set(v, "logprobs", json_object_new_array());
	put_about(n, v);
}

/* A text as deltas: a word with the blanks behind it each. */
static void put_words(struct canned *n, const char *type, struct json_object *item,
		      const char *where, int64_t part, struct span text)
{
	size_t len;

	while (text.len) {
		len = 0;
		while (len < text.len && text.ptr[len] != ' ')
			len++;
		while (len < text.len && text.ptr[len] == ' ')
			len++;
		put_text(n, type, item, where, part, "delta",
			 (struct span){ text.ptr, len });
		text.ptr += len;
		text.len -= len;
	}
}

static struct json_object *part_new(const char *type, const char *key, struct span s)
{
	struct json_object *v = json_object_new_object();

	json_set_cstr(v, "type", type);
	if (strcmp(type, "output_text") == 0) {
		json_set(v, "annotations", json_object_new_array());
		json_set(v, "logprobs", json_object_new_array());
	}
	json_set_str(v, key, s);
	return v;
}

static void put_part(struct canned *n, const char *type, struct json_object *item,
		     const char *where, int64_t at, struct json_object *part)
{
	struct json_object *v = about(n, type, item, where, at);

	json_set(v, "part", part);
	put_about(n, v);
}

/* --- messages --- */

static void put_annotations(struct canned *n, struct json_object *item,
			    struct json_object *list)
{
	struct json_object *v;
	size_t i;

	for (i = 0; list && i < json_object_array_length(list); i++) {
		v = about(n, "response.output_text.annotation.added", item,
			  "content_index", 0);
		json_set_int(v, "annotation_index", (int64_t)i);
		json_set(v, "annotation", json_ref(json_object_array_get_idx(list, i)));
		put_about(n, v);
	}
}

/* type is output_text or refusal, key where its text stands */
static void put_message(struct canned *n, struct span text, const char *type,
			const char *key)
{
	struct json_object *item = item_new(n, "message", "msg_", "in_progress");
	struct json_object *done = item_new(n, "message", "msg_", "completed");
	struct json_object *notes = json_get_array(n->script, "annotations");
	struct json_object *content = json_object_new_array();
	struct json_object *part = part_new(type, key, text);
	char delta[40], whole[40];

	snprintf(delta, sizeof(delta), "response.%s.delta", type);
	snprintf(whole, sizeof(whole), "response.%s.done", type);
	json_set_str(done, "id", json_get_str(item, "id"));
	json_set_cstr(item, "role", "assistant");
	json_set(item, "content", json_object_new_array());
	put_added(n, json_ref(item));
	put_part(n, "response.content_part.added", item, "content_index", 0,
		 part_new(type, key, SPAN("")));
	put_words(n, delta, item, "content_index", 0, text);
	if (key[0] == 't')
		put_annotations(n, item, notes);
	put_text(n, whole, item, "content_index", 0, key, text);
	if (notes && key[0] == 't')
		json_set(part, "annotations", json_ref(notes));
	put_part(n, "response.content_part.done", item, "content_index", 0,
		 json_ref(part));
	json_push(content, part);
	json_set_cstr(done, "role", "assistant");
	json_set(done, "content", content);
	put_done(n, done);
	json_object_put(item);
}

/* --- reasoning --- */

static void put_summary(struct canned *n, struct json_object *item, int64_t at,
			struct span text, struct json_object *summary)
{
	struct json_object *part = part_new("summary_text", "text", text);

	put_part(n, "response.reasoning_summary_part.added", item, "summary_index", at,
		 part_new("summary_text", "text", SPAN("")));
	put_words(n, "response.reasoning_summary_text.delta", item, "summary_index",
		  at, text);
	put_text(n, "response.reasoning_summary_text.done", item, "summary_index", at,
		 "text", text);
	put_part(n, "response.reasoning_summary_part.done", item, "summary_index", at,
		 json_ref(part));
	json_push(summary, part);
}

/* think: a text or a list of them, one for each paragraph of the summary */
static void put_reasoning(struct canned *n, struct json_object *think,
			  struct span raw)
{
	struct json_object *item = item_new(n, "reasoning", "rs_", NULL);
	struct json_object *summary = json_object_new_array(), *done, *content;
	struct span secret = json_get_str(n->script, "encrypted");
	size_t i, count = json_is_array(think) ? json_object_array_length(think) : 1;

	if (!secret.len)
		secret = SPAN("gAAAAAB-test-encrypted-content");
	json_set(item, "summary", json_object_new_array());
	put_added(n, json_ref(item));
	for (i = 0; think && i < count; i++)
		put_summary(n, item, (int64_t)i, json_str(json_is_array(think) ?
			    json_object_array_get_idx(think, i) : think), summary);
	done = json_object_new_object();
	json_set_str(done, "id", json_get_str(item, "id"));
	json_set_cstr(done, "type", "reasoning");
	json_set_str(done, "encrypted_content", secret);
	json_set(done, "summary", summary);
	if (raw.len) {
		put_words(n, "response.reasoning_text.delta", item, "content_index",
			  0, raw);
		put_text(n, "response.reasoning_text.done", item, "content_index", 0,
			 "text", raw);
		content = json_object_new_array();
		json_push(content, part_new("reasoning_text", "text", raw));
		json_set(done, "content", content);
	}
	put_done(n, done);
	json_object_put(item);
}

/* --- calls --- */

/* arguments may be given as JSON or as the text of it */
static void put_call(struct canned *n, struct json_object *call, bool custom)
{
	const char *key = custom ? "input" : "arguments";
	const char *event = custom ? "response.custom_tool_call_input" :
			    "response.function_call_arguments";
	struct json_object *args = json_get(call, key), *item, *done;
	struct span text = json_str(args), call_id = json_get_str(call, "call_id");
	char type[64], id[40];
	struct buf b;
	size_t at, len;

	buf_init(&b, MAX_BODY);
	if (!json_is_str(args) && args) {
		json_write(&b, args);
		text = buf_span(&b);
	}
	item = item_new(n, custom ? "custom_tool_call" : "function_call",
			custom ? "ctc_" : "fc_", "in_progress");
	snprintf(id, sizeof(id), "call_%llu", (unsigned long long)n->srv->ids);
	json_set_str(item, "call_id", call_id.len ? call_id : span_of(id));
	json_set_str(item, "name", json_get_str(call, "name"));
	json_set_cstr(item, key, "");
	done = json_object_new_object();
	json_object_object_foreach(item, name, value)
		json_set(done, name, json_ref(value));
	put_added(n, json_ref(item));
	snprintf(type, sizeof(type), "%s.delta", event);
	for (at = 0; at < text.len; at += len) {
		len = text.len - at < PIECE ? text.len - at : PIECE;
		len -= utf8_partial_tail((struct span){ text.ptr + at, len });
		put_text(n, type, item, NULL, 0, "delta",
			 (struct span){ text.ptr + at, len });
	}
	snprintf(type, sizeof(type), "%s.done", event);
	put_text(n, type, item, NULL, 0, key, text);
	json_set_cstr(done, "status", "completed");
	json_set_str(done, key, text);
	put_done(n, done);
	json_object_put(item);
	buf_free(&b);
}

static void put_calls(struct canned *n, const char *key, bool custom)
{
	struct json_object *list = json_get_array(n->script, key);
	size_t i;

	for (i = 0; list && i < json_object_array_length(list); i++)
		put_call(n, json_object_array_get_idx(list, i), custom);
}

/* --- web search --- */

static void put_search(struct canned *n, struct span query)
{
	static const char *const stages[] = {
		"response.web_search_call.in_progress",
		"response.web_search_call.searching",
		"response.web_search_call.completed",
	};
	struct json_object *item = item_new(n, "web_search_call", "ws_", "in_progress");
	struct json_object *done = item_new(n, "web_search_call", "ws_", "completed");
	struct json_object *action = json_object_new_object();
	size_t i;

	put_added(n, json_ref(item));
	for (i = 0; i < ARRAY_LEN(stages); i++)
		put_about(n, about(n, stages[i], item, NULL, 0));
	json_set_str(done, "id", json_get_str(item, "id"));
	json_set_cstr(action, "type", "search");
	json_set_str(action, "query", query);
	json_set(done, "action", action);
	put_done(n, done);
	json_object_put(item);
}

void canned_items(struct canned *n)
{
	struct json_object *v = n->script, *think = json_get(v, "think");
	struct span raw = json_get_str(v, "raw_think");

	if (think || raw.len)
		put_reasoning(n, think, raw);
	if (json_get(v, "search"))
		put_search(n, json_get_str(v, "search"));
	if (json_get(v, "say"))
		put_message(n, json_get_str(v, "say"), "output_text", "text");
	if (json_get(v, "refusal"))
		put_message(n, json_get_str(v, "refusal"), "refusal", "refusal");
	put_calls(n, "calls", false);
	put_calls(n, "custom_calls", true);
}
