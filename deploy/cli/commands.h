/*
 * commands.h - the commands of `chatmock`: one table, one file a command.
 *
 * To add one:
 *	1. a file deploy/cli/NAME.c with a `const struct cli_command
 *	   cli_NAME`: its name, purpose, options, examples, function; see
 *	   config_show.c, which is short. Lists end with { .name = NULL } and
 *	   { .line = NULL }
 *	2. ONE line X(NAME) in CLI_COMMANDS below
 *	3. tests/check/docs.py --write, for README's table; manual pages and
 *	   completion know it without
 *
 * What the command line may hold is said in the struct; the parser, --help,
 * the man page and the completions of bash, zsh and fish come from there. The
 * function finds everything in struct cli (cli.h) and returns an exit code of
 * <sysexits.h>, or one that its man page documents. What is no matter of
 * terminals and command lines belongs to shared/.
 *
 * A name of two words ("config show") is a command of a family ("config");
 * the family's own --help comes from the table, too. Called as chatmock-X the
 * program does X.
 */
#ifndef CHATMOCK_CLI_COMMANDS_H
#define CHATMOCK_CLI_COMMANDS_H

#include "../../shared/base.h"

/* In the order in which help shows them; insert at your section's place. */
#define CLI_COMMANDS(X) \
	/* sign in */ \
	X(login) \
	X(logout) \
	X(info) \
	/* run and watch */ \
	X(start) \
	X(stop) \
	X(restart) \
	X(reload) \
	X(status) \
	X(logs) \
	X(ensure) \
	X(update) \
	X(rollback) \
	X(keep) \
	/* find out */ \
	X(check) \
	X(models) \
	X(codex_info) \
	X(codex_cache) \
	X(codex_test) \
	/* configure */ \
	X(config_show) \
	X(config_set) \
	X(config_validate) \
	X(config_schema) \
	X(codex_set) \
	X(prompts_list) \
	X(prompts_refresh) \
	X(prompts_invalidate) \
	/* keys */ \
	X(keys_add) \
	X(keys_list) \
	X(keys_revoke) \
	/* this program */ \
	X(help) \
	X(completion) \
	X(complete) \
	X(page) \

enum cli_section { CLI_SIGN_IN, CLI_RUN, CLI_FIND_OUT, CLI_CONFIGURE, CLI_KEYS,
		   CLI_PROGRAM, CLI_SECTION__COUNT };

/* What stands for a word of the command line; for the completions. */
enum cli_word {
	CLI_WORD_ANY, CLI_WORD_FILE, CLI_WORD_SETTING, CLI_WORD_COMMAND,
	CLI_WORD_PROMPT
};

struct cli_option {
	const char *name;	/* without "--"; NULL ends the list */
	char letter;		/* 'f' for -f, or 0 */
	bool many;		/* may come again; else the last one counts */
	const char *argument;	/* its name in the help ("N"); NULL: a switch */
	const char *words;	/* the only values: "chat|response", or NULL */
	enum cli_word is;	/* what the argument is */
	const char *help;	/* no capital, no full stop */
};

struct cli_example {
	const char *line;	/* "chatmock config show"; NULL ends the list */
	const char *what;	/* what it does, or NULL */
};

enum {
	CLI_CONFIG = 1,		/* cli->config is read before it runs */
	CLI_HIDDEN = 2,		/* in no help, page or completion */
	CLI_HTTP = 4,		/* it calls: libcurl is started */
};

struct cli;

struct cli_command {
	const char *name;	/* "config show" */
	const char *aliases;	/* "config list, settings", or NULL */
	enum cli_section section;
	const char *purpose;	/* one line, no capital, no full stop */
	const char *operands;	/* "NAME VALUE", "[FILE]", or NULL: takes none */
	enum cli_word operand_is;	/* the first of them */
	const char *operand_words;	/* its only values, or NULL */
	unsigned least, most;	/* how many operands */
	unsigned flags;
	const struct cli_option *options;	/* or NULL: none of its own */
	const struct cli_example *examples;	/* one at least */
	const char *more;	/* paragraphs for --help and the page, or NULL */
	const char *exits;	/* "3  it is stopped\n4  ...": its own exit
				 * codes, a line each, or NULL */
	int (*run)(struct cli *cli);
};

#define X(name) extern const struct cli_command cli_##name;
CLI_COMMANDS(X)
#undef X

/* Options that every command has. Ends with a NULL name. */
extern const struct cli_option cli_common_options[];

/* NULL at the end. */
const struct cli_command *cli_command_at(size_t i);

/*
 * The command whose name or alias the first words are; *used is their number.
 * NULL: there is none; *used is 1 when the first word alone is a family, else
 * 0.
 */
const struct cli_command *cli_command_find(const char *const *words,
					   size_t count, size_t *used);

/* True when the command's name is "FAMILY something". */
bool cli_command_in(const struct cli_command *c, const char *family);

/* The name nearest to what was typed ("config shwo"), or nothing. */
struct span cli_command_near(const char *const *words, size_t count);

/* "Sign in" ... */
const char *cli_section_title(enum cli_section section);

#endif
