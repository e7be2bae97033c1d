/* inject.c - see inject.h. */
#include "inject.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

#define MODEL "{model}"
#define MAX_TEXT ((size_t)MAX_REQUEST_BODY + 2 * MAX_PROMPT)

/* The prompt for this request, appended to out. A prompt that names the model
 * so often that it gets too long is left as it is. */
static void add_prompt(struct buf *out, const struct prompt *p, const char *model)
{
	struct span rest = { p->text, p->len };
	size_t at = out->len;
	const char *found;

	while ((found = memmem(rest.ptr, rest.len, MODEL, sizeof(MODEL) - 1))) {
		size_t before = (size_t)(found - rest.ptr);

		buf_add(out, rest.ptr, before);
		buf_str(out, model);
		before += sizeof(MODEL) - 1;
		rest.ptr += before;
		rest.len -= before;
		if (out->len - at > 2 * MAX_PROMPT) {
			buf_cut(out, at);
			rest = (struct span){ p->text, p->len };
			break;
		}
	}
	buf_span_add(out, rest);
}

static bool is_system(struct json_object *item)
{
	struct span type = json_get_str(item, "type");
	struct span role = json_get_str(item, "role");

	return (!json_get(item, "type") || span_eq(type, "message")) &&
	       (span_eq(role, "system") || span_eq(role, "developer"));
}

static struct json_object *first_system(struct json_object *request)
{
	struct json_object *input = json_get_array(request, "input");
	size_t count = input ? json_object_array_length(input) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(input, i);

		if (is_system(item))
			return item;
	}
	return NULL;
}

static bool is_text(struct json_object *part)
{
	return span_eq(json_get_str(part, "type"), "input_text") &&
	       json_is_str(json_get(part, "text"));
}

/* The last text of a message's parts, which the prompt goes behind. */
static struct json_object *last_text(struct json_object *parts)
{
	for (size_t i = json_object_array_length(parts); i > 0; i--) {
		struct json_object *part = json_object_array_get_idx(parts, i - 1);

		if (is_text(part))
			return part;
	}
	return NULL;
}

static bool push_text(struct json_object *parts, struct span text)
{
	struct json_object *part = json_object_new_object();

	if (part && json_set_cstr(part, "type", "input_text") &&
	    json_set_str(part, "text", text))
		return json_push(parts, part);
	json_object_put(part);
	return false;
}

/* A message's content: the text alone, in the shape that it had. */
static bool replace_content(struct json_object *message, struct span text)
{
	struct json_object *parts;

	if (!json_get_array(message, "content"))
		return json_set_str(message, "content", text);
	parts = json_object_new_array_ext(1);
	if (parts && push_text(parts, text))
		return json_set(message, "content", parts);
	json_object_put(parts);
	return false;
}

/* What there is, a blank line, the prompt; old may be empty. */
static void join(struct buf *out, struct span old, struct span prompt)
{
	buf_span_add(out, old);
	if (old.len)
		buf_str(out, "\n\n");
	buf_span_add(out, prompt);
}

static bool append_content(struct json_object *message, struct span prompt,
			   struct buf *scratch)
{
	struct json_object *parts = json_get_array(message, "content");
	struct json_object *part = parts ? last_text(parts) : NULL;

	if (parts && !part)
		return push_text(parts, prompt);
	join(scratch, json_get_str(part ? part : message, part ? "text" : "content"),
	     prompt);
	return !buf_err(scratch) &&
	       json_set_str(part ? part : message, part ? "text" : "content",
			    buf_span(scratch));
}

static bool put(struct ask *a, struct span prompt, struct buf *scratch)
{
	struct span given = json_get_str(a->request, "instructions");
	struct json_object *message = given.len ? NULL : first_system(a->request);
	bool append = a->config->injection == INJECT_APPEND;

	if (message)
		return append ? append_content(message, prompt, scratch) :
				replace_content(message, prompt);
	join(scratch, append ? given : SPAN(""), prompt);
	return !buf_err(scratch) &&
	       json_set_str(a->request, "instructions", buf_span(scratch));
}

/* Does the mode, or the setting for the Responses API, ask for it here? */
static bool is_wanted(const struct ask *a, bool native)
{
	struct json_object *given = json_get(a->request, "instructions");

	/* what is no text is upstream's to refuse */
	if (given && !json_is_str(given))
		return false;
	if (a->config->injection != INJECT_DISABLED)
		return true;
	return native && !a->config->no_base_instructions &&
	       !json_str(given).len && !first_system(a->request);
}

enum err inject(struct ask *a, const struct prompts *prompts, bool native,
		struct err_note *note)
{
	const struct prompt *p;
	struct buf prompt, scratch;
	enum err err = ERR_NONE;

	if (!prompts || !is_wanted(a, native))
		return ERR_NONE;
	p = &prompts->of[prompt_for(span_of(a->model.slug))];
	buf_init(&prompt, MAX_TEXT);
	buf_init(&scratch, MAX_TEXT);
	if (text_trim((struct span){ p->text, p->len }).len)
		add_prompt(&prompt, p, a->model.slug);
	if (buf_err(&prompt) ||
	    (prompt.len && !put(a, buf_span(&prompt), &scratch)))
		err = err_set(note, buf_err(&scratch) ? buf_err(&scratch) :
			      ERR_NO_MEMORY, "the prompt");
	buf_free(&prompt);
	buf_free(&scratch);
	return err;
}
