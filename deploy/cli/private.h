/*
 * private.h - what the frame's own files share; commands include cli.h.
 */
#ifndef CHATMOCK_CLI_PRIVATE_H
#define CHATMOCK_CLI_PRIVATE_H

#include "cli.h"

/* --help and --version come before all faults of the rest of the line. */
enum cli_act { CLI_ACT_RUN, CLI_ACT_HELP, CLI_ACT_VERSION };

/*
 * Reads what stands behind the command's name into cli (its own lists are
 * allocated; cli_options_free()). ERR_CONFIG with the sentence in tell.
 */
MUST_USE enum err cli_options_read(struct cli *cli, const char *const *words,
				   size_t count, enum cli_act *act,
				   struct err_note *note);
void cli_options_free(struct cli *cli);

/* Which of the options is meant; common ones too. NULL: none. */
const struct cli_option *cli_option_find(const struct cli_command *c,
					 struct span name);

/* Terminal, colour, width. Called twice: --color is known later. */
void cli_look(struct cli *cli);

void cli_help_all(struct cli *cli, struct buf *out);
void cli_help_family(struct cli *cli, const char *family, struct buf *out);
void cli_help_command(struct cli *cli, const struct cli_command *c,
		      struct buf *out);

#endif
