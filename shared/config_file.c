/*
 * config_file.c - the settings file: INI, one NAME = VALUE a line.
 *
 * Comments begin with '#' or ';' at the start of a line or after a blank. A
 * value in double quotes is taken as it stands, comment signs and all. A line
 * that is neither section, setting nor comment is an error that names it:
 * a typing mistake must not silently become a default.
 */
#include "config_private.h"

#include "ceilings.h"
#include "file.h"
#include "text.h"

struct reader {
	struct config *config;
	const char *path;
	struct err_note *note;
	unsigned line;
	char section[MAX_SETTING_NAME + 1];
};

static enum err fault(struct reader *r, const char *what)
{
	return err_tell(r->note, ERR_CONFIG, "%.200s line %u: %s.", r->path,
			r->line, what);
}

/* The value without its comment and quotes, and with its quotes. False: a
 * quote is not closed. */
static bool value_of(struct span s, struct span *out, struct span *whole)
{
	s = text_trim(s);
	if (s.len && s.ptr[0] == '"') {
		const char *end = memchr(s.ptr + 1, '"', s.len - 1);
		struct span rest;

		if (!end)
			return false;
		*out = (struct span){ s.ptr + 1, (size_t)(end - s.ptr) - 1 };
		*whole = (struct span){ s.ptr, out->len + 2 };
		rest = text_trim((struct span){ end + 1,
				 s.len - out->len - 2 });
		return !rest.len || rest.ptr[0] == '#' || rest.ptr[0] == ';';
	}
	for (size_t i = 0; i < s.len; i++) {
		bool sign = s.ptr[i] == '#' || s.ptr[i] == ';';

		if (sign && (i == 0 || s.ptr[i - 1] == ' ' || s.ptr[i - 1] == '\t')) {
			s.len = i;
			break;
		}
	}
	*out = *whole = text_trim(s);
	return true;
}

static void section_line(struct span s, struct config_line *l)
{
	struct span name, whole;

	l->kind = LINE_WRONG;
	l->fault = "a section is written [name]";
	if (!value_of(s, &name, &whole) || name.len < 2 ||
	    name.ptr[name.len - 1] != ']')
		return;
	name = text_trim((struct span){ name.ptr + 1, name.len - 2 });
	l->fault = "no such section; there are [chatmock], [codex] and [models]";
	if (name.len > MAX_SETTING_NAME)
		return;
	if (!text_eq_nocase(name, "chatmock") && !text_eq_nocase(name, "models") &&
	    !text_eq_nocase(name, "codex") && !text_starts_nocase(name, "codex.") &&
	    !text_starts_nocase(name, "codex__"))
		return;
	l->kind = LINE_SECTION;
	l->key = text_eq_nocase(name, "chatmock") ? SPAN("") : name;
}

void config_line_read(struct span s, struct config_line *l)
{
	const char *eq;

	*l = (struct config_line){ .kind = LINE_EMPTY };
	s = text_trim(s);
	if (!s.len || s.ptr[0] == '#' || s.ptr[0] == ';')
		return;
	if (s.ptr[0] == '[') {
		section_line(s, l);
		return;
	}
	l->kind = LINE_WRONG;
	eq = memchr(s.ptr, '=', s.len);
	l->fault = "wanted is NAME = VALUE";
	if (!eq)
		return;
	l->key = text_trim((struct span){ s.ptr, (size_t)(eq - s.ptr) });
	l->fault = "there is no name before the '='";
	if (!l->key.len)
		return;
	l->fault = "the quote is not closed, or text follows it";
	if (value_of((struct span){ eq + 1, s.len - (size_t)(eq - s.ptr) - 1 },
		     &l->value, &l->whole))
		l->kind = LINE_SETTING;
}

static enum err setting_line(struct reader *r, struct span key, struct span value)
{
	char name[MAX_SETTING_NAME + 1], where[320], *text;
	struct offer o = { name, NULL, SOURCE_FILE, where };

