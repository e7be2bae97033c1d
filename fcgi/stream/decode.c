/*
 * decode.c - which upstream event means what: a table, and the answer's life.
 */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "decode_state.h"

struct decoder *decoder_new(event_fn fn, void *ctx)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->fn = fn;
	d->ctx = ctx;
	buf_init(&d->scratch, MAX_SSE_EVENT);
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	free(d->items);
	free(d->parts);
	buf_free(&d->scratch);
	decode_pass_free(d->pass);
	free(d);
}

bool decoder_ended(const struct decoder *d)
{
	return d->ended;
}

enum err decode_tell(struct decoder *d, struct event *ev)
{
	enum err err;

	if (!d->started && event_is_semantic(ev)) {
		d->started = true;
		err = d->fn(d->ctx, &(struct event){ .kind = EVENT_START });
		if (err)
			return err;
	}
	ev->raw = d->raw;
	ev->source = d->source;
	d->raw = span_of("");
	return d->fn(d->ctx, ev);
}

/* --- what the rules do --- */

static struct place place_of(struct json_object *root)
{
	return (struct place){
		.output_index = json_get_int(root, "output_index", -1),
		.index = json_get_int(root, "content_index",
				      json_get_int(root, "summary_index", 0)),
		.item_id = json_get_str(root, "item_id"),
	};
}

static enum err on_delta(struct decoder *d, const struct rule *rule,
			 struct json_object *root)
{
	struct place at = place_of(root);

	return decode_delta(d, rule->part, &at, json_get_str(root, rule->field));
}

static enum err on_rest(struct decoder *d, const struct rule *rule,
			struct json_object *root)
{
	struct place at = place_of(root);

	return decode_rest(d, rule->part, &at, json_get_str(root, rule->field));
}

static enum err on_annotation(struct decoder *d, const struct rule *rule,
			      struct json_object *root)
{
	struct place at = place_of(root);

	return decode_annotation(d, &at, json_get(root, rule->field));
}

static enum err on_part_done(struct decoder *d, const struct rule *rule,
			     struct json_object *root)
{
	struct place at = place_of(root);

	return decode_part_done(d, &at, json_get_object(root, rule->field));
}

static enum err on_item_added(struct decoder *d, const struct rule *rule,
			      struct json_object *root)
{
	struct item_words words = item_words_of(json_get_object(root, rule->field));

	return decode_item_added(d, json_get_int(root, "output_index", -1), &words);
}

static enum err on_item_done(struct decoder *d, const struct rule *rule,
			     struct json_object *root)
{
	return decode_item_done(d, json_get_int(root, "output_index", -1),
				json_get_object(root, rule->field));
}

static enum err on_begin(struct decoder *d, const struct rule *rule,
			 struct json_object *root)
{
	struct json_object *response = json_get_object(root, rule->field);
	struct event ev = { .kind = EVENT_START,
			    .id = json_get_str(response, "id"),
			    .model = json_get_str(response, "model") };

	if (d->started)
		return ERR_NONE;
	d->started = true;
	return decode_tell(d, &ev);
}

static enum err on_keepalive(struct decoder *d, const struct rule *rule,
			     struct json_object *root)
{
	(void)rule;
	(void)root;
	return decode_tell(d, &(struct event){ .kind = EVENT_KEEPALIVE });
}

/* A span in a table: SPAN() is no constant. */
#define TEXT(text) { text, sizeof(text) - 1 }

static const struct rule rules[] = {
	{ TEXT("response.output_text.delta"), on_delta, PART_TEXT, "delta" },
	{ TEXT("response.function_call_arguments.delta"), on_delta, PART_ARGS, "delta" },
	{ TEXT("response.reasoning_summary_text.delta"), on_delta, PART_SUMMARY, "delta" },
	{ TEXT("response.reasoning_text.delta"), on_delta, PART_THOUGHT, "delta" },
	{ TEXT("response.custom_tool_call_input.delta"), on_delta, PART_ARGS, "delta" },
	{ TEXT("response.refusal.delta"), on_delta, PART_REFUSAL, "delta" },
	{ TEXT("response.output_text.done"), on_rest, PART_TEXT, "text" },
	{ TEXT("response.function_call_arguments.done"), on_rest, PART_ARGS, "arguments" },
	{ TEXT("response.reasoning_summary_text.done"), on_rest, PART_SUMMARY, "text" },
	{ TEXT("response.reasoning_text.done"), on_rest, PART_THOUGHT, "text" },
	{ TEXT("response.custom_tool_call_input.done"), on_rest, PART_ARGS, "input" },
	{ TEXT("response.refusal.done"), on_rest, PART_REFUSAL, "refusal" },
	{ TEXT("response.output_text.annotation.added"), on_annotation, PART_TEXT, "annotation" },
	{ TEXT("response.content_part.done"), on_part_done, PART_TEXT, "part" },
	{ TEXT("response.output_item.added"), on_item_added, PART_TEXT, "item" },
	{ TEXT("response.output_item.done"), on_item_done, PART_TEXT, "item" },
	{ TEXT("response.created"), on_begin, PART_TEXT, "response" },
	{ TEXT("response.in_progress"), on_begin, PART_TEXT, "response" },
	{ TEXT("response.queued"), on_begin, PART_TEXT, "response" },
	{ TEXT("response.completed"), decode_end, PART_TEXT, "completed" },
	{ TEXT("response.done"), decode_end, PART_TEXT, "completed" },
	{ TEXT("response.incomplete"), decode_end, PART_TEXT, "incomplete" },
	{ TEXT("response.failed"), decode_end, PART_TEXT, "failed" },
	{ TEXT("response.cancelled"), decode_end, PART_TEXT, "cancelled" },
	{ TEXT("error"), decode_error, PART_TEXT, NULL },
	{ TEXT("response.error"), decode_error, PART_TEXT, NULL },
	{ TEXT("keepalive"), on_keepalive, PART_TEXT, NULL },
};

