/*
 * config_print.c - the settings shown, the upstream's key, and what counts as
 * loopback: the questions asked of a config that has been read.
 */
#include "config_private.h"

#include <arpa/inet.h>

#include "ceilings.h"
#include "file.h"
#include "text.h"

/* The member of a setting, as a pointer to its type. */
#define MEMBER(type, c, s) ((const type *)(const void *)((const char *)(c) + (s)->offset))

static void print_millis(int64_t ms, struct buf *out)
{
	buf_int(out, ms / 1000);
	if (ms % 1000)
		buf_fmt(out, ".%03d", (int)(ms % 1000));
}

static void print_enum(const struct setting *s, int index, struct buf *out)
{
	struct span rest = span_of(s->values), word;

	for (int i = 0; text_next(&rest, '|', &word); i++)
		if (i == index)
			buf_span_add(out, word);
}

static void print_value(const struct config *c, const struct setting *s,
			struct buf *out)
{
	const char *text;

	switch (s->type) {
	case TYPE_BOOL:	  buf_str(out, *MEMBER(bool, c, s) ? "1" : "0"); return;
	case TYPE_INT:	  buf_int(out, *MEMBER(int64_t, c, s)); return;
	case TYPE_MILLIS: print_millis(*MEMBER(int64_t, c, s), out); return;
	case TYPE_ENUM:	  print_enum(s, *MEMBER(int, c, s), out); return;
	case TYPE_STR:
	case TYPE_PATH:
	case TYPE_URL:
	case TYPE_LIST:
	case TYPE_SECRET: break;
	}
	text = *MEMBER(char *, c, s);
	if (text && s->type == TYPE_SECRET)
		text = "(set)";
	buf_str(out, text && *text ? text : "-");
}

/* Appends text and blanks up to width. */
static void pad(struct buf *out, const char *text, size_t width)
{
	buf_str(out, text);
	for (size_t len = strlen(text); len < width; len++)
		buf_char(out, ' ');
}

static void value_at(const struct config *c, size_t i, struct buf *out)
{
	if (i == SETTING_upstream_kind)
		buf_str(out, c->kind == KIND_CHATGPT ? "chatgpt" : "responses");
	else
		print_value(c, &config_settings[i], out);
}

static const char *origin_at(const struct config *c, size_t i)
{
	const struct given *g = &c->private->given[i];

	if (i == SETTING_upstream_kind && c->upstream_kind == KIND_GUESS)
		return "guessed";
	return g->text ? g->where : "default";
}

static int kind_of(enum setting_type type)
{
	switch (type) {
	case TYPE_BOOL:	  return CONFIG_KIND_BOOL;
	case TYPE_INT:
	case TYPE_MILLIS: return CONFIG_KIND_NUMBER;
	case TYPE_ENUM:	  return CONFIG_KIND_ENUM;
	case TYPE_SECRET: return CONFIG_KIND_SECRET;
	case TYPE_STR:
	case TYPE_PATH:
	case TYPE_URL:
	case TYPE_LIST:	  break;
	}
	return CONFIG_KIND_TEXT;
}

bool config_row_at(const struct config *c, size_t i, struct buf *value,
		   struct config_row *row)
{
	const struct setting *s = &config_settings[i];
	double unit;

	buf_reset(value);
	if (i >= SETTING__COUNT)
		return false;
	unit = s->type == TYPE_MILLIS ? 1000 : 1;
	*row = (struct config_row){
		.name = s->name, .alias = s->alias, .dflt = s->dflt,
		.values = s->values, .help = s->help, .kind = kind_of(s->type),
		.min = (double)s->min / unit, .max = (double)s->max / unit,
		.whole = s->type == TYPE_INT, .origin = "default",
	};
	if (!c)
		return true;
	value_at(c, i, value);
	row->set = strcmp(value->ptr, "-") != 0;
	row->given = c->private->given[i].text != NULL;
	row->origin = origin_at(c, i);
	return true;
}

