/*
 * config_edit.c - one line of the settings file changed, all others left.
 *
 * The text is read by the lines that config_file.c knows: what counts for the
 * reader is what is changed here. Whatever came out is read once more before
 * anybody else sees it.
 */
#include "config_edit.h"

#include <ctype.h>
#include "ceilings.h"
#include "config_private.h"
#include "file.h"
#include "text.h"

#define MODELS		"models."

/* Where a change belongs, and what is found of it in a text. */
struct place {
	const struct setting *setting;	/* NULL: a line of [models] */
	struct span model;		/* its name there */
	char name[MAX_SETTING_NAME + 1];
	/* found; spans of the text */
	bool there;
	unsigned rank;
	struct config_line line;	/* the one that counts */
	struct span comment;		/* a line that is it, commented out */
	const char *section_end;	/* where a new line goes; NULL: there
					 * is no such section */
	const char *pending;		/* behind comments that may be the next
					 * section's */
};

static bool is_models(const char *section)
{
	return text_eq_nocase(span_of(section), "models");
}

static enum err find_setting(struct place *p, const char *name,
			     struct err_note *note)
{
	struct offer o = { p->name, "1", SOURCE_COMMAND, "as given" };
	struct config c;
	unsigned rank;
	enum err err;

	if (!config_whole_name(SPAN(""), span_of(name), p->name))
		return err_tell(note, ERR_CONFIG, "\"%.80s\" can not be the name "
				"of a setting.", name);
	p->setting = config_find(p->name, &rank);
	if (p->setting)
		return 0;
	/* the reader's own words for a name that is none */
	err = config_begin(&c, note);
	if (!err)
		err = config_offer(&c, &o, note);
	config_free(&c);
	return err ? err : err_tell(note, ERR_CONFIG, "%s has no effect in this version.",
			p->name);
}

static enum err find_place(struct place *p, const char *name,
			   struct err_note *note)
{
	*p = (struct place){ .setting = NULL };
	if (text_starts_nocase(span_of(name), MODELS)) {
		p->model = text_trim(span_of(name + sizeof(MODELS) - 1));
		if (!p->model.len || memchr(p->model.ptr, '=', p->model.len) ||
		    strchr("[#;\"", p->model.ptr[0]))
			return err_tell(note, ERR_CONFIG, "\"%.80s\" can not be "
					"the name of a model.", name);
		return 0;
	}
	return find_setting(p, name, note);
}

/* True when the line sets it; *rank as config_find() has it. */
static bool is_it(const struct place *p, const char *section, struct span key,
		  unsigned *rank)
{
	char name[MAX_SETTING_NAME + 1];

	*rank = 0;
	if (!p->setting)
		return is_models(section) && key.len == p->model.len &&
		       memcmp(key.ptr, p->model.ptr, key.len) == 0;
	return !is_models(section) &&
	       config_whole_name(span_of(section), key, name) &&
	       config_find(name, rank) == p->setting;
}

/* A line like "#port = 8000": where a person would look for it. */
static bool is_comment_of(const struct place *p, const char *section,
			  struct span line)
{
	struct config_line l;
	unsigned rank;

	line = text_trim(line);
	if (!line.len || (line.ptr[0] != '#' && line.ptr[0] != ';'))
		return false;
	config_line_read((struct span){ line.ptr + 1, line.len - 1 }, &l);
	return l.kind == LINE_SETTING && is_it(p, section, l.key, &rank);
}

/* The section that a new line of it goes to. */
static bool is_home(const struct place *p, const char *section)
{
	if (!p->setting)
		return is_models(section);
	return text_eq_nocase(span_of(section),
			      strncmp(p->setting->name, "CODEX__", 7) == 0 ?
			      "codex" : "");
}

/* Comments right above a section's head are that section's. */
static void move_end(struct place *p, const struct config_line *l,
		     struct span line)
{
	const char *end = line.ptr + line.len;

	if (l->kind != LINE_EMPTY) {
		p->section_end = end;
		p->pending = NULL;
	} else if (text_trim(line).len) {
		p->pending = end;
	} else if (p->pending) {
		p->section_end = p->pending;
		p->pending = NULL;
	}
}

