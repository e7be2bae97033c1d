/*
 * ask_ollama.c - POST /api/chat becomes a Responses request; and what
 * /api/generate has in common with it.
 */
#include "ask_ollama.h"
#include "ollama.h"

/* Upstream takes JSON mode only where somebody speaks of JSON; Ollama's
 * clients need not. */
#define SPEAK_JSON "Answer with JSON."

/* The name that stands for the schema; Ollama has none. */
#define SCHEMA_NAME "response"

/* --- format, think --------------------------------------------------- */

static struct json_object *schema_format(struct asking *q, struct json_object *v)
{
	struct json_object *o = ask_item(q, "json_schema");

	if (o && ask_put_cstr(q, o, "name", SCHEMA_NAME) &&
	    ask_put(q, o, "schema", json_ref(v)) &&
	    ask_put(q, o, "strict", json_object_new_boolean(0)))
		return o;
	json_object_put(o);
	return NULL;
}

/* "json", a schema, or "" for none. */
static enum err take_format(struct asking *q, const struct ask_param *p,
			    struct json_object *v)
{
	struct json_object *format, *text;

	if (json_is_str(v) && !json_str(v).len)
		return ERR_NONE;
	if (!json_is_str(v) && !json_is_object(v))
		return ask_wrong_type(q, NULL, p->name, "\"json\" or a schema", v);
	if (json_is_str(v) && !ask_one_of(q, v, p->name, NULL, "json"))
		return q->note->code;
	q->a->terms.structured = true;
	format = json_is_str(v) ? ask_item(q, "json_object") : schema_format(q, v);
	text = format ? ask_sub(q, "text") : NULL;
	if (text)
		ask_put(q, text, "format", format);
	else
		json_object_put(format);
	return q->note->code;
}

/*
 * No thinking: upstream is asked for the least effort the model has and for
 * no summary. Of a model that we do not know nothing is said: it may know of
 * no reasoning and refuse to hear of it.
 */
static enum err think_not(struct asking *q)
{
	struct json_object *o = ask_sub(q, "reasoning");

	q->a->terms.reasoning = COMPAT_NONE;
	if (o && q->a->model.known)
		ask_put_cstr(q, o, "effort", effort_name(EFFORT_NONE));
	if (o)
		ask_put_cstr(q, o, "summary", "none");
	return q->note->code;
}

/* true, false, or an effort. Who asks for it sees it, whatever the settings
 * say of reasoning. */
static enum err take_think(struct asking *q, const struct ask_param *p,
			   struct json_object *v)
{
	static const char *const summaries[] = { "auto", "concise", "detailed" };
	const struct model *m = q->a->model.known;
	int summary = q->a->config->reasoning_summary;
	struct json_object *o;

	if (!json_is_str(v) && !json_object_is_type(v, json_type_boolean))
		return ask_wrong_type(q, NULL, p->name, "a boolean or an effort", v);
	if (json_is_str(v) && !ask_one_of(q, v, p->name, NULL, EFFORT_WORDS))
		return q->note->code;
	if (!json_is_str(v) && !json_object_get_boolean(v))
		return think_not(q);
	if (m && !m->efforts)
		return ask_refuse(q, NULL, p->name,
				  "\"%s\" does not support thinking", m->slug);
	q->a->terms.reasoning = COMPAT_CONTENT;
	o = ask_sub(q, "reasoning");
	if (o && json_is_str(v))
		ask_put(q, o, "effort", json_ref(v));
	if (o)
		ask_put_cstr(q, o, "summary",
			     summaries[summary == SUMMARY_NONE ? 0 : summary]);
	return q->note->code;
}

/* --- options ---------------------------------------------------------- */

/* -1 and -2 are Ollama's words for no limit. */
static enum err take_num_predict(struct asking *q, const struct ask_param *p,
				 struct json_object *v)
{
	if (json_object_is_type(v, json_type_int) && json_object_get_int64(v) <= 0)
		return ERR_NONE;
	return ask_take_limit(q, p, v);
}

/* What is a member of the request itself is none of the options. */
static const struct ask_param options[] = {
	{ "num_predict", take_num_predict, NULL, 0, 1e9, ASK_RESPONSES },
	{ "stop", ask_take_stop, NULL, 0, MAX_STOPS_KEPT, ASK_BOTH },
};

static enum err take_options(struct asking *q, const struct ask_param *p,
			     struct json_object *v)
{
	const struct at at = { NULL, p->name, AT_WHOLE };
	struct asking in = *q;

	if (!ask_is(q, v, p->name, json_type_object, NULL))
		return q->note->code;
	in.body = v;
	q->a->in = &at;
	ask_params(&in, options, ARRAY_LEN(options));
	q->a->in = NULL;
	return q->note->code;
}

