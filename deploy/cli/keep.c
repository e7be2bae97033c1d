/*
 * keep.c - `chatmock keep`: the keeper itself, which start starts.
 */
#include "../keep/keeper.h"
#include "cli.h"

static int run(struct cli *cli)
{
	return keeper_run(cli_has(cli, "resume") ? KEEPER_RESUMED :
						   KEEPER_BACKGROUND);
}

const struct cli_command cli_keep = {
	.name = "keep", .section = CLI_RUN, .flags = CLI_HIDDEN,
	.purpose = "keep the gateway's parts running; started by start",
	.options = (const struct cli_option[]){
		{ .name = "resume", .help = "take over from the keeper that "
		  "executed this one" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock start", "starts it" }, { .line = NULL } },
	.run = run,
};
