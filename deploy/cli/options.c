/*
 * options.c - the command line behind a command's name.
 *
 * --name VALUE, --name=VALUE, -n VALUE, -nVALUE, switches together (-fv), and
 * "--" behind which all are operands. Options and operands may be mixed.
 */
#include "private.h"

#include "../../shared/nearest.h"
#include "../../shared/text.h"

struct line {
	struct cli *cli;
	const char *const *words;
	size_t count, at;
	bool ended;			/* "--" was there */
	enum cli_act act;
	struct err_note *note;
};

static const struct cli_option *find_in(const struct cli_option *o,
					struct span name)
{
	for (; o && o->name; o++)
		if (span_eq(name, o->name))
			return o;
	return NULL;
}

const struct cli_option *cli_option_find(const struct cli_command *c,
					 struct span name)
{
	const struct cli_option *o = find_in(c->options, name);

	return o ? o : find_in(cli_common_options, name);
}

static const struct cli_option *find_letter(const struct cli_command *c, char l)
{
	const struct cli_option *lists[] = { c->options, cli_common_options };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const struct cli_option *o = lists[i]; o && o->name; o++)
			if (o->letter == l)
				return o;
	return NULL;
}

/* The option that was most likely meant, or NULL. */
static const char *near_option(const struct cli_command *c, struct span name)
{
	const struct cli_option *lists[] = { c->options, cli_common_options };
	const char *best = NULL;
	size_t least = SIZE_MAX, d;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const struct cli_option *o = lists[i]; o && o->name; o++) {
			d = nearest_distance(name, span_of(o->name));
			if (d < least) {
				least = d;
				best = o->name;
			}
		}
	return name.len && nearest_is_near(name, least) ? best : NULL;
}

static enum err unknown(struct line *l, struct span name, const char *given)
{
	const struct cli_command *c = l->cli->command;
	const char *near = near_option(c, name);

	return err_tell(l->note, ERR_CONFIG, "%s has no option %.80s%s%s. "
			"See chatmock %s --help.", c->name, given,
			near ? "; the nearest is --" : "", near ? near : "",
			c->name);
}

static bool is_word(const char *words, const char *value)
{
	struct span rest = span_of(words), word;

	while (text_next(&rest, '|', &word))
		if (span_eq(word, value))
			return true;
	return false;
}

static enum err note_option(struct line *l, const struct cli_option *o,
			    const char *value)
{
	struct cli *cli = l->cli;

	if (o->words && value && !is_word(o->words, value))
		return err_tell(l->note, ERR_CONFIG, "--%s: \"%.80s\" is not it; "
				"wanted is one of %s.", o->name, value, o->words);
	if (strcmp(o->name, "help") == 0 && !o->argument)
		l->act = CLI_ACT_HELP;
	else if (o == find_in(cli_common_options, SPAN("set")))
		cli->sets[cli->set_count++] = value;
	else
		cli->given[cli->given_count++] =
			(struct cli_given){ o, value };
	return ERR_OK;
}

/* The argument behind name, in the same word or in the next one. */
static enum err argument(struct line *l, const struct cli_option *o,
			 const char *inside, const char **value)
{
	*value = inside;
	if (!*value && l->at + 1 < l->count)
		*value = l->words[++l->at];
	if (!*value)
		return err_tell(l->note, ERR_CONFIG, "--%s wants %s.", o->name,
				o->argument);
	return ERR_OK;
}

static enum err long_option(struct line *l, const char *given)
{
	const char *eq = strchr(given, '='), *value = NULL;
	struct span name = { given + 2, eq ? (size_t)(eq - given) - 2 :
			     strlen(given) - 2 };
	const struct cli_option *o = cli_option_find(l->cli->command, name);

	if (!o)
		return unknown(l, name, given);
	if (!o->argument && eq)
		return err_tell(l->note, ERR_CONFIG, "--%s takes no value.",
				o->name);
	if (o->argument && argument(l, o, eq ? eq + 1 : NULL, &value))
		return l->note->code;
	return note_option(l, o, value);
}

static enum err short_options(struct line *l, const char *given)
{
	const struct cli_command *c = l->cli->command;
	char name[3] = "-";

