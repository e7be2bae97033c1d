/*
 * page.c - the parts of README and of the manual pages that are tables: made
 * from them when the pages are built, so that no page can be wrong.
 */
#include "private.h"

#include "../../shared/text.h"

/* Text of roff: a backslash is "\e", a '-' may be copied as one, a URL may be
 * broken, and no line begins with a request. */
static void roff(struct buf *out, const char *text)
{
	bool begins = true;

	for (; *text; text++) {
		if (begins && (*text == '.' || *text == '\''))
			buf_str(out, "\\&");
		begins = *text == '\n';
		if (*text == '\\')
			buf_str(out, "\\e");
		else if (*text == '-')
			buf_str(out, "\\-");
		else if (*text == '/')
			buf_str(out, "/\\:");
		else
			buf_char(out, *text);
	}
}

static void paragraphs(struct buf *out, const char *text)
{
	struct span rest = span_of(text), one;
	char line[4096];

	while (text_next(&rest, '\n', &one)) {
		if (!text_copy(line, sizeof(line), one))
			continue;
		buf_str(out, ".PP\n");
		roff(out, line);
		buf_char(out, '\n');
	}
}

static void option(struct buf *out, const struct cli_option *o)
{
	buf_str(out, ".TP\n.B ");
	if (o->letter) {
		buf_fmt(out, "\\-%c", o->letter);
		buf_str(out, ", ");
	}
	buf_str(out, "\\-\\-");
	roff(out, o->name);
	if (o->argument) {
		buf_str(out, " \\fI");
		roff(out, o->argument);
		buf_str(out, "\\fP");
	}
	buf_char(out, '\n');
	roff(out, o->help);
	if (o->words) {
		buf_str(out, " (");
		roff(out, o->words);
		buf_char(out, ')');
	}
	buf_str(out, ".\n");
}

/* "65  a file ..." */
static void exits(struct buf *out, const char *text)
{
	struct span rest = span_of(text), line;
	char words[400];

	if (text)
		buf_str(out, ".PP\nExit codes of its own:\n");
	while (text_next(&rest, '\n', &line)) {
		size_t n = 0;

		while (n < line.len && line.ptr[n] != ' ')
			n++;
		buf_fmt(out, ".TP\n.B %.*s\n", (int)n, line.ptr);
		if (text_copy(words, sizeof(words), text_trim((struct span){
			      line.ptr + n, line.len - n })))
			roff(out, words);
		buf_str(out, ".\n");
	}
}

static void command(struct buf *out, const struct cli_command *c)
{
	buf_str(out, ".SS ");
	roff(out, c->name);
	if (c->operands) {
		buf_str(out, " \\fI");
		roff(out, c->operands);
		buf_str(out, "\\fP");
	}
	buf_char(out, '\n');
	roff(out, c->purpose);
	buf_str(out, ".\n");
	if (c->aliases) {
		buf_str(out, "Also: ");
		roff(out, c->aliases);
		buf_str(out, ".\n");
	}
	if (c->more)
		paragraphs(out, c->more);
	for (const struct cli_option *o = c->options; o && o->name; o++)
		option(out, o);
	exits(out, c->exits);
	buf_str(out, ".PP\n.RS\n.nf\n");
	for (const struct cli_example *e = c->examples; e && e->line; e++) {
		roff(out, e->line);
		buf_char(out, '\n');
	}
	buf_str(out, ".fi\n.RE\n");
}

static void commands(struct buf *out)
{
	const struct cli_command *c;

	for (int s = 0; s < CLI_SECTION__COUNT; s++) {
		bool first = true;

		for (size_t i = 0; (c = cli_command_at(i)); i++) {
			if ((int)c->section != s || (c->flags & CLI_HIDDEN))
				continue;
			if (first)
				buf_fmt(out, ".SH %s\n", cli_section_title(c->section));
			first = false;
			command(out, c);
		}
	}
}

static void common(struct buf *out)
{
	for (const struct cli_option *o = cli_common_options; o->name; o++)
		option(out, o);
}

static void settings(struct buf *out)
{
	struct config_row row;
	struct buf unused;

	buf_init(&unused, 64);
	for (size_t i = 0; config_row_at(NULL, i, &unused, &row); i++) {
		buf_str(out, ".TP\n.B ");
		roff(out, row.name);
		buf_char(out, '\n');
		roff(out, row.help);
		if (row.kind == CONFIG_KIND_ENUM) {
			buf_str(out, "\nOne of ");
			roff(out, row.values);
			buf_char(out, '.');
		}
		if (*row.alias) {
			buf_str(out, "\nAlso: ");
			roff(out, row.alias);
			buf_char(out, '.');
		}
		if (*row.dflt) {
			buf_str(out, "\nDefault: ");
			roff(out, row.dflt);
			buf_char(out, '.');
		}
		buf_char(out, '\n');
	}
	buf_free(&unused);
}

/* README's table. */
static void markdown(struct buf *out)
{
	const struct cli_command *c;

	buf_str(out, "| command | does |\n|---|---|\n");
	for (int s = 0; s < CLI_SECTION__COUNT; s++)
		for (size_t i = 0; (c = cli_command_at(i)); i++) {
			if ((int)c->section != s || (c->flags & CLI_HIDDEN))
				continue;
			buf_fmt(out, "| `chatmock %s%s", c->name,
				c->operands ? " " : "");
			for (const char *p = c->operands; p && *p; p++)
				buf_fmt(out, "%s%c", *p == '|' ? "\\" : "", *p);
			buf_fmt(out, "` | %s |\n", c->purpose);
		}
}

static int run(struct cli *cli)
{
	const char *what = cli->args[0];
	struct buf out;
	int status;

	buf_init(&out, 4u << 20);
	if (strcmp(what, "commands") == 0)
		commands(&out);
	else if (strcmp(what, "options") == 0)
		common(&out);
	else if (strcmp(what, "settings") == 0)
		settings(&out);
	else
		markdown(&out);
	status = buf_err(&out) ? EX_OSERR : 0;
	cli_put(cli, &out);
	buf_free(&out);
	return status;
}

const struct cli_command cli_page = {
	.name = "page", .section = CLI_PROGRAM, .flags = CLI_HIDDEN,
	.purpose = "the tables of the manual pages",
	.operands = "PART",
	.operand_words = "commands|options|settings|markdown",
	.least = 1, .most = 1,
	.examples = (const struct cli_example[]){
		{ "chatmock page commands", NULL },
		{ .line = NULL } },
	.run = run,
};
