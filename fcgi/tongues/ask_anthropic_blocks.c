/*
 * ask_anthropic_blocks.c - what a message is made of: text, images,
 * documents, search results.
 *
 * Texts are shared with the body; base64 becomes a data URL, a copy of it.
 * cache_control, which may stand anywhere, is nothing to us: upstream caches
 * whatever begins alike.
 */
#include "anthropic.h"

#include "../../shared/ceilings.h"

#define IMAGE_TYPES "image/jpeg|image/png|image/gif|image/webp"

struct json_object *anthropic_type(struct asking *q, struct json_object *block,
				   const struct at *at)
{
	if (!ask_is(q, block, NULL, json_type_object, at))
		return NULL;
	return ask_need(q, block, "type", json_type_string, at);
}

static enum err push(struct asking *q, struct json_object *out,
		     struct json_object *part)
{
	if (part)
		ask_push(q, out, part);
	return q->note->code;
}

/* "data:TYPE;base64,DATA" */
static struct json_object *data_url(struct asking *q, const char *type,
				    struct json_object *data)
{
	struct buf b;

	buf_init(&b, MAX_REQUEST_BODY + 256u);
	buf_fmt(&b, "data:%s;base64,", type);
	buf_span_add(&b, json_str(data));
	return ask_str_of(q, &b);
}

/* The source of an image or a document and its type; NULL: told. */
static struct json_object *source_of(struct asking *q, struct json_object *block,
				     const struct at *at, const struct at *in,
				     struct json_object **type)
{
	struct json_object *source = ask_need(q, block, "source",
					      json_type_object, at);

	*type = source ? ask_need(q, source, "type", json_type_string, in) : NULL;
	if (*type && span_eq(json_str(*type), "file")) {
		ask_refuse(q, in, "type", "Files are not kept here: send the "
			   "data itself, or its address.");
		*type = NULL;
	}
	return *type ? source : NULL;
}

static enum err part_text(struct asking *q, struct json_object *block,
			  const struct at *at, enum part_place place,
			  struct json_object *out)
{
	struct json_object *text = ask_need(q, block, "text", json_type_string, at);

	/* an empty one says nothing, and some servers refuse it */
	if (!text || !json_str(text).len)
		return q->note->code;
	return push(q, out, ask_text(q, text, place));
}

static enum err part_image(struct asking *q, struct json_object *block,
			   const struct at *at, enum part_place place,
			   struct json_object *out)
{
	const struct at in = { at, "source", AT_WHOLE };
	struct json_object *type, *media, *data, *url;
	struct json_object *source = source_of(q, block, at, &in, &type);

	(void)place;
	if (!source || !ask_one_of(q, type, "type", &in, "base64|url"))
		return q->note->code;
	if (span_eq(json_str(type), "url")) {
		url = ask_need(q, source, "url", json_type_string, &in);
		return url ? push(q, out, ask_image(q, url, NULL, &in, "url")) :
			     q->note->code;
	}
	media = ask_need(q, source, "media_type", json_type_string, &in);
	if (!media || !ask_one_of(q, media, "media_type", &in, IMAGE_TYPES))
		return q->note->code;
	data = ask_need(q, source, "data", json_type_string, &in);
	url = data ? data_url(q, json_object_get_string(media), data) : NULL;
	if (url)
		push(q, out, ask_image(q, url, NULL, &in, "data"));
	json_object_put(url);
	return q->note->code;
}

/* --- documents --- */

/* Title and context go before the document's own words. */
static enum err lead(struct asking *q, struct json_object *block,
		     const struct at *at, struct json_object *out)
{
	static const char *const keys[] = { "title", "context" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_object *v = ask_get(q, block, keys[i],
						json_type_string, at);

		if (v && json_str(v).len)
			push(q, out, ask_text(q, v, PART_USER));
	}
	return q->note->code;
}

/* data is put. */
static enum err push_file(struct asking *q, struct json_object *block,
			  const struct at *at, const char *key,
			  struct json_object *data, struct json_object *out)
{
	struct json_object *title = ask_get(q, block, "title", json_type_string, at);
	struct json_object *context = ask_get(q, block, "context",
					      json_type_string, at);
	struct json_object *o = NULL;

	if (context && json_str(context).len)
		push(q, out, ask_text(q, context, PART_USER));
	if (data && !q->note->code)
		o = ask_item(q, "input_file");
	if (!o) {
		json_object_put(data);
		return q->note->code;
	}
	if (!strcmp(key, "file_data")) {
		if (title && json_str(title).len)
			ask_put(q, o, "filename", json_ref(title));
		else
			ask_put_cstr(q, o, "filename", "document.pdf");
	}
	ask_put(q, o, key, data);
	return push(q, out, o);
}