static void look(struct place *p, struct span text)
{
	struct span rest = config_text_begin(text), line;
	char section[MAX_SETTING_NAME + 1] = "";
	struct config_line l;
	unsigned rank;

	p->there = false;
	p->pending = NULL;
	p->comment = SPAN("");
	p->section_end = NULL;
	if (is_home(p, ""))
		p->section_end = rest.ptr;
	while (config_next_line(&rest, &line)) {
		config_line_read(line, &l);
		if (l.kind == LINE_SECTION) {
			text_copy(section, sizeof(section), l.key);
			p->pending = NULL;
		}
		if (is_home(p, section))
			move_end(p, &l, line);
		if (l.kind == LINE_SETTING && is_it(p, section, l.key, &rank) &&
		    (!p->there || rank <= p->rank)) {
			p->there = true;
			p->rank = rank;
			p->line = l;
		}
		if (is_comment_of(p, section, line))
			p->comment = line;
	}
	if (p->pending)
		p->section_end = p->pending;
}

/* Puts what in the place of len bytes at at. */
static enum err splice(struct buf *text, const char *at, size_t len,
		       struct span what, struct err_note *note)
{
	size_t from = (size_t)(at - text->ptr);
	enum err err;
	struct buf out;

	buf_init(&out, MAX_CONFIG_FILE);
	buf_add(&out, text->ptr, from);
	buf_span_add(&out, what);
	buf_add(&out, at + len, text->len - from - len);
	err = buf_err(&out);
	if (!err) {
		buf_reset(text);
		buf_span_add(text, buf_span(&out));
		err = buf_err(text);
	}
	buf_wipe_free(&out);
	return err == ERR_TOO_LARGE ?
		err_tell(note, ERR_CONFIG, "The settings file would be over %d "
			 "bytes.", MAX_CONFIG_FILE) :
		err ? err_set(note, err, "settings file") : 0;
}

/* As a line of the file has it: quoted where blanks and comment signs would
 * not survive. */
static enum err write_value(struct buf *out, struct span value,
			    struct err_note *note)
{
	bool quote = value.len && (text_trim(value).len != value.len ||
				   strchr("\"#;", value.ptr[0]));

	for (size_t i = 0; i < value.len; i++) {
		if ((unsigned char)value.ptr[i] < 0x20)
			return err_tell(note, ERR_CONFIG, "A value is one line "
					"without control characters.");
		if (i && strchr("#;", value.ptr[i]) && value.ptr[i - 1] == ' ')
			quote = true;
	}
	if (quote && memchr(value.ptr, '"', value.len))
		return err_tell(note, ERR_CONFIG, "A value that needs quotes can "
				"not have one in it.");
	buf_fmt(out, "%s%.*s%s", quote ? "\"" : "", (int)value.len, value.ptr,
		quote ? "\"" : "");
	return 0;
}

/* The setting's name in a new line: "port", "enabled" of [codex]. */
static void write_name(struct buf *out, const struct place *p)
{
	const char *name = p->setting ? p->setting->name : NULL;

	if (!name) {
		buf_span_add(out, p->model);
		return;
	}
	if (strncmp(name, "CODEX__", 7) == 0)
		name += 7;
	else if (strncmp(name, "CHATMOCK_", 9) == 0)
		name += 9;
	for (; *name; name++)
		buf_char(out, (char)tolower((unsigned char)*name));
}

/* How the file ends its lines. */
static const char *line_end(const struct buf *text)
{
	const char *end = memchr(text->ptr, '\n', text->len);

	return end && end > text->ptr && end[-1] == '\r' ? "\r\n" : "\n";
}

static enum err add_line(struct buf *text, const struct place *p,
			 struct span value, struct err_note *note)
{
	const char *at = p->comment.len ? p->comment.ptr + p->comment.len :
			 p->section_end, *end = line_end(text);
	enum err err = 0;
	struct buf line;

