/*
 * ask_params.c - the parameters that chat and completions share: a table.
 *
 * What the Responses API has goes into the request. What it lacks goes into
 * a->unsupported, and payload.c decides by upstream and setting whether that
 * is forwarded, dropped and named, or refused. The ChatGPT backend lacks more
 * (ASK_RESPONSES): those are dropped here, under the client's own name.
 */
#include "ask.h"
#include "../../shared/ceilings.h"

/* The Responses API refuses a smaller limit. Asking for less is mostly a
 * client that tries whether anybody answers. */
#define LEAST_OUTPUT_TOKENS 16

static enum err place(struct asking *q, const struct ask_param *p,
		      const char *key, struct json_object *v)
{
	struct ask *a = q->a;

	if (p->where == ASK_RESPONSES && a->config->kind == KIND_CHATGPT) {
		terms_drop(&a->terms, p->name);
	} else if (p->where == ASK_LACKING) {
		if (!a->unsupported)
			a->unsupported = json_object_new_object();
		ask_put(q, a->unsupported, key, json_ref(v));
	} else {
		ask_put(q, a->request, key, json_ref(v));
	}
	return q->note->code;
}

static bool in_range(struct asking *q, const struct ask_param *p,
		     struct json_object *v)
{
	double d = json_object_get_double(v);

	if (d >= p->min && d <= p->max)
		return true;
	ask_fault(q, q->a->in, p->name, "it must lie between %.16g and %.16g.",
		  p->min, p->max);
	return false;
}

enum err ask_take_number(struct asking *q, const struct ask_param *p,
			 struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_double, q->a->in) || !in_range(q, p, v))
		return q->note->code;
	return place(q, p, p->name, v);
}

enum err ask_take_int(struct asking *q, const struct ask_param *p,
		      struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_int, q->a->in) || !in_range(q, p, v))
		return q->note->code;
	return place(q, p, p->name, v);
}

enum err ask_take_str(struct asking *q, const struct ask_param *p,
		      struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_string, q->a->in))
		return q->note->code;
	if (p->choices && !ask_one_of(q, v, p->name, q->a->in, p->choices))
		return q->note->code;
	return place(q, p, p->name, v);
}

enum err ask_take_bool(struct asking *q, const struct ask_param *p,
		       struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_boolean, q->a->in))
		return q->note->code;
	return place(q, p, p->name, v);
}

enum err ask_take_object(struct asking *q, const struct ask_param *p,
			 struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_object, q->a->in))
		return q->note->code;
	return place(q, p, p->name, v);
}

/* Values that ask for what every answer is anyway. */
static enum err take_n(struct asking *q, const struct ask_param *p,
		       struct json_object *v)
{
	if (json_object_is_type(v, json_type_int) && json_object_get_int64(v) == 1)
		return ERR_NONE;
	return ask_take_int(q, p, v);
}

enum err ask_take_limit(struct asking *q, const struct ask_param *p,
			struct json_object *v)
{
	struct ask *a = q->a;
	bool newer = !strcmp(p->name, "max_completion_tokens");
	int64_t limit = json_object_get_int64(v);

	if (!ask_is(q, v, p->name, json_type_int, q->a->in) || !in_range(q, p, v))
		return q->note->code;
	/* both given: the newer name counts, in whichever order they came */
	if (!newer && json_get(q->body, "max_completion_tokens")) {
		terms_drop(&a->terms, p->name);
		return ERR_NONE;
	}
	if (limit >= LEAST_OUTPUT_TOKENS || a->config->kind == KIND_CHATGPT)
		return place(q, p, "max_output_tokens", v);
	ask_put(q, a->request, "max_output_tokens",
		json_object_new_int64(LEAST_OUTPUT_TOKENS));
	return q->note->code;
}

bool ask_add_stop(struct asking *q, struct json_object *v, const struct at *at)
{
	struct terms *t = &q->a->terms;
	struct span s = json_str(v);

	if (!ask_is(q, v, NULL, json_type_string, at))
		return false;
	if (!s.len || s.len > MAX_STOP_STRING || memchr(s.ptr, '\0', s.len)) {
		ask_fault(q, at, NULL, "a stop string has 1 to %d bytes, none of "
			  "them zero.", MAX_STOP_STRING);
		return false;
	}
	if (t->stop_count == MAX_STOPS_KEPT) {
		ask_fault(q, at, NULL, "at most %d stop strings.", MAX_STOPS_KEPT);
		return false;
	}
	t->stops[t->stop_count] = strndup(s.ptr, s.len);
	if (!t->stops[t->stop_count]) {
		ask_no_memory(q);
		return false;
	}
	t->stop_count++;
	return true;
}

