/*
 * catalog_parse.c - upstream's list of models, out of models.json.
 *
 * Of an entry only its name is certain; what else is missing is taken from
 * the built-in table where that has the model. An entry that has no usable
 * name is passed over: one odd model must not cost all others.
 */
#include <stdlib.h>

#include "catalog_file.h"
#include "catalog_private.h"
#include "catalog_table.h"
#include "ceilings.h"
#include "json.h"
#include "json_walk.h"

/* Models that only a name is known of stand behind those of the table. */
#define NO_PRIORITY 1000000

struct making {
	struct catalog *cat;
	size_t room;		/* models that own has room for */
	bool failed;		/* no memory */
};

/* The string for good; NULL when there is no memory. */
static const char *keep(struct making *m, struct span s)
{
	struct buf *b = &m->cat->strings;
	size_t at = b->len;

	/* never moves: room for all was made at once */
	if (b->size - b->len <= s.len + 1) {
		m->failed = true;
		return NULL;
	}
	buf_span_add(b, s);
	buf_char(b, '\0');
	return b->ptr + at;
}

static bool is_name(struct span s)
{
	if (!s.len || s.len > MAX_MODEL_NAME)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static const struct model *in_table(struct span slug)
{
	for (size_t i = 0; i < catalog_builtin_count; i++)
		if (span_eq(slug, catalog_builtin[i].slug))
			return &catalog_builtin[i];
	return NULL;
}

/* Does the list have an element that is word, or whose member key is? */
static bool lists(struct json_object *list, const char *key, const char *word)
{
	size_t count = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		if (span_eq(key ? json_get_str(v, key) : json_str(v), word))
			return true;
	}
	return false;
}

static void take_efforts(struct json_object *entry, struct model *m)
{
	struct json_object *list = json_get_array(entry, "supported_reasoning_levels");
	enum effort dflt = effort_parse(json_get_str(entry, "default_reasoning_level"));

	if (list)
		m->efforts = 0;
	for (int e = 0; list && e < EFFORT__COUNT; e++)
		if (lists(list, "effort", effort_name((enum effort)e)) ||
		    lists(list, NULL, effort_name((enum effort)e)))
			m->efforts |= 1u << e;
	if (dflt != EFFORT_UNSET)
		m->default_effort = dflt;
	if (!(m->efforts & (1u << m->default_effort)))
		m->default_effort = effort_clamp(m, m->default_effort);
	/* an entry that is silent on it tells nothing of what a model can do */
	m->detailed = m->detailed || list;
}

static int64_t tokens(struct json_object *entry, const char *key, int64_t dflt)
{
	int64_t n = json_get_int(entry, key, dflt);

	return n > 0 && n <= 1000000000 ? n : dflt;
}

/* What an entry of Codex' shape tells beyond its name. */
static void take_details(struct json_object *entry, struct model *m)
{
	struct json_object *tiers = json_get_array(entry, "service_tiers");
	struct json_object *speed = json_get_array(entry, "additional_speed_tiers");
	struct json_object *modes = json_get_array(entry, "input_modalities");
	struct span visible = json_get_str(entry, "visibility");

	take_efforts(entry, m);
	m->visible = !visible.len || span_eq(visible, "list");
	m->context_window = tokens(entry, "context_window", m->context_window);
	m->max_output_tokens = tokens(entry, "max_output_tokens",
				      m->max_output_tokens);
	if (tiers || speed)
		m->has_priority_tier = lists(tiers, "id", "priority") ||
				       lists(speed, NULL, "fast");
	if (modes)
		m->vision = lists(modes, NULL, "image");
	m->verbosity = json_get_bool(entry, "support_verbosity", m->verbosity);
}

/* Before those that come later in order; equals stay as they were. */
static void put(struct catalog *cat, const struct model *m)
{
	size_t at = cat->count;

	while (at > 0 && cat->own[at - 1].priority > m->priority)
		at--;
	memmove(&cat->own[at + 1], &cat->own[at],
		(cat->count - at) * sizeof(*cat->own));
	cat->own[at] = *m;
	cat->count++;
}

