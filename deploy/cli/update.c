/*
 * update.c - `chatmock update`: what is new, built beside what runs, tried,
 * and taken; what does not work is left.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/text.h"
#include "builds.h"
#include "tree.h"

#define MAX_SAID (4u << 20)
#define TAIL_LINES 15
/* in the tree, by relative names: make wants none with blanks */
#define MADE_IN "build/update"
#define MADE_OUT MADE_IN "/out"

/* The end of what make said. */
static void show_tail(struct cli *cli, const struct buf *said)
{
	const char *at = said->ptr + said->len;
	struct buf safe;
	int lines = 0;

	while (at > said->ptr && lines <= TAIL_LINES)
		if (*--at == '\n')
			lines++;
	buf_init(&safe, MAX_SAID);
	for (struct span rest = span_of(at), line; text_next(&rest, '\n', &line); ) {
		buf_reset(&safe);
		cli_safe(&safe, line);
		cli_warn(cli, "  %s", safe.ptr);
	}
	buf_free(&safe);
}

static int make(struct cli *cli, const struct tree *t)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char jobs[24];
	const char *argv[] = {
		"make", "--no-print-directory", "-C", t->top, jobs, "BUILD=" MADE_IN,
		"SAN=", "DESTDIR=", "PREFIX=" MADE_OUT, "install", NULL,
	};
	struct buf said;
	int status;

	snprintf(jobs, sizeof(jobs), "-j%ld", cores > 0 ? cores : 1);
	buf_init(&said, MAX_SAID);
	cli_progress(cli, "building");
	status = cli_run(cli, (char *const *)(uintptr_t)argv, &said, &said);
	cli_progress_end(cli);
	if (status) {
		show_tail(cli, &said);
		status = cli_fail(cli, EX_SOFTWARE, "the build of %.12s failed",
				  t->new);
	}
	buf_free(&said);
	return status;
}

/* What make installed in the tree, to where builds are. */
static int take_away(struct cli *cli, const struct tree *t, struct build *b)
{
	struct err_note note = ERR_NOTE_INIT;
	struct place from, to;
	const char *argv[] = { "cp", "-a", "--", from.s, to.s, NULL };
	int status;

	snprintf(b->commit, sizeof(b->commit), "%s", t->new);
	snprintf(b->subject, sizeof(b->subject), "%s", t->subject);
	snprintf(b->source, sizeof(b->source), "%.1000s", t->top);
	if (build_new(cli->config.home, b, &note))
		return cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	place_in(&from, t->top, MADE_OUT "/.");
	build_path(&to, cli->config.home, b->id, ".");
	status = cli_run(cli, (char *const *)(uintptr_t)argv, NULL, NULL);
	if (!status && build_write(cli->config.home, b, &note))
		status = cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	return status;
}

static int make_build(struct cli *cli, const struct tree *t, struct build *b)
{
	struct place out;
	const char *argv[] = { "rm", "-rf", "--", out.s, NULL };
	int status;

	place_in(&out, t->top, MADE_OUT);
	status = cli_run(cli, (char *const *)(uintptr_t)argv, NULL, NULL);
	if (!status)
		status = make(cli, t);
	if (!status)
		status = take_away(cli, t, b);
	if (status)
		return status;
	status = build_check(cli, b->id);
	return status ? cli_fail(cli, status, "the self-check of %.12s failed",
				 t->new) : 0;
}

static int take_build(struct cli *cli, const struct build *from,
		      const struct build *to)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf why;
	int status;

	if (build_keep_settings(cli, from->id, &note))
		return cli_fail(cli, EX_CANTCREAT, "%s", note.why);
	buf_init(&why, 8192);
	status = build_switch(cli, from->id, to->id, &why);
	if (status)
		status = cli_fail(cli, status, "%.12s does not work: %s", to->commit,
				  why.ptr);
	buf_free(&why);
	return status;
}

static int advance(struct cli *cli, struct tree *t)
{
	struct build from, to = { 0 };
	struct proc keeper;
	int status = builds_keep_current(cli, &from);

	if (status)
		return status;
	status = tree_forward(cli, t);
	if (status)
		return status;
	status = make_build(cli, t, &to);
	if (!status)
		status = take_build(cli, &from, &to);
	if (status) {
		if (to.id[0])
			build_remove(cli, to.id);
		tree_back(cli, t);
		return cli_fail(cli, status, "went back to what was before");
	}
	cli_out(cli, "updated to %.12s: %s\n", to.commit, to.subject);
	if (!ops_keeper(cli, &keeper))
		cli_note(cli, "it does not run; chatmock start starts it");
	builds_prune(cli);
	return 0;
}

static int update(struct cli *cli)
{
	struct tree t = { .stash = !cli_has(cli, "no-stash") };
	struct build now;
	int status;

	if (!tree_find(&t, cli->bin, builds_current(cli->config.home, &now) ?
		       now.source : NULL))
		return cli_fail(cli, EX_UNAVAILABLE, "these programs (%s) were not "
				"built in a git tree; install the new version the "
				"way this one was, then chatmock restart", cli->bin);
	status = tree_fetch(cli, &t);
	if (status)
		return status;
	if (t.coming == 0) {
		cli_out(cli, "up to date: %.12s\n", t.old);
		return 0;
	}
	cli_note(cli, "%lld new commit%s in %s", (long long)t.coming,
		 t.coming == 1 ? "" : "s", t.top);
	return advance(cli, &t);
}

static int run(struct cli *cli)
{
	return ops_as_it_runs(cli, update);
}

const struct cli_command cli_update = {
	.name = "update", .section = CLI_RUN, .flags = CLI_HTTP,
	.purpose = "fetch, build and take what is new; go back if it is not good",
	.options = (const struct cli_option[]){
		{ .name = "no-stash",
		  .help = "leave local changes where they are; git refuses what "
			  "does not fit" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock update", NULL },
		{ "chatmock rollback", "when it turns out later to be worse" },
		{ .line = NULL } },
	.more = "For programs that were built in a git tree. The branch is brought "
		"forward to its origin's, local changes of tracked files set aside "
		"and put back. The build is made beside what runs, checks itself, "
		"and is taken over by a reload: no request fails, streams go on. "
		"When the build, its self-check, its start or its health fails, "
		"programs and tree go back to what they were.",
	.exits = "69  there is no git tree, or its origin does not answer\n"
		 "70  the new build is not good, and the old one is in use again",
	.run = run,
};
