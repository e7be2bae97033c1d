/* home_help.h - a test's directory goes, and nothing unforeseen was in it. */
#ifndef CHATMOCK_HOME_HELP_H
#define CHATMOCK_HOME_HELP_H

#include <stdio.h>
#include <unistd.h>

#include "test.h"

/* Removes what has these names, if it is there, and then the directory. */
static inline void home_remove(const char *home, const char *const names[],
			       size_t count)
{
	char path[300];

	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", home, names[i]);
		remove(path);
	}
	check_int(rmdir(home), 0);
}

#endif
