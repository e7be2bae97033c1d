/*
 * codex_cache.c - `chatmock codex cache`: what is kept of upstream's, prompts
 * and list of models.
 */
#include <errno.h>

#include "../../shared/catalog_file.h"
#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/prompts.h"
#include "cli.h"
#include "words.h"

#define LOCK_WAIT_MS 5000

static int clear(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;

	if (prompts_clear(&cli->config, LOCK_WAIT_MS, &note) ||
	    catalog_clear(&cli->config, LOCK_WAIT_MS, &note))
		return cli_fail_note(cli, &note);
	cli_note(cli, "The cache is empty. The next run of chatmock-fetch fills "
		 "it; until then the built-in prompts and models count.");
	return 0;
}

/* A text of the cache, word for word. */
static struct json_object *raw_prompt(const struct prompts *all,
				      enum prompt_id id,
				      const struct config *c)
{
	struct json_object *v = json_object_new_object();
	struct prompt_about about;
	char at[32];

	prompt_about(c, id, &about);
	clock_rfc3339(at, about.cached_at * 1000000);
	json_set_cstr(v, "from", prompt_origin_word(about.origin));
	json_set(v, "cached_at", about.cached_at ?
		 json_new_str(span_of(at)) : NULL);
	json_set_cstr(v, "content_hash", about.hash);
	json_set_cstr(v, "etag", about.etag);
	json_set_cstr(v, "source", about.source);
	json_set_str(v, "text", (struct span){ all->of[id].text,
					       all->of[id].len });
	return v;
}

/* The file's own document; NULL: there is none. */
static struct json_object *raw_models(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = NULL;
	char path[4200];
	struct buf text;

	buf_init(&text, MAX_CACHE_FILE);
	if (catalog_path(&cli->config, "", path, sizeof(path)) &&
	    !file_read(path, &text, NULL, &note)) {
		v = json_parse(buf_span(&text), &note);
		if (!v)
			cli_warn(cli, "%s: %s", path, note.tell);
	}
	buf_free(&text);
	return v;
}

static int raw(struct cli *cli)
{
	struct json_object *v = json_object_new_object();
	struct json_object *texts = json_object_new_object();
	struct prompts *all = prompts_read(&cli->config);

	for (int id = 0; all && id < PROMPT__COUNT; id++)
		json_set(texts, prompt_name((enum prompt_id)id),
			 raw_prompt(all, (enum prompt_id)id, &cli->config));
	prompts_unref(all);
	if (!json_set(v, "prompts", texts) ||
	    !json_set(v, "models", raw_models(cli)) || !all) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

static void show_prompts(struct cli *cli)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct prompt_about p;
	char age[32], size[32];

	for (int id = 0; id < PROMPT__COUNT; id++) {
		prompt_about(&cli->config, (enum prompt_id)id, &p);
		cli_out(cli, "%-28s %s, %s", prompt_name((enum prompt_id)id),
			prompt_origin_word(p.origin), cli_size_words(p.size, size));
		if (p.cached_at > 1)
			cli_out(cli, ", %s old",
				cli_span_words(now_s - p.cached_at, age));
		cli_out(cli, "\n");
	}
}

static void show_models(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	int64_t now_s = clock_wall_us() / 1000000;
	const struct catalog_origin *o;
	struct file_stamp stamp;
	struct catalog *cat;
	char age[32];

	cat = catalog_load(&cli->config, &stamp, &note);
	cli_out(cli, "%-28s ", "models.json");
	if (!cat) {
		cli_out(cli, "%s\n", errno == ENOENT ? "none: the built-in table "
			"counts" : note.why[0] ? note.why : note.tell);
		return;
	}
	o = catalog_origin(cat);
	cli_out(cli, "%zu models of %s, %s old\n", catalog_count(cat), o->upstream,
		cli_span_words(now_s - o->fetched_at, age));
	catalog_free(cat);
}

static int run(struct cli *cli)
{
	if (cli_has(cli, "clear"))
		return clear(cli);
	if (cli_has(cli, "raw"))
		return raw(cli);
	show_prompts(cli);
	show_models(cli);
	return 0;
}

const struct cli_command cli_codex_cache = {
	.name = "codex cache", .section = CLI_FIND_OUT, .flags = CLI_CONFIG,
	.purpose = "the cached prompts and list of models",
	.options = (const struct cli_option[]){
		{ .name = "raw", .letter = 'r',
		  .help = "all of it, word for word, as JSON" },
		{ .name = "clear", .help = "take the files away" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock codex cache", NULL },
		{ "chatmock codex cache --raw | jq -r "
		  "'.prompts.base_instructions.text'", NULL },
		{ "chatmock codex cache --clear", NULL },
		{ .line = NULL } },
	.run = run,
};
