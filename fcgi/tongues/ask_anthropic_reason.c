/*
 * ask_anthropic_reason.c - how hard to think, what of it is shown, and the
 * shape of the answer: thinking, output_config, output_format.
 */
#include "anthropic.h"

/* Budgets of thinking tokens and the effort that spends about as many. */
static const struct { int64_t below; enum effort effort; } budgets[] = {
	{ 4096, EFFORT_LOW },
	{ 16384, EFFORT_MEDIUM },
	{ 32768, EFFORT_HIGH },
	{ INT64_MAX, EFFORT_XHIGH },
};
#define LEAST_BUDGET 1024

static enum effort effort_of(int64_t budget)
{
	size_t i = 0;

	while (budget >= budgets[i].below)
		i++;
	return budgets[i].effort;
}

static enum err put_effort(struct asking *q, const char *word)
{
	struct json_object *reasoning = ask_sub(q, "reasoning");

	if (reasoning)
		ask_put_cstr(q, reasoning, "effort", word);
	return q->note->code;
}

/* Does the model reason, as far as we know? Of others we speak of reasoning
 * only when the client said how much it wants. */
static bool reasons(const struct asking *q)
{
	const struct model *m = q->a->model.known;

	return m ? m->efforts != 0 : q->a->config->kind == KIND_CHATGPT;
}

enum err anthropic_include(struct asking *q, const char *word)
{
	struct json_object *list = json_get(q->a->request, "include");

	if (!list) {
		list = json_object_new_array_ext(1);
		if (!ask_put(q, q->a->request, "include", list))
			return q->note->code;
	}
	ask_push(q, list, json_new_str(span_of(word)));
	return q->note->code;
}

/* Reasoning comes back only if upstream gives it encrypted. */
static enum err show(struct asking *q, struct json_object *display)
{
	struct json_object *reasoning;

	q->a->terms.reasoning = COMPAT_CONTENT;
	if (span_eq(json_str(display), "omitted")) {
		q->a->terms.thought_hidden = true;
		reasoning = ask_sub(q, "reasoning");
		if (reasoning)
			ask_put_cstr(q, reasoning, "summary", "none");
	}
	return reasons(q) ? anthropic_include(q, "reasoning.encrypted_content") :
			    q->note->code;
}

static enum err take_budget(struct asking *q, struct json_object *thinking,
			    const struct at *at)
{
	struct json_object *v = ask_need(q, thinking, "budget_tokens",
					 json_type_int, at);
	int64_t budget = json_object_get_int64(v);

	if (!v)
		return q->note->code;
	if (budget < LEAST_BUDGET)
		return ask_fault(q, at, "budget_tokens", "it must be at least %d.",
				 LEAST_BUDGET);
	return put_effort(q, effort_name(effort_of(budget)));
}

/* Who does not ask for reasoning is shown none; its forms for chat clients are
 * not for here, but X-ChatMock-Reasoning may say none. */
static enum err take_thinking(struct asking *q)
{
	bool never = q->a->reasoning_header && q->a->terms.reasoning == COMPAT_NONE;
	const struct at at = { NULL, "thinking", AT_WHOLE };
	struct json_object *v = ask_get(q, q->body, at.key, json_type_object, NULL);
	struct json_object *type, *display;
	struct span t;

	q->a->terms.reasoning = COMPAT_NONE;
	if (!v)
		return q->note->code;
	type = ask_need(q, v, "type", json_type_string, &at);
	if (!type || !ask_one_of(q, type, "type", &at, "enabled|adaptive|"
				 "between_tools|disabled"))
		return q->note->code;
	t = json_str(type);
	if (span_eq(t, "disabled"))
		return reasons(q) ? put_effort(q, "none") : ERR_NONE;
	if (span_eq(t, "enabled") && take_budget(q, v, &at))
		return q->note->code;
	display = ask_get(q, v, "display", json_type_string, &at);
	if (q->note->code ||
	    (display && !ask_one_of(q, display, "display", &at,
				    "summarized|updates|omitted")))
		return q->note->code;
	return never ? ERR_NONE : show(q, display);
}

/* --- the shape of the answer --- */

/* Is each property among the required ones? More of them than upstream takes
 * are not looked at. */
