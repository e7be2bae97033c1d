/*
 * ask_parts.c - what a message is made of: text, images, files, sound.
 *
 * Texts and data are shared with the body, not copied: a megabyte of text
 * costs as much as a word.
 */
#include "ask.h"
#include "../../shared/ceilings.h"
#include "../../shared/text.h"

typedef struct json_object *(*part_fn)(struct asking *q, struct json_object *part,
				       const struct at *at, enum part_place place);

struct json_object *ask_text(struct asking *q, struct json_object *text,
			     enum part_place place)
{
	struct json_object *o = ask_item(q, place == PART_ASSISTANT ?
					 "output_text" : "input_text");

	if (o && !ask_put(q, o, "text", json_ref(text))) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static struct json_object *part_text(struct asking *q, struct json_object *part,
				     const struct at *at, enum part_place place)
{
	struct json_object *text = ask_need(q, part, "text", json_type_string, at);

	return text ? ask_text(q, text, place) : NULL;
}

static struct json_object *part_refusal(struct asking *q, struct json_object *part,
					const struct at *at, enum part_place place)
{
	struct json_object *text = ask_need(q, part, "refusal", json_type_string, at);
	struct json_object *o;

	(void)place;
	if (!text || !(o = ask_item(q, "refusal")))
		return NULL;
	if (ask_put(q, o, "refusal", json_ref(text)))
		return o;
	json_object_put(o);
	return NULL;
}

/*
 * Base64 as many programs write it: the letters of base64url, no padding.
 * Upstream takes only the standard form. NULL: as it should be already.
 */
static struct json_object *mended_data(struct asking *q, struct span url)
{
	const char *comma = memchr(url.ptr, ',', url.len < 256 ? url.len : 256);
	struct span data;
	struct buf b;

	if (!comma || comma - url.ptr < 7 || memcmp(comma - 7, ";base64", 7))
		return NULL;
	data.ptr = comma + 1;
	data.len = url.len - (size_t)(data.ptr - url.ptr);
	if (data.len % 4 == 0 && !memchr(data.ptr, '-', data.len) &&
	    !memchr(data.ptr, '_', data.len))
		return NULL;
	buf_init(&b, url.len + 4);
	buf_span_add(&b, url);
	for (size_t i = url.len - data.len; i < b.len; i++) {
		if (b.ptr[i] == '-')
			b.ptr[i] = '+';
		else if (b.ptr[i] == '_')
			b.ptr[i] = '/';
	}
	for (size_t i = data.len; i % 4; i++)
		buf_char(&b, '=');
	return ask_str_of(q, &b);
}

/* The url as a value to own. Only upstream fetches it, never we; what is no
 * web address would be an address inside somebody's machine. */
static struct json_object *image_source(struct asking *q, struct json_object *url,
					const struct at *at, const char *key)
{
	struct span s = json_str(url);
	struct json_object *mended;

	if (text_starts_nocase(s, "https://") || text_starts_nocase(s, "http://"))
		return json_ref(url);
	if (!text_starts_nocase(s, "data:")) {
		ask_fault(q, at, key, "an image is given by an http, https or data URL.");
		return NULL;
	}
	mended = mended_data(q, s);
	return mended || q->note->code ? mended : json_ref(url);
}

/* detail is sent always: upstream's schema asks for it, "auto" is its default. */
struct json_object *ask_image(struct asking *q, struct json_object *url,
			      struct json_object *detail, const struct at *at,
			      const char *key)
{
	struct json_object *source = image_source(q, url, at, key), *o;

	if (!source)
		return NULL;
	o = ask_item(q, "input_image");
	if (!o) {
		json_object_put(source);
		return NULL;
	}
	if (ask_put(q, o, "image_url", source) &&
	    (detail ? ask_put(q, o, "detail", json_ref(detail)) :
		      ask_put_cstr(q, o, "detail", "auto")))
		return o;
	json_object_put(o);
	return NULL;
}

/* {"image_url":{"url","detail"}}; the address alone is taken too, as in the
 * Responses API's own input_image, where detail stands beside it. */
static struct json_object *part_image(struct asking *q, struct json_object *part,
				      const struct at *at, enum part_place place)
{
	const struct at inner = { at, "image_url", AT_WHOLE };
	struct json_object *image = json_get(part, "image_url");
	struct json_object *url, *detail;
	const struct at *where = at;
	const char *key = "image_url";

	(void)place;
	if (json_is_str(image)) {
		url = image;
		detail = ask_get(q, part, "detail", json_type_string, at);
	} else {
		image = ask_need(q, part, "image_url", json_type_object, at);
		if (!image)
			return NULL;
		where = &inner;
		key = "url";
		url = ask_need(q, image, "url", json_type_string, &inner);
		detail = ask_get(q, image, "detail", json_type_string, &inner);
	}
	if (q->note->code)
		return NULL;
	if (detail && !ask_one_of(q, detail, "detail", where,
				  "auto|low|high|original"))
		return NULL;
	return ask_image(q, url, detail, where, key);
}

/* Chat lets the bare base64 of a PDF pass for a file; Responses wants a data
 * URL. */
static struct json_object *file_data(struct asking *q, struct json_object *data)
{
	struct span s = json_str(data);
	struct buf b;