/* Never sent: no upstream has it, the stream is cut by us. */
enum err ask_take_stop(struct asking *q, const struct ask_param *p,
		       struct json_object *v)
{
	struct at at = { q->a->in, p->name, AT_WHOLE };
	size_t most = p->max > 0 ? (size_t)p->max : MAX_STOP_STRINGS;

	if (json_is_str(v)) {
		ask_add_stop(q, v, &at);
		return q->note->code;
	}
	if (!json_is_array(v))
		return ask_wrong_type(q, q->a->in, p->name,
				      "a string or an array of strings", v);
	if (json_object_array_length(v) > most)
		return ask_fault(q, q->a->in, p->name, "at most %zu stop strings.",
				 most);
	for (at.index = 0; at.index < json_object_array_length(v); at.index++)
		if (!ask_add_stop(q, json_object_array_get_idx(v, at.index), &at))
			break;
	return q->note->code;
}

enum err ask_take_stream(struct asking *q, const struct ask_param *p,
			 struct json_object *v)
{
	if (ask_is(q, v, p->name, json_type_boolean, q->a->in))
		q->a->terms.stream = json_object_get_boolean(v);
	return q->note->code;
}

static enum err take_stream_options(struct asking *q, const struct ask_param *p,
				    struct json_object *v)
{
	const struct at at = { q->a->in, p->name, AT_WHOLE };
	struct json_object *usage;

	if (!ask_is(q, v, p->name, json_type_object, q->a->in))
		return q->note->code;
	usage = ask_get(q, v, "include_usage", json_type_boolean, &at);
	q->a->terms.include_usage = json_object_get_boolean(usage);
	/* padding against eavesdroppers: nothing to us, upstream is on TLS */
	if (json_get_bool(v, "include_obfuscation", false))
		terms_drop(&q->a->terms, "stream_options.include_obfuscation");
	return q->note->code;
}

/* A word we do not know is passed on for a model we do not know: both may be
 * newer than we are. */
static enum err take_effort_word(struct asking *q, const struct at *at,
				 const char *key, struct json_object *v)
{
	struct json_object *reasoning;

	if (effort_parse(json_str(v)) == EFFORT_UNSET && q->a->model.known &&
	    !ask_one_of(q, v, key, at, EFFORT_WORDS))
		return q->note->code;
	reasoning = ask_sub(q, "reasoning");
	if (reasoning)
		ask_put(q, reasoning, "effort", json_ref(v));
	return q->note->code;
}

static enum err take_effort(struct asking *q, const struct ask_param *p,
			    struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_string, q->a->in))
		return q->note->code;
	/* reasoning.effort is the more particular of the two */
	if (json_get(json_get(q->body, "reasoning"), "effort"))
		return ERR_NONE;
	return take_effort_word(q, q->a->in, p->name, v);
}

static enum err take_reasoning(struct asking *q, const struct ask_param *p,
			       struct json_object *v)
{
	const struct at at = { q->a->in, p->name, AT_WHOLE };
	struct json_object *effort, *summary, *context, *into;

	if (!ask_is(q, v, p->name, json_type_object, q->a->in))
		return q->note->code;
	effort = ask_get(q, v, "effort", json_type_string, &at);
	context = ask_get(q, v, "context", json_type_string, &at);
	summary = ask_get(q, v, "summary", json_type_string, &at);
	if (!summary)
		summary = ask_get(q, v, "generate_summary", json_type_string, &at);
	if (summary && !ask_one_of(q, summary, "summary", &at,
				   "auto|concise|detailed|none"))
		return q->note->code;
	if (q->note->code || (effort && take_effort_word(q, &at, "effort", effort)))
		return q->note->code;
	into = ask_sub(q, "reasoning");
	if (into && summary)
		ask_put(q, into, "summary", json_ref(summary));
	if (into && context)
		ask_put(q, into, "context", json_ref(context));
	return q->note->code;
}

static enum err take_verbosity(struct asking *q, const struct ask_param *p,
			       struct json_object *v)
{
	struct json_object *text;

	if (!ask_is(q, v, p->name, json_type_string, q->a->in) ||
	    !ask_one_of(q, v, p->name, q->a->in, p->choices))
		return q->note->code;
	text = ask_sub(q, "text");
	if (text)
		ask_put(q, text, "verbosity", json_ref(v));
	return q->note->code;
}

/* fast_mode true is the priority tier, false is none: it holds against the
 * setting, and against service_tier only when it is true. */
