/*
 * ask_calls.c - each call of a history and its result.
 *
 * Upstream refuses a call without its result and a result without its call.
 * The second is the caller's fault and is told; the first is the ordinary
 * trace of an agent that was interrupted: its user must be able to go on.
 */
#include "ask.h"

bool ask_calls_add(struct ask_calls *c, const char *id, bool custom, size_t item)
{
	if (c->count == c->size) {
		size_t size = c->size ? 2 * c->size : 16;
		void *v = realloc(c->v, size * sizeof(*c->v));

		if (!v)
			return false;
		c->v = v;
		c->size = size;
	}
	if (!c->by_id)
		c->by_id = json_object_new_object();
	/* An id used again stands for its latest call: some programs count
	 * their calls from 0 in each turn. */
	if (!c->by_id || !json_set_int(c->by_id, id, (int64_t)c->count))
		return false;
	c->v[c->count++] = (struct ask_call){ .item = item, .custom = custom };
	return true;
}

struct ask_call *ask_calls_find(struct ask_calls *c, const char *id)
{
	int64_t at = json_get_int(c->by_id, id, -1);

	return at < 0 ? NULL : &c->v[at];
}

/* The words are those that Codex itself sends for a call that was broken
 * off: models have seen them in this place. */
static struct json_object *aborted(struct json_object *call, bool custom)
{
	struct json_object *o = json_object_new_object();

	if (o && json_set_cstr(o, "type", custom ? "custom_tool_call_output" :
						   "function_call_output") &&
	    json_set(o, "call_id", json_ref(json_get(call, "call_id"))) &&
	    json_set_cstr(o, "output", "aborted"))
		return o;
	json_object_put(o);
	return NULL;
}

static bool fill(struct ask_calls *c, struct json_object *from,
		 struct json_object *to)
{
	size_t call = 0, count = json_object_array_length(from);

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(from, i);

		if (!json_push(to, json_ref(item)))
			return false;
		if (call == c->count || c->v[call].item != i)
			continue;
		if (!c->v[call].answered) {
			struct json_object *o = aborted(item, c->v[call].custom);

			if (!o || !json_push(to, o))
				return false;
		}
		call++;
	}
	return true;
}

struct json_object *ask_calls_finish(struct ask_calls *c,
				     struct json_object *input)
{
	struct json_object *whole;
	size_t i = 0;

	while (i < c->count && c->v[i].answered)
		i++;
	if (i == c->count)
		return input;
	whole = json_object_new_array();
	if (whole && !fill(c, input, whole)) {
		json_object_put(whole);
		whole = NULL;
	}
	json_object_put(input);
	return whole;
}

void ask_calls_free(struct ask_calls *c)
{
	free(c->v);
	json_object_put(c->by_id);
	*c = (struct ask_calls){ 0 };
}
