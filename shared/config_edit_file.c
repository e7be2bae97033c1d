/*
 * config_edit_file.c - the settings file as a file: locked, looked at, and
 * replaced whole.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "config_edit.h"
#include "config_private.h"
#include "file.h"

#define LOCK_WAIT_MS	5000

/* What the whole text comes to, by itself but for the state directory. */
static enum err settle(const char *path, const char *home, struct span text,
		       struct err_note *note)
{
	struct offer o = { "CHATMOCK_HOME", home ? home : "",
			   SOURCE_ENVIRONMENT, "the environment" };
	struct config c;

	if (!config_begin(&c, note) && !config_offer(&c, &o, note) &&
	    !config_text_read(&c, path, text, note) &&
	    !(c.file = config_keep(&c, span_of(path))))
		err_set(note, ERR_NO_MEMORY, "settings");
	if (!note->code && config_settle(&c, note))
		err_set(note, ERR_CONFIG, "settings");
	config_free(&c);
	return note->code;
}

/* What was no fault before must not be one now; what was stays its owner's. */
static enum err compare(const char *path, const char *home, struct span before,
			struct span after, struct config_edited *out,
			struct err_note *note)
{
	struct err_note old = ERR_NOTE_INIT, now = ERR_NOTE_INIT;

	if (!settle(path, home, after, &now))
		return 0;
	if (!settle(path, home, before, &old)) {
		*note = now;
		return note->code;
	}
	snprintf(out->fault, sizeof(out->fault), "%s", err_words(&now));
	return 0;
}

/* A key may be read by its owner alone. */
static mode_t mode_of(const char *path, const struct config_change *changes,
		      size_t count)
{
	struct stat st;
	mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0600;

	for (size_t i = 0; i < count; i++)
		if (changes[i].value && config_is_secret(changes[i].name))
			mode &= 0700;
	return mode;
}

static enum err edit_locked(const char *path, const char *home,
			    const struct config_change *changes, size_t count,
			    struct config_edited *out, struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	struct buf before, after;

	buf_init(&before, MAX_CONFIG_FILE);
	buf_init(&after, MAX_CONFIG_FILE);
	errno = 0;
	if (file_read(path, &before, NULL, &why)) {
		out->created = errno == ENOENT;
		if (!out->created) {
			*note = why;
			goto out;
		}
	}
	buf_span_add(&after, buf_span(&before));
	if (config_edit_text(&after, changes, count, note))
		goto out;
	if (buf_err(&after)) {
		err_set(note, buf_err(&after), "settings file");
		goto out;
	}
	out->changed = before.len != after.len ||
		       memcmp(before.ptr, after.ptr, after.len) != 0;
	out->created = out->created && out->changed;
	if (out->changed &&
	    !compare(path, home, buf_span(&before), buf_span(&after), out, note) &&
	    file_replace(path, mode_of(path, changes, count), buf_span(&after),
			 note))
		out->created = false;
out:
	buf_wipe_free(&before);
	buf_wipe_free(&after);
	return note->code;
}

/* The directory is made where it is missing: a first setting may come before
 * a first start. */
static enum err make_dir(const char *path, struct err_note *note)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (!slash || slash == path)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	return file_make_dir(dir, note);
}

enum err config_edit_file(const char *path, const char *home,
			  const struct config_change *changes, size_t count,
			  struct config_edited *out, struct err_note *note)
{
	char lock_path[PATH_MAX];
	int lock = -1;

	*out = (struct config_edited){ .changed = false };
	if (snprintf(lock_path, sizeof(lock_path), "%s.lock", path) >=
	    (int)sizeof(lock_path))
		return err_set(note, ERR_SYSTEM, "the path of the settings file "
			       "is too long");
	if (make_dir(path, note) ||
	    file_lock(lock_path, LOCK_WAIT_MS, &lock, note))
		return note->code;
	if (edit_locked(path, home, changes, count, out, note))
		out->changed = false;
	close(lock);
	return note->code;
}

size_t config_validate(const char *path, const char *home,
		       config_fault_fn told, void *ctx, struct err_note *note)
{
	struct err_note whole = ERR_NOTE_INIT;
	size_t faults = 0;
	struct config c;
	struct buf text;

	buf_init(&text, MAX_CONFIG_FILE);
	if (file_read(path, &text, NULL, note))
		goto out;
	if (!config_begin(&c, note))
		faults = config_text_check(&c, path, buf_span(&text), told, ctx);
	config_free(&c);
	if (note->code || faults || !settle(path, home, buf_span(&text), &whole))
		goto out;
	faults = 1;
	told(ctx, 0, err_words(&whole));
out:
	buf_wipe_free(&text);
	return faults;
}
