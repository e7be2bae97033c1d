/* See compact.h. */
#include "compact.h"

#include "../../shared/json_walk.h"
#include "ask.h"
#include "memory.h"
#include "openai.h"

static enum err ask_compact(struct ask *a, struct json_object *body,
			    struct err_note *note)
{
	struct asking q = { a, body, note };
	struct json_object *trigger, *input, *last;

	/* nothing of it is kept, so that it is said before anything is */
	if (json_get(body, "conversation"))
		return ask_refuse(&q, NULL, "conversation", "'conversation' cannot "
				  "be compacted: send its items in 'input'.");
	if (ask_responses(a, body, note))
		return note->code;
	if (a->terms.memory && a->terms.memory->background)
		return ask_refuse(&q, NULL, "background", "'background' cannot be "
				  "had here: a compaction is answered when it is "
				  "made.");
	a->terms.stream = false;
	if (a->terms.memory) {
		a->terms.memory->store = false;
		store_items_free(&a->terms.memory->given);
		store_items_init(&a->terms.memory->given, 0, 0);
	}
	input = json_get(a->request, "input");
	last = json_object_is_type(input, json_type_array) ?
	       json_object_array_get_idx(input,
					 json_object_array_length(input) - 1) : NULL;
	if (last && span_eq(json_get_str(last, "type"), "compaction_trigger"))
		return note->code;	/* the client's own */
	trigger = ask_item(&q, "compaction_trigger");
	if (trigger)
		ask_push(&q, input, trigger);
	return note->code;
}

/* How many compactions the answer has; the last one is found. */
static size_t compactions(const struct answer *a, struct span *found)
{
	struct span key, item, type;
	struct json_walk w;
	size_t count = 0;

	json_walk_array(&w, json_walk_get(buf_span(&a->response), "output"));
	while (json_walk_next(&w, &key, &item))
		if (json_walk_str(json_walk_get(item, "type"), &type) &&
		    span_eq(type, "compaction")) {
			*found = item;
			count++;
		}
	return w.ok ? count : 0;
}

static enum err check_compact(const struct answer *a, struct err_note *note)
{
	struct span item;
	size_t count = compactions(a, &item);

	if (count == 1)
		return ERR_NONE;
	return err_tell(note, ERR_UPSTREAM_GARBLED, "Upstream was asked for one "
			"compaction and gave %zu.", count);
}

/* The item, with an id where upstream gave none. */
static void put_item(struct buf *out, struct span item)
{
	char id[STORE_ID];

	if (json_walk_get(item, "id").len) {
		buf_span_add(out, item);
		return;
	}
	memory_item_id(SPAN("compaction"), id);
	buf_fmt(out, "{\"id\":\"%s\",", id);
	buf_add(out, item.ptr + 1, item.len - 1);
}

static void whole_compact(const struct terms *t, struct buf *out,
			  const struct answer *a)
{
	struct span item = SPAN("{}");
	struct span usage = json_walk_get(buf_span(&a->response), "usage");

	(void)compactions(a, &item);
	buf_str(out, "{\"id\":");
	buf_json(out, span_of(a->id[0] ? a->id : t->id));
	buf_str(out, ",\"object\":\"response.compaction\",\"created_at\":");
	buf_int(out, t->created);
	buf_str(out, ",\"output\":[");
	put_item(out, item);
	buf_str(out, "],\"usage\":");
	buf_span_add(out, usage.len ? usage : SPAN("null"));
	buf_char(out, '}');
}

const struct tongue tongue_compact = {
	.name = "responses",
	.id_prefix = "resp_",
	.passes = true,
	.ask = ask_compact,
	.check = check_compact,
	.whole = whole_compact,
	.error_body = openai_error_body,
	.error_event = openai_error_event,
};
