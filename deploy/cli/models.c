/*
 * models.c - `chatmock models`: which there are, and what each can do.
 */
#include "../../shared/catalog_file.h"
#include "../../shared/clock.h"
#include "fetch_job.h"
#include "words.h"

static struct json_object *efforts(const struct model *m)
{
	struct json_object *list = json_object_new_array();

	for (int e = 0; e < EFFORT__COUNT; e++)
		if (m->efforts & (1u << e))
			json_push(list, json_new_str(span_of(
				effort_name((enum effort)e))));
	return list;
}

static struct json_object *number(int64_t n)
{
	return n ? json_object_new_int64(n) : NULL;
}

static struct json_object *one(const struct model *m)
{
	struct json_object *v = json_object_new_object();
	bool ok = json_set_cstr(v, "id", m->slug) &&
		json_set_cstr(v, "name", m->name) &&
		json_set_bool(v, "listed", m->visible) &&
		json_set(v, "context_window", number(m->context_window)) &&
		json_set(v, "max_output_tokens", number(m->max_output_tokens)) &&
		json_set(v, "efforts", efforts(m)) &&
		json_set(v, "default_effort", m->default_effort < 0 ? NULL :
			 json_new_str(span_of(effort_name(m->default_effort)))) &&
		json_set_bool(v, "vision", m->vision) &&
		json_set_bool(v, "tools", m->tools) &&
		json_set_bool(v, "priority_tier", m->has_priority_tier);

	if (ok)
		return v;
	json_object_put(v);
	return NULL;
}

static int show_json(struct cli *cli, const struct catalog *cat, bool all)
{
	struct json_object *v = json_object_new_object();
	struct json_object *list = json_object_new_array();
	const struct catalog_origin *o = catalog_origin(cat);
	char at[32];
	bool ok;

	clock_rfc3339(at, o->fetched_at * 1000000);
	ok = json_set_cstr(v, "from", o->fetched_at ? "upstream" : "built in") &&
		json_set(v, "fetched_at", o->fetched_at ?
			 json_new_str(span_of(at)) : NULL);
	for (size_t i = 0; ok && i < catalog_count(cat); i++)
		if (all || catalog_at(cat, i)->visible)
			ok = json_push(list, one(catalog_at(cat, i)));
	if (!json_set(v, "models", list) || !ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static void show(struct cli *cli, const struct model *m)
{
	char window[24] = "";
	struct buf words;

	buf_init(&words, 4096);
	for (int e = 0; e < EFFORT__COUNT; e++)
		if (m->efforts & (1u << e))
			buf_fmt(&words, "%s%s%s", words.len ? " " : "",
				effort_name((enum effort)e),
				m->default_effort == (enum effort)e ? "*" : "");
	if (m->context_window)
		snprintf(window, sizeof(window), "%lldk",
			 (long long)(m->context_window + 500) / 1000);
	cli_out(cli, "%s%-24s%s %6s  %s%s%s\n", cli_ink(cli, INK_NAME), m->slug,
		cli_ink(cli, INK_PLAIN), window, words.ptr,
		m->vision ? "" : "  (text only)", m->visible ? "" : "  (not listed)");
	buf_free(&words);
}

static void show_all(struct cli *cli, const struct catalog *cat, bool all)
{
	const struct catalog_origin *o = catalog_origin(cat);
	const struct config *c = &cli->config;
	char age[32];

	for (size_t i = 0; i < catalog_count(cat); i++)
		if (all || catalog_at(cat, i)->visible)
			show(cli, catalog_at(cat, i));
	for (size_t i = 0; i < c->alias_count; i++)
		cli_out(cli, "%s%-24s%s = %s\n", cli_ink(cli, INK_NAME),
			c->aliases[i].pattern, cli_ink(cli, INK_PLAIN),
			c->aliases[i].model);
	if (o->fetched_at)
		cli_note(cli, "%sUpstream's list, %s old; * is a model's own "
			 "effort.%s", cli_ink(cli, INK_DIM),
			 cli_span_words(clock_wall_us() / 1000000 - o->fetched_at,
					age), cli_ink(cli, INK_PLAIN));
	else
		cli_note(cli, "%sThe built-in table; * is a model's own effort.%s",
			 cli_ink(cli, INK_DIM), cli_ink(cli, INK_PLAIN));
}

static int refresh(struct cli *cli)
{
	struct buf did;
	int status;

	buf_init(&did, 8192);
	status = cli_fetch(cli, "models", true, "asking upstream for its models",
			   &did);
	if (!status && !cli_has(cli, "json"))
		cli_note(cli, "%s", did.ptr);
	buf_free(&did);
	return status;
}

static int run(struct cli *cli)
{
	struct catalog *cat;
	int status = 0;

	if (cli_has(cli, "refresh"))
		status = refresh(cli);
	if (status)
		return status;
	cat = catalog_here(&cli->config);
	if (!cat)
		return cli_fail(cli, EX_OSERR, "out of memory");
	if (cli_has(cli, "json"))
		status = show_json(cli, cat, cli_has(cli, "all"));
	else
		show_all(cli, cat, cli_has(cli, "all"));
	catalog_free(cat);
	return status;
}

const struct cli_command cli_models = {
	.name = "models", .section = CLI_FIND_OUT, .flags = CLI_CONFIG,
	.purpose = "the models there are, their windows and efforts",
	.options = (const struct cli_option[]){
		{ .name = "refresh", .letter = 'r',
		  .help = "ask upstream for its list first" },
		{ .name = "all", .letter = 'a',
		  .help = "also those that clients are not shown" },
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock models", NULL },
		{ "chatmock models --refresh", NULL },
		{ "chatmock models --json | jq -r '.models[].id'", NULL },
		{ .line = NULL } },
	.more = "The list is upstream's, as it was last fetched for this account, "
		"or the built-in one. A name that is in none is passed upstream "
		"all the same.",
	.exits = "69  there is no login, or fetching is switched off\n"
		"75  upstream could not be asked; the list that was there stays",
	.run = run,
};
