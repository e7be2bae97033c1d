#include "config_file.h"

const char *cli_env_home(const struct cli *cli)
{
	static const char name[] = "CHATMOCK_HOME=";

	for (size_t i = 0; cli->environ_[i]; i++)
		if (strncmp(cli->environ_[i], name, sizeof(name) - 1) == 0)
			return cli->environ_[i] + sizeof(name) - 1;
	return NULL;
}

int cli_config_path(struct cli *cli, char out[PATH_MAX], bool *there)
{
	const char *file = cli_value(cli, "config"), *set = NULL;
	struct err_note note = ERR_NOTE_INIT;
	char named[PATH_MAX + 32];

	if (file) {
		snprintf(named, sizeof(named), "CHATMOCK_CONFIG=%s", file);
		set = named;
	}
	return config_file_path(cli->environ_, &set, file != NULL, out, there,
				&note) ? cli_fail_note(cli, &note) : 0;
}

/* The file says so now; does anybody listen to it? */
static void tell_stronger(struct cli *cli, const struct config_change *ch)
{
	const struct config *c = &cli->config;
	struct config_row row;
	struct buf value;

	buf_init(&value, 65536);
	for (size_t i = 0; config_row_at(c, i, &value, &row); i++)
		if (config_is(ch->name, row.name) && row.given &&
		    strstr(row.origin, "the environment"))
			cli_warn(cli, "%s stands in the environment, too, and "
				 "that counts before the file", row.name);
	buf_free(&value);
}

static void tell(struct cli *cli, const char *path,
		 const struct config_edited *e)
{
	if (e->fault[0])
		cli_warn(cli, "%s", e->fault);
	if (!e->changed)
		cli_note(cli, "%s says so already.", path);
	else
		cli_note(cli, "%s %s. A running gateway takes it up at its next "
			 "reload.", path, e->created ? "was made" : "was changed");
}

int cli_config_change(struct cli *cli, const struct config_change *changes,
		      size_t count)
{
	struct err_note note = ERR_NOTE_INIT;
	struct config_edited edited;
	char path[PATH_MAX];
	bool there;
	int status;

	status = cli_config_path(cli, path, &there);
	if (status)
		return status;
	if (config_edit_file(path, cli_env_home(cli), changes, count, &edited,
			     &note))
		return cli_fail_note(cli, &note);
	tell(cli, path, &edited);
	if (edited.fault[0])
		return 0;
	status = cli_read_config(cli);
	for (size_t i = 0; !status && i < count; i++)
		tell_stronger(cli, &changes[i]);
	return status;
}
