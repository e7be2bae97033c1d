#include "tree.h"

#include <stdlib.h>
#include <unistd.h>

#include "../../shared/text.h"

#define MAX_SAID (1u << 20)
#define MOST_WORDS 12

/* git -C TOP words...; what it says on stdout into out, complaints into err
 * (both may be one, or NULL: ours). words ends with NULL. */
static int git(struct cli *cli, const struct tree *t, struct buf *out,
	       struct buf *err, const char *const *words)
{
	const char *argv[MOST_WORDS + 4] = { "git", "-C", t->top };
	size_t n = 3;

	while (*words && n < ARRAY_LEN(argv) - 1)
		argv[n++] = *words++;
	return cli_run(cli, (char *const *)(uintptr_t)argv, out, err);
}
#define GIT(cli, t, out, err, ...) \
	git(cli, t, out, err, (const char *const[]){ __VA_ARGS__, NULL })

static int complain(struct cli *cli, const char *what, const struct buf *said)
{
	struct buf safe;
	int code;

	buf_init(&safe, MAX_SAID);
	cli_safe(&safe, text_trim(buf_span(said)));
	code = cli_fail(cli, EX_UNAVAILABLE, "%s%s%s", what,
			safe.len ? ": " : "", safe.ptr);
	buf_free(&safe);
	return code;
}

static bool is_tree(const char *top)
{
	char path[4096 + 16];
	bool git_there;

	snprintf(path, sizeof(path), "%s/.git", top);
	git_there = access(path, F_OK) == 0;
	snprintf(path, sizeof(path), "%s/Makefile", top);
	return git_there && access(path, F_OK) == 0;
}

bool tree_find(struct tree *t, const char *bin, const char *source)
{
	char up[4096 + 8], *real;

	if (source && *source && is_tree(source)) {
		snprintf(t->top, sizeof(t->top), "%s", source);
		return true;
	}
	snprintf(up, sizeof(up), "%s/../..", bin);
	real = realpath(up, NULL);
	snprintf(t->top, sizeof(t->top), "%s", real ? real : "");
	free(real);
	return t->top[0] && is_tree(t->top);
}

/* One line of git's into out of size bytes; false: git failed. */
static bool ask(struct cli *cli, const struct tree *t, char *out, size_t size,
		const char *const *words)
{
	struct buf said, err;
	struct span line;
	int status;

	buf_init(&said, MAX_SAID);
	buf_init(&err, MAX_SAID);
	status = git(cli, t, &said, &err, words);
	line = text_trim(buf_span(&said));
	snprintf(out, size, "%.*s", (int)line.len, line.ptr);
	buf_free(&said);
	buf_free(&err);
	return status == 0;
}
#define ASK(cli, t, out, ...) \
	ask(cli, t, out, sizeof(out), (const char *const[]){ __VA_ARGS__, NULL })

int tree_fetch(struct cli *cli, struct tree *t)
{
	char count[24] = "";
	struct buf said;
	int status;

	if (!ASK(cli, t, t->old, "rev-parse", "HEAD"))
		return cli_fail(cli, EX_UNAVAILABLE, "git does not work in %s; "
				"apt-get install git, and see git status there",
				t->top);
	buf_init(&said, MAX_SAID);
	cli_progress(cli, "fetching");
	status = GIT(cli, t, &said, &said, "fetch", "--quiet");
	cli_progress_end(cli);
	if (status)
		status = complain(cli, "git fetch failed", &said);
	buf_free(&said);
	if (status)
		return status;
	if (!ASK(cli, t, t->new, "rev-parse", "--verify", "@{upstream}"))
		return cli_fail(cli, EX_UNAVAILABLE, "the branch checked out in %s "
				"follows none of its origin; git branch "
				"--set-upstream-to=origin/main", t->top);
	if (!ASK(cli, t, count, "rev-list", "--count", "HEAD..@{upstream}") ||
	    !text_int(span_of(count), &t->coming) ||
	    !ASK(cli, t, t->subject, "log", "-1", "--format=%s", "@{upstream}"))
		return cli_fail(cli, EX_UNAVAILABLE, "git does not tell what is new "
				"in %s", t->top);
	return 0;
}

/* Tracked files that differ from the commit. */
static bool is_changed(struct cli *cli, const struct tree *t)
{
	char said[64];

	return ASK(cli, t, said, "status", "--porcelain",
		   "--untracked-files=no") && said[0];
}

static bool quietly(struct cli *cli, const struct tree *t, struct buf *said,
		    const char *const *words)
{
	buf_reset(said);
	return git(cli, t, said, said, words) == 0;
}
#define QUIETLY(cli, t, said, ...) \
	quietly(cli, t, said, (const char *const[]){ __VA_ARGS__, NULL })

static bool set_aside(struct cli *cli, struct tree *t, struct buf *said,
		      bool *aside)
{
	*aside = t->stash && is_changed(cli, t);
	return !*aside || QUIETLY(cli, t, said, "stash", "push", "--quiet", "-m",
				  "chatmock update");
}

/* Both ways the changes have to fit: where they do not, they stay in the
 * stash, which is said. */
static bool put_back(struct cli *cli, const struct tree *t, struct buf *said)
{
	return QUIETLY(cli, t, said, "stash", "pop", "--quiet", "--index") ||
	       (QUIETLY(cli, t, said, "reset", "--hard", "--quiet") &&
		QUIETLY(cli, t, said, "stash", "pop", "--quiet"));
}

static int undo(struct cli *cli, const struct tree *t, struct buf *said)
{
	if (QUIETLY(cli, t, said, "reset", "--hard", "--quiet", t->old) &&
	    put_back(cli, t, said))
		return cli_fail(cli, EX_UNAVAILABLE, "local changes do not fit on "
				"what came: nothing was changed; commit them and "
				"merge, or undo them");
	return complain(cli, "local changes are in git stash, and could not be put "
			"back", said);
}

int tree_forward(struct cli *cli, struct tree *t)
{
	struct buf said;
	bool aside = false;
	int status = 0;

	buf_init(&said, MAX_SAID);
	if (!set_aside(cli, t, &said, &aside)) {
		status = complain(cli, "git stash failed", &said);
		goto out;
	}
	if (!QUIETLY(cli, t, &said, "merge", "--ff-only", "--quiet",
		     "@{upstream}")) {
		status = complain(cli, "the branch can not be brought forward",
				  &said);
		if (aside && !put_back(cli, t, &said))
			complain(cli, "local changes are in git stash", &said);
		goto out;
	}
	t->moved = true;
	if (aside && !put_back(cli, t, &said)) {
		status = undo(cli, t, &said);
		t->moved = false;
	}
out:
	buf_free(&said);
	return status;
}

void tree_back(struct cli *cli, struct tree *t)
{
	bool aside = false, ok;
	struct buf said;

	if (!t->moved)
		return;
	buf_init(&said, MAX_SAID);
	ok = set_aside(cli, t, &said, &aside) &&
	     QUIETLY(cli, t, &said, "reset", "--keep", "--quiet", t->old);
	if (ok && aside)
		ok = put_back(cli, t, &said);
	if (!ok)
		complain(cli, "the tree could not be put back to what it was",
			 &said);
	t->moved = !ok;
	buf_free(&said);
}
