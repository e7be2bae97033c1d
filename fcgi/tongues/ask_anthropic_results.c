/* ask_anthropic_results.c - what the tools gave, and what failed of it. */
#include "anthropic.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

/* Upstream has no mark for a failure, so the words say so. v is put. */
static struct json_object *failed_output(struct asking *q, struct json_object *v)
{
	struct span said = json_str(v);
	struct json_object *with = NULL, *part;
	struct buf b;

	if (json_is_array(v)) {
		with = json_object_new_array();
		part = ask_item(q, "input_text");
		if (part)
			ask_put_cstr(q, part, "text", "The tool failed:");
		ask_push(q, with, part);
		for (size_t i = 0; i < json_object_array_length(v); i++)
			ask_push(q, with, json_ref(json_object_array_get_idx(v, i)));
	} else if (text_starts_nocase(said, "error") ||
		   span_starts(said, "<tool_use_error>")) {
		return v;
	} else {
		buf_init(&b, MAX_REQUEST_BODY + 64u);
		buf_str(&b, "Error: ");
		buf_span_add(&b, said);
		with = buf_err(&b) ? NULL : json_new_str(buf_span(&b));
		buf_free(&b);
	}
	json_object_put(v);
	if (!with)
		ask_no_memory(q);
	return with;
}

static struct json_object *output_of(struct asking *q, struct json_object *block,
					 const struct at *at)
{
	struct at here = { at, "content", 0 };
	struct json_object *content = json_get(block, "content"), *parts;
	size_t count;

	if (!content)
		return json_new_str(SPAN(""));
	if (json_is_str(content))
		return json_ref(content);
	if (!json_is_array(content)) {
		ask_wrong_type(q, at, "content", "a string or an array of blocks",
			       content);
		return NULL;
	}
	parts = json_object_new_array();
	if (!parts) {
		ask_no_memory(q);
		return NULL;
	}
	count = json_object_array_length(content);
	for (; here.index < count && !q->note->code; here.index++)
		anthropic_part(q, json_object_array_get_idx(content, here.index),
			       &here, PART_TOOL, parts);
	if (!q->note->code)
		return ask_output(q, parts);
	json_object_put(parts);
	return NULL;
}

struct json_object *anthropic_result(struct asking *q, struct json_object *block,
				     bool failed, const struct at *at)
{
	struct json_object *v = output_of(q, block, at);

	return v && failed ? failed_output(q, v) : v;
}
