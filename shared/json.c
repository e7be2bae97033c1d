/* json.c - looking into trees and building them; see json.h. */
#include <limits.h>

#include "json.h"

/* Up to so many members are compared one by one: for few of them making a hash
 * of the key costs more. */
#define FEW 16

struct json_object *json_get(struct json_object *v, const char *key)
{
	struct lh_table *members = json_object_get_object(v);
	struct json_object *got = NULL;

	if (!members)
		return NULL;
	if (members->count > FEW) {
		json_object_object_get_ex(v, key, &got);
		return got;
	}
	for (const struct lh_entry *e = members->head; e; e = e->next) {
		const char *k = lh_entry_k(e);

		if (*k == *key && strcmp(k, key) == 0)
			return (struct json_object *)lh_entry_v(e);
	}
	return NULL;
}

struct json_object *json_get_object(struct json_object *v, const char *key)
{
	v = json_get(v, key);
	return json_is_object(v) ? v : NULL;
}

struct json_object *json_get_array(struct json_object *v, const char *key)
{
	v = json_get(v, key);
	return json_is_array(v) ? v : NULL;
}

struct span json_get_str(struct json_object *v, const char *key)
{
	return json_str(json_get(v, key));
}

int64_t json_get_int(struct json_object *v, const char *key, int64_t dflt)
{
	v = json_get(v, key);
	if (!json_object_is_type(v, json_type_int))
		return dflt;
	return json_object_get_int64(v);
}

bool json_get_bool(struct json_object *v, const char *key, bool dflt)
{
	v = json_get(v, key);
	if (!json_object_is_type(v, json_type_boolean))
		return dflt;
	return json_object_get_boolean(v);
}

struct span json_str(struct json_object *v)
{
	if (!json_is_str(v))
		return (struct span){ "", 0 };
	return (struct span){ json_object_get_string(v),
			      (size_t)json_object_get_string_len(v) };
}

bool json_set(struct json_object *v, const char *key, struct json_object *value)
{
	if (json_is_object(v) && json_object_object_add(v, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

/* A value that could not be made is NULL, which must not become null. */
static bool set_made(struct json_object *v, const char *key,
		     struct json_object *value)
{
	return value && json_set(v, key, value);
}

bool json_set_str(struct json_object *v, const char *key, struct span s)
{
	return set_made(v, key, json_new_str(s));
}

bool json_set_cstr(struct json_object *v, const char *key, const char *s)
{
	return set_made(v, key, json_new_str(span_of(s)));
}

bool json_set_int(struct json_object *v, const char *key, int64_t n)
{
	return set_made(v, key, json_object_new_int64(n));
}

bool json_set_bool(struct json_object *v, const char *key, bool b)
{
	return set_made(v, key, json_object_new_boolean(b));
}

bool json_push(struct json_object *array, struct json_object *value)
{
	if (json_is_array(array) && json_object_array_add(array, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

struct json_object *json_new_str(struct span s)
{
	if (s.len > INT_MAX - 1)
		return NULL;
	return json_object_new_string_len(s.ptr, (int)s.len);
}

struct json_object *json_ref(struct json_object *v)
{
	return json_object_get(v);
}