static enum err document_blocks(struct asking *q, struct json_object *content,
				const struct at *up, struct json_object *out)
{
	struct at at = { up, "content", 0 };

	if (json_is_str(content))
		return push(q, out, ask_text(q, content, PART_USER));
	if (!json_is_array(content))
		return ask_wrong_type(q, up, "content",
				      "a string or an array of blocks", content);
	for (; at.index < json_object_array_length(content); at.index++) {
		struct json_object *block =
			json_object_array_get_idx(content, at.index);
		struct json_object *type = anthropic_type(q, block, &at);

		if (!type || !ask_one_of(q, type, "type", &at, "text|image") ||
		    anthropic_part(q, block, &at, PART_USER, out))
			break;
	}
	return q->note->code;
}

static enum err part_document(struct asking *q, struct json_object *block,
			      const struct at *at, enum part_place place,
			      struct json_object *out)
{
	const struct at in = { at, "source", AT_WHOLE };
	struct json_object *type, *v;
	struct json_object *source = source_of(q, block, at, &in, &type);

	(void)place;
	if (!source || !ask_one_of(q, type, "type", &in, "base64|text|url|content"))
		return q->note->code;
	if (json_get_bool(json_get_object(block, "citations"), "enabled", false))
		terms_drop(&q->a->terms, "messages.content.citations");
	if (span_eq(json_str(type), "url")) {
		v = ask_need(q, source, "url", json_type_string, &in);
		return v ? push_file(q, block, at, "file_url", json_ref(v), out) :
			   q->note->code;
	}
	if (span_eq(json_str(type), "base64")) {
		v = ask_need(q, source, "media_type", json_type_string, &in);
		if (!v || !ask_one_of(q, v, "media_type", &in, "application/pdf"))
			return q->note->code;
		v = ask_need(q, source, "data", json_type_string, &in);
		return v ? push_file(q, block, at, "file_data",
				     data_url(q, "application/pdf", v), out) :
			   q->note->code;
	}
	if (lead(q, block, at, out))
		return q->note->code;
	if (span_eq(json_str(type), "content")) {
		v = json_get(source, "content");
		return v ? document_blocks(q, v, &in, out) :
			   (ask_need(q, source, "content", json_type_array, &in),
			    q->note->code);
	}
	v = ask_need(q, source, "data", json_type_string, &in);
	return v ? push(q, out, ask_text(q, v, PART_USER)) : q->note->code;
}

/* --- found text, and names of tools --- */

static enum err part_result(struct asking *q, struct json_object *block,
			    const struct at *at, enum part_place place,
			    struct json_object *out)
{
	struct json_object *source = ask_need(q, block, "source", json_type_string, at);
	struct json_object *title = ask_get(q, block, "title", json_type_string, at);
	struct json_object *content;

	(void)place;
	content = q->note->code ? NULL : ask_need(q, block, "content",
						  json_type_array, at);
	if (!content)
		return q->note->code;
	if (json_get_bool(json_get_object(block, "citations"), "enabled", false))
		terms_drop(&q->a->terms, "messages.content.citations");
	if (title && json_str(title).len)
		push(q, out, ask_text(q, title, PART_USER));
	push(q, out, ask_text(q, source, PART_USER));
	return document_blocks(q, content, at, out);
}

/* All tools are given from the start: one that was found is only named. */
static enum err part_reference(struct asking *q, struct json_object *block,
			       const struct at *at, enum part_place place,
			       struct json_object *out)
{
	struct json_object *name = ask_need(q, block, "tool_name",
					    json_type_string, at);

	return name ? push(q, out, ask_text(q, name, place)) : q->note->code;
}

static const struct part_kind {
	const char *type;
	enum err (*take)(struct asking *q, struct json_object *block,
			 const struct at *at, enum part_place place,
			 struct json_object *out);
	unsigned places;
} kinds[] = {
	{ "text", part_text, PART_USER | PART_ASSISTANT | PART_TOOL },
	{ "image", part_image, PART_USER | PART_TOOL },
	{ "document", part_document, PART_USER | PART_TOOL },
	{ "search_result", part_result, PART_USER | PART_TOOL },
	{ "tool_reference", part_reference, PART_TOOL },
};

enum err anthropic_part(struct asking *q, struct json_object *block,
			const struct at *at, enum part_place place,
			struct json_object *out)
{
	struct json_object *type = anthropic_type(q, block, at);

	if (!type)
		return q->note->code;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((kinds[i].places & place) &&
		    span_eq(json_str(type), kinds[i].type))
			return kinds[i].take(q, block, at, place, out);
	return ask_fault(q, at, "type", "a block of the type '%.60s' cannot stand "
			 "here.", json_object_get_string(type));
}
