/*
 * catalog.c - finding the model that a client's words mean.
 */
#include "catalog_private.h"

#include <stdlib.h>

#include "catalog_table.h"
#include "ceilings.h"
#include "nearest.h"
#include "text.h"

#define SUGGESTIONS 3

struct catalog *catalog_new(const struct config *c)
{
	static const struct catalog_origin none = { "", "", "", "", "", 0, { "", 0 } };
	struct catalog *cat = calloc(1, sizeof(*cat));

	if (!cat)
		return NULL;
	cat->config = c;
	cat->refs = 1;
	cat->origin = none;
	cat->models = catalog_builtin;
	cat->count = catalog_builtin_count;
	buf_init(&cat->strings, MAX_CACHE_FILE);
	buf_init(&cat->text, MAX_CACHE_FILE);
	return cat;
}

struct catalog *catalog_ref(const struct catalog *c)
{
	struct catalog *cat = (struct catalog *)(uintptr_t)c;

	if (cat)
		cat->refs++;
	return cat;
}

void catalog_free(struct catalog *c)
{
	if (!c || --c->refs)
		return;
	free(c->own);
	buf_free(&c->strings);
	buf_free(&c->text);
	free(c);
}

const struct catalog_origin *catalog_origin(const struct catalog *c)
{
	return &c->origin;
}

size_t catalog_count(const struct catalog *c)
{
	return c->count;
}

const struct model *catalog_at(const struct catalog *c, size_t i)
{
	return i < c->count ? &c->models[i] : NULL;
}

const struct model *catalog_find(const struct catalog *c, struct span slug)
{
	for (size_t i = 0; i < c->count; i++)
		if (span_eq(slug, c->models[i].slug))
			return &c->models[i];
	return NULL;
}

const struct model *catalog_default(const struct catalog *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->models[i].visible)
			return &c->models[i];
	return NULL;
}

/* What [models] makes of a name: a literal line before a pattern, else the
 * first pattern that fits; the name itself when none does. The ChatGPT backend
 * has no Claude, and Claude Code asks for several by itself: there they all
 * stand for the first model of the list. */
static struct span alias_of(const struct catalog *cat, struct span name)
{
	const struct model *first = catalog_default(cat);
	const struct config *c = cat->config;

	for (size_t i = 0; i < c->alias_count; i++)
		if (span_eq(name, c->aliases[i].pattern))
			return span_of(c->aliases[i].model);
	for (size_t i = 0; i < c->alias_count; i++)
		if (text_glob(c->aliases[i].pattern, name))
			return span_of(c->aliases[i].model);
	if (c->kind == KIND_CHATGPT && first && span_starts(name, "claude-"))
		return span_of(first->slug);
	return name;
}

/* Takes an effort suffix off a name that is known without it. */
static const struct model *without_suffix(const struct catalog *cat,
					  struct span *name, enum effort *effort)
{
	for (size_t i = name->len; i-- > 1;) {
		struct span head = { name->ptr, i };
		struct span tail = { name->ptr + i + 1, name->len - i - 1 };
		const struct model *m;
		enum effort e;

		if (!memchr("-:_", name->ptr[i], 3))
			continue;
		/* no effort's name has one of these in it: the last decides */
		e = effort_parse(tail);
		m = e == EFFORT_UNSET ? NULL : catalog_find(cat, head);
		if (m) {
			*name = head;
			*effort = e;
		}
		return m;
	}
	return NULL;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	return false;
}

enum err catalog_choose(const struct catalog *c, struct span asked,
			struct model_choice *out, struct err_note *note)
{
	struct span name = asked;

