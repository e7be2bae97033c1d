/*
 * logout.c - `chatmock logout`: hands the login back and removes it.
 */
#include "../../shared/login_new.h"
#include "../../shared/plan.h"
#include "login_flow.h"

static void say_next(struct cli *cli, const struct login_left *left)
{
	if (left->next[0])
		cli_warn(cli, "the gateway uses %s from now on", left->next);
}

static int run(struct cli *cli)
{
	struct http_settings http = login_http(&cli->config);
	struct err_note note = ERR_NOTE_INIT;
	struct login_left left;
	enum err err;

	cli_progress(cli, "handing the login back");
	err = login_leave(&cli->config, &http, cli_has(cli, "revoke"), &left, &note);
	cli_progress_end(cli);
	if (err == ERR_LOGIN_MISSING) {
		cli_out(cli, "There is no login of ours to end.\n");
		say_next(cli, &left);
		return 0;
	}
	if (err)
		return cli_fail_note(cli, &note);
	plan_forget(cli->config.home);
	cli_out(cli, "%sLogged out%s: %s is removed%s.\n", cli_ink(cli, INK_GOOD),
		cli_ink(cli, INK_PLAIN), left.path, left.revoked ?
		" and its tokens are revoked" : "");
	if (left.shared)
		cli_note(cli, "It was a copy of another program's login, which stays "
			 "valid (--revoke would have ended that, too).");
	else if (!left.revoked)
		cli_warn(cli, "its tokens could not be revoked (%s): they stay valid "
			 "until they run out. Sign out of all devices in the "
			 "account's settings to be sure.", left.trouble);
	say_next(cli, &left);
	return 0;
}

const struct cli_command cli_logout = {
	.name = "logout", .section = CLI_SIGN_IN,
	.flags = CLI_CONFIG | CLI_HTTP,
	.purpose = "revoke the login and remove it",
	.options = (const struct cli_option[]){
		{ .name = "revoke",
		  .help = "also what was imported: logs the other program out" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock logout", NULL },
		{ .line = NULL } },
	.more = "Only auth.json in CHATMOCK_HOME is ended. Where another login "
		"lies in the places that are searched (~/.codex), the gateway uses "
		"that from then on; the command says so.",
	.run = run,
};
