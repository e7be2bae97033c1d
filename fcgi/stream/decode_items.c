/*
 * decode_items.c - what is told of output items, each thing once.
 */
#include "../../shared/ceilings.h"
#include "decode_state.h"

enum item_kind item_kind_of(struct span type)
{
	if (span_eq(type, "message"))
		return ITEM_MESSAGE;
	if (span_eq(type, "reasoning"))
		return ITEM_REASONING;
	if (span_eq(type, "function_call") || span_eq(type, "custom_tool_call"))
		return ITEM_CALL;
	return ITEM_OTHER;
}

static enum item_kind home_of(enum part_kind kind)
{
	switch (kind) {
	case PART_TEXT:
	case PART_REFUSAL:
		return ITEM_MESSAGE;
	case PART_SUMMARY:
	case PART_THOUGHT:
		return ITEM_REASONING;
	case PART_ARGS:
		return ITEM_CALL;
	}
	return ITEM_OTHER;
}

static enum err tell_plain(struct decoder *d, enum event_kind kind)
{
	return decode_tell(d, &(struct event){ .kind = kind });
}

enum err item_end_text(struct decoder *d, struct part *p)
{
	if (d->open_text == (size_t)(p - d->parts) + 1)
		d->open_text = 0;
	if (p->ended || !p->told)
		return ERR_NONE;
	p->ended = true;
	return tell_plain(d, EVENT_TEXT_END);
}

/* What has to be told before the first text of a part. */
static enum err begin_part(struct decoder *d, struct part *p)
{
	enum err err = ERR_NONE;

	if (p->kind == PART_TEXT) {
		if (d->open_text)
			err = item_end_text(d, &d->parts[d->open_text - 1]);
		d->open_text = (size_t)(p - d->parts) + 1;
	} else if (p->kind == PART_SUMMARY || p->kind == PART_THOUGHT) {
		if (d->thought)
			err = tell_plain(d, EVENT_THOUGHT_BREAK);
		d->thought = true;
	}
	return err;
}

enum err part_tell(struct decoder *d, const struct item *it, struct part *p,
		   struct span text)
{
	static const enum event_kind kinds[] = {
		[PART_TEXT] = EVENT_TEXT, [PART_REFUSAL] = EVENT_REFUSAL,
		[PART_SUMMARY] = EVENT_THOUGHT, [PART_THOUGHT] = EVENT_THOUGHT,
		[PART_ARGS] = EVENT_CALL_ARGS,
	};
	struct event ev = { .kind = kinds[p->kind], .text = text,
			    .call = it->call, .custom = it->custom };
	enum err err;

	if (!text.len)
		return ERR_NONE;
	if (!p->told) {
		err = begin_part(d, p);
		if (err)
			return err;
	}
	p->told += text.len;
	p->hash = decode_hash(p->hash, text);
	return decode_tell(d, &ev);
}

/* The whole of a part is known: tell what is missing. A text that does not
 * begin with what was told cannot be mended any more. */
enum err part_rest(struct decoder *d, const struct item *it, struct part *p,
		   struct span text)
{
	struct span before = { text.ptr, p->told };

	if (text.len <= p->told)
		return ERR_NONE;
	if (p->told && decode_hash(DECODE_HASH_SEED, before) != p->hash)
		return ERR_NONE;
	text.ptr += p->told;
	text.len -= p->told;
	return part_tell(d, it, p, text);
}

/* The part an event speaks of, its item made if need be. *part NULL with no
 * error: arguments of a call nobody has named yet. */
static enum err part_at(struct decoder *d, enum part_kind kind,
			const struct place *at, struct part **part)
{
	enum item_kind home = home_of(kind);
	struct item *it = item_find(d, home, at->output_index, at->item_id);

	*part = NULL;
	if (home == ITEM_CALL && (!it || !it->begun))
		return ERR_NONE;
	if (!it)
		it = item_new(d, home, at->output_index, at->item_id);
	if (it)
		*part = part_get(d, it, kind, kind == PART_ARGS ? 0 : at->index);
	return *part ? ERR_NONE : d->note->code;
}

