/*
 * rollback.c - `chatmock rollback`: the build before, and its settings.
 */
#include <stdlib.h>
#include <time.h>

#include "builds.h"

static int show_json(struct cli *cli, const struct build *all, size_t count)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *v = json_object_new_object();

		if (!json_set_cstr(v, "id", all[i].id) ||
		    !json_set_cstr(v, "commit", all[i].commit) ||
		    !json_set_cstr(v, "subject", all[i].subject) ||
		    !json_set_int(v, "made", all[i].made_s) ||
		    !json_set_bool(v, "current", all[i].current) ||
		    !json_push(list, v))
			break;
	}
	return cli_json(cli, list);
}

static int show_list(struct cli *cli, const struct build *all, size_t count)
{
	struct buf safe;

	if (cli_has(cli, "json"))
		return show_json(cli, all, count);
	if (!count)
		cli_note(cli, "no builds are kept; update makes them");
	buf_init(&safe, 4096);
	for (size_t i = 0; i < count; i++) {
		time_t made = (time_t)all[i].made_s;
		char at[32] = "";
		struct tm tm;

		if (localtime_r(&made, &tm))
			strftime(at, sizeof(at), "%Y-%m-%d %H:%M", &tm);
		buf_reset(&safe);
		cli_safe(&safe, span_of(all[i].subject));
		cli_out(cli, "%s%s %s%s  %s  %.12s  %s\n",
			cli_ink(cli, all[i].current ? INK_GOOD : INK_PLAIN),
			all[i].current ? "*" : " ", all[i].id,
			cli_ink(cli, INK_PLAIN), at, all[i].commit, safe.ptr);
	}
	buf_free(&safe);
	return 0;
}

/* The one named, else the newest before the one in use. */
static const struct build *choose(struct cli *cli, const struct build *all,
				  size_t count, const struct build *now)
{
	for (size_t i = 0; i < count; i++) {
		if (cli->arg_count ? strcmp(all[i].id, cli->args[0]) == 0 :
				     strcmp(all[i].id, now->id) < 0)
			return &all[i];
	}
	return NULL;
}

static int go(struct cli *cli, const struct build *from, const struct build *to)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf why;
	int status;

	if (build_keep_settings(cli, from->id, &note) ||
	    build_restore_settings(cli, to->id, &note))
		return cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	buf_init(&why, 8192);
	status = ops_settings(cli);
	if (!status)
		status = build_check(cli, to->id);
	if (!status)
		status = build_switch(cli, from->id, to->id, &why);
	if (status && build_restore_settings(cli, from->id, &note))
		cli_warn(cli, "the settings file could not be put back: %s",
			 note.why);
	if (status)
		status = cli_fail(cli, status, "%s does not work%s%s; %s is in use "
				  "still", to->id, why.len ? ": " : "", why.ptr,
				  from->id);
	buf_free(&why);
	return status;
}

static int rollback(struct cli *cli)
{
	struct build *all = calloc(BUILDS_MAX, sizeof(*all)), now;
	const struct build *to;
	size_t count;
	int status;

	if (!all)
		return cli_fail(cli, EX_OSERR, "out of memory");
	/* what was made by hand is kept, too, to come back to */
	status = cli_has(cli, "list") ? 0 : builds_keep_current(cli, &now);
	if (status)
		goto out;
	count = builds_list(cli->config.home, all, BUILDS_MAX);
	if (cli_has(cli, "list")) {
		status = show_list(cli, all, count);
		goto out;
	}
	to = choose(cli, all, count, &now);
	if (!to)
		status = cli_fail(cli, EX_UNAVAILABLE, cli->arg_count ?
				  "there is no build %s; see chatmock rollback "
				  "--list" : "there is no build before this one%s",
				  cli->arg_count ? cli->args[0] : "");
	else if (strcmp(to->id, now.id) == 0)
		cli_note(cli, "it is in use already");
	else
		status = go(cli, &now, to);
	if (to && !status)
		cli_out(cli, "in use: %s %.12s %s\n", to->id, to->commit,
			to->subject);
out:
	free(all);
	return status;
}

static int run(struct cli *cli)
{
	return ops_as_it_runs(cli, rollback);
}

const struct cli_command cli_rollback = {
	.name = "rollback", .section = CLI_RUN, .flags = CLI_HTTP,
	.purpose = "go back to the build before, with the settings file of then",
	.operands = "[BUILD]", .most = 1,
	.options = (const struct cli_option[]){
		{ .name = "list", .letter = 'l', .help = "the builds that are kept" },
		{ .name = "json", .help = "with --list, as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock rollback", NULL },
		{ "chatmock rollback --list", NULL },
		{ .line = NULL } },
	.more = "It takes seconds and no request fails: the build is there. The "
		"settings file of now is kept with the build of now, so that going "
		"forward again (name the build) brings it back, too. The git tree "
		"is left as it is.",
	.exits = "69  there is no such build\n70  it does not work; nothing was "
		 "changed",
	.run = run,
};
