/*
 * json.h - reading and writing JSON on top of json-c, with our ceilings.
 *
 * Names in paths follow the way people write them: messages[2].content.
 */
#ifndef CHATMOCK_JSON_H
#define CHATMOCK_JSON_H

#include <json-c/json.h>

#include "buf.h"

/*
 * Parses exactly one JSON value (RFC 8259): valid UTF-8, no comments, no
 * single quotes, no NaN or Infinity, nothing behind it, at most
 * MAX_JSON_DEPTH levels. The caller owns the result (json_object_put).
 * NULL: note has ERR_BAD_JSON (tell names line and column, counted in
 * characters, and what is wrong), ERR_TOO_DEEP, ERR_TOO_LARGE (over
 * MAX_JSON_MEMBERS, or more values than a text of ours ever has) or
 * ERR_NO_MEMORY. The text "null" is ERR_BAD_JSON too: NULL would be its value.
 * Of equal keys the last one counts. A whole number beyond 64 bits is a
 * double that is written as it was read.
 */
MUST_USE struct json_object *json_parse(struct span text, struct err_note *note);

/*
 * A parser to be used again and again, for one thread: what json_parse()
 * does without the allocation of a tokener. json_reader_free(NULL) is fine.
 */
struct json_reader;
struct json_reader *json_reader_new(void);
void json_reader_free(struct json_reader *r);
MUST_USE struct json_object *json_reader_parse(struct json_reader *r,
					       struct span text,
					       struct err_note *note);

/*
 * The value written compactly: keys in the order of insertion, numbers as
 * they were read, '/' not escaped. The same tree gives the same bytes. Errors stick in the buf.
 */
void json_write(struct buf *b, struct json_object *v);

/* Borrowed from v, good until v goes. Wrong type or missing: NULL / empty /
 * the given default. v may be NULL everywhere. */
struct json_object *json_get(struct json_object *v, const char *key);
struct json_object *json_get_object(struct json_object *v, const char *key);
struct json_object *json_get_array(struct json_object *v, const char *key);
struct span json_get_str(struct json_object *v, const char *key);
int64_t json_get_int(struct json_object *v, const char *key, int64_t dflt);
bool json_get_bool(struct json_object *v, const char *key, bool dflt);
struct span json_str(struct json_object *v);	/* "" span when no string */
static inline bool json_is_str(struct json_object *v)
{
	return json_object_is_type(v, json_type_string);
}
static inline bool json_is_object(struct json_object *v)
{
	return json_object_is_type(v, json_type_object);
}
static inline bool json_is_array(struct json_object *v)
{
	return json_object_is_type(v, json_type_array);
}

/* Sets a member / appends an element. v takes ownership of value, also on
 * failure; out of memory aborts nothing: false is returned. */
bool json_set(struct json_object *v, const char *key, struct json_object *value);
bool json_set_str(struct json_object *v, const char *key, struct span s);
bool json_set_cstr(struct json_object *v, const char *key, const char *s);
bool json_set_int(struct json_object *v, const char *key, int64_t n);
bool json_set_bool(struct json_object *v, const char *key, bool b);
bool json_push(struct json_object *array, struct json_object *value);
struct json_object *json_new_str(struct span s);

/* A second reference to v (json_object_get), for moving parts between trees. */
struct json_object *json_ref(struct json_object *v);

#endif
