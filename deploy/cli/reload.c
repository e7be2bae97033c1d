/*
 * reload.c - `chatmock reload`.
 */
#include <unistd.h>

#include "../keep/wish.h"
#include "ops.h"

#define NOT_RUNNING 3
#define SETTLE_MS 300

/* With the settings that it was started with, as its masters will see them. */
static int check(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	struct place program;
	char missing[128];
	int status;

	if (!wish_adopt(cli->config.home, missing, sizeof(missing), &note)) {
		status = ops_settings(cli);
		if (status)
			return status;
	}
	return ops_check(cli, place_in(&program, cli->config.home,
				       "run/programs/chatmock.fcgi"), "--check");
}

static int reload(struct cli *cli)
{
	struct proc keeper;
	struct buf why;
	int status;

	if (!ops_keeper(cli, &keeper))
		return cli_fail(cli, NOT_RUNNING, "it does not run; chatmock start "
				"starts it");
	status = check(cli);
	if (status)
		return cli_fail(cli, status, "not reloaded: it goes on with the "
				"settings it has");
	buf_init(&why, 8192);
	status = ops_reload(cli, &keeper, SETTLE_MS, &why);
	if (status)
		cli_fail(cli, status, "the reload failed: %s; the old workers go "
			 "on", why.ptr);
	else
		cli_note(cli, "reloaded");
	buf_free(&why);
	return status;
}

static int run(struct cli *cli)
{
	int lock, status = ops_settings(cli);

	if (!status)
		status = ops_lock(cli, OPS_PATIENCE_MS, &lock);
	if (status)
		return status;
	status = reload(cli);
	close(lock);
	return status;
}

const struct cli_command cli_reload = {
	.name = "reload", .section = CLI_RUN, .flags = CLI_HTTP,
	.purpose = "take the settings and programs that are there now",
	.examples = (const struct cli_example[]){
		{ "chatmock config set reasoning_effort high && chatmock reload",
		  "no request fails, streams go on" },
		{ .line = NULL } },
	.more = "Open streams finish with the old workers. Settings that are wrong "
		"change nothing. The settings file is read anew; the environment is "
		"that of the start (chatmock restart takes a new one).",
	.exits = "3  it does not run\n70  the new workers did not come up\n78  a "
		 "setting is wrong",
	.run = run,
};
