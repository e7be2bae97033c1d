/* payload.c - see payload.h. */
#include "payload.h"
#include "../tongues/memory.h"

#include "../../shared/ceilings.h"

/* Most fit in it: the buffer need not grow step by step. */
#define SMALL_PAYLOAD 2000

/*
 * The fields in the order in which they are sent, which does not depend on
 * the client's: the ChatGPT backend takes these and refuses a request that
 * has any other (an allow-list: what it refuses grows). A plain Responses
 * upstream gets the rest behind them.
 */
static const char *const fields[] = {
	"model", "instructions", "input", "tools", "tool_choice",
	"parallel_tool_calls", "reasoning", "store", "stream", "include",
	"prompt_cache_key", "text", "service_tier", "client_metadata",
	"stream_options",
};

/* What changes an answer's meaning: refused rather than silently not done. */
static const struct { const char *name, *reason; } meaning[] = {
	{ "n", "one answer for a request" },
	{ "best_of", "one answer for a request" },
	{ "logprobs", "log probabilities are not available" },
	{ "top_logprobs", "log probabilities are not available" },
};

static bool known_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (*fields[i] == *name && !strcmp(fields[i], name))
			return true;
	return false;
}

static bool is_chatgpt(const struct ask *a)
{
	return a->config->kind == KIND_CHATGPT;
}

/* From its own API's client to a plain upstream: nothing is taken out. */
static bool is_untouched(const struct ask *a)
{
	return a->native && !is_chatgpt(a);
}

/* --- parameters that the Responses API lacks -------------------------- */

static const char *meaning_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(meaning); i++)
		if (!strcmp(meaning[i].name, name))
			return meaning[i].reason;
	return NULL;
}

/* "n=2 (one answer for a request), logprobs=true (...)" */
static enum err refuse_meaning(struct ask *a, struct err_note *note)
{
	struct lh_entry *e = json_object_get_object(a->unsupported)->head;
	const char *first = NULL;
	struct buf list;

	buf_init(&list, 320);
	for (; e; e = e->next) {
		const char *name = lh_entry_k(e), *reason = meaning_of(name);

		if (!reason)
			continue;
		buf_fmt(&list, "%s%s=", first ? ", " : "", name);
		json_write(&list, lh_entry_v(e));
		buf_fmt(&list, " (%s)", reason);
		if (!first)
			first = name;
	}
	if (first)
		err_at(note, ERR_UNSUPPORTED_PARAM, first,
		       "Unsupported parameters: %s.", list.ptr);
	buf_free(&list);
	return first ? ERR_UNSUPPORTED_PARAM : ERR_NONE;
}

static enum err apply_unsupported(struct ask *a, struct err_note *note)
{
	bool forward = a->config->propagate_unsupported && !is_chatgpt(a);
	struct lh_entry *e;

	if (!a->unsupported)
		return ERR_NONE;
	if (!a->config->propagate_unsupported && refuse_meaning(a, note))
		return ERR_UNSUPPORTED_PARAM;
	for (e = json_object_get_object(a->unsupported)->head; e; e = e->next) {
		const char *name = lh_entry_k(e);

		if (!forward)
			terms_drop(&a->terms, name);
		else if (!json_set(a->request, name, json_ref(lh_entry_v(e))))
			return err_set(note, ERR_NO_MEMORY, "payload");
	}
	return ERR_NONE;
}

/* --- reasoning, tier, search ------------------------------------------ */

/* Effort from the model's suffix, else the request, else the setting. A word
 * that is none of ours goes to a model that is none of ours as it is. */
static const char *effort_word(const struct ask *a, struct span asked)
{
	enum effort e = a->model.effort, word = effort_parse(asked);

	if (e == EFFORT_UNSET && asked.len && word == EFFORT_UNSET &&
	    !a->model.known)
		return asked.ptr;
	if (e == EFFORT_UNSET)
		e = word;
	if (e == EFFORT_UNSET)
		e = (enum effort)a->config->reasoning_effort;
	return effort_name(effort_clamp(a->model.known, e));
}

/*
 * A plain upstream may serve models that know no reasoning and refuse to hear
 * of it (gpt-4o). Of a model that we do not know we speak of effort only when
 * client or operator did; our own defaults are no reason.
 */
static bool may_default(const struct ask *a, int value, int dflt)
{
	return a->model.known || is_chatgpt(a) || value != dflt;
}

/* What is said of reasoning beside effort and summary. The backend knows
 * the context. */
static bool apply_reasoning_rest(struct ask *a, struct json_object *given,
				 struct json_object *into)
{
	struct lh_entry *e = given ? json_object_get_object(given)->head : NULL;
	char name[80];

