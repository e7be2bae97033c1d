/*
 * emit_anthropic_whole.c - an answer as one message object: its pieces as
 * content blocks, in the order in which they were told.
 */
#include "anthropic.h"

static struct span part_of(const struct buf *b, const struct answer_piece *p)
{
	return (struct span){ b->ptr + p->begin, p->end - p->begin };
}

static bool say_thought(const struct terms *t, struct buf *out,
			const struct answer *a, const struct answer_piece *p)
{
	struct span text = part_of(&a->thought, p);
	struct span id = span_of(p->id), sealed = span_of(p->encrypted);

	if (t->thought_hidden ? !p->id : !text.len && !sealed.len)
		return false;
	if (!text.len && !t->thought_hidden) {
		buf_str(out, "{\"type\":\"redacted_thinking\",\"data\":\"");
		anthropic_seal(out, id, sealed);
		buf_str(out, "\"}");
		return true;
	}
	buf_str(out, "{\"type\":\"thinking\",\"thinking\":");
	buf_json(out, t->thought_hidden ? SPAN("") : text);
	buf_str(out, ",\"signature\":\"");
	if (p->id)
		anthropic_seal(out, id, sealed);
	buf_str(out, "\"}");
	return true;
}

static void say_citations(struct buf *out, const struct answer *a,
			  const struct answer_piece *p)
{
	size_t start = out->len;
	bool any = false;

	buf_str(out, ",\"citations\":[");
	for (size_t i = p->notes; i < p->notes_end; i++) {
		size_t before = out->len;

		if (any)
			buf_char(out, ',');
		if (anthropic_citation(out, json_object_array_get_idx(a->annotations, i)))
			any = true;
		else
			buf_cut(out, before);
	}
	buf_char(out, ']');
	if (!any)
		buf_cut(out, start);
}

static bool say_text(struct buf *out, const struct answer *a,
		     const struct answer_piece *p, const struct buf *from)
{
	size_t start = out->len, bare;

	buf_str(out, "{\"type\":\"text\",\"text\":");
	buf_json(out, part_of(from, p));
	bare = out->len;
	say_citations(out, a, p);
	if (p->begin == p->end && out->len == bare) {
		buf_cut(out, start);
		return false;
	}
	buf_char(out, '}');
	return true;
}

/* Arguments that are no object, which only a cut can leave, are said as what
 * was there: an input is an object always. */
static void say_input(struct buf *out, struct span args)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = args.len ? json_parse(args, &ignored) : NULL;

	if (json_is_object(v)) {
		buf_span_add(out, args);
	} else if (!args.len) {
		buf_str(out, "{}");
	} else {
		buf_str(out, "{\"_raw\":");
		buf_json(out, args);
		buf_char(out, '}');
	}
	json_object_put(v);
}

static void say_call(const struct terms *t, struct buf *out,
		     const struct answer_call *call)
{
	buf_str(out, "{\"type\":\"tool_use\",\"id\":");
	anthropic_id(out, span_of(call->id));
	buf_str(out, ",\"name\":");
	buf_json(out, names_full(&t->names, span_of(call->name)));
	buf_str(out, ",\"input\":");
	say_input(out, buf_span(&call->args));
	buf_char(out, '}');
}

static bool say_search(struct buf *out, struct json_object *item,
		       unsigned *searches)
{
	if (!anthropic_is_search(item))
		return false;
	++*searches;
	buf_str(out, "{\"type\":\"server_tool_use\",\"id\":");
	anthropic_search_id(out, item);
	buf_str(out, ",\"name\":\"web_search\",\"input\":");
	anthropic_search_input(out, item);
	buf_str(out, "},{\"type\":\"web_search_tool_result\",\"tool_use_id\":");
	anthropic_search_id(out, item);
	buf_str(out, ",\"content\":");
	anthropic_search_results(out, item);
	buf_char(out, '}');
	return true;
}

/* False: the piece is no block. */
static bool say_piece(const struct terms *t, struct buf *out,
		      const struct answer *a, const struct answer_piece *p,
		      unsigned *searches)
{
	switch (p->kind) {
	case EVENT_THOUGHT:
		return say_thought(t, out, a, p);
	case EVENT_TEXT:
		return say_text(out, a, p, &a->text);
	case EVENT_REFUSAL:
		return say_text(out, a, p, &a->refusal);
	case EVENT_CALL:
		say_call(t, out, &a->calls[p->begin]);
		return true;
	case EVENT_HOSTED:
		return say_search(out, json_object_array_get_idx(a->hosted, p->begin),
				  searches);
	default:
		return false;
	}
}

void anthropic_whole(const struct terms *t, struct buf *out,
		     const struct answer *a)
{
	unsigned searches = 0;
	bool any = false;

	buf_str(out, "{\"id\":");
	buf_json(out, span_of(t->id));
	buf_str(out, ",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
	buf_json(out, span_of(t->model));
	buf_str(out, ",\"content\":[");
	for (size_t i = 0; i < a->piece_count; i++) {
		size_t before = out->len;

		if (any)
			buf_char(out, ',');
		if (say_piece(t, out, a, &a->pieces[i], &searches))
			any = true;
		else
			buf_cut(out, before);
	}
	buf_str(out, "],\"stop_reason\":\"");
	buf_str(out, anthropic_stop(a->finish, a->has_refusal, a->call_count > 0));
	buf_char(out, '"');
	anthropic_stop_sequence(out, a->finish, a->stop);
	buf_char(out, ',');
	anthropic_usage(out, &a->usage, searches);
	buf_char(out, '}');
}
