/*
 * prompts_invalidate.c - `chatmock prompts invalidate`: stale from now on.
 */
#include "../../shared/prompts.h"
#include "cli.h"

#define LOCK_WAIT_MS 5000

static int run(struct cli *cli)
{
	const char *name = cli->arg_count ? cli->args[0] : NULL;
	struct err_note note = ERR_NOTE_INIT;
	enum prompt_id only = PROMPT_BASE;

	if (name && !prompt_parse(name, &only))
		return cli_fail(cli, EX_USAGE, "there is no prompt %.60s; see "
				"chatmock prompts list.", name);
	for (int id = 0; id < PROMPT__COUNT; id++) {
		if (name && id != (int)only)
			continue;
		if (prompt_invalidate(&cli->config, (enum prompt_id)id,
				      LOCK_WAIT_MS, &note))
			return cli_fail_note(cli, &note);
	}
	cli_note(cli, "The next run of chatmock-fetch gets %s anew.",
		 name ? name : "them");
	return 0;
}

const struct cli_command cli_prompts_invalidate = {
	.name = "prompts invalidate", .section = CLI_CONFIGURE,
	.flags = CLI_CONFIG,
	.purpose = "count a cached prompt as stale",
	.operands = "[NAME]", .operand_is = CLI_WORD_PROMPT, .most = 1,
	.examples = (const struct cli_example[]){
		{ "chatmock prompts invalidate", "all of them" },
		{ "chatmock prompts invalidate base_instructions", NULL },
		{ .line = NULL } },
	.more = "The text stays in use until the fetcher has a new one; chatmock "
		"codex cache --clear takes the files away.",
	.run = run,
};
