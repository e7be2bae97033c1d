/*
 * keys_add.c - `chatmock keys add`: a new key, shown once.
 */
#include "keys_show.h"

#include "../../shared/clock.h"
#include "../../shared/text.h"

/* What was asked for into k; 0 or the exit code. */
static int read_wishes(struct cli *cli, struct key *k, int64_t now_s)
{
	struct err_note note = ERR_NOTE_INIT;
	const char *expires = cli_value(cli, "expires"), *words;
	unsigned scopes;

	/* a name too long is no name: keys_add() says so */
	text_copy(k->name, sizeof(k->name), span_of(cli->args[0]));
	if (!key_name_ok(span_of(cli->args[0])))
		return cli_fail(cli, EX_USAGE, "\"%.80s\" is no name for a key: wanted "
				"are 1 to %d of A-Z a-z 0-9 . _ @ + -, the first not -.",
				cli->args[0], KEY_NAME_SIZE - 1);
	if (expires && key_expiry_read(span_of(expires), now_s, &k->expires, &note))
		return cli_fail(cli, EX_USAGE, "--expires: %s", note.tell);
	for (size_t i = 0; (words = cli_value_at(cli, "scope", i)); i++) {
		if (key_scopes_read(span_of(words), &scopes, &note))
			return cli_fail(cli, EX_USAGE, "--scope: %s", note.tell);
		k->scopes |= scopes;
	}
	if (!k->scopes)
		k->scopes = KEY_USUAL;
	return 0;
}

static int say_json(struct cli *cli, const struct key *k, const char *text,
		    int64_t now_s)
{
	struct json_object *v = keys_json(k, now_s);

	if (v && !json_set_cstr(v, "key", text)) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static void say(struct cli *cli, const struct key *k, const char *text, bool first)
{
	struct buf scopes;
	char at[32];

	buf_init(&scopes, 256);
	key_scopes_print(k->scopes, &scopes);
	clock_rfc3339(at, k->expires * 1000000);
	cli_out(cli, "%s%s%s\n", cli_ink(cli, INK_BOLD), text,
		cli_ink(cli, INK_PLAIN));
	cli_note(cli, "\nThis is the key \"%s\" (%s), for %s, %s%.10s.\nIt is shown this "
		 "once and kept nowhere: copy it now. Clients send it as\n"
		 "their API key (OPENAI_API_KEY, ANTHROPIC_AUTH_TOKEN).", k->name,
		 k->id, scopes.ptr, k->expires ? "until " : "without an end",
		 k->expires ? at : "");
	if (first)
		cli_note(cli, "\nIt is the first: from now on every request needs a key, "
			 "from this\nmachine too.");
	buf_free(&scopes);
}

/* Nobody has seen it, so nobody is to have it. */
static int take_back(struct cli *cli, const struct key *k)
{
	struct err_note note = ERR_NOTE_INIT;
	struct key revoked;

	if (keys_revoke(cli->config.home, span_of(k->id), &revoked, &note))
		return cli_fail(cli, EX_IOERR, "the key could not be shown, nor revoked "
				"(%s); revoke %s.", note.tell, k->id);
	return cli_fail(cli, EX_IOERR, "the key could not be shown, so it was revoked "
			"again.");
}

static int run(struct cli *cli)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct err_note note = ERR_NOTE_INIT;
	char text[KEY_TEXT_SIZE] = "";
	struct keyring before;
	struct key k = { 0 };
	int status;

	status = read_wishes(cli, &k, now_s);
	if (status)
		return status;
	keyring_read(&before, cli->config.home);
	if (keys_add(cli->config.home, &k, text, &note)) {
		status = keys_fail(cli, &note);
		goto out;
	}
	if (cli_has(cli, "json"))
		status = say_json(cli, &k, text, now_s);
	else
		say(cli, &k, text, !before.wanted);
	if (fflush(stdout) || ferror(stdout))
		status = take_back(cli, &k);
out:
	explicit_bzero(text, sizeof(text));
	keyring_free(&before);
	return status;
}

const struct cli_command cli_keys_add = {
	.name = "keys add", .section = CLI_KEYS, .flags = CLI_CONFIG,
	.purpose = "make a key for a caller, and show it once",
	.operands = "NAME", .least = 1, .most = 1,
	.options = (const struct cli_option[]){
		{ .name = "expires", .letter = 'e', .argument = "TIME",
		  .help = "when it runs out: 12h, 30d, 8w, or a date such as "
			  "2027-01-31 (UTC); else never" },
		{ .name = "scope", .letter = 's', .argument = "SCOPES", .many = true,
		  .help = "what it is for: generate, models, read, operator, "
			  "comma-separated; else the first three" },
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock keys add laptop", "for ever, for all that clients do" },
		{ "chatmock keys add guest --expires 7d", NULL },
		{ "chatmock keys add prometheus --scope operator > ~/prometheus.key",
		  "piped, the key alone is said" },
		{ .line = NULL } },
	.more = "As soon as there is one key, every request needs one, from this "
		"machine too; a running gateway takes it up within a second. Then "
		"CHATMOCK_BIND may be an address that others reach.\n\n"
		"The key itself is kept nowhere: CHATMOCK_HOME/keys has its SHA-256, "
		"name, scopes and times. Scopes: generate asks models and changes or "
		"deletes what is stored; models lists them; read reads what is stored "
		"and what the plan still allows; operator sees health with its details, "
		"metrics and status.",
	.exits = "64  the name, time or scope is none\n"
		 "65  a key in force has that name, or the file of keys is broken\n"
		 "74  the key could not be shown, so it was revoked again\n"
		 "75  somebody else holds the file's lock",
	.run = run,
};
