/*
 * login.c - `chatmock login`: which way to sign in.
 */
#include "login_flow.h"

static int import(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login got;

	if (login_import(&cli->config, cli->arg_count ? cli->args[0] : NULL,
			 cli_has(cli, "force"), &got, &note))
		return cli_fail_note(cli, &note);
	login_say(cli, &got);
	cli_warn(cli, "this is a copy: two programs live on one login now. Each "
		 "renewal replaces its refresh token, so whoever renews first logs "
		 "the other out. `chatmock login` makes a login of our own.");
	login_free(&got);
	return 0;
}

static int run(struct cli *cli)
{
	bool headless = cli_has(cli, "headless"), copy = cli_has(cli, "import");
	int64_t timeout_s;

	if (!cli_number(cli, "timeout", 1, LOGIN_TRY_S, LOGIN_TRY_S, &timeout_s))
		return EX_USAGE;
	if (copy && headless)
		return cli_fail(cli, EX_USAGE, "--import and --headless are two "
				"ways: choose one");
	if (!copy && (cli->arg_count || cli_has(cli, "force")))
		return cli_fail(cli, EX_USAGE, "a file and --force go with --import "
				"only");
	if (copy)
		return import(cli);
	if (headless)
		return login_by_device(cli, (int)timeout_s);
	return login_by_browser(cli, !cli_has(cli, "no-browser"),
				(int)timeout_s);
}

const struct cli_command cli_login = {
	.name = "login", .section = CLI_SIGN_IN,
	.flags = CLI_CONFIG | CLI_HTTP,
	.purpose = "sign in to your ChatGPT account",
	.operands = "[FILE]", .operand_is = CLI_WORD_FILE, .most = 1,
	.options = (const struct cli_option[]){
		{ .name = "headless",
		  .help = "by a code to be entered in a browser elsewhere" },
		{ .name = "no-browser",
		  .help = "only show the address, open no browser" },
		{ .name = "timeout", .argument = "SECONDS",
		  .help = "wait no longer; 15 minutes at the most" },
		{ .name = "import",
		  .help = "copy FILE, or the Codex CLI's login" },
		{ .name = "force",
		  .help = "with --import: replace the login that is there" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock login", "in the browser of this machine; or paste the "
		  "address at which a browser elsewhere ended" },
		{ "chatmock login --headless", "by device code" },
		{ "chatmock login --import", "a copy of ~/.codex/auth.json" },
		{ .line = NULL } },
	.more = "The login is written to auth.json in CHATMOCK_HOME, readable by "
		"you alone, and is one of the gateway's own: programs that share a "
		"login log each other out, since each renewal replaces the refresh "
		"token. A login that was there before is handed back to the "
		"issuer. A gateway that runs takes the new one up within a second "
		"or two; streams go on.\n\n"
		"The browser comes back to port 1455 of this machine "
		"(CODEX__CALLBACK_PORT), or 1457 when another program keeps the "
		"first. On a machine without a browser sign in anywhere: the "
		"browser ends at a page that it can not reach, and the address of "
		"that page, pasted here, is as good.\n\n"
		"CHATMOCK_LOGIN_WORKSPACE limits which workspace a login may "
		"belong to.",
	.exits = "69  no port for the browser, or no device codes here\n"
		"75  another sign-in took the port\n"
		"77  the issuer said no or did not answer, or nobody signed in\n"
		"130  ended by Ctrl-C",
	.run = run,
};
