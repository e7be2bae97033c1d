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

/* The value without its comment and quotes. False: a quote is not closed. */
static bool value_of(struct span s, struct span *out)
{
	s = text_trim(s);
	if (s.len && s.ptr[0] == '"') {
		const char *end = memchr(s.ptr + 1, '"', s.len - 1);
		struct span rest;

		if (!end)
			return false;
		*out = (struct span){ s.ptr + 1, (size_t)(end - s.ptr) - 1 };
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
	*out = text_trim(s);
	return true;
}

static enum err section_line(struct reader *r, struct span s)
{
	struct span name;

	if (!value_of(s, &name) || name.len < 2 || name.ptr[name.len - 1] != ']')
		return fault(r, "a section is written [name]");
	name = text_trim((struct span){ name.ptr + 1, name.len - 2 });
	if (!text_copy(r->section, sizeof(r->section), name))
		return fault(r, "no such section");
	if (text_eq_nocase(name, "chatmock"))
		r->section[0] = '\0';
	else if (!text_eq_nocase(name, "models") && !text_eq_nocase(name, "codex") &&
		 !text_starts_nocase(name, "codex.") &&
		 !text_starts_nocase(name, "codex__"))
		return fault(r, "no such section; there are [chatmock], [codex] "
			     "and [models]");
	return 0;
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
	struct span key, value;
	const char *eq;

	s = text_trim(s);
	if (!s.len || s.ptr[0] == '#' || s.ptr[0] == ';')
		return 0;
	if (s.ptr[0] == '[')
		return section_line(r, s);
	eq = memchr(s.ptr, '=', s.len);
	if (!eq)
		return fault(r, "wanted is NAME = VALUE");
	key = text_trim((struct span){ s.ptr, (size_t)(eq - s.ptr) });
	if (!key.len)
		return fault(r, "there is no name before the '='");
	if (!value_of((struct span){ eq + 1, s.len - (size_t)(eq - s.ptr) - 1 },
		      &value))
		return fault(r, "the quote is not closed, or text follows it");
	return setting_line(r, key, value);
}

enum err config_file_read(struct config *c, const char *path,
			  struct err_note *note)
{
	struct reader r = { .config = c, .path = path, .note = note };
	enum err err = 0;
	struct buf text;
	struct span rest;

	buf_init(&text, MAX_CONFIG_FILE);
	if (file_read(path, &text, NULL, note)) {
		err = note->code;
		goto out;
	}
	rest = buf_span(&text);
	if (span_starts(rest, "\xef\xbb\xbf"))
		rest = (struct span){ rest.ptr + 3, rest.len - 3 };
	while (rest.len && !err) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.ptr) : rest.len;

		r.line++;
		err = one_line(&r, (struct span){ rest.ptr, len });
		len += end != NULL;
		rest = (struct span){ rest.ptr + len, rest.len - len };
	}
out:
	buf_wipe_free(&text);
	return err;
}
