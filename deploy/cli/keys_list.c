/*
 * keys_list.c - `chatmock keys list`: whose keys there are.
 */
#include "keys_show.h"

#include "../../shared/clock.h"
#include "../../shared/text.h"

static int say_json(struct cli *cli, const struct keyring *ring, int64_t now_s)
{
	struct json_object *v = json_object_new_object();
	struct json_object *list = json_object_new_array();
	bool ok = true;

	for (size_t i = 0; ok && i < ring->count; i++)
		ok = json_push(list, keys_json(&ring->keys[i], now_s));
	ok = json_set_bool(v, "wanted", ring->wanted) && ok;
	ok = json_set(v, "keys", list) && ok;
	if (!ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static size_t widest_name(const struct keyring *ring)
{
	size_t most = 4, len;

	for (size_t i = 0; i < ring->count; i++) {
		len = strlen(ring->keys[i].name);
		most = len > most ? len : most;
	}
	return most;
}

static void say_day(struct cli *cli, int64_t at_s, const char *none)
{
	char text[32];

	clock_rfc3339(text, at_s * 1000000);
	cli_out(cli, "  %-10.10s", at_s ? text : none);
}

static void say_key(struct cli *cli, const struct key *k, size_t wide,
		    int64_t now_s)
{
	bool good = key_in_force(k, now_s);
	struct buf scopes;

	buf_init(&scopes, 256);
	key_scopes_print(k->scopes, &scopes);
	cli_out(cli, "%s  %s%-*s%s  %s%-8s%s", k->id, cli_ink(cli, INK_NAME),
		(int)wide, k->name, cli_ink(cli, INK_PLAIN),
		cli_ink(cli, good ? INK_GOOD : INK_DIM), keys_state(k, now_s),
		cli_ink(cli, INK_PLAIN));
	say_day(cli, k->created, "-");
	say_day(cli, k->expires, "never");
	cli_out(cli, "  %s\n", scopes.ptr);
	buf_free(&scopes);
}

static void say(struct cli *cli, const struct keyring *ring, int64_t now_s)
{
	size_t wide = widest_name(ring);

	if (!ring->wanted)
		cli_note(cli, "There are no keys: whoever is on this machine is let in, "
			 "and nobody else.\nchatmock keys add NAME makes one.");
	else if (!keyring_in_force(ring, now_s))
		cli_note(cli, "No key is in force: nobody is let in.");
	if (ring->count)
		cli_note(cli, "%s%-16s  %-*s  %-8s  %-10s  %-10s  %s%s",
			 cli_ink(cli, INK_BOLD), "ID", (int)wide, "NAME", "STATE",
			 "MADE", "RUNS OUT", "SCOPES", cli_ink(cli, INK_PLAIN));
	for (size_t i = 0; i < ring->count; i++)
		say_key(cli, &ring->keys[i], wide, now_s);
}

static int run(struct cli *cli)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct keyring ring;
	int status = 0;

	keyring_read(&ring, cli->config.home);
	if (ring.note.code)
		status = keys_fail(cli, &ring.note);
	else if (cli_has(cli, "json"))
		status = say_json(cli, &ring, now_s);
	else
		say(cli, &ring, now_s);
	keyring_free(&ring);
	return status;
}

const struct cli_command cli_keys_list = {
	.name = "keys list", .section = CLI_KEYS, .flags = CLI_CONFIG,
	.purpose = "callers' keys: whose, what for, until when",
	.options = (const struct cli_option[]){
		{ .name = "json", .help = "as JSON, times to the second" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock keys list", NULL },
		{ "chatmock keys list --json | jq -r '.keys[].name'", NULL },
		{ .line = NULL } },
	.more = "Keys that were revoked or have run out stay in the list; their "
		"lines may be taken out of CHATMOCK_HOME/keys by hand. As long as "
		"that file is there every request needs a key; without it none does, "
		"and only this machine is let in.",
	.exits = "65  the file of keys is broken: nobody is let in",
	.run = run,
};
