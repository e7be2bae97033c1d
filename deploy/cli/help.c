/*
 * help.c - `chatmock help`, and the --help of everything, out of the tables.
 */
#include "private.h"

#define TEXT_WIDTH	79

static size_t text_width(const struct cli *cli)
{
	return cli->width && cli->width < TEXT_WIDTH ? cli->width : TEXT_WIDTH;
}

/* A name in a column of its own, and the words beside it, wrapped. */
static void row(struct cli *cli, struct buf *out, const char *name,
		size_t column, const char *what)
{
	size_t used = 2 + strlen(name);
	struct buf lines;

	buf_fmt(out, "  %s%s%s", cli_ink(cli, INK_NAME), name,
		cli_ink(cli, INK_PLAIN));
	if (used + 2 > column) {
		buf_char(out, '\n');
		used = 0;
	}
	buf_init(&lines, 1u << 16);
	cli_wrap(&lines, what, column, text_width(cli));
	/* the first line goes on where the name ends */
	buf_drop(&lines, used);
	buf_span_add(out, buf_span(&lines));
	buf_free(&lines);
}

static void title(struct cli *cli, struct buf *out, const char *text)
{
	buf_fmt(out, "%s%s%s\n", cli_ink(cli, INK_BOLD), text,
		cli_ink(cli, INK_PLAIN));
}

static void commands(struct cli *cli, struct buf *out, enum cli_section section)
{
	const struct cli_command *c;
	bool first = true;

	for (size_t i = 0; (c = cli_command_at(i)); i++) {
		if (c->section != section || (c->flags & CLI_HIDDEN))
			continue;
		if (first)
			title(cli, out, cli_section_title(section));
		first = false;
		row(cli, out, c->name, 20, c->purpose);
	}
	if (!first)
		buf_char(out, '\n');
}

void cli_help_all(struct cli *cli, struct buf *out)
{
	buf_str(out, "chatmock " CHATMOCK_VERSION " - the gateway: sign in, run, "
		"watch, check, configure.\n\n  chatmock COMMAND [OPTIONS]\n\n");
	for (int s = 0; s < CLI_SECTION__COUNT; s++)
		commands(cli, out, (enum cli_section)s);
	buf_str(out, "chatmock COMMAND --help tells more of each, with examples. "
		"Pages: chatmock(1),\nchatmock-fetch(8), chatmock.conf(5).\n");
}

void cli_help_family(struct cli *cli, const char *family, struct buf *out)
{
	const struct cli_command *c;

	buf_fmt(out, "chatmock %s COMMAND [OPTIONS]\n\n", family);
	for (size_t i = 0; (c = cli_command_at(i)); i++)
		if (cli_command_in(c, family) && !(c->flags & CLI_HIDDEN))
			row(cli, out, c->name, 20, c->purpose);
	title(cli, out, "\nExamples");
	for (size_t i = 0; (c = cli_command_at(i)); i++)
		if (cli_command_in(c, family) && !(c->flags & CLI_HIDDEN) &&
		    c->examples)
			buf_fmt(out, "  %s\n", c->examples->line);
	buf_fmt(out, "\nchatmock %s COMMAND --help tells more of each.\n", family);
}

static void option(struct cli *cli, struct buf *out, const struct cli_option *o)
{
	struct buf name, help;

	buf_init(&name, 256);
	buf_init(&help, 1024);
	if (o->letter)
		buf_fmt(&name, "-%c, ", o->letter);
	buf_fmt(&name, "--%s", o->name);
	if (o->argument)
		buf_fmt(&name, " %s", o->argument);
	buf_str(&help, o->help);
	if (o->words)
		buf_fmt(&help, " (%s)", o->words);
	row(cli, out, name.ptr, 26, help.ptr);
	buf_free(&name);
	buf_free(&help);
}

static void options(struct cli *cli, struct buf *out,
		    const struct cli_option *o)
{
	for (; o && o->name; o++)
		option(cli, out, o);
}

static void examples(struct cli *cli, struct buf *out,
		     const struct cli_example *e)
{
	title(cli, out, "\nExamples");
	for (; e && e->line; e++) {
		buf_fmt(out, "  %s\n", e->line);
		if (e->what)
			cli_wrap(out, e->what, 6, text_width(cli));
	}
}

void cli_help_command(struct cli *cli, const struct cli_command *c,
		      struct buf *out)
{
	buf_fmt(out, "chatmock %s - %s\n\n  chatmock %s [OPTIONS]%s%s\n", c->name,
		c->purpose, c->name, c->operands ? " " : "",
		c->operands ? c->operands : "");
	if (c->aliases)
		buf_fmt(out, "  (also: %s)\n", c->aliases);
	if (c->more) {
		buf_char(out, '\n');
		cli_wrap(out, c->more, 0, text_width(cli));
	}
	title(cli, out, "\nOptions");
	options(cli, out, c->options);
	options(cli, out, cli_common_options);
	examples(cli, out, c->examples);
	if (c->exits) {
		title(cli, out, "\nExit codes");
		cli_wrap(out, c->exits, 2, text_width(cli));
	}
}

static int run(struct cli *cli)
{
	const struct cli_command *c;
	struct buf out;
	size_t used;
	int status = 0;

	buf_init(&out, 1u << 20);
	c = cli_command_find(cli->args, cli->arg_count, &used);
	if (!cli->arg_count) {
		cli_help_all(cli, &out);
	} else if (c) {
		cli_help_command(cli, c, &out);
	} else if (used && cli->arg_count == 1) {
		cli_help_family(cli, cli->args[0], &out);
	} else {
		struct span near = cli_command_near(cli->args, cli->arg_count);

		status = cli_fail(cli, EX_USAGE, "there is no command %.60s%s%.*s.",
				  cli->args[0],
				  near.len ? "; the nearest is " : "",
				  (int)near.len, near.ptr);
	}
	cli_put(cli, &out);
	buf_free(&out);
	return status;
}

const struct cli_command cli_help = {
	.name = "help", .section = CLI_PROGRAM,
	.purpose = "what a command does, its options and examples",
	.operands = "[COMMAND ...]", .operand_is = CLI_WORD_COMMAND, .most = 3,
	.examples = (const struct cli_example[]){
		{ "chatmock help", "all commands" },
		{ "chatmock help config set", "the same as chatmock config set "
		  "--help" },
		{ .line = NULL } },
	.run = run,
};
