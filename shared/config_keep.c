/*
 * config_keep.c - what a config owns: strings, warnings, the lines of [models].
 */
#include <stdarg.h>

#include "ceilings.h"
#include "config_private.h"
#include "text.h"

enum err config_begin(struct config *c, struct err_note *note)
{
	*c = (struct config){ 0 };
	c->private = calloc(1, sizeof(*c->private));
	return c->private ? 0 : err_set(note, ERR_NO_MEMORY, "settings");
}

char *config_keep(struct config *c, struct span s)
{
	struct config_private *p = c->private;
	char *copy;

	if (p->owned_count == p->owned_size) {
		size_t size = p->owned_size ? p->owned_size * 2 : 64;
		char **more = realloc(p->owned, size * sizeof(*more));

		if (!more)
			return NULL;
		p->owned = more;
		p->owned_size = size;
	}
	copy = malloc(s.len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	p->owned[p->owned_count++] = copy;
	return copy;
}

void config_warn(struct config *c, const char *fmt, ...)
{
	struct config_private *p = c->private;
	char text[512];
	va_list args;

	if (c->warning_count == MAX_WARNINGS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	p->warnings[c->warning_count] = config_keep(c, span_of(text));
	c->warnings = p->warnings;
	c->warning_count += p->warnings[c->warning_count] != NULL;
}

enum err config_alias_add(struct config *c, struct span pattern,
			  struct span model, const char *where,
			  struct err_note *note)
{
	struct config_private *p = c->private;
	struct config_alias *a;

	if (!model.len || pattern.len > MAX_MODEL_NAME || model.len > MAX_MODEL_NAME ||
	    memchr(pattern.ptr, '\0', pattern.len) ||
	    memchr(model.ptr, '\0', model.len) ||
	    !utf8_valid(pattern) || !utf8_valid(model))
		return err_tell(note, ERR_CONFIG, "%s: wanted is NAME = MODEL, "
				"of at most %d bytes each.", where, MAX_MODEL_NAME);
	if (c->alias_count == MAX_ALIASES)
		return err_tell(note, ERR_CONFIG, "%s: more than %d lines in "
				"[models].", where, MAX_ALIASES);
	if (c->alias_count == p->alias_size) {
		size_t size = p->alias_size ? p->alias_size * 2 : 16;

		a = realloc(p->aliases, size * sizeof(*a));
		if (!a)
			return err_set(note, ERR_NO_MEMORY, "aliases");
		p->aliases = a;
		p->alias_size = size;
		c->aliases = a;
	}
	a = &p->aliases[c->alias_count];
	a->pattern = config_keep(c, pattern);
	a->model = config_keep(c, model);
	if (!a->pattern || !a->model)
		return err_set(note, ERR_NO_MEMORY, "aliases");
	c->alias_count++;
	return 0;
}

void config_free(struct config *c)
{
	struct config_private *p = c->private;

	for (size_t i = 0; p && i < p->owned_count; i++) {
		explicit_bzero(p->owned[i], strlen(p->owned[i]));
		free(p->owned[i]);
	}
	if (p) {
		free(p->owned);
		free(p->aliases);
		free(p);
	}
	*c = (struct config){ 0 };
}
