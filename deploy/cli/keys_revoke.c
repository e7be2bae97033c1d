/*
 * keys_revoke.c - `chatmock keys revoke`: a key lets nobody in any more.
 */
#include "keys_show.h"

#include "../../shared/clock.h"

static int run(struct cli *cli)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct err_note note = ERR_NOTE_INIT;
	struct keyring after;
	struct key k = { 0 };

	if (keys_revoke(cli->config.home, span_of(cli->args[0]), &k, &note))
		return keys_fail(cli, &note);
	if (cli_has(cli, "json"))
		return cli_json(cli, keys_json(&k, now_s));
	cli_note(cli, "The key \"%s\" (%s) is revoked; a running gateway takes that up "
		 "within a\nsecond. Answers that have begun go on.", k.name, k.id);
	keyring_read(&after, cli->config.home);
	if (!keyring_in_force(&after, now_s))
		cli_warn(cli, "it was the last one in force: nobody is let in now.");
	keyring_free(&after);
	return 0;
}

const struct cli_command cli_keys_revoke = {
	.name = "keys revoke", .section = CLI_KEYS, .flags = CLI_CONFIG,
	.purpose = "take a key back, by its id or its name",
	.operands = "ID|NAME", .least = 1, .most = 1,
	.options = (const struct cli_option[]){
		{ .name = "json", .help = "what was revoked, as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock keys revoke laptop", NULL },
		{ "chatmock keys revoke key_5f0c12ab34cd", NULL },
		{ .line = NULL } },
	.more = "The line stays in CHATMOCK_HOME/keys, with the time; the name may be "
		"given to a new key. Revoking the last key does not open the gateway: "
		"to do without keys again remove the file and restart.",
	.exits = "65  there is no such key in force, or the file of keys is broken\n"
		 "75  somebody else holds the file's lock",
	.run = run,
};
