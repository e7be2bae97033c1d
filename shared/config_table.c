/*
 * config_table.c - the settings as data, and finding one by any of its names.
 */
#include "config_private.h"

#include "nearest.h"
#include "text.h"

const struct setting config_settings[SETTING__COUNT] = {
#define X(field, type, name, alias, dflt, min, max, values, help) \
	{ TYPE_##type, offsetof(struct config, field), name, alias, dflt, \
	  min, max, values, help },
	CONFIG_TABLE(X)
#undef X
};

bool config_add_name(char out[MAX_SETTING_NAME + 1], struct span part)
{
	size_t len = strlen(out);

	for (size_t i = 0; i < part.len; i++) {
		char ch = part.ptr[i];
		bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
		bool other = (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' ||
			     ch == '.';

		if ((!letter && !other) || len + 2 > MAX_SETTING_NAME)
			return false;
		if (ch >= 'a' && ch <= 'z')
			ch = (char)(ch - 32);
		if (ch == '.')
			out[len++] = '_';
		out[len++] = ch == '.' || ch == '-' ? '_' : ch;
		out[len] = '\0';
	}
	return true;
}

bool config_whole_name(struct span section, struct span key,
		       char out[MAX_SETTING_NAME + 1])
{
	bool whole = text_starts_nocase(key, "CHATMOCK_") ||
		     text_starts_nocase(key, "CODEX__") ||
		     text_starts_nocase(key, "CODEX.") ||
		     text_starts_nocase(key, "CHATGPT_LOCAL_");

	out[0] = '\0';
	if (!key.len)
		return false;
	if (!whole && section.len)
		return config_add_name(out, section) && config_add_name(out, SPAN("__")) &&
		       config_add_name(out, key);
	if (!whole && !config_add_name(out, SPAN("CHATMOCK_")))
		return false;
	return config_add_name(out, key);
}

/* 1, 2 ... for the place of name among the comma-separated aliases; 0: none. */
static unsigned alias_place(const char *aliases, const char *name)
{
	struct span rest = span_of(aliases), one;
	unsigned place = 0;

	while (text_next(&rest, ',', &one)) {
		place++;
		if (span_eq(one, name))
			return place;
	}
	return 0;
}

const struct setting *config_find(const char *name, unsigned *rank)
{
	for (size_t i = 0; i < SETTING__COUNT; i++) {
		const struct setting *s = &config_settings[i];

		*rank = 0;
		if (strcmp(s->name, name) == 0)
			return s;
		*rank = alias_place(s->alias, name);
		if (*rank)
			return s;
	}
	return NULL;
}

/* The known name that is nearest to one which is not; NULL: none is near. */
static const char *suggestion(const char *name)
{
	struct span asked = span_of(name);
	const char *best = NULL;
	size_t least = SIZE_MAX, d;

	for (size_t i = 0; i < SETTING__COUNT; i++) {
		d = nearest_distance(asked, span_of(config_settings[i].name));
		if (d < least) {
			least = d;
			best = config_settings[i].name;
		}
	}
	return nearest_is_near(asked, least) ? best : NULL;
}

static enum err refuse_unknown(const struct offer *o, struct err_note *note)
{
	const char *near = suggestion(o->name);

	return err_tell(note, ERR_CONFIG,
			"%s (%s): there is no such setting%s%s%s; "
			"--settings lists all.",
			o->name, o->where, near ? ", did you mean " : "",
			near ? near : "", near ? "?" : "");
}

/* True when an offer beats what was given before; the later of equals does. */
static bool beats(const struct given *g, enum config_source source, unsigned rank)
{
	if (!g->text)
		return true;
	if (source != g->source)
		return source < g->source;
	return rank <= g->rank;
}

static enum err take(struct config *c, const struct setting *s, unsigned rank,
		     const struct offer *o, struct err_note *note)
{
	struct given *g = &c->private->given[s - config_settings];
	struct buf where;
	char *text;

	if (!*o->value || !beats(g, o->source, rank))
		return 0;
	buf_init(&where, MAX_SETTING_VALUE * 2);
	if (rank)
		buf_fmt(&where, "%s, ", o->name);
	buf_str(&where, o->where);
	text = config_keep(c, span_of(o->value));
	g->where = buf_err(&where) ? NULL : config_keep(c, buf_span(&where));
	buf_free(&where);
	if (!text || !g->where)
		return err_set(note, ERR_NO_MEMORY, "settings");
	g->text = text;
	g->source = o->source;
	g->rank = rank;
	return 0;
}

enum err config_offer(struct config *c, const struct offer *o,
		      struct err_note *note)
{
	const struct setting *s;
	unsigned rank;

	s = config_find(o->name, &rank);
	if (s)
		return take(c, s, rank, o, note);
	/* The Python program had more settings than still mean something. */
	if (strncmp(o->name, "CHATGPT_LOCAL_", 14) == 0)
		return 0;
	return refuse_unknown(o, note);
}
