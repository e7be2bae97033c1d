/* ask_begin.c - the model and the reasoning that a request asks for. */
#include "ask.h"
#include "../../shared/ceilings.h"
#include "../../shared/text.h"

/* In the order of enum reasoning_compat. */
#define COMPAT_WORDS "reasoning-content|think-tags|o3|legacy|current|none"

static enum err take_header(struct asking *q)
{
	struct span rest = SPAN(COMPAT_WORDS), piece;
	struct span asked = text_trim(span_of(q->a->reasoning_header));

	q->a->terms.reasoning = (enum reasoning_compat)q->a->config->reasoning_compat;
	if (!asked.len)
		return ERR_NONE;
	for (int i = 0; text_next(&rest, '|', &piece); i++) {
		if (asked.len == piece.len &&
		    !strncasecmp(asked.ptr, piece.ptr, piece.len)) {
			q->a->terms.reasoning = (enum reasoning_compat)i;
			return ERR_NONE;
		}
	}
	return ask_fault(q, NULL, "X-ChatMock-Reasoning",
			 "it is none of reasoning-content, think-tags, o3, "
			 "legacy, current, none.");
}

/* A missing model is the catalogue's first: small scripts have long relied on
 * that. The client is told the name it asked by. */
static enum err take_model(struct asking *q)
{
	struct json_object *v = ask_get(q, q->body, "model", json_type_string, NULL);
	const struct model *first = catalog_default(q->a->catalog);
	struct span name = json_str(v);

	if (q->note->code)
		return q->note->code;
	if (!v && !first) {
		ask_need(q, q->body, "model", json_type_string, NULL);
		return q->note->code;
	}
	if (!v)
		name = span_of(first->slug);
	/* said again with each chunk, also where a setting puts another model
	 * in its place */
	if (name.len > MAX_MODEL_NAME)
		return ask_fault(q, NULL, "model", "it is longer than %d bytes.",
				 MAX_MODEL_NAME);
	if (catalog_choose(q->a->catalog, name, &q->a->model, q->note)) {
		text_copy(q->note->param, sizeof(q->note->param), SPAN("model"));
		return q->note->code;
	}
	q->a->terms.model = strndup(name.ptr, name.len);
	if (!q->a->terms.model)
		return ask_no_memory(q);
	ask_put_cstr(q, q->a->request, "model", q->a->model.slug);
	return q->note->code;
}

enum err ask_begin(struct asking *q)
{
	if (!json_is_object(q->body))
		return err_tell(q->note, ERR_BAD_REQUEST,
				"The request body must be a JSON object.");
	q->a->request = json_object_new_object();
	if (!q->a->request)
		return ask_no_memory(q);
	if (take_header(q))
		return q->note->code;
	return take_model(q);
}
