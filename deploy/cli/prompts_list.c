/*
 * prompts_list.c - `chatmock prompts list`: what is cached, from where, how old.
 */
#include "../../shared/clock.h"
#include "../../shared/prompts.h"
#include "cli.h"
#include "words.h"

static bool add_time(struct json_object *v, const char *key, int64_t at_s)
{
	char text[32];

	if (!at_s)
		return json_set(v, key, NULL);
	clock_rfc3339(text, at_s * 1000000);
	return json_set_cstr(v, key, text);
}

static struct json_object *one_json(const struct config *c, enum prompt_id id)
{
	struct json_object *v = json_object_new_object();
	struct prompt_about p;
	bool ok;

	prompt_about(c, id, &p);
	ok = json_set_cstr(v, "name", prompt_name(id)) &&
		json_set_cstr(v, "from", prompt_origin_word(p.origin)) &&
		json_set_bool(v, "broken", p.broken) &&
		json_set_int(v, "size", (int64_t)p.size) &&
		json_set_cstr(v, "content_hash", p.hash) &&
		add_time(v, "cached_at", p.cached_at) &&
		json_set_int(v, "fresh_seconds", p.fresh_s) &&
		json_set(v, "etag", p.etag[0] ? json_new_str(span_of(p.etag)) :
			 NULL) &&
		json_set(v, "source", p.source[0] ?
			 json_new_str(span_of(p.source)) : NULL);
	if (ok)
		return v;
	json_object_put(v);
	return NULL;
}

static int list_json(struct cli *cli)
{
	struct json_object *v = json_object_new_object();
	struct json_object *list = json_object_new_array();
	bool ok = json_set_bool(v, "in_use", prompts_in_use(&cli->config));

	for (int id = 0; id < PROMPT__COUNT; id++)
		ok = ok && json_push(list, one_json(&cli->config,
						    (enum prompt_id)id));
	if (!json_set(v, "prompts", list) || !ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static void show(struct cli *cli, enum prompt_id id)
{
	char age[32], left[32], size[32], at[32];
	int64_t now_s = clock_wall_us() / 1000000;
	enum cli_ink ink = INK_GOOD;
	struct prompt_about p;

	prompt_about(&cli->config, id, &p);
	if (p.broken)
		ink = INK_BAD;
	else if (p.origin != PROMPT_CACHED)
		ink = INK_WARN;
	cli_out(cli, "%s%-24s%s %s%s%s, %s", cli_ink(cli, INK_NAME),
		prompt_name(id), cli_ink(cli, INK_PLAIN), cli_ink(cli, ink),
		prompt_origin_word(p.origin), cli_ink(cli, INK_PLAIN),
		cli_size_words(p.size, size));
	if (p.cached_at > 1)
		cli_out(cli, ", %s old (%s)",
			cli_span_words(now_s - p.cached_at, age),
			cli_time_words(p.cached_at, at));
	if (p.fresh_s > 0)
		cli_out(cli, ", fresh for %s", cli_span_words(p.fresh_s, left));
	if (p.broken)
		cli_out(cli, ", and the cache's file is broken");
	cli_out(cli, "\n");
	if (p.source[0])
		cli_out(cli, "%25s%s%s%s\n", "", cli_ink(cli, INK_DIM), p.source,
			cli_ink(cli, INK_PLAIN));
}

static int run(struct cli *cli)
{
	if (cli_has(cli, "json"))
		return list_json(cli);
	for (int id = 0; id < PROMPT__COUNT; id++)
		show(cli, (enum prompt_id)id);
	if (!prompts_in_use(&cli->config))
		cli_note(cli, "No setting puts them into requests "
			 "(CODEX__SYSTEM_PROMPT_INJECTION_MODE).");
	return 0;
}

const struct cli_command cli_prompts_list = {
	.name = "prompts list", .section = CLI_CONFIGURE, .flags = CLI_CONFIG,
	.purpose = "the system prompts: from where, how old",
	.options = (const struct cli_option[]){
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock prompts list", NULL },
		{ "chatmock prompts list --json | jq -r '.prompts[].content_hash'",
		  NULL },
		{ .line = NULL } },
	.more = "A prompt comes from the cache while it is fresh "
		"(CHATMOCK_PROMPT_TTL), from the expired cache where none could be "
		"fetched, from a file of its name in CHATMOCK_HOME, or from what "
		"is built in.",
	.run = run,
};
