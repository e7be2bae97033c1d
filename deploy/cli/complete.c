/*
 * complete.c - what may stand where the cursor is: the completions of all
 * shells ask this one command, so that they know what the program knows.
 *
 * `chatmock complete -- WORDS`: the words behind "chatmock", the last one being
 * what was typed of the word at the cursor. A line for each that begins so,
 * with its meaning behind a tab; ":file" asks for names of files.
 */
#include "private.h"

#include <ctype.h>

#include "../../shared/config_edit.h"
#include "../../shared/prompts.h"
#include "../../shared/text.h"

struct asked {
	struct cli *cli;
	const char *const *words;	/* whole ones */
	size_t count;
	const char *typed;
	char before[160];		/* of the typed word, kept: "--color=" */
};

static void offer(const struct asked *a, const char *word, const char *what)
{
	size_t len = strlen(a->typed);

	if (strncmp(word, a->typed, len) == 0)
		cli_out(a->cli, "%s%s\t%s\n", a->before, word, what ? what : "");
}

static void offer_words(const struct asked *a, const char *words)
{
	struct span rest = span_of(words), word;
	char one[80];

	while (text_next(&rest, '|', &word))
		if (text_copy(one, sizeof(one), word))
			offer(a, one, NULL);
}

/* "port", "codex.enabled": as people type it. */
static void short_name(const char *name, char out[80])
{
	bool codex = strncmp(name, "CODEX__", 7) == 0;
	size_t n = 0;

	if (codex)
		n = (size_t)snprintf(out, 80, "codex.");
	name += codex ? 7 : strncmp(name, "CHATMOCK_", 9) == 0 ? 9 : 0;
	for (; *name && n < 79; name++) {
		bool dot = codex && name[0] == '_' && name[1] == '_';

		out[n++] = dot ? '.' : (char)tolower((unsigned char)*name);
		name += dot;
	}
	out[n] = '\0';
}

static void offer_settings(const struct asked *a, const char *end)
{
	struct config_row row;
	struct buf unused;
	char name[80], whole[96];

	buf_init(&unused, 64);
	for (size_t i = 0; config_row_at(NULL, i, &unused, &row); i++) {
		short_name(row.name, name);
		snprintf(whole, sizeof(whole), "%s%s", name, end);
		offer(a, whole, row.help);
	}
	buf_free(&unused);
}

static void offer_values(const struct asked *a, const char *setting)
{
	struct config_row row;
	struct buf unused;

	buf_init(&unused, 64);
	for (size_t i = 0; config_row_at(NULL, i, &unused, &row); i++) {
		if (!config_is(setting, row.name))
			continue;
		if (row.kind == CONFIG_KIND_ENUM)
			offer_words(a, row.values);
		else if (row.kind == CONFIG_KIND_BOOL)
			offer_words(a, "true|false");
		else if (row.kind == CONFIG_KIND_SECRET)
			offer(a, "-", "read from standard input");
	}
	buf_free(&unused);
}

/* Each first word once; for a family its name alone. */
static void offer_commands(const struct asked *a)
{
	const struct cli_command *c, *before;
	char word[80];

	for (size_t i = 0; (c = cli_command_at(i)); i++) {
		struct span rest = span_of(c->name), first;
		bool seen = false;

		if (!text_next(&rest, ' ', &first) || (c->flags & CLI_HIDDEN) ||
		    !text_copy(word, sizeof(word), first))
			continue;
		for (size_t k = 0; k < i && (before = cli_command_at(k)); k++)
			if (cli_command_in(before, word))
				seen = true;
		if (!seen)
			offer(a, word, rest.len ? "its commands" : c->purpose);
	}
	offer(a, "--help", "all commands");
	offer(a, "--version", "its version");
}

static void offer_family(const struct asked *a, const char *family)
{
	const struct cli_command *c;

	for (size_t i = 0; (c = cli_command_at(i)); i++)
		if (cli_command_in(c, family) && !(c->flags & CLI_HIDDEN))
			offer(a, c->name + strlen(family) + 1, c->purpose);
	offer(a, "--help", "what they do");
}

static void offer_options(const struct asked *a, const struct cli_command *c)
{
	const struct cli_option *lists[] = { c->options, cli_common_options };
	char word[96];

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const struct cli_option *o = lists[i]; o && o->name; o++) {
			snprintf(word, sizeof(word), "--%s", o->name);
			offer(a, word, o->help);
		}
}

