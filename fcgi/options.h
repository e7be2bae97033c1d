/*
 * options.h - the command line of chatmock.fcgi: a table.
 */
#ifndef CHATMOCK_OPTIONS_H
#define CHATMOCK_OPTIONS_H

#include "../shared/buf.h"

enum act {
	ACT_SERVE, ACT_HELP, ACT_VERSION, ACT_CHECK, ACT_CHECK_START,
	ACT_PASSES,		/* no act: beside a check */
	ACT_SETTINGS, ACT_GET, ACT_REPORT,
	ACT_LOGIN_FILE, ACT_SETTINGS_MARKDOWN, ACT_ROUTES_MARKDOWN,
	ACT_ERRORS_MARKDOWN,
};

struct options {
	enum act act;
	bool passes;			/* --check tells what is in order, too */
	const char *name;		/* of --get */
	const char **sets;		/* of --set; strings borrowed from argv */
	size_t set_count;
};

/* Called as chatmock-check it is --check. ERR_CONFIG with one sentence in tell; ERR_NO_MEMORY. */
MUST_USE enum err options_read(struct options *o, int argc, char *const argv[],
			       struct err_note *note);
void options_free(struct options *o);	/* safe on zero, safe twice */

void options_help(struct buf *out);

#endif
