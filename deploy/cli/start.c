/*
 * start.c - `chatmock start`.
 */
#include <stdlib.h>
#include <unistd.h>

#include "start_try.h"

static void greet(struct cli *cli, const struct proc *keeper)
{
	struct state state;
	char url[160];

	if (!state_read(cli->config.home, &state))
		return;
	place_url(state.bind, state.port, url, sizeof(url));
	cli_out(cli, "ChatMock listens on %s%s%s (pid %d)\n",
		cli_ink(cli, INK_BOLD), url, cli_ink(cli, INK_PLAIN),
		(int)keeper->pid);
	cli_note(cli, "\n  OpenAI base URL      %s/v1\n"
		 "  Anthropic base URL   %s\n"
		 "  Ollama base URL      %s\n"
		 "  how it is            chatmock status, or %s/status\n"
		 "  what happens         chatmock logs\n"
		 "  state and logs       %s", url, url, url, url,
		 cli->config.home);
}

static int start_here(struct cli *cli, bool try_, int *lock)
{
	struct proc keeper = { 0 };
	bool demo = false;
	int status = 0;

	if (ops_keeper(cli, &keeper))
		return cli_fail(cli, EX_TEMPFAIL, "a gateway runs on %s already "
				"(pid %d)", cli->config.home, (int)keeper.pid);
	if (try_)
		status = try_prepare(cli, &demo);
	if (try_ && !status)
		status = try_greet(cli, demo);
	return status ? status : ops_start_here(cli, lock);
}

static int start(struct cli *cli)
{
	struct proc keeper = { 0 };
	int status = 0;

	if (ops_keeper(cli, &keeper))
		cli_note(cli, "it runs already");
	else
		status = ops_start(cli);
	if (!status && !keeper.pid && !ops_keeper(cli, &keeper))
		status = cli_fail(cli, EX_SOFTWARE, "it ended at once");
	if (!status)
		greet(cli, &keeper);
	return status;
}

static int run(struct cli *cli)
{
	bool try_ = cli_has(cli, "try");
	int lock = -1, status;

	if (cli_has(cli, "verbose"))
		setenv("CHATMOCK_VERBOSE", "1", 1);
	status = ops_settings(cli);
	if (!status)
		status = ops_lock(cli, OPS_PATIENCE_MS, &lock);
	if (!status)
		status = try_ || cli_has(cli, "foreground") ?
			start_here(cli, try_, &lock) : start(cli);
	if (lock >= 0)
		close(lock);
	return status;
}

const struct cli_command cli_start = {
	.name = "start", .section = CLI_RUN, .flags = CLI_HTTP,
	.purpose = "start the gateway: web server, workers, health, fetcher",
	.options = (const struct cli_option[]){
		{ .name = "verbose", .letter = 'v',
		  .help = "log summaries of requests (CHATMOCK_VERBOSE)" },
		{ .name = "foreground", .letter = 'F',
		  .help = "stay, and end it all on Ctrl-C or TERM; for supervisors" },
		{ .name = "try", .letter = 't',
		  .help = "the same for a first try (make run): a local demo answers "
		  "where there is neither a login nor an upstream, and open streams "
		  "have 2 s at the end" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock start", "in the background, on CHATMOCK_PORT" },
		{ "chatmock start --set CHATMOCK_WEB_SERVER=nginx", NULL },
		{ "chatmock start --foreground", "under systemd or runit" },
		{ "chatmock start --try", "what make run does" },
		{ .line = NULL } },
	.more = "One gateway for a CHATMOCK_HOME: when it runs already nothing is "
		"done. What a killed one left behind is cleaned up first. A part "
		"that dies is brought back.\n\n"
		"The programs are those that were made last: the ones beside this "
		"command, or what update or rollback chose after that.",
	.exits = "66  a program is missing\n69  the port is taken, or a web "
		 "server is not installed\n70  a part ended at once\n75  another "
		 "command is at work\n78  a setting is wrong",
	.run = run,
};