	if (text_starts_nocase(s, "data:"))
		return json_ref(data);
	buf_init(&b, s.len + 64);
	buf_str(&b, "data:application/pdf;base64,");
	buf_span_add(&b, s);
	return ask_str_of(q, &b);
}

static struct json_object *part_file(struct asking *q, struct json_object *part,
				     const struct at *at, enum part_place place)
{
	static const char *const keys[] = { "file_id", "file_url", "filename" };
	const struct at inner = { at, "file", AT_WHOLE };
	struct json_object *file = ask_need(q, part, "file", json_type_object, at);
	struct json_object *o, *v, *data;

	(void)place;
	data = ask_get(q, file, "file_data", json_type_string, &inner);
	if (!file || q->note->code)
		return NULL;
	if (!data && !json_get(file, "file_id") && !json_get(file, "file_url")) {
		ask_fault(q, at, "file", "file_data or file_id is needed.");
		return NULL;
	}
	o = ask_item(q, "input_file");
	for (size_t i = 0; o && i < ARRAY_LEN(keys); i++) {
		v = ask_get(q, file, keys[i], json_type_string, &inner);
		if (v)
			ask_put(q, o, keys[i], json_ref(v));
	}
	if (o && data && !q->note->code)
		ask_put(q, o, "file_data", file_data(q, data));
	if (!q->note->code)
		return o;
	json_object_put(o);
	return NULL;
}

static struct json_object *part_audio(struct asking *q, struct json_object *part,
				      const struct at *at, enum part_place place)
{
	const struct at inner = { at, "input_audio", AT_WHOLE };
	struct json_object *audio = ask_need(q, part, "input_audio",
					     json_type_object, at);
	struct json_object *data, *format, *o, *sound = NULL;

	(void)place;
	if (!audio)
		return NULL;
	data = ask_need(q, audio, "data", json_type_string, &inner);
	format = ask_need(q, audio, "format", json_type_string, &inner);
	if (!data || !format || !(o = ask_item(q, "input_audio")))
		return NULL;
	sound = json_object_new_object();
	if (ask_put(q, o, "input_audio", sound) &&
	    ask_put(q, sound, "data", json_ref(data)) &&
	    ask_put(q, sound, "format", json_ref(format)))
		return o;
	json_object_put(o);
	return NULL;
}

/* take NULL: reasoning that a client echoes back; upstream cannot use it. */
static const struct part_kind {
	const char *type;
	part_fn take;
	unsigned places;
} kinds[] = {
	{ "text", part_text, PART_USER | PART_ASSISTANT | PART_TOOL },
	{ "image_url", part_image, PART_USER | PART_TOOL },
	{ "file", part_file, PART_USER | PART_TOOL },
	{ "input_audio", part_audio, PART_USER | PART_TOOL },
	{ "refusal", part_refusal, PART_ASSISTANT },
	{ "input_text", part_text, PART_USER | PART_ASSISTANT | PART_TOOL },
	{ "output_text", part_text, PART_USER | PART_ASSISTANT | PART_TOOL },
	{ "input_image", part_image, PART_USER | PART_TOOL },
	{ "reasoning", NULL, PART_ASSISTANT },
	{ "thinking", NULL, PART_ASSISTANT },
	{ "redacted_thinking", NULL, PART_ASSISTANT },
};

static const struct part_kind *kind_of(struct asking *q, struct json_object *part,
				       const struct at *at, enum part_place place)
{
	struct json_object *type;

	if (!json_is_object(part)) {
		ask_wrong_type(q, at, NULL, "an object", part);
		return NULL;
	}
	type = ask_need(q, part, "type", json_type_string, at);
	if (!type)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((kinds[i].places & place) && span_eq(json_str(type), kinds[i].type))
			return &kinds[i];
	ask_fault(q, at, "type", "'%.60s' cannot stand here; %s.",
		  json_object_get_string(type), place == PART_ASSISTANT ?
		  "an assistant's parts are text and refusal" :
		  "parts are text, image_url, file and input_audio");
	return NULL;
}

/* Kept where the client set one; payload.c takes it out again for an upstream
 * that has no such thing. */
static bool keep_breakpoint(struct asking *q, struct json_object *part,
			    struct json_object *o)
{
	struct json_object *mark = json_get(part, "prompt_cache_breakpoint");