static void offer_kind(const struct asked *a, enum cli_word is,
		       const char *words)
{
	if (words)
		offer_words(a, words);
	else if (is == CLI_WORD_FILE)
		cli_out(a->cli, ":file\n");
	else if (is == CLI_WORD_COMMAND)
		offer_commands(a);
	else if (is == CLI_WORD_SETTING)
		offer_settings(a, "");
	for (int id = 0; is == CLI_WORD_PROMPT && id < PROMPT__COUNT; id++)
		offer(a, prompt_name((enum prompt_id)id), NULL);
}

/* The value of an option; of --set it is NAME=VALUE. */
static void offer_argument(struct asked *a, const struct cli_option *o)
{
	const char *eq = strchr(a->typed, '=');
	size_t len = strlen(a->before);
	char name[80];

	if (o->is != CLI_WORD_SETTING || o->words) {
		offer_kind(a, o->is, o->words);
	} else if (!eq) {
		offer_settings(a, "=");
	} else if (text_copy(name, sizeof(name), (struct span){ a->typed,
			     (size_t)(eq - a->typed) })) {
		snprintf(a->before + len, sizeof(a->before) - len, "%s=", name);
		a->typed = eq + 1;
		offer_values(a, name);
	}
}

static const struct cli_option *option_of(const struct cli_command *c,
					  const char *word)
{
	const struct cli_option *lists[] = { c->options, cli_common_options };

	if (word[0] != '-' || strchr(word, '='))
		return NULL;
	if (word[1] == '-')
		return cli_option_find(c, span_of(word + 2));
	for (size_t i = 0; word[1] && i < ARRAY_LEN(lists); i++)
		for (const struct cli_option *o = lists[i]; o && o->name; o++)
			if (o->letter == word[strlen(word) - 1])
				return o;
	return NULL;
}

/* How many operands stand before the cursor, and the first of them; the
 * option whose argument is due, or NULL. */
static const struct cli_option *walk(const struct asked *a,
				     const struct cli_command *c, size_t from,
				     size_t *operands, const char **first,
				     bool *ended)
{
	const struct cli_option *due = NULL;

	*operands = 0;
	*first = NULL;
	*ended = false;
	for (size_t i = from; i < a->count; i++) {
		const char *word = a->words[i];

		if (due) {
			due = NULL;
		} else if (!*ended && strcmp(word, "--") == 0) {
			*ended = true;
		} else if (!*ended && word[0] == '-' && word[1]) {
			due = option_of(c, word);
			due = due && due->argument ? due : NULL;
		} else if (!(*operands)++) {
			*first = word;
		}
	}
	return due;
}

static void offer_for(struct asked *a, const struct cli_command *c, size_t from)
{
	const char *first, *eq = strchr(a->typed, '=');
	const struct cli_option *o;
	size_t operands;
	bool ended;

	o = walk(a, c, from, &operands, &first, &ended);
	if (o) {
		offer_argument(a, o);
		return;
	}
	if (!ended && a->typed[0] == '-') {
		o = eq && strncmp(a->typed, "--", 2) == 0 ?
			cli_option_find(c, (struct span){ a->typed + 2,
					(size_t)(eq - a->typed) - 2 }) : NULL;
		if (o && o->argument &&
		    text_copy(a->before, sizeof(a->before), (struct span){
			      a->typed, (size_t)(eq - a->typed) + 1 })) {
			a->typed = eq + 1;
			offer_argument(a, o);
		} else if (!eq) {
			offer_options(a, c);
		}
		return;
	}
	if (operands == 1 && c->operand_is == CLI_WORD_SETTING)
		offer_values(a, first);
	else if (operands == 0 || (c->operand_is == CLI_WORD_PROMPT &&
				   operands < c->most))
		offer_kind(a, c->operand_is, c->operand_words);
}

static int run(struct cli *cli)
{
	struct asked a = { .cli = cli, .words = cli->args, .typed = "" };
	const struct cli_command *c;
	size_t used;

	if (cli->arg_count) {
		a.count = cli->arg_count - 1;
		a.typed = cli->args[a.count];
	}
	c = cli_command_find(a.words, a.count, &used);
	if (c)
		offer_for(&a, c, used);
	else if (!a.count)
		offer_commands(&a);
	else if (used && a.count == 1)
		offer_family(&a, a.words[0]);
	return 0;
}

const struct cli_command cli_complete = {
	.name = "complete", .section = CLI_PROGRAM, .flags = CLI_HIDDEN,
	.purpose = "what may stand at the end of a command line",
	.operands = "-- WORD ...", .most = 1000,
	.examples = (const struct cli_example[]){
		{ "chatmock complete -- config s", NULL },
		{ .line = NULL } },
	.run = run,
};