static const struct rule *rule_find(struct span type)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].type.len == type.len &&
		    !memcmp(rules[i].type.ptr, type.ptr, type.len))
			return &rules[i];
	return NULL;
}

/* --- one event --- */

static bool starts_with(struct span name, const struct span *starts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (name.len >= starts[i].len && *name.ptr == *starts[i].ptr &&
		    !memcmp(name.ptr, starts[i].ptr, starts[i].len))
			return true;
	return false;
}

bool decode_skips(struct span name)
{
	static const struct span others[] = {
		TEXT("codex."), TEXT("responsesapi."),
	};
	static const struct span behind[] = {	/* "response." */
		TEXT("metadata"), TEXT("image_generation_call."),
		TEXT("web_search_call."), TEXT("file_search_call."),
		TEXT("code_interpreter_call"), TEXT("mcp_"), TEXT("audio."),
		/* large echoes of the request; .created has said it */
		TEXT("in_progress"), TEXT("queued"), TEXT("content_part.added"),
		TEXT("reasoning_summary_part."),
	};

	if (!span_starts(name, "response."))
		return starts_with(name, others, ARRAY_LEN(others));
	name.ptr += 9;
	name.len -= 9;
	return starts_with(name, behind, ARRAY_LEN(behind));
}

static enum err tell_other(struct decoder *d)
{
	return decode_tell(d, &(struct event){ .kind = EVENT_OTHER });
}

enum err decode_root(struct decoder *d, struct json_object *root, struct span name)
{
	struct span type = json_get_str(root, "type");
	const struct rule *rule;
	enum err err;

	if (!type.len)
		type = json_get(root, "error") ? SPAN("error") : name;
	if (!json_is_object(root) || !type.len)
		return err_set(d->note, ERR_UPSTREAM_GARBLED,
			       "an event without a type");
	rule = rule_find(type);
	err = rule ? rule->act(d, rule, root) : ERR_NONE;
	/* whatever it was, it is told: a tongue may pass it through */
	return err || !d->raw.len ? err : tell_other(d);
}

enum err decode_object(struct decoder *d, struct json_object *root,
		       struct span raw, struct err_note *note)
{
	if (d->ended)
		return ERR_NONE;
	d->note = note;
	d->raw = raw;
	return decode_root(d, root, span_of(""));
}

/* Most events: a delta, told without a tree. *err is the result if true. */
static bool delta_told(struct decoder *d, struct span name, struct span data,
		       enum err *err)
{
	const struct rule *rule;
	struct fast_delta delta;

	/* a name that says what it is, and no delta */
	if (span_starts(name, "response.") && name.ptr[name.len - 1] != 'a')
		return false;
	if (!decode_fast(data, &d->scratch, &delta))
		return false;
	rule = rule_find(delta.type);
	if (!rule || rule->act != on_delta)
		return false;
	d->raw = data;
	*err = decode_delta(d, rule->part, &delta.at, delta.text);
	if (!*err && d->raw.len)
		*err = tell_other(d);
	return true;
}

/* What else comes in each answer. */
static bool quick_told(struct decoder *d, struct span data, enum err *err)
{
	const struct rule *rule;
	struct quick q;
	bool told = false;

	if (!quick_read(data, &q) || !(rule = rule_find(q.type)))
		return false;
	d->raw = data;
	if (rule->act == on_rest)
		told = quick_rest(d, &q, rule->part, rule->field, err);
	else if (rule->act == on_begin)
		told = quick_begin(d, &q, err);
	else if (rule->act == on_item_added)
		told = quick_item_added(d, &q, err);
	else if (rule->act == on_item_done)
		told = quick_item_done(d, &q, err);
	else if (rule->act == decode_end && span_eq(span_of(rule->field), "completed"))
		told = quick_completed(d, &q, err);
	if (told && !*err && d->raw.len)
		*err = tell_other(d);
	return told;
}

/* What is unusual: by way of a tree. */
static enum err parsed_told(struct decoder *d, struct json_reader *r,
			    struct span name, struct span data)
{
	struct err_note why = ERR_NOTE_INIT;
	struct json_object *root = json_reader_parse(r, data, &why);
	enum err err;

	if (!root)
		return err_set(d->note, why.code == ERR_NO_MEMORY ?
			       why.code : ERR_UPSTREAM_GARBLED,
			       "an event: %s", why.why);
	d->raw = data;
	err = decode_root(d, root, name);
	json_object_put(root);
	return err;
}

enum err decode_event(struct decoder *d, struct json_reader *r,
		      struct span name, struct span data, struct err_note *note)
{
	enum err err;

	data = text_trim(data);
	if (d->ended || !data.len || span_eq(data, "[DONE]"))
		return ERR_NONE;
	d->note = note;
	if (d->pass)
		return decode_pass(d, r, name, data);
	if (decode_skips(name)) {
		d->raw = data;
		return tell_other(d);
	}
	if (delta_told(d, name, data, &err) || quick_told(d, data, &err))
		return err;
	return parsed_told(d, r, name, data);
}