	for (; e; e = e->next) {
		const char *key = lh_entry_k(e);

		if (!strcmp(key, "effort") || !strcmp(key, "summary") || !lh_entry_v(e))
			continue;
		if (is_chatgpt(a) && strcmp(key, "context")) {
			snprintf(name, sizeof(name), "reasoning.%s", key);
			terms_drop(&a->terms, name);
		} else if (!json_set(into, key, json_ref(lh_entry_v(e)))) {
			return false;
		}
	}
	return true;
}

static bool apply_reasoning(struct ask *a)
{
	static const char *const summaries[] = { "auto", "concise", "detailed" };
	struct json_object *given = json_get_object(a->request, "reasoning");
	struct json_object *o;
	struct span effort = json_get_str(given, "effort");
	struct span summary = json_get_str(given, "summary");
	int set = a->config->reasoning_summary;
	bool ok = true;

	if (a->model.known && !a->model.known->efforts && !is_untouched(a)) {
		json_object_object_del(a->request, "reasoning");
		return true;
	}
	o = json_object_new_object();
	if (effort.len || a->model.effort != EFFORT_UNSET ||
	    may_default(a, a->config->reasoning_effort, EFFORT_MEDIUM))
		ok = json_set_cstr(o, "effort", effort_word(a, effort));
	if (summary.len && !span_eq(summary, "none"))
		ok = ok && json_set_str(o, "summary", summary);
	else if (!summary.len && set != SUMMARY_NONE && !(a->native && given) &&
		 (json_get(o, "effort") || may_default(a, set, SUMMARY_AUTO)))
		ok = ok && json_set_cstr(o, "summary", summaries[set]);
	ok = ok && apply_reasoning_rest(a, given, o);
	if (o && json_object_object_length(o) && ok)
		return json_set(a->request, "reasoning", o);
	json_object_object_del(a->request, "reasoning");
	json_object_put(o);
	return o && ok;
}

/*
 * The backend takes no tier but priority. Asked for and not to be had is an
 * error; by setting only, or a model that has none, it is left out. Of a
 * model that we do not know, upstream decides.
 */
static enum err apply_tier(struct ask *a, struct err_note *note)
{
	struct span tier = json_get_str(a->request, "service_tier");
	const struct model *m = a->model.known;

	if (!tier.len && a->config->fast_mode && m && m->has_priority_tier)
		return json_set_cstr(a->request, "service_tier", "priority") ?
			ERR_NONE : err_set(note, ERR_NO_MEMORY, "payload");
	if (!tier.len || !is_chatgpt(a))
		return ERR_NONE;
	if (span_eq(tier, "priority")) {
		if (!m || m->has_priority_tier)
			return ERR_NONE;
		return err_at(note, ERR_UNSUPPORTED_PARAM, "service_tier",
			      "The model '%s' has no priority tier "
			      "(service_tier, fast_mode).", a->model.slug);
	}
	/* auto and default are what no tier means */
	if (!span_eq(tier, "auto") && !span_eq(tier, "default"))
		terms_drop(&a->terms, "service_tier");
	json_object_object_del(a->request, "service_tier");
	return ERR_NONE;
}

static bool has_tools(const struct ask *a)
{
	struct json_object *tools = json_get_array(a->request, "tools");
	struct json_object *input = json_get_array(a->request, "input");
	struct json_object *first = input ? json_object_array_get_idx(input, 0) : NULL;

	return (tools && json_object_array_length(tools)) ||
	       span_eq(json_get_str(first, "type"), "additional_tools");
}

static bool apply_search(struct ask *a)
{
	bool none = span_eq(json_get_str(a->request, "tool_choice"), "none");
	struct json_object *tools, *tool;

	if (has_tools(a))
		return true;
	/* a choice among no tools says nothing, and some servers refuse it */
	if (none && !is_untouched(a))
		json_object_object_del(a->request, "tool_choice");
	if (none || !a->config->enable_web_search)
		return true;
	tools = json_object_new_array_ext(1);
	tool = json_object_new_object();
	if (!tools || !json_set_cstr(tool, "type", "web_search")) {
		json_object_put(tools);
		json_object_put(tool);
		return false;
	}
	if (!json_push(tools, tool)) {
		json_object_put(tools);
		return false;
	}
	return json_set(a->request, "tools", tools);
}

/* --- the rest --------------------------------------------------------- */

/* Reasoning travels encrypted, since nothing is stored: a client that speaks
 * Responses can send it back. What it asked to have included stays. */
