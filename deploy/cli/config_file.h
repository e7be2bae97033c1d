/*
 * config_file.h - what the commands that change the settings file share.
 */
#ifndef CHATMOCK_CLI_CONFIG_FILE_H
#define CHATMOCK_CLI_CONFIG_FILE_H

#include "../../shared/config_edit.h"
#include "cli.h"

/* The settings file that counts (--config and the environment asked), or
 * where it belongs. 0 or the exit code after the complaint. */
MUST_USE int cli_config_path(struct cli *cli, char out[PATH_MAX], bool *there);

/*
 * Makes the changes, says what became of it, and where another source is
 * stronger than the file. Returns the exit code.
 */
int cli_config_change(struct cli *cli, const struct config_change *changes,
		      size_t count);

/* CHATMOCK_HOME of the environment, or NULL. */
const char *cli_env_home(const struct cli *cli);

#endif
