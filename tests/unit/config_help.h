/*
 * config_help.h - settings read from a home, an environment, a --set and a file
 * of their own, for tests.
 */
#ifndef CHATMOCK_CONFIG_HELP_H
#define CHATMOCK_CONFIG_HELP_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/config.h"
#include "home_help.h"

static char dir[64];

static inline void write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

/*
 * Reads the settings of up to four environment strings, a --set and a file
 * (under CHATMOCK_CONFIG); NULL where there is none.
 */
static inline enum err read_all(struct config *c, const char *const env[4],
				const char *set, const char *file,
				struct err_note *note)
{
	char config[256], home[256];
	char *environ_[7] = { 0 };
	size_t n = 0;

	snprintf(config, sizeof(config), "CHATMOCK_CONFIG=%s/test.conf", dir);
	snprintf(home, sizeof(home), "CHATMOCK_HOME=%s", dir);
	environ_[n++] = file ? config : home;
	if (file)
		write_file("test.conf", file, 0600);
	for (size_t i = 0; env && i < 4 && env[i]; i++)
		environ_[n++] = (char *)(uintptr_t)env[i];
	*note = ERR_NOTE_INIT;
	return config_read(c, environ_, &set, set ? 1 : 0, note);
}

static inline void home_begin(const char *pattern)
{
	snprintf(dir, sizeof(dir), "%s", pattern);
	if (!mkdtemp(dir))
		abort();
	setenv("HOME", dir, 1);
}

static inline void home_end(void)
{
	static const char *const names[] = { "test.conf", "chatmock.conf",
					     "other.conf", "key" };

	home_remove(dir, names, ARRAY_LEN(names));
}

#endif
