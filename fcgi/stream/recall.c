/* See recall.h. */
#include "recall.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "../tongues/count.h"
#include "../tongues/memory.h"

/* What the store says of it, in the API's words. */
static enum err told(const struct memory *m, enum err code, struct err_note *note)
{
	bool response = m->previous[0];
	const char *param = response ? "previous_response_id" : "conversation";
	const char *id = response ? m->previous : m->conversation;
	char why[sizeof(note->why)];

	memcpy(why, note->why, sizeof(why));
	*note = ERR_NOTE_INIT;
	text_copy(note->param, sizeof(note->param), span_of(param));
	if (code == ERR_NOT_STORED && response) {
		text_copy(note->ucode, sizeof(note->ucode),
			  SPAN("previous_response_not_found"));
		return err_tell(note, ERR_BAD_REQUEST, "Previous response with "
				"id '%s' not found.", id);
	}
	if (code == ERR_NOT_STORED)
		return err_tell(note, code, "Conversation with id '%s' not found.",
				id);
	if (code == ERR_TOO_LARGE)
		return err_tell(note, code, "What '%s' leads to is too long to be "
				"sent again: begin anew, or compact it.", param);
	if (code == ERR_BAD_REQUEST)
		return err_tell(note, code, "Response '%s' is not complete yet.", id);
	return err_set(note, code, "%s", why);
}

static enum err read_items(struct store_chain *chain, const struct memory *m,
			   const struct recall *r, struct err_note *note)
{
	enum err err = ERR_NOT_STORED;

	if (r->store && m->previous[0])
		err = store_chain(r->store, r->caller, m->previous, chain, note);
	else if (r->store)
		err = store_conv_all(r->store, r->caller, m->conversation,
				     &chain->items, note);
	return err ? told(m, err, note) : ERR_NONE;
}

/* The request's own items behind what was there before. */
static enum err put_before(struct ask *a, const struct store_chain *chain,
			   const struct recall *r, struct err_note *note)
{
	struct json_object *own = json_get_array(a->request, "input");
	size_t count = own ? json_object_array_length(own) : 0;
	struct json_object *input;

	if (chain->items.count + count > MAX_JSON_MEMBERS)
		return told(a->terms.memory, ERR_TOO_LARGE, note);
	input = json_object_new_array_ext((int)(chain->items.count + count + 1));
	for (size_t i = 0; input && i < chain->items.count && !note->code; i++) {
		struct json_object *item =
			refer_item(chain, i, r, &a->terms.thoughts_sent, note);

		if (item && !json_push(input, item))
			err_set(note, ERR_NO_MEMORY, "history");
	}
	for (size_t i = 0; input && i < count && !note->code; i++)
		if (!json_push(input, json_ref(json_object_array_get_idx(own, i))))
			err_set(note, ERR_NO_MEMORY, "history");
	if (note->code)
		json_object_put(input);
	else if (!input || !json_set(a->request, "input", input))
		err_set(note, ERR_NO_MEMORY, "history");
	return note->code;
}

static enum err history(struct ask *a, const struct recall *r,
			struct err_note *note)
{
	struct store_chain chain;

	store_chain_init(&chain);
	if (!read_items(&chain, a->terms.memory, r, note)) {
		put_before(a, &chain, r, note);
		if (chain.cut)
			terms_drop(&a->terms, "previous_response_id");
	}
	store_chain_free(&chain);
	return note->code;
}

/* What is kept of the input is what its references stand for. */
static enum err references(struct ask *a, const struct recall *r,
			   struct err_note *note)
{
	struct json_object *input = json_get(a->request, "input");
	struct memory *m = a->terms.memory;

	if (refer_resolve(input, "input", r, &a->terms.thoughts_sent, note))
		return note->code;
	if (memory_keeps(m) && !memory_give(&m->given, input))
		err_set(note, ERR_NO_MEMORY, "the input");
	return note->code;
}

enum err recall(struct ask *a, const struct recall *r, struct err_note *note)
{
	const struct memory *m = a->terms.memory;

	if (m->refers && references(a, r, note))
		return note->code;
	if (memory_recalls(m) && history(a, r, note))
		return note->code;
	/* what was counted was the new part alone */
	if (a->terms.at_once)
		a->terms.tokens = count_request(a->request);
	return ERR_NONE;
}
