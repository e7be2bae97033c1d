/*
 * logs.h - a line of a log: whether it is wanted, and how it is shown.
 */
#ifndef CHATMOCK_CLI_LOGS_H
#define CHATMOCK_CLI_LOGS_H

#include "cli.h"

struct show {
	struct cli *cli;
	const char *id;		/* of the request; NULL: any */
	int level;		/* the lowest; 0: any */
	bool pretty;		/* for a person */
	bool heads;		/* the name of the log, when it is another */
	const char *last;
};

/* "debug" is 1; what is none is 0. */
int show_level(struct span word);

bool show_wants(const struct show *s, struct span line);
void show_line(struct show *s, struct span line);

#endif