	for (const char *letter = given + 1; *letter; letter++) {
		const struct cli_option *o = find_letter(c, *letter);
		const char *value = NULL;

		name[1] = *letter;
		if (!o)
			return unknown(l, (struct span){ letter, 0 }, name);
		if (o->argument && argument(l, o, letter[1] ? letter + 1 : NULL,
					    &value))
			return l->note->code;
		if (note_option(l, o, value))
			return l->note->code;
		if (o->argument)
			break;
	}
	return ERR_OK;
}

static enum err one_word(struct line *l)
{
	const char *given = l->words[l->at];
	struct cli *cli = l->cli;

	if (l->ended || given[0] != '-' || !given[1]) {
		cli->args[cli->arg_count++] = given;
		return ERR_OK;
	}
	if (strcmp(given, "--") == 0) {
		l->ended = true;
		return ERR_OK;
	}
	return given[1] == '-' ? long_option(l, given) : short_options(l, given);
}

static enum err check_operands(const struct cli *cli, struct err_note *note)
{
	const struct cli_command *c = cli->command;

	if (cli->arg_count < c->least)
		return err_tell(note, ERR_CONFIG, "%s wants %s; see chatmock %s "
				"--help.", c->name, c->operands, c->name);
	if (cli->arg_count > c->most)
		return err_tell(note, ERR_CONFIG, "%s: %.80s is too much; wanted "
				"is %s.", c->name, cli->args[c->most],
				c->operands ? c->operands : "nothing but options");
	if (cli->arg_count && c->operand_words &&
	    !is_word(c->operand_words, cli->args[0]))
		return err_tell(note, ERR_CONFIG, "%s: \"%.80s\" is not it; wanted "
				"is one of %s.", c->name, cli->args[0],
				c->operand_words);
	return ERR_OK;
}

/* A switch in each letter of a word: there may be that many. */
static size_t most_options(const char *const *words, size_t count)
{
	size_t most = 1;

	for (size_t i = 0; i < count; i++)
		most += strlen(words[i]) + 1;
	return most;
}

enum err cli_options_read(struct cli *cli, const char *const *words,
			  size_t count, enum cli_act *act, struct err_note *note)
{
	struct line l = { .cli = cli, .words = words, .count = count,
			  .note = note };
	size_t most = most_options(words, count);
	enum err err = ERR_OK;

	cli->args = calloc(count + 1, sizeof(*cli->args));
	cli->sets = calloc(most, sizeof(*cli->sets));
	cli->given = calloc(most, sizeof(*cli->given));
	if (!cli->args || !cli->sets || !cli->given)
		return err_set(note, ERR_NO_MEMORY, "options");
	for (; l.at < count && !err; l.at++)
		err = one_word(&l);
	*act = l.act;
	if (!err && l.act == CLI_ACT_RUN)
		err = check_operands(cli, note);
	return err;
}

void cli_options_free(struct cli *cli)
{
	free(cli->args);
	free(cli->sets);
	free(cli->given);
	cli->args = cli->sets = NULL;
	cli->given = NULL;
	cli->arg_count = cli->set_count = cli->given_count = 0;
}

const char *cli_value_at(const struct cli *cli, const char *name, size_t i)
{
	for (size_t k = 0; k < cli->given_count; k++)
		if (strcmp(cli->given[k].option->name, name) == 0 && i-- == 0)
			return cli->given[k].value;
	return NULL;
}

const char *cli_value(const struct cli *cli, const char *name)
{
	for (size_t k = cli->given_count; k > 0; k--)
		if (strcmp(cli->given[k - 1].option->name, name) == 0)
			return cli->given[k - 1].value;
	return NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
	for (size_t k = 0; k < cli->given_count; k++)
		if (strcmp(cli->given[k].option->name, name) == 0)
			return true;
	return false;
}

bool cli_number(struct cli *cli, const char *name, int64_t min, int64_t max,
		int64_t dflt, int64_t *out)
{
	const char *text = cli_value(cli, name);

	*out = dflt;
	if (!text)
		return true;
	if (text_int(span_of(text), out) && *out >= min && *out <= max)
		return true;
	cli_fail(cli, EX_USAGE, "--%s: \"%.80s\" is not it; wanted is a number "
		 "from %lld to %lld.", name, text, (long long)min, (long long)max);
	return false;
}