enum err decode_delta(struct decoder *d, enum part_kind kind,
		      const struct place *at, struct span text)
{
	struct part *p;
	enum err err = part_at(d, kind, at, &p);

	return p ? part_tell(d, &d->items[p->item], p, text) : err;
}

enum err decode_rest(struct decoder *d, enum part_kind kind,
		     const struct place *at, struct span text)
{
	struct part *p;
	enum err err = part_at(d, kind, at, &p);

	return p ? part_rest(d, &d->items[p->item], p, text) : err;
}

enum err decode_annotation(struct decoder *d, const struct place *at,
			   struct json_object *annotation)
{
	struct part *p;
	enum err err = part_at(d, PART_TEXT, at, &p);

	if (!p || !json_is_object(annotation))
		return err;
	p->notes++;
	return decode_tell(d, &(struct event){ .kind = EVENT_ANNOTATION,
					       .json = annotation });
}

enum err item_finish_part(struct decoder *d, struct item *it, int64_t index,
			  const struct part_words *words)
{
	struct part *p = part_get(d, it, words->refusal ? PART_REFUSAL : PART_TEXT,
				  index);
	size_t count = words->notes ? json_object_array_length(words->notes) : 0;
	enum err err;

	if (!p)
		return d->note->code;
	err = part_rest(d, it, p, words->text);
	if (words->refusal)
		return err;
	while (!err && p->notes < count) {
		struct event ev = { .kind = EVENT_ANNOTATION };

		ev.json = json_object_array_get_idx(words->notes, p->notes++);
		if (json_is_object(ev.json))
			err = decode_tell(d, &ev);
	}
	return err ? err : item_end_text(d, p);
}

/* Text, annotations and end of one part of a message. */
static enum err finish_part(struct decoder *d, struct item *it, int64_t index,
			    struct json_object *part)
{
	struct part_words words = {
		.refusal = span_eq(json_get_str(part, "type"), "refusal"),
		.notes = json_get_array(part, "annotations"),
	};

	words.text = json_get_str(part, words.refusal ? "refusal" : "text");
	return item_finish_part(d, it, index, &words);
}

enum err decode_part_done(struct decoder *d, const struct place *at,
			  struct json_object *part)
{
	struct span type = json_get_str(part, "type");
	struct item *it;

	if (!span_eq(type, "output_text") && !span_eq(type, "refusal"))
		return ERR_NONE;	/* reasoning_text: the item's end has it */
	it = item_find(d, ITEM_MESSAGE, at->output_index, at->item_id);
	if (!it)
		it = item_new(d, ITEM_MESSAGE, at->output_index, at->item_id);
	return it ? finish_part(d, it, at->index, part) : d->note->code;
}

static enum err finish_message(struct decoder *d, struct item *it,
			       struct json_object *item)
{
	struct json_object *content = json_get_array(item, "content");
	size_t count = content ? json_object_array_length(content) : 0;
	enum err err = ERR_NONE;

	for (size_t i = 0; i < count && !err; i++)
		err = finish_part(d, it, (int64_t)i,
				  json_object_array_get_idx(content, i));
	return err;
}

static bool was_told(const struct decoder *d, const struct item *it,
		     enum part_kind kind)
{
	for (size_t i = 0; i < d->part_count; i++)
		if (d->parts[i].item == (size_t)(it - d->items) &&
		    d->parts[i].kind == kind && d->parts[i].told)
			return true;
	return false;
}

static enum err finish_parts(struct decoder *d, struct item *it,
			     enum part_kind kind, struct json_object *array)
{
	size_t count = array ? json_object_array_length(array) : 0;
	enum err err = ERR_NONE;

	for (size_t i = 0; i < count && !err; i++) {
		struct json_object *v = json_object_array_get_idx(array, i);
		struct part *p = part_get(d, it, kind, (int64_t)i);

		err = p ? part_rest(d, it, p, json_get_str(v, "text")) :
			  d->note->code;
	}
	return err;
}

