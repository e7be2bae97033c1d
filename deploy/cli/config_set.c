/*
 * config_set.c - `chatmock config set`: one line of the settings file.
 */
#include <termios.h>
#include <unistd.h>

#include "../../shared/text.h"
#include "config_file.h"

#define MAX_VALUE 4096

/* A line of stdin; what is typed in a terminal is not shown: it may be a
 * secret. */
static bool read_value(struct cli *cli, const char *name, struct buf *out)
{
	struct termios shown, hidden;
	bool tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
	char line[MAX_VALUE + 2];
	const char *got;

	if (tty) {
		hidden = shown;
		hidden.c_lflag &= (tcflag_t)~ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		fprintf(stderr, "%s (not shown): ", name);
	}
	got = fgets(line, sizeof(line), stdin);
	if (tty) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (got)
		buf_span_add(out, text_trim(span_of(line)));
	explicit_bzero(line, sizeof(line));
	if (!got)
		cli_fail(cli, EX_USAGE, "there is no value on standard input");
	return got != NULL;
}

static int run(struct cli *cli)
{
	struct config_change change = { cli->args[0], NULL };
	bool unset = cli_has(cli, "unset");
	struct buf value;
	int status;

	if (unset != (cli->arg_count == 1))
		return cli_fail(cli, EX_USAGE, unset ? "--unset takes a name and "
				"no value" : "config set wants NAME VALUE; see "
				"chatmock config set --help.");
	buf_init(&value, MAX_VALUE);
	if (!unset) {
		change.value = cli->args[1];
		if (strcmp(change.value, "-") != 0 &&
		    config_is_secret(change.name)) {
			status = cli_fail(cli, EX_USAGE, "a secret does not belong "
					  "on a command line, which everybody on "
					  "this machine can read: give - in its "
					  "place and type or pipe it.");
			goto out;
		}
		if (strcmp(change.value, "-") == 0) {
			status = EX_USAGE;
			if (!read_value(cli, change.name, &value))
				goto out;
			change.value = value.ptr;
		}
	}
	status = cli_config_change(cli, &change, 1);
out:
	buf_wipe_free(&value);
	return status;
}

const struct cli_command cli_config_set = {
	.name = "config set", .section = CLI_CONFIGURE,
	.purpose = "change a setting in the settings file",
	.operands = "NAME [VALUE]", .operand_is = CLI_WORD_SETTING,
	.least = 1, .most = 2,
	.options = (const struct cli_option[]){
		{ .name = "unset", .letter = 'u',
		  .help = "take the setting out of the file" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock config set reasoning_effort high", NULL },
		{ "chatmock config set codex.enabled false",
		  "the switch that stops all generating" },
		{ "chatmock config set models.gpt-4o gpt-5.5",
		  "a name that your clients know" },
		{ "chatmock config set upstream_key -",
		  "a secret is asked for, or read from a pipe" },
		{ "chatmock config set --unset port", "back to the default" },
		{ .line = NULL } },
	.more = "The line of the setting is changed, all others stay as they are, "
		"comments and order with them. A value is checked before anything "
		"is written, and the file is replaced whole. Names are those of "
		"the environment, in any case, with or without CHATMOCK_; "
		"codex.NAME is one of the CODEX__ family, models.NAME a line of "
		"[models]. A file that is not there yet is made. A running "
		"gateway takes the change up when it is told to reload.",
	.run = run,
};
