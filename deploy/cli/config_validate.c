/*
 * config_validate.c - `chatmock config validate`: all faults of a file.
 */
#include "config_file.h"

struct told { struct cli *cli; const char *path; };

static void tell(void *ctx, unsigned line, const char *what)
{
	struct told *t = ctx;
	struct buf safe;

	(void)line;	/* the sentence has it */
	buf_init(&safe, 65536);
	cli_safe(&safe, span_of(what));
	cli_out(t->cli, "%sfault%s: %s\n", cli_ink(t->cli, INK_BAD),
		cli_ink(t->cli, INK_PLAIN), safe.ptr);
	buf_free(&safe);
}

static int run(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	struct told told = { .cli = cli };
	char path[PATH_MAX];
	bool there = true;
	size_t faults;
	int status;

	if (cli->arg_count) {
		snprintf(path, sizeof(path), "%s", cli->args[0]);
	} else {
		status = cli_config_path(cli, path, &there);
		if (status)
			return status;
	}
	if (!there && !cli_has(cli, "config"))
		return cli_fail(cli, EX_NOINPUT, "there is no settings file: "
				"neither %s nor /etc/chatmock.conf", path);
	told.path = path;
	faults = config_validate(path, cli_env_home(cli), tell, &told, &note);
	if (note.code)
		return cli_fail(cli, note.code == ERR_SYSTEM ? EX_NOINPUT :
				EX_DATAERR, "%s", err_words(&note));
	if (!faults)
		cli_note(cli, "%s is in order.", path);
	return faults ? EX_CONFIG : 0;
}

const struct cli_command cli_config_validate = {
	.name = "config validate", .section = CLI_CONFIGURE,
	.purpose = "everything that is wrong with a settings file",
	.operands = "[FILE]", .operand_is = CLI_WORD_FILE, .most = 1,
	.examples = (const struct cli_example[]){
		{ "chatmock config validate", "the file that counts here" },
		{ "chatmock config validate new.conf && mv new.conf "
		  "~/.chatmock/chatmock.conf", NULL },
		{ .line = NULL } },
	.more = "The file is looked at by itself, line by line: what environment "
		"and command line say does not hide its faults. Without any, "
		"nothing is printed in a pipe.",
	.exits = "66  there is no such file\n78  something is wrong in it",
	.run = run,
};