	return !mark || ask_put(q, o, "prompt_cache_breakpoint", json_ref(mark));
}

enum err ask_content(struct asking *q, struct json_object *content,
		     const struct at *at, enum part_place place,
		     struct json_object *out)
{
	struct at here = { at, "content", 0 };
	struct json_object *part, *o;
	size_t count;

	if (json_is_str(content)) {
		ask_push(q, out, ask_text(q, content, place));
		return q->note->code;
	}
	if (!json_is_array(content))
		return ask_wrong_type(q, at, "content",
				      "a string or an array of parts", content);
	count = json_object_array_length(content);
	for (; here.index < count && !q->note->code; here.index++) {
		const struct part_kind *kind;

		part = json_object_array_get_idx(content, here.index);
		kind = kind_of(q, part, &here, place);
		if (!kind || !kind->take)
			continue;
		o = kind->take(q, part, &here, place);
		if (!o)
			break;
		if (keep_breakpoint(q, part, o))
			ask_push(q, out, o);
		else
			json_object_put(o);
	}
	return q->note->code;
}

struct json_object *ask_message(struct asking *q, const char *role,
				struct json_object *text)
{
	struct json_object *o = ask_item(q, "message"), *content = NULL;
	enum part_place place = strcmp(role, "assistant") ? PART_USER :
							    PART_ASSISTANT;

	if (o && ask_put_cstr(q, o, "role", role)) {
		content = json_object_new_array_ext(1);
		if (ask_put(q, o, "content", content) &&
		    (!text || ask_push(q, content, ask_text(q, text, place))))
			return o;
	}
	json_object_put(o);
	return NULL;
}

struct json_object *ask_output(struct asking *q, struct json_object *parts)
{
	size_t count = json_object_array_length(parts);
	struct json_object *v = NULL;
	struct buf b;

	buf_init(&b, MAX_REQUEST_BODY);
	for (size_t i = 0; i < count; i++) {
		struct json_object *part = json_object_array_get_idx(parts, i);

		if (!span_eq(json_get_str(part, "type"), "input_text"))
			goto out;	/* v is NULL: the parts themselves */
		if (i)
			buf_char(&b, '\n');
		buf_span_add(&b, json_get_str(part, "text"));
	}
	v = ask_str_of(q, &b);
out:
	buf_free(&b);
	if (!v && !q->note->code)
		return parts;
	json_object_put(parts);
	return v;
}
