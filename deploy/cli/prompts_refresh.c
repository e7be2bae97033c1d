/*
 * prompts_refresh.c - `chatmock prompts refresh`: fetched now.
 */
#include "../../shared/prompts.h"
#include "fetch_job.h"

#define LOCK_WAIT_MS 5000

/* One by its name: made stale, and what is stale is fetched. */
static int age(struct cli *cli, const char *name)
{
	struct err_note note = ERR_NOTE_INIT;
	enum prompt_id id;

	if (!prompt_parse(name, &id))
		return cli_fail(cli, EX_USAGE, "there is no prompt %.60s; see "
				"chatmock prompts list.", name);
	if (prompt_invalidate(&cli->config, id, LOCK_WAIT_MS, &note))
		return cli_fail_note(cli, &note);
	return 0;
}

static int run(struct cli *cli)
{
	struct buf did;
	int status = 0;

	for (size_t i = 0; !status && i < cli->arg_count; i++)
		status = age(cli, cli->args[i]);
	if (status)
		return status;
	buf_init(&did, 8192);
	status = cli_fetch(cli, "prompts", cli->arg_count == 0,
			   "fetching the prompts", &did);
	if (!status)
		cli_note(cli, "%s", did.ptr);
	buf_free(&did);
	return status;
}

const struct cli_command cli_prompts_refresh = {
	.name = "prompts refresh", .section = CLI_CONFIGURE, .flags = CLI_CONFIG,
	.purpose = "fetch the system prompts now",
	.operands = "[NAME ...]", .operand_is = CLI_WORD_PROMPT,
	.most = PROMPT__COUNT,
	.examples = (const struct cli_example[]){
		{ "chatmock prompts refresh", "all, whether they are due or not" },
		{ "chatmock prompts refresh gpt5_codex_instructions",
		  "this one, and what is due" },
		{ .line = NULL } },
	.exits = "75  none of the sources had it, or another run is at work; "
		"what was there stays",
	.run = run,
};
