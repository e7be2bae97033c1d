/*
 * json_walk.h - an object or array read where it stands: no tree, no memory.
 *
 *	json_walk_object(&w, text);
 *	while (json_walk_next(&w, &key, &value))
 *		if (span_eq(key, "id"))
 *			...
 *	if (!w.ok)
 *		not JSON, or a key with escapes: use the parser
 *
 * A value is its own text, from its first byte to its last, and proven to be
 * JSON when it is handed out (nested no deeper than MAX_JSON_DEPTH). Of equal
 * keys each is handed out.
 */
#ifndef CHATMOCK_JSON_WALK_H
#define CHATMOCK_JSON_WALK_H

#include "base.h"

struct json_walk {
	const char *at, *end;
	bool ok;		/* so far; final when next has said false */
	/* private */
	bool begun, inside;
	int depth;		/* of this list */
	char close;		/* NUL: it was met */
};

/* Nothing may stand around the value but blanks. */
void json_walk_object(struct json_walk *w, struct span text);
void json_walk_array(struct json_walk *w, struct span text);

/* The next member; for arrays key is empty. False: at the end, or !w->ok. */
bool json_walk_next(struct json_walk *w, struct span *key, struct span *value);

/*
 * The same in two steps, so that a list inside need not be read twice: behind
 * json_walk_key() comes json_walk_value(), or else json_walk_enter() when
 * that is an object, all of its members, and json_walk_leave().
 */
bool json_walk_key(struct json_walk *w, struct span *key);
bool json_walk_value(struct json_walk *w, struct span *value);
bool json_walk_enter(struct json_walk *w, struct json_walk *inner);
void json_walk_leave(struct json_walk *w, const struct json_walk *inner);

/* The value of the last member of that name; empty: there is none, or no object
 * that can be walked. */
struct span json_walk_get(struct span object, const char *name);

/* What a value is: what json_get_str() and json_get_int() would say of it.
 * False: something else, or a string with escapes. Empty span: false. */
bool json_walk_str(struct span value, struct span *out);
bool json_walk_int(struct span value, int64_t *out);

#endif
