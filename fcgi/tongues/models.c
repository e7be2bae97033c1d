/*
 * models.c - the catalogue in OpenAI's shape, and the page at /.
 *
 * Clients know id, object, created and owned_by; what else there is to know
 * of a model follows in members of our own, which they ignore.
 */
#include "models.h"

#include "../../shared/text.h"

/* When a model was made is not known, and clients only want a number: one
 * that never changes, so that a list can be compared with the last one. */
#define CREATED 1735689600

static void write_efforts(const struct model *m, struct buf *out)
{
	const char *comma = "";

	buf_char(out, '[');
	for (int e = 0; e < EFFORT__COUNT; e++) {
		if (!(m->efforts & (1u << e)))
			continue;
		buf_fmt(out, "%s\"%s\"", comma, effort_name((enum effort)e));
		comma = ",";
	}
	buf_char(out, ']');
}

/* What we know; of a model that only its name is known of, only the limit. */
static void write_details(const struct config *c, const struct model *m,
			  enum effort effort, struct buf *out)
{
	int64_t limit = m->max_output_tokens ? m->max_output_tokens
					     : c->max_output_fallback;

	buf_str(out, ",\"display_name\":");
	buf_json(out, span_of(m->name));
	if (m->context_window)
		buf_fmt(out, ",\"context_window\":%lld",
			(long long)m->context_window);
	buf_fmt(out, ",\"max_output_tokens\":%lld", (long long)limit);
	if (!m->detailed)
		return;
	if (effort == EFFORT_UNSET)
		effort = m->default_effort;
	buf_str(out, ",\"reasoning_efforts\":");
	write_efforts(m, out);
	if (m->efforts)
		buf_fmt(out, ",\"default_reasoning_effort\":\"%s\"",
			effort_name(effort));
	buf_fmt(out, ",\"input_modalities\":[\"text\"%s],\"tools\":%s,"
		"\"service_tiers\":[%s]", m->vision ? ",\"image\"" : "",
		m->tools ? "true" : "false",
		m->has_priority_tier ? "\"priority\"" : "");
}

/* One entry. m is NULL for a model that the catalogue does not have; stands
 * is what an alias means, or NULL. */
static void write_model(const struct config *c, const struct model *m,
			struct span id, enum effort effort, const char *stands,
			struct buf *out)
{
	buf_str(out, "{\"id\":");
	buf_json(out, id);
	buf_fmt(out, ",\"object\":\"model\",\"created\":%d,\"owned_by\":\"%s\"",
		CREATED, m ? "openai" : "chatmock");
	if (stands) {
		buf_str(out, ",\"alias_of\":");
		buf_json(out, span_of(stands));
	}
	if (m)
		write_details(c, m, effort, out);
	buf_char(out, '}');
}

/* The listed model and, when asked for, each effort as one of its own. */
static void each_model(const struct config *c, const struct model *m, model_fn fn,
		       void *ctx)
{
	struct model_entry entry = { span_of(m->slug), m, EFFORT_UNSET, NULL };

	fn(ctx, &entry);
	for (int e = 0; c->expose_reasoning && e < EFFORT_ULTRA; e++) {
		char id[320];

		if (!(m->efforts & (1u << e)))
			continue;
		snprintf(id, sizeof(id), "%s-%s", m->slug, effort_name((enum effort)e));
		entry.id = span_of(id);
		entry.effort = (enum effort)e;
		fn(ctx, &entry);
	}
}

/* Does another line of the list have this id already? */
static bool is_listed(const struct config *c, const struct catalog *cat, size_t alias)
{
	struct span pattern = span_of(c->aliases[alias].pattern);
	const struct model *m = catalog_find(cat, pattern);

	for (size_t i = 0; i < alias; i++)
		if (span_eq(pattern, c->aliases[i].pattern))
			return true;
	return (m && m->visible) || memchr(pattern.ptr, '*', pattern.len);
}

static void each_alias(const struct config *c, const struct catalog *cat,
		       size_t alias, model_fn fn, void *ctx)
{
	const struct config_alias *a = &c->aliases[alias];
	struct err_note note = ERR_NOTE_INIT;
	struct model_choice choice;

	if (is_listed(c, cat, alias) ||
	    catalog_choose(cat, span_of(a->pattern), &choice, &note))
		return;
	fn(ctx, &(struct model_entry){ span_of(a->pattern), choice.known,
				       choice.effort, a->model });
}