	snprintf(where, sizeof(where), "%.300s line %u", r->path, r->line);
	if (text_eq_nocase(span_of(r->section), "models"))
		return config_alias_add(r->config, key, value, where, r->note);
	if (!config_whole_name(span_of(r->section), key, name))
		return fault(r, "this can not be the name of a setting");
	if (strcmp(name, "CHATMOCK_CONFIG") == 0)
		return fault(r, "CHATMOCK_CONFIG names this file and can not be "
			     "set in it");
	if (memchr(value.ptr, '\0', value.len))
		return fault(r, "a value may not hold control characters");
	text = config_keep(r->config, value);
	if (!text)
		return err_set(r->note, ERR_NO_MEMORY, "settings");
	o.value = text;
	return config_offer(r->config, &o, r->note);
}

static enum err one_line(struct reader *r, struct span s)
{
	struct config_line line;

	config_line_read(s, &line);
	switch (line.kind) {
	case LINE_WRONG:
		return fault(r, line.fault);
	case LINE_SECTION:
		text_copy(r->section, sizeof(r->section), line.key);
		return 0;
	case LINE_SETTING:
		return setting_line(r, line.key, line.value);
	case LINE_EMPTY:
		break;
	}
	return 0;
}

bool config_next_line(struct span *rest, struct span *line)
{
	const char *end;
	size_t len;

	if (!rest->len)
		return false;
	end = memchr(rest->ptr, '\n', rest->len);
	len = end ? (size_t)(end - rest->ptr) + 1 : rest->len;
	*line = (struct span){ rest->ptr, len };
	*rest = (struct span){ rest->ptr + len, rest->len - len };
	return true;
}

struct span config_text_begin(struct span text)
{
	return span_starts(text, "\xef\xbb\xbf") ?
		(struct span){ text.ptr + 3, text.len - 3 } : text;
}

enum err config_text_read(struct config *c, const char *path, struct span text,
			  struct err_note *note)
{
	struct reader r = { .config = c, .path = path, .note = note };
	struct span rest = config_text_begin(text), line;
	enum err err = 0;

	while (!err && config_next_line(&rest, &line)) {
		r.line++;
		err = one_line(&r, line);
	}
	return err;
}

/* What one_line() took is a value too. */
static enum err check_value(struct reader *r, const struct config_line *l)
{
	char name[MAX_SETTING_NAME + 1], where[320], *text;
	const struct setting *s;
	unsigned rank;

	if (l->kind != LINE_SETTING || !l->value.len ||
	    text_eq_nocase(span_of(r->section), "models") ||
	    !config_whole_name(span_of(r->section), l->key, name))
		return 0;
	s = config_find(name, &rank);
	text = s ? config_keep(r->config, l->value) : NULL;
	snprintf(where, sizeof(where), "%.300s line %u", r->path, r->line);
	return text ? config_value(r->config, s, text, where, r->note) : 0;
}

size_t config_text_check(struct config *c, const char *path, struct span text,
			 config_fault_fn told, void *ctx)
{
	struct reader r = { .config = c, .path = path };
	struct span rest = config_text_begin(text), line;
	struct config_line l;
	size_t faults = 0;

	while (config_next_line(&rest, &line)) {
		struct err_note note = ERR_NOTE_INIT;

		r.line++;
		r.note = &note;
		config_line_read(line, &l);
		if (!one_line(&r, line) && !check_value(&r, &l))
			continue;
		faults++;
		if (told)
			told(ctx, r.line, err_words(&note));
	}
	return faults;
}

enum err config_file_read(struct config *c, const char *path,
			  struct err_note *note)
{
	enum err err = 0;
	struct buf text;

	buf_init(&text, MAX_CONFIG_FILE);
	if (file_read(path, &text, NULL, note))
		err = note->code;
	else
		err = config_text_read(c, path, buf_span(&text), note);
	buf_wipe_free(&text);
	return err;
}
