/*
 * restart.c - `chatmock restart`: start where it does not run.
 */
#include <unistd.h>

#include "../keep/wish.h"
#include "ops.h"

static int restart(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	char missing[128] = "";
	int status = 0;

	/* the settings of the start, where ours do not say otherwise */
	if (!wish_adopt(cli->config.home, missing, sizeof(missing), &note))
		status = ops_settings(cli);
	if (!status && missing[0])
		status = cli_fail(cli, EX_CONFIG, "%s was in the environment of the "
				  "start and is not now; set it, or put it into a "
				  "file", missing);
	if (!status)
		status = ops_stop(cli, cli_has(cli, "force"));
	if (!status)
		status = ops_start(cli);
	return status;
}

static int run(struct cli *cli)
{
	struct proc keeper;
	struct state state;
	char url[160];
	int lock, status = ops_settings(cli);

	if (!status)
		status = ops_lock(cli, OPS_PATIENCE_MS, &lock);
	if (status)
		return status;
	status = restart(cli);
	if (!status && ops_keeper(cli, &keeper) &&
	    state_read(cli->config.home, &state)) {
		place_url(state.bind, state.port, url, sizeof(url));
		cli_out(cli, "ChatMock listens on %s (pid %d)\n", url,
			(int)keeper.pid);
	}
	close(lock);
	return status;
}

const struct cli_command cli_restart = {
	.name = "restart", .section = CLI_RUN, .flags = CLI_HTTP,
	.purpose = "stop and start; start where it does not run",
	.options = (const struct cli_option[]){
		{ .name = "force", .letter = 'f',
		  .help = "end streams at once, and kill what does not end" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock restart", NULL },
		{ "chatmock restart --set CHATMOCK_PORT=9000", NULL },
		{ .line = NULL } },
	.more = "Settings of the start's environment stay, where this one does not "
		"say otherwise. reload is gentler: no request fails.",
	.run = run,
};
