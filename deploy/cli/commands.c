#include "commands.h"

#include "../../shared/buf.h"
#include "../../shared/nearest.h"
#include "../../shared/text.h"

static const struct cli_command *const commands[] = {
#define X(name) &cli_##name,
	CLI_COMMANDS(X)
#undef X
};

const struct cli_option cli_common_options[] = {
	{ .name = "config", .letter = 'c', .argument = "FILE",
	  .is = CLI_WORD_FILE, .help = "the settings file" },
	{ .name = "set", .argument = "NAME=VALUE", .many = true,
	  .is = CLI_WORD_SETTING,
	  .help = "a setting, stronger than environment and file; repeatable" },
	{ .name = "color", .argument = "WHEN", .words = "auto|always|never",
	  .help = "colours: auto is on a terminal and without NO_COLOR" },
	{ .name = "help", .letter = 'h', .help = "this text" },
	{ .name = NULL },
};

const struct cli_command *cli_command_at(size_t i)
{
	return i < ARRAY_LEN(commands) ? commands[i] : NULL;
}

/* Whether name is the first words of the line; *used is how many. */
static bool begins(struct span name, const char *const *words, size_t count,
		   size_t *used)
{
	struct span rest = name, word;
	size_t n = 0;

	while (text_next(&rest, ' ', &word)) {
		if (n == count || !span_eq(word, words[n]))
			return false;
		n++;
	}
	*used = n;
	return n > 0;
}

static bool answers_to(const struct cli_command *c, const char *const *words,
		       size_t count, size_t *used)
{
	struct span rest = span_of(c->aliases), alias;

	if (begins(span_of(c->name), words, count, used))
		return true;
	while (text_next(&rest, ',', &alias))
		if (begins(alias, words, count, used))
			return true;
	return false;
}

bool cli_command_in(const struct cli_command *c, const char *family)
{
	size_t len = strlen(family);

	return strncmp(c->name, family, len) == 0 && c->name[len] == ' ';
}

/* "keys add" before "keys": the longest wins. */
const struct cli_command *cli_command_find(const char *const *words,
					   size_t count, size_t *used)
{
	const struct cli_command *best = NULL;
	bool family = false;
	size_t n;

	*used = 0;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (count && cli_command_in(commands[i], words[0]))
			family = true;
		if (answers_to(commands[i], words, count, &n) && n > *used) {
			best = commands[i];
			*used = n;
		}
	}
	if (!best)
		*used = family;
	return best;
}

/* Name by name; what has two words is compared with two of the line. */
static size_t distance(const char *name, const char *const *words, size_t count)
{
	size_t least = nearest_distance(span_of(words[0]), span_of(name)), d;
	struct buf typed;

	if (!strchr(name, ' '))
		return least;
	buf_init(&typed, NEAREST_MAX);
	buf_fmt(&typed, "%s %s", words[0], count > 1 ? words[1] : "");
	d = buf_err(&typed) ? SIZE_MAX :
		nearest_distance(text_trim(buf_span(&typed)), span_of(name));
	buf_free(&typed);
	return d < least ? d : least;
}

const char *cli_command_near(const char *const *words, size_t count)
{
	size_t least = SIZE_MAX, len, d;
	const char *best = NULL;

	if (!count)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (commands[i]->flags & CLI_HIDDEN)
			continue;
		d = distance(commands[i]->name, words, count);
		if (d < least) {
			least = d;
			best = commands[i]->name;
		}
	}
	len = strlen(words[0]) + (count > 1 ? strlen(words[1]) : 0);
	return nearest_is_near((struct span){ "", len }, least) ? best : NULL;
}

const char *cli_section_title(enum cli_section section)
{
	static const char *const titles[CLI_SECTION__COUNT] = {
		[CLI_SIGN_IN] = "Sign in", [CLI_RUN] = "Run and watch",
		[CLI_FIND_OUT] = "Find out what is wrong",
		[CLI_CONFIGURE] = "Configure", [CLI_KEYS] = "Keys of callers",
		[CLI_PROGRAM] = "This program",
	};

	return titles[section];
}
