/*
 * ensure.c - `chatmock ensure`: for a crontab.
 */
#include <unistd.h>

#include "../../shared/file.h"
#include "../keep/wish.h"
#include "ops.h"

/* A start or a stop may be at work: it knows better. */
#define PATIENCE_MS 0

static int bring_back(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	char missing[128];
	int status;

	if (wish_adopt(cli->config.home, missing, sizeof(missing), &note))
		return cli_fail(cli, EX_NOINPUT, "%s", note.why);
	if (missing[0])
		return cli_fail(cli, EX_CONFIG, "it does not run and can not be "
				"brought back: %s was in the environment of its "
				"start; put it into a file", missing);
	status = ops_settings(cli);
	if (!status)
		status = ops_start(cli);
	if (!status)
		cli_warn(cli, "it did not run and was started again");
	return status;
}

static int run(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	struct place path;
	struct proc keeper;
	int lock = -1, status = ops_settings(cli);

	if (status)
		return status;
	if (!wish_there(cli->config.home) || ops_keeper(cli, &keeper))
		return 0;
	if (file_lock(place_in(&path, cli->config.home, "run/command.lock"),
		      PATIENCE_MS, &lock, &note))
		return note.code == ERR_BUSY ? 0 :
		       cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	/* again, now that nobody else is at work */
	if (wish_there(cli->config.home) && !ops_keeper(cli, &keeper))
		status = bring_back(cli);
	close(lock);
	return status;
}

const struct cli_command cli_ensure = {
	.name = "ensure", .section = CLI_RUN, .flags = CLI_HTTP,
	.purpose = "bring back a gateway that should run; silent when it does",
	.examples = (const struct cli_example[]){
		{ "*/5 * * * * chatmock ensure", "a line of a crontab" },
		{ "@reboot chatmock ensure", NULL },
		{ .line = NULL } },
	.more = "It should run from start on, until stop. The settings are those of "
		"the start, but for secrets of its environment, which are written "
		"nowhere: those belong into files.",
	.run = run,
};
