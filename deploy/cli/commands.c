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

/* Distance of one word, or of the first two of the line, from name. */
static size_t distance(struct span name, const char *const *words, size_t count)
{
	struct buf typed;
	size_t d;

	buf_init(&typed, NEAREST_MAX);
	buf_str(&typed, words[0]);
	if (memchr(name.ptr, ' ', name.len))
		buf_fmt(&typed, " %s", count > 1 ? words[1] : "");
	d = buf_err(&typed) ? SIZE_MAX :
		nearest_distance(buf_span(&typed), name);
	buf_free(&typed);
	return d;
}

struct span cli_command_near(const char *const *words, size_t count)
{
	struct span best = SPAN("");
	size_t least = SIZE_MAX, d;

	for (size_t i = 0; count && i < ARRAY_LEN(commands); i++) {
		struct span name = span_of(commands[i]->name), family = name;

		if (commands[i]->flags & CLI_HIDDEN)
			continue;
		family.len = strcspn(name.ptr, " ");
		d = distance(name, words, count);
		if (d < least) {
			least = d;
			best = name;
		}
		d = family.len < name.len ? distance(family, words, count) :
			SIZE_MAX;
		if (d > 0 && d < least) {
			least = d;
			best = family;
		}
	}
	return nearest_is_near(best, least) ? best : SPAN("");
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