static bool apply_include(struct ask *a)
{
	static const char word[] = "reasoning.encrypted_content";
	struct json_object *list = json_get_array(a->request, "include");
	size_t count = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count; i++)
		if (span_eq(json_str(json_object_array_get_idx(list, i)), word))
			return true;
	if (!list) {
		list = json_object_new_array_ext(1);
		if (!list || !json_set(a->request, "include", list))
			return false;
	}
	return json_push(list, json_new_str(SPAN("reasoning.encrypted_content")));
}

static bool apply_kind(struct ask *a)
{
	const struct model *m = a->model.known;
	struct json_object *r = a->request, *text = json_get_object(r, "text");

	if (!is_chatgpt(a)) {
		if (a->config->max_output_set && !json_get(r, "max_output_tokens") &&
		    !json_set_int(r, "max_output_tokens", a->config->max_output_fallback))
			return false;
		/* who speaks its own tongue and says nothing means true, as
		 * the API has it: background, and what asks for the id, need it */
		return json_get(r, "store") || (a->native && a->config->store) ||
		       json_set_bool(r, "store", false);
	}
	if (json_get_bool(r, "store", false) &&
	    !(a->terms.memory && a->terms.memory->store))
		terms_drop(&a->terms, "store");
	if (m && !m->verbosity && json_get(text, "verbosity")) {
		terms_drop(&a->terms, "verbosity");
		json_object_object_del(text, "verbosity");
		if (!json_object_object_length(text))
			json_object_object_del(r, "text");
	}
	return json_set_bool(r, "store", false) && apply_include(a) &&
	       payload_input_fit(a);
}

/* A session's name may be longer than upstream takes a key to be. */
static bool apply_key(struct ask *a, const char *session)
{
	char fit[65];

	if (json_get_str(a->request, "prompt_cache_key").len)
		return true;
	if (strlen(session) > MAX_UPSTREAM_NAME) {
		names_call_id(span_of(session), fit);
		session = fit;
	}
	return json_set_cstr(a->request, "prompt_cache_key", session);
}

/* The stream is ours to shape; the backend knows one option more. */
static bool apply_stream_options(struct ask *a)
{
	static const char delivery[] = "reasoning_summary_delivery";
	struct json_object *given = json_get_object(a->request, "stream_options");
	struct json_object *wish = json_ref(json_get(given, delivery)), *o;
	struct lh_entry *e = given ? json_object_get_object(given)->head : NULL;
	char name[80];

	for (; e && a->native; e = e->next) {
		const char *key = lh_entry_k(e);

		snprintf(name, sizeof(name), "stream_options.%s", key);
		if (strcmp(key, delivery))
			terms_drop(&a->terms, name);
	}
	json_object_object_del(a->request, "stream_options");
	if (!wish)
		return true;
	o = json_object_new_object();
	return json_set(o, delivery, wish) && json_set(a->request, "stream_options", o);
}

static bool apply_rest(struct ask *a, const char *session)
{
	struct json_object *r = a->request;

	if (!is_untouched(a) && !apply_stream_options(a))
		return false;
	if (json_get(r, "instructions") && !json_get_str(r, "instructions").len &&
	    !is_untouched(a))
		json_object_object_del(r, "instructions");
	return apply_key(a, session) && json_set_cstr(r, "model", a->model.slug) &&
	       json_set_bool(r, "stream", true) && apply_kind(a);
}

static void write_field(struct buf *out, const char *name, struct json_object *v)
{
	buf_char(out, out->len ? ',' : '{');
	buf_json(out, span_of(name));
	buf_char(out, ':');
	json_write(out, v);
}

static void write_all(struct ask *a, struct buf *out)
{
	struct lh_entry *e = json_object_get_object(a->request)->head;
	struct json_object *v;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if ((v = json_get(a->request, fields[i])))
			write_field(out, fields[i], v);
	for (; e; e = e->next) {
		const char *name = lh_entry_k(e);

		if (known_field(name) || !lh_entry_v(e))
			continue;
		if (is_chatgpt(a))
			terms_drop(&a->terms, name);
		else
			write_field(out, name, lh_entry_v(e));
	}
	buf_char(out, '}');
}

enum err payload_build(struct ask *a, const char *session, struct buf *out,
		       struct err_note *note)
{
	enum err e;

	if ((e = apply_unsupported(a, note)) || (e = apply_tier(a, note)))
		return e;
	if (!apply_reasoning(a) || !apply_search(a) || !apply_rest(a, session))
		return err_set(note, ERR_NO_MEMORY, "payload");
	buf_reset(out);
	(void)buf_room(out, SMALL_PAYLOAD);
	write_all(a, out);
	if (buf_err(out))
		return err_set(note, buf_err(out), "the request to upstream");
	return ERR_NONE;
}
