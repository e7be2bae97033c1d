/* plan_file.c - limits.json, for who may wait for a disk. */
#include <errno.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "file.h"
#include "plan.h"

#define MAX_LIMITS_FILE (64u << 10)

static void path_of(struct buf *path, const char *home, const char *name)
{
	buf_init(path, 8192);
	buf_fmt(path, "%s/%s", home, name);
}

enum err plan_read(const char *home, struct plan *l, struct err_note *note)
{
	struct json_object *root = NULL;
	struct buf path, text;
	enum err code;

	plan_init(l);
	path_of(&path, home, "limits.json");
	buf_init(&text, MAX_LIMITS_FILE);
	code = file_read(path.ptr, &text, NULL, note);
	if (code)
		goto out;
	root = json_parse(buf_span(&text), note);
	if (!root || !plan_from_json(l, root, 0))
		code = err_set(note, ERR_BAD_JSON, "%s says nothing of limits",
			       path.ptr);
out:
	json_object_put(root);
	buf_free(&text);
	buf_free(&path);
	return code;
}

/* Under the lock: 0 when it is time to write, else in how many milliseconds.
 * A file of the future is one of a clock that was wrong. */
static int too_early_ms(const char *path)
{
	struct file_stamp stamp;
	int64_t age_ms;

	if (!file_stat(path, &stamp))
		return 0;
	age_ms = clock_wall_us() / 1000 - stamp.mtime_ns / 1000000;
	return age_ms >= 0 && age_ms < PLAN_EVERY_MS ?
		       (int)(PLAN_EVERY_MS - age_ms) : 0;
}

static enum err write_locked(const char *home, const char *path,
			     const struct plan *l, struct err_note *note)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct plan there;
	enum err code;
	struct buf text;

	if (!plan_read(home, &there, &ignored) &&
	    there.captured_s > l->captured_s &&
	    there.captured_s <= clock_wall_us() / 1000000)
		return ERR_NONE;
	buf_init(&text, MAX_LIMITS_FILE);
	plan_json(l, l->captured_s, (struct plan_style){ 0 }, &text);
	code = buf_err(&text) ? err_set(note, buf_err(&text), "limits.json") :
				file_replace(path, 0600, buf_span(&text), note);
	buf_free(&text);
	return code;
}

enum err plan_write(const char *home, const struct plan *l, int *again_ms,
		      struct err_note *note)
{
	struct err_note busy = ERR_NOTE_INIT;
	struct buf path, lock;
	enum err code;
	int fd;

	*again_ms = 0;
	path_of(&path, home, "limits.json");
	path_of(&lock, home, "limits.lock");
	code = file_lock(lock.ptr, 0, &fd, &busy);
	if (code == ERR_BUSY) {		/* another process writes just now */
		*again_ms = PLAN_EVERY_MS;
		code = ERR_NONE;
		goto out;
	}
	if (code) {
		err_set(note, code, "%s", busy.why);
		goto out;
	}
	*again_ms = too_early_ms(path.ptr);
	if (!*again_ms)
		code = write_locked(home, path.ptr, l, note);
	close(fd);
out:
	buf_free(&lock);
	buf_free(&path);
	return code;
}

void plan_forget(const char *home)
{
	struct buf path;

	path_of(&path, home, "limits.json");
	(void)unlink(path.ptr);
	buf_free(&path);
}
