/*
 * keys_help.h - a home with a file of keys, for tests.
 */
#ifndef CHATMOCK_KEYS_HELP_H
#define CHATMOCK_KEYS_HELP_H

#include <stdlib.h>
#include <unistd.h>

#include "../../shared/keys.h"
#include "test.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LINE "key_001122334455 laptop 2026-11-22T10:03:11Z never generate - " HASH "\n"
#define FIRST KEYS_FIRST_LINE "\n"

static char home[64];

static inline const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static inline void write_keys(const char *text, mode_t mode)
{
	struct err_note note = ERR_NOTE_INIT;

	check_int(file_replace(path_of(KEYS_FILE), mode, span_of(text), &note), 0);
}

#endif
