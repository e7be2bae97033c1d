/*
 * ask_ollama_images.c - images as Ollama has them: base64 and nothing said of
 * what is in it. Upstream wants a data URL with the media type, which the
 * first bytes tell.
 */
#include "ask_ollama.h"
#include "../../shared/text.h"

#define PROBE 12		/* bytes that tell every kind */

/* 0 to 63, or -1. base64url's letters too: many programs write them. */
static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* s as base64 in its standard form, appended to out. False: it is none. */
static bool add_base64(struct buf *out, struct span s)
{
	size_t start = out->len, run = 0;

	for (size_t i = 0; i <= s.len; i++) {
		char c = i < s.len ? s.ptr[i] : '=';

		if (digit(c) >= 0 && c != '-' && c != '_')
			continue;
		buf_add(out, s.ptr + run, i - run);
		run = i + 1;
		if (c == '-' || c == '_')
			buf_char(out, c == '-' ? '+' : '/');
		else if (c == '=')
			s.len = i < s.len ? i : s.len;	/* nothing behind it */
		else if (!strchr(" \t\r\n", c) || !c)
			return false;
	}
	run = out->len - start;
	if (run % 4 == 1)
		return false;
	for (; run % 4; run++)
		buf_char(out, '=');
	return true;
}

static const char *media_type(struct span base64)
{
	static const struct { const char *type, *begin; size_t len; } kinds[] = {
		{ "image/png", "\x89PNG\r\n\x1a\n", 8 },
		{ "image/jpeg", "\xff\xd8\xff", 3 },
		{ "image/gif", "GIF8", 4 },
	};
	unsigned char bytes[PROBE] = { 0 };
	unsigned bits = 0, n = 0;
	size_t count = 0;

	for (size_t i = 0; i < base64.len && count < PROBE; i++) {
		int d = digit(base64.ptr[i]);

		if (d < 0)
			break;
		bits = (bits << 6 | (unsigned)d) & 0xffffu;
		n += 6;
		if (n >= 8) {
			n -= 8;
			bytes[count++] = (unsigned char)(bits >> n);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (count >= kinds[i].len &&
		    !memcmp(bytes, kinds[i].begin, kinds[i].len))
			return kinds[i].type;
	return !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4) ?
		"image/webp" : NULL;
}

/* Some programs send the whole data URL: what stands behind its comma. */
static struct span without_head(struct span s)
{
	const char *comma = memchr(s.ptr, ',', s.len < 256 ? s.len : 256);

	if (!comma || !text_starts_nocase(s, "data:"))
		return s;
	s.len -= (size_t)(comma + 1 - s.ptr);
	s.ptr = comma + 1;
	return s;
}

/* The image as a data URL; NULL: told. */
static struct json_object *data_url(struct asking *q, struct json_object *v,
				    const struct at *at)
{
	struct span s = without_head(json_str(v));
	struct json_object *url = NULL;
	const char *type;
	struct buf data, b;

	buf_init(&data, s.len + 4);
	buf_init(&b, s.len + 64);
	if (!add_base64(&data, s)) {
		ask_fault(q, at, NULL, "it is not base64.");
		goto out;
	}
	type = media_type(buf_span(&data));
	if (!type) {
		ask_fault(q, at, NULL, "it is no PNG, JPEG, GIF or WebP image.");
		goto out;
	}
	buf_fmt(&b, "data:%s;base64,", type);
	buf_span_add(&b, buf_span(&data));
	if (buf_err(&data))
		ask_no_memory(q);
	else
		url = ask_str_of(q, &b);
out:
	buf_free(&data);
	buf_free(&b);
	return url;
}

static void push_image(struct asking *q, struct json_object *v,
		       const struct at *at, struct json_object *out)
{
	struct json_object *o, *url;

	if (!ask_is(q, v, NULL, json_type_string, at))
		return;
	url = data_url(q, v, at);
	o = url ? ask_item(q, "input_image") : NULL;
	if (!o) {
		json_object_put(url);
		return;
	}
	if (ask_put(q, o, "image_url", url) &&
	    ask_put_cstr(q, o, "detail", "auto"))
		ask_push(q, out, json_ref(o));
	json_object_put(o);
}

enum err ollama_images(struct asking *q, struct json_object *o,
		       const struct at *up, struct json_object *out)
{
	struct json_object *list = ask_get(q, o, "images", json_type_array, up);
	struct at at = { up, "images", 0 };
	size_t count = list ? json_object_array_length(list) : 0;

	for (; at.index < count && !q->note->code; at.index++)
		push_image(q, json_object_array_get_idx(list, at.index), &at, out);
	return q->note->code;
}
