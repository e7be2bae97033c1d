/*
 * config_edit.h - changing the settings file, as careful people do: the line
 * in question and no other byte.
 *
 * Names are taken as in the file and after --set ("port", "codex.enabled",
 * "CHATMOCK_PORT", an alias), and "models.NAME" is a line of [models].
 * Blocking. Nothing here is kept.
 */
#ifndef CHATMOCK_CONFIG_EDIT_H
#define CHATMOCK_CONFIG_EDIT_H

#include <limits.h>

#include "buf.h"

/*
 * The settings file that config_read() would read with the same sources, into
 * out; *there is false when there is none: out is then where it belongs.
 * ERR_CONFIG as config_read().
 */
MUST_USE enum err config_file_path(char *const environ_[],
				   const char *const *sets, size_t set_count,
				   char out[PATH_MAX], bool *there,
				   struct err_note *note);

/* value NULL: the setting's lines are taken out, so that its default or
 * another source counts. Borrowed. */
struct config_change { const char *name, *value; };

/* What became of it. */
struct config_edited {
	bool changed;		/* else all of it said so already */
	bool created;		/* there was no such file */
	char fault[400];	/* the file is still wrong elsewhere, or "" */
};

/*
 * Makes the changes in the settings file at path, all or none: under a lock,
 * replaced whole, with its mode (0600 when it is new, or holds a secret now).
 * Comments, blank lines, order and line ends stay; a setting that the file
 * does not name is put behind a commented-out line of its name, else at the
 * end of its section. ERR_CONFIG with the sentence in tell: a name that is
 * none (the nearest is told), a value that is not wanted, one that no line can
 * hold, a change that would make a file that can be used one that can not.
 * ERR_BUSY: another one edits it. ERR_SYSTEM. home is the state directory
 * that the environment names, or NULL.
 */
MUST_USE enum err config_edit_file(const char *path, const char *home,
				   const struct config_change *changes,
				   size_t count, struct config_edited *out,
				   struct err_note *note);

/* The same with a text, no more than its lines. */
MUST_USE enum err config_edit_text(struct buf *text,
				   const struct config_change *changes,
				   size_t count, struct err_note *note);

/* True when name, in any of its forms, means the setting whose name in the
 * environment is whole. */
bool config_is(const char *name, const char *whole);

/* True when it is the name of a secret. */
bool config_is_secret(const char *name);

/* A line that is wrong, counted from 1, and what is. */
typedef void (*config_fault_fn)(void *ctx, unsigned line, const char *tell);

/*
 * All that is wrong with the file at path by itself, whatever environment and
 * command line say; line 0: with its settings together. Returns how many
 * faults were told. ERR_SYSTEM or ERR_TOO_LARGE in note: it can not be read.
 */
size_t config_validate(const char *path, const char *home,
		       config_fault_fn told, void *ctx, struct err_note *note);

#endif