void config_print(const struct config *c, struct buf *out)
{
	struct buf value;

	buf_init(&value, MAX_SETTING_VALUE * 2);
	buf_fmt(out, "# settings file: %s\n", c->file ? c->file : "none");
	for (size_t i = 0; i < SETTING__COUNT; i++) {
		const struct given *g = &c->private->given[i];

		buf_reset(&value);
		value_at(c, i, &value);
		pad(out, config_settings[i].name, 38);
		pad(out, value.ptr, 42);
		buf_fmt(out, " %s%s\n", g->text ? g->where : "default",
			i == SETTING_upstream_kind &&
			c->upstream_kind == KIND_GUESS ? ", guessed" : "");
	}
	for (size_t i = 0; i < c->alias_count; i++)
		buf_fmt(out, "# model %s = %s\n", c->aliases[i].pattern,
			c->aliases[i].model);
	for (size_t i = 0; i < c->warning_count; i++)
		buf_fmt(out, "# warning: %s\n", c->warnings[i]);
	buf_free(&value);
}

/* A cell of a Markdown table: '|' would end it. */
static void cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

void config_print_markdown(struct buf *out)
{
	buf_str(out, "| setting | default | what is wanted | meaning |\n"
		"|---|---|---|---|\n");
	for (size_t i = 0; i < SETTING__COUNT; i++) {
		const struct setting *s = &config_settings[i];
		struct span rest = span_of(s->alias), alias;
		struct buf want;

		buf_init(&want, MAX_SETTING_VALUE);
		config_want(s, &want);
		buf_fmt(out, "| `%s`", s->name);
		while (text_next(&rest, ',', &alias)) {
			buf_str(out, ", `");
			buf_span_add(out, alias);
			buf_char(out, '`');
		}
		buf_fmt(out, " | %s%s%s | ", *s->dflt ? "`" : "", s->dflt,
			*s->dflt ? "`" : "");
		cell(out, want.ptr);
		buf_str(out, " | ");
		cell(out, s->help);
		buf_str(out, " |\n");
		buf_free(&want);
	}
}

enum err config_upstream_key(const struct config *c, struct buf *out,
			     struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	struct span rest, line;
	struct buf text;
	const char *fault = NULL;

	if (c->upstream_key || !c->upstream_key_file) {
		buf_str(out, c->upstream_key ? c->upstream_key : "");
		return buf_err(out) ? err_set(note, buf_err(out), "upstream key") : 0;
	}
	buf_init(&text, MAX_SETTING_VALUE);
	if (file_read(c->upstream_key_file, &text, NULL, &why)) {
		fault = why.why;
	} else {
		rest = buf_span(&text);
		if (!text_next(&rest, '\n', &line))
			fault = "the file is empty";
		for (size_t i = 0; !fault && i < line.len; i++)
			if (line.ptr[i] <= 0x20 || line.ptr[i] == 0x7f)
				fault = "its first line is not one word";
		if (!fault)
			buf_span_add(out, line);
	}
	if (fault)
		err_tell(note, ERR_CONFIG, "CHATMOCK_UPSTREAM_KEY_FILE (%.120s): "
			 "%s.", c->upstream_key_file, fault);
	buf_wipe_free(&text);
	return fault ? ERR_CONFIG : buf_err(out) ?
		err_set(note, buf_err(out), "upstream key") : 0;
}

bool config_is_loopback(const char *host)
{
	static const unsigned char mapped[13] = { [10] = 0xff, 0xff, 127 };
	unsigned char bytes[16];

	if (!host)
		return false;
	if (inet_pton(AF_INET, host, bytes) == 1)
		return bytes[0] == 127;
	if (inet_pton(AF_INET6, host, bytes) == 1)
		return memcmp(bytes, &in6addr_loopback, 16) == 0 ||
		       memcmp(bytes, mapped, sizeof(mapped)) == 0;
	return strcmp(host, "[::1]") == 0 ||
	       text_eq_nocase(span_of(host), "localhost");
}
