/*
 * builds.h - the builds that update made and rollback goes back to.
 *
 *	HOME/builds/ID/lib/chatmock	programs, as make install puts them
 *	HOME/builds/ID/share/chatmock	samples that belong to them
 *	HOME/builds/ID/about		what it was made of, JSON
 *	HOME/builds/ID/settings		the settings file as it was when another
 *					build took over; no-settings: there was none
 *
 * An ID begins with the time: a later one is a larger word. No build is ever
 * written over; which one is in use is the link HOME/run/programs.
 */
#ifndef CHATMOCK_CLI_BUILDS_H
#define CHATMOCK_CLI_BUILDS_H

#include "ops.h"

#define BUILDS_MAX 64
#define BUILDS_KEPT 5
#define BUILD_ID 64

struct build {
	char id[BUILD_ID];
	char commit[48], subject[160];
	char source[1024];		/* the git tree; "": not known */
	int64_t made_s;
	bool current;
};

/* HOME/builds/ID/name */
const char *build_path(struct place *p, const char *home, const char *id,
		       const char *name);

/* Newest first; how many. */
size_t builds_list(const char *home, struct build *out, size_t max);

/* The one in use; false: the programs in use are no build. */
bool builds_current(const char *home, struct build *b);

/* Makes the directory of a new build; b->id is filled in. Who calls it has the
 * commands' lock: two at once would want the same id. */
MUST_USE enum err build_new(const char *home, struct build *b,
			    struct err_note *note);
MUST_USE enum err build_write(const char *home, const struct build *b,
			      struct err_note *note);
/* Its files, away. */
void build_remove(struct cli *cli, const char *id);

/* Copies the programs in use and their samples into a build, so that there is
 * something to go back to; where they are one already that is b. 0, or the
 * exit code after the complaint. */
MUST_USE int builds_keep_current(struct cli *cli, struct build *b);

/* Keeps the newest few and the one in use. */
void builds_prune(struct cli *cli);

/* The settings file into the build; and back from it, where one was kept. */
MUST_USE enum err build_keep_settings(const struct cli *cli, const char *id,
				      struct err_note *note);
MUST_USE enum err build_restore_settings(const struct cli *cli, const char *id,
					 struct err_note *note);

/*
 * From one build to another: the link, and where a gateway runs its reload. When that
 * goes wrong the old one is put back. 0, or EX_SOFTWARE with why filled.
 */
MUST_USE int build_switch(struct cli *cli, const char *from, const char *to,
			  struct buf *why);

/* The self-check of a build's programs. 0, or the exit code. */
MUST_USE int build_check(struct cli *cli, const char *id);

#endif