#define MAX_REQUIRED 1000
static bool all_required(struct json_object *schema)
{
	struct json_object *properties = json_get_object(schema, "properties");
	struct json_object *required = json_get_array(schema, "required");
	size_t count = required ? json_object_array_length(required) : 0;
	struct lh_entry *e = properties ? json_object_get_object(properties)->head : NULL;

	if (count > MAX_REQUIRED)
		return false;
	for (; e; e = e->next) {
		size_t i = 0;

		while (i < count && !span_eq(json_str(json_object_array_get_idx(
						     required, i)), lh_entry_k(e)))
			i++;
		if (i == count)
			return false;
	}
	return true;
}

/* Depth is bounded by the parser's. */
bool anthropic_strict_fits(struct json_object *schema)
{
	struct json_object *more = json_get(schema, "additionalProperties");
	size_t count;

	if (json_is_array(schema)) {
		count = json_object_array_length(schema);
		for (size_t i = 0; i < count; i++)
			if (!anthropic_strict_fits(json_object_array_get_idx(schema, i)))
				return false;
		return true;
	}
	if (!json_is_object(schema))
		return true;
	if (span_eq(json_get_str(schema, "type"), "object") &&
	    (!json_object_is_type(more, json_type_boolean) ||
	     json_object_get_boolean(more) || !all_required(schema)))
		return false;
	for (struct lh_entry *e = json_object_get_object(schema)->head; e; e = e->next)
		if (!anthropic_strict_fits(lh_entry_v(e)))
			return false;
	return true;
}

static enum err take_format(struct asking *q, struct json_object *v,
			    const struct at *at)
{
	struct json_object *type = ask_need(q, v, "type", json_type_string, at);
	struct json_object *schema, *text, *o;

	if (!type || !ask_one_of(q, type, "type", at, "json_schema"))
		return q->note->code;
	schema = ask_need(q, v, "schema", json_type_object, at);
	text = schema ? ask_sub(q, "text") : NULL;
	o = text ? ask_item(q, "json_schema") : NULL;
	if (!o)
		return q->note->code;
	q->a->terms.structured = true;
	ask_put_cstr(q, o, "name", "answer");
	ask_put(q, o, "schema", json_ref(schema));
	ask_put(q, o, "strict", json_object_new_boolean(anthropic_strict_fits(schema)));
	ask_put(q, text, "format", o);
	return q->note->code;
}

/* effort is the more particular word beside thinking's budget. A word that is
 * none of ours is passed on for a model that is none of ours. */
static enum err take_effort(struct asking *q, struct json_object *config,
			    const struct at *at)
{
	struct json_object *v = ask_get(q, config, "effort", json_type_string, at);

	if (!v || (effort_parse(json_str(v)) == EFFORT_UNSET && q->a->model.known &&
		   !ask_one_of(q, v, "effort", at, EFFORT_WORDS)))
		return q->note->code;
	return put_effort(q, json_object_get_string(v));
}

static enum err take_config(struct asking *q)
{
	const struct at at = { NULL, "output_config", AT_WHOLE };
	const struct at in = { &at, "format", AT_WHOLE };
	struct json_object *v = ask_get(q, q->body, at.key, json_type_object, NULL);
	struct json_object *format;

	if (!v || take_effort(q, v, &at))
		return q->note->code;
	if (json_get(v, "task_budget"))
		terms_drop(&q->a->terms, "output_config.task_budget");
	format = ask_get(q, v, "format", json_type_object, &at);
	return format ? take_format(q, format, &in) : q->note->code;
}

/* A turn may have an effort of its own, which a message of the role system
 * says: the last one is this turn's. */
static enum err take_turn(struct asking *q)
{
	struct json_object *messages = json_get_array(q->body, "messages");
	struct at at = { NULL, "messages", 0 };
	const struct at in = { &at, "output_config", AT_WHOLE };

	at.index = messages ? json_object_array_length(messages) : 0;
	while (at.index-- > 0) {
		struct json_object *m = json_object_array_get_idx(messages, at.index);
		struct json_object *v;

		if (!span_eq(json_get_str(m, "role"), "system"))
			continue;
		v = ask_get(q, m, in.key, json_type_object, &at);
		if (q->note->code || json_get(v, "effort"))
			return q->note->code ? q->note->code :
					       take_effort(q, v, &in);
	}
	return ERR_NONE;
}

enum err anthropic_reasoning(struct asking *q)
{
	const struct at at = { NULL, "output_format", AT_WHOLE };
	struct json_object *format;

	if (take_thinking(q) || take_config(q) || take_turn(q))
		return q->note->code;
	format = ask_get(q, q->body, at.key, json_type_object, NULL);
	return format && !q->a->terms.structured ? take_format(q, format, &at) :
						   q->note->code;
}