static void take_entry(struct making *making, struct json_object *entry)
{
	struct span slug = json_get_str(entry, "slug"), name;
	bool codex = slug.len > 0;
	const struct model *known;
	struct model m = { .default_effort = EFFORT_MEDIUM, .vision = true,
			   .tools = true, .verbosity = true };

	if (!codex)
		slug = json_get_str(entry, "id");
	if (!is_name(slug) || catalog_find(making->cat, slug) ||
	    making->cat->count == making->room)
		return;
	known = in_table(slug);
	if (known)
		m = *known;
	m.priority = known ? known->priority : NO_PRIORITY;
	m.visible = true;
	m.slug = keep(making, slug);
	m.name = known ? known->name : m.slug;
	if (codex) {
		name = json_get_str(entry, "display_name");
		if (is_name(name))
			m.name = keep(making, name);
		m.priority = (int)json_get_int(entry, "priority", m.priority);
		take_details(entry, &m);
	}
	if (!making->failed)
		put(making->cat, &m);
}

/* The rest of the table: names that people have in their settings. */
static void add_table(struct catalog *cat)
{
	for (size_t i = 0; i < catalog_builtin_count; i++) {
		if (catalog_find(cat, span_of(catalog_builtin[i].slug)))
			continue;
		cat->own[cat->count] = catalog_builtin[i];
		cat->own[cat->count++].visible = false;
	}
}

/* What may stand in a header, both ways; or nothing. */
static const char *keep_tag(struct making *m, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
			return "";
	return keep(m, s);
}

static void take_origin(struct making *m, struct json_object *file)
{
	struct catalog_origin *o = &m->cat->origin;

	o->upstream = keep(m, json_get_str(file, "upstream"));
	o->account = keep(m, json_get_str(file, "account_id"));
	o->client_version = keep(m, json_get_str(file, "client_version"));
	o->etag = keep_tag(m, json_get_str(file, "etag"));
	o->announced = keep_tag(m, json_get_str(file, "announced"));
	o->fetched_at = json_get_int(file, "fetched_at", 0);
}

/* The text of the array, where it is Codex' own shape. */
static struct span native_of(struct span text, struct json_object *models)
{
	struct json_object *first = json_object_array_get_idx(models, 0);
	struct span key, value, found = SPAN("");
	struct json_walk w;

	if (!json_get_str(first, "slug").len)
		return found;
	json_walk_object(&w, text);
	while (json_walk_next(&w, &key, &value))
		if (span_eq(key, "models"))
			found = value;
	return w.ok ? found : SPAN("");
}

static bool make(struct making *m, struct json_object *file)
{
	struct json_object *models = json_get_array(file, "models");
	size_t count = json_object_array_length(models);
	struct catalog *cat = m->cat;

	m->room = count < MAX_MODELS ? count : MAX_MODELS;
	cat->own = calloc(m->room + catalog_builtin_count + 1, sizeof(*cat->own));
	if (!cat->own || !buf_room(&cat->strings, cat->text.len + 64))
		return false;
	cat->models = cat->own;
	cat->count = 0;
	take_origin(m, file);
	for (size_t i = 0; i < count && !m->failed; i++)
		take_entry(m, json_object_array_get_idx(models, i));
	return !m->failed;
}

struct catalog *catalog_parse(const struct config *c, struct buf *text,
			      struct err_note *note)
{
	struct json_object *file = json_parse(buf_span(text), note);
	struct making m = { .cat = file ? catalog_new(c) : NULL };

	if (!m.cat) {
		err_set(note, ERR_NO_MEMORY, "models");
		goto fail;
	}
	buf_free(&m.cat->text);
	m.cat->text = *text;
	buf_init(text, MAX_CACHE_FILE);
	if (json_get_int(file, "version", 0) != 1 || !json_get_array(file, "models") ||
	    json_get_int(file, "fetched_at", 0) <= 0) {
		err_set(note, ERR_BAD_JSON, "it is no list of models of ours");
		goto fail;
	}
	if (!make(&m, file)) {
		err_set(note, ERR_NO_MEMORY, "models");
		goto fail;
	}
	if (!m.cat->count) {
		err_set(note, ERR_BAD_JSON, "there is no model in it");
		goto fail;
	}
	m.cat->origin.native = native_of(buf_span(&m.cat->text),
					 json_get_array(file, "models"));
	add_table(m.cat);
	json_object_put(file);
	return m.cat;
fail:
	json_object_put(file);
	catalog_free(m.cat);
	return NULL;
}