/* --- the rest --------------------------------------------------------- */

/* Upstream keeps its models as it likes. */
static enum err take_keep_alive(struct asking *q, const struct ask_param *p,
				struct json_object *v)
{
	if (!json_is_str(v) && !json_object_is_type(v, json_type_int) &&
	    !json_object_is_type(v, json_type_double))
		return ask_wrong_type(q, NULL, p->name, "a duration or a number", v);
	return ERR_NONE;
}

/* false and 0 are what every answer is anyway. */
static enum err take_logprobs(struct asking *q, const struct ask_param *p,
			      struct json_object *v)
{
	if (!json_object_get_boolean(v) && !json_is_str(v))
		return ERR_NONE;
	return json_object_is_type(v, json_type_boolean) ? ask_take_bool(q, p, v) :
							   ask_take_int(q, p, v);
}

static const struct ask_param both[] = {
	{ "format", take_format, NULL, 0, 0, ASK_BOTH },
	{ "think", take_think, NULL, 0, 0, ASK_BOTH },
	{ "options", take_options, NULL, 0, 0, ASK_BOTH },
	{ "keep_alive", take_keep_alive, NULL, 0, 0, ASK_BOTH },
	{ "logprobs", take_logprobs, NULL, 0, 0, ASK_LACKING },
	{ "top_logprobs", take_logprobs, NULL, 0, 20, ASK_LACKING },
};

/* The name with ":latest" behind it is nobody's name upstream. */
static enum err take_model(struct asking *q)
{
	struct ask *a = q->a;
	struct span name = json_get_str(q->body, "model");

	if (a->model.known || !name.len)
		return ERR_NONE;
	if (ollama_choose(a->catalog, name, &a->model, q->note))
		return q->note->code;
	ask_put_cstr(q, a->request, "model", a->model.slug);
	return q->note->code;
}

enum err ollama_begin(struct asking *q, const struct ask_param *own,
		      size_t count)
{
	struct terms *t = &q->a->terms;
	struct ask_param all[24];

	if (ask_begin(q) || take_model(q))
		return q->note->code;
	t->stream = true;
	/* Ollama's models that can think do so unless told not to, and it has
	 * one place for it; as tags or not at all only where a setting or the
	 * request's header says so. */
	if (t->reasoning != COMPAT_THINK && t->reasoning != COMPAT_NONE)
		t->reasoning = COMPAT_CONTENT;
	memcpy(all, own, count * sizeof(*own));
	memcpy(all + count, both, sizeof(both));
	ask_params(q, all, count + ARRAY_LEN(both));
	t->whole_calls = t->stream;
	return q->note->code;
}

/* 0, "0", "0s": a number that is not above zero; a negative one is for ever. */
static bool is_zero(struct json_object *v)
{
	const char *s = json_object_get_string(v);

	return s && *s && strspn(s, "0.") > 0 && !strpbrk(s, "123456789");
}

void ollama_at_once(struct asking *q)
{
	q->a->terms.at_once = is_zero(json_get(q->body, "keep_alive")) ? "unload" :
									 "load";
}

struct json_object *ollama_input(struct asking *q)
{
	struct json_object *input = json_object_new_array(), *text, *o;

	if (!ask_put(q, q->a->request, "input", input))
		return NULL;
	if (!span_eq(json_get_str(q->body, "format"), "json"))
		return input;
	text = json_new_str(SPAN(SPEAK_JSON));
	o = text ? ask_message(q, "developer", text) : NULL;
	json_object_put(text);
	return ask_push(q, input, o) ? input : NULL;
}

/* What other functions read has no take. */
static const struct ask_param chat[] = {
	{ "messages", NULL, NULL, 0, 0, ASK_BOTH },
	{ "tools", NULL, NULL, 0, 0, ASK_BOTH },
	{ "tool_choice", NULL, NULL, 0, 0, ASK_BOTH },
	{ "parallel_tool_calls", ask_take_bool, NULL, 0, 0, ASK_BOTH },
};

enum err ask_ollama(struct ask *a, struct json_object *body, struct err_note *note)
{
	struct asking q = { a, body, note };
	struct json_object *messages;

	if (ollama_begin(&q, chat, ARRAY_LEN(chat)))
		return note->code;
	messages = ask_get(&q, body, "messages", json_type_array, NULL);
	if (note->code)
		return note->code;
	if (!messages || !json_object_array_length(messages)) {
		ollama_at_once(&q);
		return ERR_NONE;
	}
	if (ollama_messages(&q))
		return note->code;
	return ask_tools(&q);
}
