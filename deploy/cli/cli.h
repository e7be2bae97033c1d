/*
 * cli.h - what a command is given, and how it speaks.
 *
 * stdout is for what was asked for, stderr for complaints. Piped, a command
 * says what was asked for and nothing else: cli_note() and progress are for
 * terminals alone, colour too (and never with NO_COLOR, TERM=dumb or
 * --color=never). With --json stdout is one JSON value.
 *
 * Everything is one thread's. Secrets: nothing printed here may hold one.
 */
#ifndef CHATMOCK_CLI_H
#define CHATMOCK_CLI_H

#include <sysexits.h>

#include "../../shared/config.h"
#include "../../shared/json.h"
#include "commands.h"

struct cli_given { const struct cli_option *option; const char *value; };

struct cli {
	const struct cli_command *command;
	char *const *environ_;
	const char **args;		/* the operands; borrowed from argv */
	size_t arg_count;
	struct config config;		/* with CLI_CONFIG */
	bool out_tty, err_tty;		/* stdout, stderr are terminals */
	bool colour;			/* of stdout */
	size_t width;			/* columns of the terminal; piped: 0 */
	char bin[4096];			/* where our programs lie */
	/* private */
	struct cli_given *given;
	size_t given_count;
	const char **sets;
	size_t set_count;
	struct cli_progress *progress;
};

/* --- what was given; name as in the command's table, else it is a bug */

bool cli_has(const struct cli *cli, const char *name);
/* The last one's value, or NULL. */
const char *cli_value(const struct cli *cli, const char *name);
/* The i-th one's of an option that may come again; NULL behind the last. */
const char *cli_value_at(const struct cli *cli, const char *name, size_t i);
/* A whole number in the range, dflt when not given; false: cli_fail() was
 * called and EX_USAGE is due. */
MUST_USE bool cli_number(struct cli *cli, const char *name, int64_t min,
			 int64_t max, int64_t dflt, int64_t *out);

/* Reads the settings for a command without CLI_CONFIG; 0 or the exit code,
 * after the complaint. Again after a change: the old ones are freed. */
MUST_USE int cli_read_config(struct cli *cli);

/* --- what it says */

void cli_out(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cli_put(struct cli *cli, const struct buf *text);	/* as it stands */

/* For a person only: silent when stdout is no terminal. A newline follows. */
void cli_note(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "chatmock: ..." on stderr, and a newline. */
void cli_warn(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same; returns code. */
int cli_fail(struct cli *cli, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The words of a note, with the exit code that fits its err. */
int cli_fail_note(struct cli *cli, const struct err_note *note);
int cli_exit_code(enum err err);

/* One value on stdout: indented on a terminal, else in one line. Takes
 * ownership; NULL is no memory. Returns the exit code. */
int cli_json(struct cli *cli, struct json_object *v);

/* "" without colour: cli_out(cli, "%sup%s", cli_ink(cli, INK_GOOD),
 * cli_ink(cli, INK_PLAIN)). */
enum cli_ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GOOD, INK_WARN, INK_BAD,
	       INK_NAME, INK__COUNT };
const char *cli_ink(const struct cli *cli, enum cli_ink ink);

/* What a terminal may be shown of text from outside: control bytes and broken
 * UTF-8 replaced. Appends. */
void cli_safe(struct buf *out, struct span text);

/* Columns that text takes on a terminal: a UTF-8 sequence is one. */
size_t cli_columns(struct span text);

/* Text in lines of at most width columns, each behind indent blanks. */
void cli_wrap(struct buf *out, const char *text, size_t indent, size_t width);

/* --- something that may take long */

/*
 * From the second second on, and on a terminal only: what is going on and for
 * how long, in one line of stderr that is wiped when it ends. What is a
 * present participle: "asking upstream". Nothing else may be printed between
 * the two.
 */
void cli_progress(struct cli *cli, const char *what);
void cli_progress_end(struct cli *cli);		/* safe without a beginning */

/* --- other programs */

/* The path of a program of ours into out; false: it is not there. */
MUST_USE bool cli_program(const struct cli *cli, const char *name, char *out,
			  size_t size);

/*
 * Runs argv (NULL-terminated) with our settings of --set and --config and
 * waits. out, err: what it says there is appended; NULL leaves it ours.
 * Returns its exit code, 128 + signal, or EX_UNAVAILABLE after a complaint
 * when it does not start.
 */
int cli_run(struct cli *cli, char *const argv[], struct buf *out,
	    struct buf *err);

#endif
