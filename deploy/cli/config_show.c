/*
 * config_show.c - `chatmock config show`: the settings in effect.
 */
#include "cli.h"

static struct json_object *one(const struct config_row *row,
			       const struct buf *value)
{
	struct json_object *v = json_object_new_object();
	bool ok = json_set_cstr(v, "name", row->name);

	if (row->set && row->kind == CONFIG_KIND_BOOL)
		ok = ok && json_set_bool(v, "value", value->ptr[0] == '1');
	else if (row->set && row->kind == CONFIG_KIND_NUMBER)
		ok = ok && json_set(v, "value", json_parse(buf_span(value), NULL));
	else if (row->set)
		ok = ok && json_set_str(v, "value", buf_span(value));
	else
		ok = ok && json_set(v, "value", NULL);
	ok = ok && json_set_cstr(v, "origin", row->origin);
	if (ok)
		return v;
	json_object_put(v);
	return NULL;
}

static struct json_object *settings(const struct config *c, struct buf *value)
{
	struct json_object *list = json_object_new_array();
	struct config_row row;

	for (size_t i = 0; config_row_at(c, i, value, &row); i++)
		if (!json_push(list, one(&row, value)))
			break;
	return list;
}

static struct json_object *models(const struct config *c)
{
	struct json_object *v = json_object_new_object();

	for (size_t i = 0; i < c->alias_count; i++)
		json_set_cstr(v, c->aliases[i].pattern, c->aliases[i].model);
	return v;
}

static int show_json(struct cli *cli, struct buf *value)
{
	const struct config *c = &cli->config;
	struct json_object *v = json_object_new_object();
	struct json_object *warnings = json_object_new_array();
	bool ok;

	for (size_t i = 0; i < c->warning_count; i++)
		json_push(warnings, json_new_str(span_of(c->warnings[i])));
	ok = json_set(v, "file", c->file ? json_new_str(span_of(c->file)) : NULL) &&
		json_set(v, "settings", settings(c, value)) &&
		json_set(v, "models", models(c)) &&
		json_set(v, "warnings", warnings);
	if (!ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static void show_row(struct cli *cli, const struct config_row *row,
		     const struct buf *value, bool origin, size_t column)
{
	const char *ink = cli_ink(cli, row->given ? INK_BOLD : INK_PLAIN);
	size_t wide = cli_columns(buf_span(value));
	struct buf safe;

	buf_init(&safe, 65536);
	cli_safe(&safe, row->set ? buf_span(value) : SPAN("-"));
	cli_out(cli, "%s%-40s%s %s", cli_ink(cli, INK_NAME), row->name,
		cli_ink(cli, INK_PLAIN), ink);
	cli_out(cli, "%s%s", safe.ptr, cli_ink(cli, INK_PLAIN));
	if (origin)
		cli_out(cli, "%*s  %s%s%s", wide < column ? (int)(column - wide) : 0,
			"", cli_ink(cli, INK_DIM), row->origin,
			cli_ink(cli, INK_PLAIN));
	cli_out(cli, "\n");
	buf_free(&safe);
}

static int run(struct cli *cli)
{
	const struct config *c = &cli->config;
	struct config_row row;
	struct buf value;
	int status = 0;

	buf_init(&value, 65536);
	if (cli_has(cli, "json")) {
		status = show_json(cli, &value);
		goto out;
	}
	cli_note(cli, "# settings file: %s", c->file ? c->file : "none");
	for (size_t i = 0; config_row_at(c, i, &value, &row); i++)
		show_row(cli, &row, &value, cli_has(cli, "origin"), 28);
	for (size_t i = 0; i < c->alias_count; i++)
		cli_out(cli, "model %s = %s\n", c->aliases[i].pattern,
			c->aliases[i].model);
	for (size_t i = 0; i < c->warning_count; i++)
		cli_warn(cli, "%s", c->warnings[i]);
out:
	buf_free(&value);
	return status;
}

const struct cli_command cli_config_show = {
	.name = "config show", .aliases = "config list",
	.section = CLI_CONFIGURE, .flags = CLI_CONFIG,
	.purpose = "all settings in effect, secrets masked",
	.options = (const struct cli_option[]){
		{ .name = "origin", .letter = 'o',
		  .help = "also where each value came from" },
		{ .name = "json", .help = "as JSON, origins with it" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock config show --origin",
		  "which of command line, environment, file and default won" },
		{ "chatmock config show --json | jq '.settings[]'", NULL },
		{ .line = NULL } },
	.run = run,
};
