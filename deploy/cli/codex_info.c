/*
 * codex_info.c - `chatmock codex info`: whom we call, how, and which models
 * there are.
 */
#include "../../shared/catalog_file.h"
#include "../../shared/login.h"
#include "cli.h"

static const char *kind_word(const struct config *c)
{
	return c->kind == KIND_CHATGPT ? "chatgpt" : "responses";
}

/* In a few words; no token is in any of them. */
static void login_words(const struct config *c, struct buf *out)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };

	if (c->kind == KIND_RESPONSES) {
		buf_str(out, c->upstream_key || c->upstream_key_file ?
			"a key" : "none is sent");
		return;
	}
	if (!login_read(c, &login, &note))
		buf_fmt(out, "%s", login.path);
	else if (note.code == ERR_LOGIN_MISSING)
		buf_str(out, "there is none; chatmock login");
	else
		buf_str(out, err_words(&note));
	login_free(&login);
}

static void settings_each(const struct config *c,
			  void (*fn)(void *ctx, const struct config_row *row,
				     const struct buf *value), void *ctx)
{
	struct config_row row;
	struct buf value;

	buf_init(&value, 65536);
	for (size_t i = 0; config_row_at(c, i, &value, &row); i++)
		if (strncmp(row.name, "CODEX__", 7) == 0)
			fn(ctx, &row, &value);
	buf_free(&value);
}

static void add_setting(void *ctx, const struct config_row *row,
			const struct buf *value)
{
	if (row->set && row->kind == CONFIG_KIND_BOOL)
		json_set_bool(ctx, row->name, value->ptr[0] == '1');
	else if (row->set && row->kind == CONFIG_KIND_NUMBER)
		json_set(ctx, row->name, json_parse(buf_span(value), NULL));
	else
		json_set(ctx, row->name, row->set ?
			 json_new_str(buf_span(value)) : NULL);
}

static void show_setting(void *ctx, const struct config_row *row,
			 const struct buf *value)
{
	struct cli *cli = ctx;

	cli_out(cli, "  %s%-38s%s %s\n", cli_ink(cli, INK_NAME), row->name,
		cli_ink(cli, INK_PLAIN), value->ptr);
}

static int show_json(struct cli *cli, const struct buf *login,
		     const struct catalog *cat)
{
	const struct config *c = &cli->config;
	struct json_object *v = json_object_new_object();
	struct json_object *settings = json_object_new_object();
	struct json_object *models = json_object_new_array();
	bool ok;

	settings_each(c, add_setting, settings);
	for (size_t i = 0; i < catalog_count(cat); i++)
		if (catalog_at(cat, i)->visible)
			json_push(models, json_new_str(span_of(
				catalog_at(cat, i)->slug)));
	ok = json_set_cstr(v, "upstream", c->upstream_base) &&
		json_set_cstr(v, "kind", kind_word(c)) &&
		json_set_str(v, "login", buf_span(login)) &&
		json_set_cstr(v, "models_from", catalog_origin(cat)->fetched_at ?
			      "upstream" : "built in") &&
		json_set(v, "settings", settings) && json_set(v, "models", models);
	if (!ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static void show(struct cli *cli, const struct buf *login,
		 const struct catalog *cat)
{
	const struct config *c = &cli->config;
	struct buf names, lines;

	buf_init(&names, 65536);
	buf_init(&lines, 65536);
	for (size_t i = 0; i < catalog_count(cat); i++)
		if (catalog_at(cat, i)->visible)
			buf_fmt(&names, "%s%s", names.len ? ", " : "",
				catalog_at(cat, i)->slug);
	cli_wrap(&lines, names.ptr, 10, cli->width ? cli->width : 4096);
	buf_drop(&lines, lines.len > 10 ? 10 : 0);
	cli_out(cli, "upstream  %s (%s)\nlogin     %s\n", c->upstream_base,
		kind_word(c), login->ptr);
	cli_out(cli, "models    %s", lines.ptr);
	cli_out(cli, "          (%s)\nsettings\n", catalog_origin(cat)->fetched_at ?
		"upstream's list" : "the built-in table");
	settings_each(c, show_setting, cli);
	if (!c->codex_enabled)
		cli_note(cli, "%sIt is switched off: every request is answered "
			 "with 503.%s", cli_ink(cli, INK_WARN),
			 cli_ink(cli, INK_PLAIN));
	buf_free(&names);
	buf_free(&lines);
}

static int run(struct cli *cli)
{
	struct catalog *cat = catalog_here(&cli->config);
	struct buf login;
	int status = 0;

	if (!cat)
		return cli_fail(cli, EX_OSERR, "out of memory");
	buf_init(&login, 8192);
	login_words(&cli->config, &login);
	if (cli_has(cli, "json"))
		status = show_json(cli, &login, cat);
	else
		show(cli, &login, cat);
	buf_free(&login);
	catalog_free(cat);
	return status;
}

const struct cli_command cli_codex_info = {
	.name = "codex info", .section = CLI_FIND_OUT, .flags = CLI_CONFIG,
	.purpose = "upstream, its models, and the settings for it",
	.options = (const struct cli_option[]){
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock codex info", NULL },
		{ "chatmock codex info --json | jq .settings", NULL },
		{ .line = NULL } },
	.run = run,
};
