/* ask_read.c - reading members and telling what is wrong; see ask.h. */
#include <stdarg.h>

#include "ask.h"
#include "../../shared/text.h"

#define MAX_PATH 95		/* err_note.param */
#define MAX_SENTENCE 399	/* err_note.tell */

static void add_path(struct buf *b, const struct at *at)
{
	if (!at)
		return;
	add_path(b, at->up);
	if (b->len)
		buf_char(b, '.');
	buf_str(b, at->key);
	if (at->index != AT_WHOLE)
		buf_fmt(b, "[%zu]", at->index);
}

static void path_of(struct buf *b, const struct at *at, const char *key)
{
	buf_init(b, MAX_PATH);
	add_path(b, at);
	if (key && b->len)
		buf_char(b, '.');
	if (key)
		buf_str(b, key);
}

static PRINTF_LIKE(5, 0)
enum err tell_at(struct asking *q, enum err code, const struct at *at,
			const char *key, const char *fmt, va_list ap)
{
	char words[MAX_SENTENCE + 1];
	struct buf path;

	vsnprintf(words, sizeof(words), fmt, ap);
	path_of(&path, at, key);
	if (code == ERR_BAD_REQUEST)
		err_at(q->note, code, path.ptr, "Invalid value for '%s': %s",
		       path.ptr, words);
	else
		err_at(q->note, code, path.ptr, "%s", words);
	buf_free(&path);
	return q->note->code;
}

enum err ask_fault(struct asking *q, const struct at *at, const char *key,
		   const char *fmt, ...)
{
	enum err code;
	va_list ap;

	va_start(ap, fmt);
	code = tell_at(q, ERR_BAD_REQUEST, at, key, fmt, ap);
	va_end(ap);
	return code;
}

enum err ask_refuse(struct asking *q, const struct at *at, const char *key,
		    const char *fmt, ...)
{
	enum err code;
	va_list ap;

	va_start(ap, fmt);
	code = tell_at(q, ERR_UNSUPPORTED_PARAM, at, key, fmt, ap);
	va_end(ap);
	return code;
}

static const char *type_words(enum json_type type)
{
	switch (type) {
	case json_type_boolean:
		return "a boolean";
	case json_type_double:
		return "a number";
	case json_type_int:
		return "an integer";
	case json_type_object:
		return "an object";
	case json_type_array:
		return "an array";
	case json_type_string:
		return "a string";
	default:
		return "null";
	}
}

enum err ask_wrong_type(struct asking *q, const struct at *at, const char *key,
			const char *wanted, struct json_object *got)
{
	struct buf path;

	path_of(&path, at, key);
	err_at(q->note, ERR_BAD_REQUEST, path.ptr,
	       "Invalid type for '%s': expected %s, got %s.", path.ptr, wanted,
	       type_words(json_object_get_type(got)));
	buf_free(&path);
	return q->note->code;
}

enum err ask_no_memory(struct asking *q)
{
	return err_set(q->note, ERR_NO_MEMORY, "translating a request");
}

bool ask_is(struct asking *q, struct json_object *v, const char *key,
	    enum json_type type, const struct at *at)
{
	enum json_type got = json_object_get_type(v);

	if (got == type || (type == json_type_double && got == json_type_int))
		return true;
	ask_wrong_type(q, at, key, type_words(type), v);
	return false;
}

struct json_object *ask_get(struct asking *q, struct json_object *o,
			    const char *key, enum json_type type,
			    const struct at *at)
{
	struct json_object *v = json_get(o, key);

	if (!v)
		return NULL;
	return ask_is(q, v, key, type, at) ? v : NULL;
}

struct json_object *ask_need(struct asking *q, struct json_object *o,
			     const char *key, enum json_type type,
			     const struct at *at)
{
	struct json_object *v = ask_get(q, o, key, type, at);
	struct buf path;

	if (v || q->note->code)
		return v;
	path_of(&path, at, key);
	err_at(q->note, ERR_BAD_REQUEST, path.ptr,
	       "Missing required parameter: '%s'.", path.ptr);
	buf_free(&path);
	return NULL;
}

struct json_object *ask_need_name(struct asking *q, struct json_object *o,
				  const char *key, const struct at *at)
{
	struct json_object *v = ask_need(q, o, key, json_type_string, at);

	if (!v || json_str(v).len)
		return v;
	ask_fault(q, at, key, "it must not be empty.");
	return NULL;
}

bool ask_word_in(struct span word, const char *choices)
{
	struct span rest = span_of(choices), piece;

	while (text_next(&rest, '|', &piece))
		if (piece.len == word.len &&
		    !memcmp(piece.ptr, word.ptr, word.len))
			return true;
	return false;
}

bool ask_one_of(struct asking *q, struct json_object *word, const char *key,
		const struct at *at, const char *choices)
{
	struct span rest = span_of(choices), piece;
	struct buf list;

	if (ask_word_in(json_str(word), choices))
		return true;
	buf_init(&list, MAX_SENTENCE);
	while (text_next(&rest, '|', &piece))
		buf_fmt(&list, "%s%.*s", list.len ? ", " : "", (int)piece.len,
			piece.ptr);
	ask_fault(q, at, key, "'%.60s' is none of %s.",
		  json_object_get_string(word), list.ptr);
	buf_free(&list);
	return false;
}

bool ask_put(struct asking *q, struct json_object *o, const char *key,
	     struct json_object *v)
{
	/* the key is a literal of ours: json-c need not copy it */
	if (o && v && !json_object_object_add_ex(o, key, v,
						 JSON_C_OBJECT_ADD_CONSTANT_KEY))
		return true;
	json_object_put(v);
	ask_no_memory(q);
	return false;
}

bool ask_put_cstr(struct asking *q, struct json_object *o, const char *key,
		  const char *s)
{
	return ask_put(q, o, key, json_new_str(span_of(s)));
}

bool ask_push(struct asking *q, struct json_object *array,
	      struct json_object *v)
{
	if (array && v && !json_object_array_add(array, v))
		return true;
	json_object_put(v);
	ask_no_memory(q);
	return false;
}

struct json_object *ask_str_of(struct asking *q, struct buf *b)
{
	struct json_object *v = buf_err(b) ? NULL : json_new_str(buf_span(b));

	buf_free(b);
	if (!v)
		ask_no_memory(q);
	return v;
}

struct json_object *ask_item(struct asking *q, const char *type)
{
	struct json_object *o = json_object_new_object();

	if (ask_put_cstr(q, o, "type", type))
		return o;
	json_object_put(o);
	return NULL;
}

struct json_object *ask_sub(struct asking *q, const char *key)
{
	struct json_object *o = json_get(q->a->request, key);

	if (o)
		return o;
	o = json_object_new_object();
	return ask_put(q, q->a->request, key, o) ? o : NULL;
}