static enum err take_tier(struct asking *q, const struct ask_param *p,
			  struct json_object *v)
{
	bool fast = json_get_bool(q->body, "fast_mode", false);

	if (!ask_is(q, v, p->name, json_type_string, q->a->in) || fast)
		return q->note->code;
	if (span_eq(json_str(v), "fast"))
		ask_put_cstr(q, q->a->request, "service_tier", "priority");
	else
		ask_put(q, q->a->request, "service_tier", json_ref(v));
	return q->note->code;
}

static enum err take_fast_mode(struct asking *q, const struct ask_param *p,
			       struct json_object *v)
{
	if (!ask_is(q, v, p->name, json_type_boolean, q->a->in))
		return q->note->code;
	if (json_object_get_boolean(v))
		ask_put_cstr(q, q->a->request, "service_tier", "priority");
	else if (!json_get(q->body, "service_tier"))
		ask_put_cstr(q, q->a->request, "service_tier", "default");
	return q->note->code;
}

static const struct ask_param common[] = {
	{ "model", NULL, NULL, 0, 0, ASK_BOTH },
	{ "stream", ask_take_stream, NULL, 0, 0, ASK_BOTH },
	{ "stream_options", take_stream_options, NULL, 0, 0, ASK_BOTH },
	{ "max_tokens", ask_take_limit, NULL, 0, 1e9, ASK_RESPONSES },
	{ "max_completion_tokens", ask_take_limit, NULL, 0, 1e9, ASK_RESPONSES },
	{ "temperature", ask_take_number, NULL, 0, 2, ASK_RESPONSES },
	{ "top_p", ask_take_number, NULL, 0, 1, ASK_RESPONSES },
	{ "stop", ask_take_stop, NULL, 0, 0, ASK_BOTH },
	{ "n", take_n, NULL, 1, 128, ASK_LACKING },
	{ "frequency_penalty", ask_take_number, NULL, -2, 2, ASK_LACKING },
	{ "presence_penalty", ask_take_number, NULL, -2, 2, ASK_LACKING },
	{ "logit_bias", ask_take_object, NULL, 0, 0, ASK_LACKING },
	{ "seed", ask_take_int, NULL, -1e19, 1e19, ASK_LACKING },
	{ "reasoning_effort", take_effort, NULL, 0, 0, ASK_BOTH },
	{ "reasoning", take_reasoning, NULL, 0, 0, ASK_BOTH },
	{ "verbosity", take_verbosity, "low|medium|high", 0, 0, ASK_BOTH },
	{ "service_tier", take_tier, NULL, 0, 0, ASK_BOTH },
	{ "fast_mode", take_fast_mode, NULL, 0, 0, ASK_BOTH },
	{ "prompt_cache_key", ask_take_str, NULL, 0, 0, ASK_BOTH },
	{ "prompt_cache_retention", ask_take_str, NULL, 0, 0, ASK_RESPONSES },
	{ "prompt_cache_options", ask_take_object, NULL, 0, 0, ASK_RESPONSES },
	{ "safety_identifier", ask_take_str, NULL, 0, 0, ASK_RESPONSES },
	{ "user", ask_take_str, NULL, 0, 0, ASK_RESPONSES },
	{ "metadata", ask_take_object, NULL, 0, 0, ASK_RESPONSES },
	{ "store", ask_take_bool, NULL, 0, 0, ASK_BOTH },
};

static const struct ask_param *find(const struct ask_param *table, size_t count,
				    const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (*table[i].name == *name && !strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

enum err ask_param_common(struct asking *q, const char *name,
			  struct json_object *v)
{
	const struct ask_param *p = find(common, ARRAY_LEN(common), name);

	return p->take(q, p, v);
}

static enum err take_all(struct asking *q, const struct ask_param *own,
			 size_t count, const struct ask_param *others,
			 size_t other_count)
{
	struct lh_entry *e = json_object_get_object(q->body)->head;

	for (; e && !q->note->code; e = e->next) {
		const char *name = lh_entry_k(e);
		struct json_object *v = lh_entry_v(e);
		const struct ask_param *p = find(own, count, name);

		if (!v)
			continue;
		if (!p)
			p = find(others, other_count, name);
		if (!p)
			terms_drop(&q->a->terms, name);
		else if (p->take)
			p->take(q, p, v);
	}
	return q->note->code;
}

enum err ask_params(struct asking *q, const struct ask_param *own, size_t count)
{
	return take_all(q, own, count, common, ARRAY_LEN(common));
}

enum err ask_own_params(struct asking *q, const struct ask_param *own,
			size_t count)
{
	return take_all(q, own, count, NULL, 0);
}