/* A summary and the full text say the same: one of them is told. */
static enum err finish_reasoning(struct decoder *d, struct item *it,
				 struct json_object *item)
{
	struct event end = { .kind = EVENT_THOUGHT_END,
			     .id = json_get_str(item, "id"),
			     .text = json_get_str(item, "encrypted_content") };
	enum err err = ERR_NONE;

	if (!was_told(d, it, PART_THOUGHT))
		err = finish_parts(d, it, PART_SUMMARY,
				   json_get_array(item, "summary"));
	if (!err && !was_told(d, it, PART_SUMMARY))
		err = finish_parts(d, it, PART_THOUGHT,
				   json_get_array(item, "content"));
	if (err || it->done)
		return err;
	return decode_tell(d, &end);
}

static enum err finish_other(struct decoder *d, struct item *it,
			     struct json_object *item)
{
	struct span type = json_get_str(item, "type");
	static const char end[] = "_call";

	if (it->done || type.len < strlen(end) ||
	    memcmp(type.ptr + type.len - strlen(end), end, strlen(end)) != 0)
		return ERR_NONE;
	return decode_tell(d, &(struct event){ .kind = EVENT_HOSTED,
					       .json = item });
}

/* Arguments that are no string, as they should be, are written as one. */
static enum err finish_call(struct decoder *d, struct item *it,
			    struct json_object *item)
{
	struct json_object *v = json_get(item, it->custom ? "input" : "arguments");
	struct item_words words = item_words_of(item);
	struct span args = json_str(v);
	struct buf text;
	enum err err;

	buf_init(&text, MAX_SSE_EVENT);
	if (json_is_object(v)) {
		json_write(&text, v);
		args = buf_span(&text);
	}
	err = buf_err(&text);
	if (!err)
		err = item_finish_call(d, it, &words, args);
	buf_free(&text);
	return err;
}

enum err item_finish(struct decoder *d, struct item *it,
		     struct json_object *item)
{
	enum err err = ERR_NONE;

	switch (it->kind) {
	case ITEM_MESSAGE:
		err = finish_message(d, it, item);
		break;
	case ITEM_REASONING:
		err = finish_reasoning(d, it, item);
		break;
	case ITEM_CALL:
		err = finish_call(d, it, item);
		break;
	case ITEM_OTHER:
		err = finish_other(d, it, item);
		break;
	}
	it->done = true;
	return err;
}

struct item_words item_words_of(struct json_object *item)
{
	return (struct item_words){
		.type = json_get_str(item, "type"),
		.id = json_get_str(item, "id"),
		.call_id = json_get_str(item, "call_id"),
		.name = json_get_str(item, "name"),
	};
}

struct item *item_at(struct decoder *d, int64_t output_index,
		     const struct item_words *words, bool anew)
{
	enum item_kind kind = item_kind_of(words->type);
	uint64_t call_id = decode_id(words->call_id);
	struct item *it = item_find(d, kind, output_index, words->id);

	if (it && it->done && (anew || it->call_id != call_id))
		it = NULL;
	if (!it)
		it = item_new(d, kind, output_index, words->id);
	if (it) {
		it->call_id = call_id;
		it->custom = span_eq(words->type, "custom_tool_call");
	}
	return it;
}

enum err decode_item_added(struct decoder *d, int64_t output_index,
			   const struct item_words *words)
{
	struct item *it = item_at(d, output_index, words, true);

	if (!it)
		return d->note->code;
	/* without a name or an id it can only be told at its end */
	if (it->kind != ITEM_CALL || !it->call_id || !words->name.len)
		return ERR_NONE;
	return item_begin_call(d, it, words);
}

enum err decode_item_done(struct decoder *d, int64_t output_index,
			  struct json_object *item)
{
	struct item_words words = item_words_of(item);
	struct item *it = item_at(d, output_index, &words, false);

	return it ? item_finish(d, it, item) : d->note->code;
}
