/*
 * tree.h - the git tree that update builds from: brought forward, and back.
 *
 * Local changes of tracked files are set aside (git stash) and put back; where
 * they do not fit on what came, all is as before and the caller is told.
 */
#ifndef CHATMOCK_CLI_TREE_H
#define CHATMOCK_CLI_TREE_H

#include "cli.h"

struct tree {
	char top[4096];
	char old[48], new[48];		/* commits */
	char subject[160];		/* of the new one */
	int64_t coming;			/* how many commits came */
	bool stash;			/* local changes are set aside */
	bool moved;			/* it is at the new one */
};

/* The tree that the programs in bin were built in, or source (of a build); false: there is none. */
bool tree_find(struct tree *t, const char *bin, const char *source);

/* Asks the origin. 0 (coming may be 0), or the exit code after the complaint. */
MUST_USE int tree_fetch(struct cli *cli, struct tree *t);

MUST_USE int tree_forward(struct cli *cli, struct tree *t);
/* To where it was; complains when it can't. Nothing to do: no-op. */
void tree_back(struct cli *cli, struct tree *t);

#endif