	*out = (struct model_choice){ .effort = EFFORT_UNSET };
	if (c->config->debug_model)
		name = span_of(c->config->debug_model);
	/* Claude Code's way to ask for a large context: a model has all it has */
	if (name.len > 4 && !memcmp(name.ptr + name.len - 4, "[1m]", 4))
		name.len -= 4;
	if (!name.len)
		return err_at(note, ERR_BAD_REQUEST, "model",
			      "A model has to be named.");
	if (name.len > MAX_MODEL_NAME)
		return err_at(note, ERR_BAD_REQUEST, "model", "The model's name is "
			      "longer than %d bytes.", MAX_MODEL_NAME);
	if (has_control(name))
		return err_at(note, ERR_BAD_REQUEST, "model",
			      "The model's name holds control characters.");
	name = alias_of(c, name);
	out->known = catalog_find(c, name);
	if (!out->known)
		out->known = without_suffix(c, &name, &out->effort);
	if (out->known && !out->known->detailed)
		out->known = NULL;
	text_copy(out->slug, sizeof(out->slug), name);
	return 0;
}

struct near { size_t distance; struct span name; };

/* Keeps the nearest ones, best first, the earlier of equals before the later. */
static void consider(struct near best[SUGGESTIONS], struct span asked,
		     struct span name)
{
	size_t d = nearest_distance(asked, name);
	size_t i = SUGGESTIONS;

	/* among models half a name may be wrong: gpt-4o is meant as a GPT */
	if (d == SIZE_MAX || d > asked.len / 2)
		return;
	while (i > 0 && (!best[i - 1].name.ptr || d < best[i - 1].distance))
		i--;
	if (i == SUGGESTIONS)
		return;
	memmove(&best[i + 1], &best[i], (SUGGESTIONS - 1 - i) * sizeof(*best));
	best[i] = (struct near){ d, name };
}

void catalog_suggest(const struct catalog *c, struct span asked, struct buf *out)
{
	struct near best[SUGGESTIONS] = { 0 };
	const struct config *config = c->config;
	struct model_choice meant = { .slug = "" };

	if (catalog_choose(c, asked, &meant, NULL))
		return;		/* no name at all: none is near */
	for (size_t i = 0; i < c->count; i++)
		if (c->models[i].visible && strcmp(c->models[i].slug, meant.slug))
			consider(best, asked, span_of(c->models[i].slug));
	for (size_t i = 0; i < config->alias_count; i++)
		if (!strchr(config->aliases[i].pattern, '*') &&
		    strcmp(config->aliases[i].model, meant.slug))
			consider(best, asked, span_of(config->aliases[i].pattern));
	for (size_t i = 0; i < SUGGESTIONS && best[i].name.ptr; i++) {
		buf_str(out, i ? ", " : "");
		buf_span_add(out, best[i].name);
	}
}

static const char *const effort_names[EFFORT__COUNT] = {
	[EFFORT_NONE] = "none", [EFFORT_MINIMAL] = "minimal",
	[EFFORT_LOW] = "low", [EFFORT_MEDIUM] = "medium",
	[EFFORT_HIGH] = "high", [EFFORT_XHIGH] = "xhigh",
	[EFFORT_MAX] = "max", [EFFORT_ULTRA] = "ultra",
};

enum effort effort_parse(struct span word)
{
	for (int e = 0; e < EFFORT__COUNT; e++)
		if (span_eq(word, effort_names[e]))
			return (enum effort)e;
	return EFFORT_UNSET;
}

const char *effort_name(enum effort e)
{
	return e >= 0 && e < EFFORT__COUNT ? effort_names[e] : "";
}

enum effort effort_clamp(const struct model *known, enum effort e)
{
	unsigned listed;

	if (e < 0 || e >= EFFORT__COUNT)
		return EFFORT_UNSET;
	if (e == EFFORT_ULTRA)
		e = EFFORT_MAX;
	listed = known ? known->efforts & ~(1u << EFFORT_ULTRA) : 0;
	if (!listed)
		return e;
	for (int far = 0; far < EFFORT__COUNT; far++) {
		if (e - far >= 0 && (listed & (1u << (e - far))))
			return (enum effort)(e - far);
		if (e + far < EFFORT__COUNT && (listed & (1u << (e + far))))
			return (enum effort)(e + far);
	}
	return e;
}
