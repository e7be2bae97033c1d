/*
 * stop.c - `chatmock stop`.
 */
#include <unistd.h>

#include "../keep/orphans.h"
#include "../keep/wish.h"
#include "ops.h"

static int run(struct cli *cli)
{
	bool force = cli_has(cli, "force"), ran;
	struct proc keeper;
	int lock = -1, status;

	status = ops_settings(cli);
	if (status)
		return status;
	/* with force not even another stop, which waits for streams, is
	 * waited for */
	status = force && state_kept(cli->config.home) ? 0 :
		 ops_lock(cli, OPS_PATIENCE_MS, &lock);
	if (status)
		return status;
	wish_forget(cli->config.home);
	ran = ops_keeper(cli, &keeper) || !orphans_none(cli->config.home);
	status = ops_stop(cli, force);
	if (!status)
		cli_note(cli, ran ? "stopped" : "it does not run");
	if (lock >= 0)
		close(lock);
	return status;
}

const struct cli_command cli_stop = {
	.name = "stop", .section = CLI_RUN,
	.purpose = "stop the gateway, when its open streams have ended",
	.options = (const struct cli_option[]){
		{ .name = "force", .letter = 'f',
		  .help = "end streams at once, and kill what does not end" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock stop", "streams have CHATMOCK_DRAIN_TIMEOUT" },
		{ "chatmock stop -f", "now" },
		{ .line = NULL } },
	.more = "Only processes that are known for what they are get a signal: by "
		"pid and start time, by their session, by what they hold. ensure "
		"does not bring back what was stopped.",
	.exits = "75  it has not ended in time",
	.run = run,
};