	buf_init(&line, MAX_SETTING_VALUE * 2);
	if (!at) {
		/* no such section yet: behind all there is */
		at = text->ptr + text->len;
		if (text->len && at[-1] != '\n')
			buf_str(&line, end);
		buf_fmt(&line, "%s[%s]%s", text->len ? end : "",
			p->setting ? "codex" : "models", end);
	} else if (at > text->ptr && at[-1] != '\n' &&
		   at != config_text_begin(buf_span(text)).ptr) {
		buf_str(&line, end);
	}
	write_name(&line, p);
	buf_str(&line, " = ");
	err = write_value(&line, value, note);
	buf_str(&line, end);
	if (!err)
		err = splice(text, at, 0, buf_span(&line), note);
	buf_wipe_free(&line);
	return err;
}

static enum err change_line(struct buf *text, const struct place *p,
			    struct span value, struct err_note *note)
{
	const struct config_line *l = &p->line;
	enum err err;
	struct buf out;

	if (l->value.len == value.len &&
	    memcmp(l->value.ptr, value.ptr, value.len) == 0)
		return 0;
	buf_init(&out, MAX_SETTING_VALUE * 2);
	/* "port=" and "port = ": a value after a blank where none stood */
	if (!l->whole.len && l->whole.ptr[-1] == '=')
		buf_char(&out, ' ');
	err = write_value(&out, value, note);
	/* and a blank before the comment that follows at once */
	if (!l->whole.len && (*l->whole.ptr == '#' || *l->whole.ptr == ';'))
		buf_char(&out, ' ');
	if (!err)
		err = splice(text, l->whole.ptr, l->whole.len, buf_span(&out),
			     note);
	buf_wipe_free(&out);
	return err;
}

/* All lines that set it: with the last gone another would count. */
static enum err remove_lines(struct buf *text, const struct place *p,
			     struct err_note *note)
{
	struct span rest = config_text_begin(buf_span(text)), line;
	char section[MAX_SETTING_NAME + 1] = "";
	struct config_line l;
	enum err err;
	unsigned rank;
	struct buf out;

	buf_init(&out, MAX_CONFIG_FILE);
	buf_add(&out, text->ptr, (size_t)(rest.ptr - text->ptr));
	while (config_next_line(&rest, &line)) {
		config_line_read(line, &l);
		if (l.kind == LINE_SECTION)
			text_copy(section, sizeof(section), l.key);
		if (l.kind != LINE_SETTING || !is_it(p, section, l.key, &rank))
			buf_span_add(&out, line);
	}
	buf_reset(text);
	buf_span_add(text, buf_span(&out));
	err = buf_err(&out) ? buf_err(&out) : buf_err(text);
	buf_wipe_free(&out);
	return err ? err_set(note, err, "settings file") : 0;
}

/* The value as the table has it. */
static enum err check_value(const struct place *p, const char *value,
			    struct err_note *note)
{
	enum err err;
	struct config c;
	char *text;

	err = config_begin(&c, note);
	if (!err && p->setting && *value) {
		text = config_keep(&c, span_of(value));
		err = text ? config_value(&c, p->setting, text, "the new value",
					  note) :
			err_set(note, ERR_NO_MEMORY, "settings");
	} else if (!err && !p->setting) {
		err = config_alias_add(&c, p->model, span_of(value), MODELS, note);
	}
	config_free(&c);
	return err;
}

static enum err change(struct buf *text, const struct config_change *ch,
		       struct err_note *note)
{
	struct place p;

	if (find_place(&p, ch->name, note) ||
	    (ch->value && check_value(&p, ch->value, note)))
		return note->code;
	if (!ch->value)
		return remove_lines(text, &p, note);
	look(&p, buf_span(text));
	return p.there ? change_line(text, &p, span_of(ch->value), note) :
		add_line(text, &p, span_of(ch->value), note);
}

enum err config_edit_text(struct buf *text, const struct config_change *changes,
			  size_t count, struct err_note *note)
{
	for (size_t i = 0; i < count; i++)
		if (change(text, &changes[i], note))
			return note->code;
	return 0;
}

bool config_is(const char *name, const char *whole)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct place p;

	return !find_place(&p, name, &ignored) && p.setting &&
	       strcmp(p.setting->name, whole) == 0;
}

bool config_is_secret(const char *name)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct place p;

	return !find_place(&p, name, &ignored) && p.setting &&
	       p.setting->type == TYPE_SECRET;
}