void models_each(const struct config *c, const struct catalog *cat,
		 model_fn fn, void *ctx)
{
	for (size_t i = 0; i < catalog_count(cat); i++)
		if (catalog_at(cat, i)->visible)
			each_model(c, catalog_at(cat, i), fn, ctx);
	for (size_t i = 0; i < c->alias_count; i++)
		each_alias(c, cat, i, fn, ctx);
}

struct list { const struct config *config; struct buf *out; bool begun; };

static void list_entry(void *ctx, const struct model_entry *m)
{
	struct list *l = ctx;

	if (l->begun)
		buf_char(l->out, ',');
	l->begun = true;
	write_model(l->config, m->known, m->id, m->effort, m->stands, l->out);
}

static void openai_list(const struct models_ask *ask, struct buf *out)
{
	struct list l = { ask->config, out, false };

	buf_str(out, "{\"object\":\"list\",\"data\":[");
	models_each(ask->config, ask->catalog, list_entry, &l);
	buf_str(out, "]}");
}

static const struct config_alias *find_alias(const struct config *c, struct span id)
{
	for (size_t i = 0; i < c->alias_count; i++)
		if (span_eq(id, c->aliases[i].pattern))
			return &c->aliases[i];
	return NULL;
}

/* ERR_MODEL_NOT_FOUND of this name; the nearest ones are said. */
static enum err model_unknown(const struct catalog *cat, struct span id,
			      struct err_note *note)
{
	struct buf near;

	buf_init(&near, 1024);
	catalog_suggest(cat, id, &near);
	err_at(note, ERR_MODEL_NOT_FOUND, "model",
	       "The model '%.*s' is not in the list%s%s%s",
	       (int)(id.len < 128 ? id.len : 128), id.ptr,
	       near.len ? "; near are: " : "", near.ptr, near.len ? "." :
	       "; GET /v1/models has it.");
	buf_free(&near);
	return note ? note->code : ERR_MODEL_NOT_FOUND;
}

static enum err openai_one(const struct models_ask *ask, struct span id,
			   struct buf *out, struct err_note *note)
{
	const struct catalog *cat = ask->catalog;
	const struct config *c = ask->config;
	const struct config_alias *alias = find_alias(c, id);
	const struct model *m = catalog_find(cat, id);
	struct err_note why = ERR_NOTE_INIT;
	struct model_choice choice;

	if (m && !alias) {
		write_model(c, m, id, EFFORT_UNSET, NULL, out);
		return 0;
	}
	if (catalog_choose(cat, id, &choice, &why) == 0 && (choice.known || alias)) {
		write_model(c, choice.known, id, choice.effort,
			    alias ? alias->model : NULL, out);
		return 0;
	}
	return model_unknown(cat, id, note);
}

const struct models_shape models_openai = {
	.name = "openai", .list = openai_list, .one = openai_one,
};

/* A Host header that can be put into a page and a shell line as it is. */
static bool host_ok(const char *host)
{
	size_t len = host ? strlen(host) : 0;

	return len && len < 256 &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789.:[]-") == len;
}

void home_page(const struct config *c, const char *host, struct buf *out)
{
	bool bare6 = strchr(c->bind, ':') && c->bind[0] != '[';
	char own[300];

	if (!host_ok(host)) {
		snprintf(own, sizeof(own), "%s%.255s%s:%lld", bare6 ? "[" : "",
			 c->bind, bare6 ? "]" : "", (long long)c->port);
		host = own;
	}
	buf_str(out, "ChatMock in C " CHATMOCK_VERSION "\n\n"
		"Base URLs to copy:\n\n");
	buf_fmt(out, "  OpenAI clients     http://%s/v1\n", host);
	buf_fmt(out, "  a named session    http://%s/codex/SESSION\n", host);
	buf_fmt(out, "  Anthropic clients  http://%s\n", host);
	buf_fmt(out, "  Ollama clients     http://%s\n\n", host);
	buf_str(out, "API key: one that `chatmock keys add NAME` made; as long as "
		"there are none any\ntext serves. To try it:\n\n");
	buf_fmt(out, "  curl -N http://%s/v1/chat/completions \\\n"
		"    -H 'Content-Type: application/json' \\\n"
		"    -d '{\"model\":\"gpt-5.5\",\"stream\":true,"
		"\"messages\":[{\"role\":\"user\",\"content\":\"Say hello.\"}]}'\n\n",
		host);
	buf_fmt(out, "Models: http://%s/v1/models\nHow it is: http://%s/status\n\n",
		host, host);
	buf_str(out, "Not affiliated with OpenAI. Upstream is called with the "
		"login or key set up on\nthis machine, under the limits and terms "
		"of that account.\n");
}
