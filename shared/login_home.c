/*
 * login_home.c - the login under CHATMOCK_HOME: its place, its lock, a copy
 * that is put there, and its end.
 *
 * A copy is marked in the file ("chatmock": {"imported_from": ...}): renewals
 * keep that member, and who logs out spares the family of tokens that another
 * program still lives on.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "login_file.h"
#include "login_new.h"
#include "text.h"

#define LOCK_WAIT_MS	35000

enum err login_home(const struct config *c, char real[PATH_MAX],
		    struct err_note *note)
{
	struct err_note bad = ERR_NOTE_INIT;
	char dir[PATH_MAX], path[PATH_MAX];

	if (file_expand(c->home, dir, sizeof(dir), &bad) ||
	    snprintf(path, sizeof(path), "%s/auth.json", dir) >= PATH_MAX)
		return err_tell(note, ERR_SYSTEM, "CHATMOCK_HOME is no usable "
				"directory: %.160s.", c->home);
	if (file_make_dir(dir, &bad) || access(dir, W_OK | X_OK) != 0)
		return err_tell(note, ERR_SYSTEM, "The login can not be kept in "
				"%.160s: %s. Make it writable, or set "
				"CHATMOCK_HOME.", dir,
				bad.code ? bad.why : strerrordesc_np(errno));
	if (!realpath(path, real))
		(void)text_copy(real, PATH_MAX, span_of(path));
	return ERR_NONE;
}

enum err login_lock(const char *real, int wait_ms, int *fd,
		    struct err_note *note)
{
	struct err_note bad = ERR_NOTE_INIT;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s.lock", real) >= PATH_MAX)
		return err_tell(note, ERR_SYSTEM, "The path of the login is too "
				"long.");
	if (!file_lock(path, wait_ms, fd, &bad))
		return ERR_NONE;
	if (bad.code == ERR_BUSY)
		return err_tell(note, ERR_LOGIN_RENEWAL, "Another process holds "
				"the lock of the login, %.200s. Try again.", path);
	return err_tell(note, ERR_SYSTEM, "The login can not be locked: %s.",
			bad.why);
}

/* Where to copy from, and that it is not where to copy to. */
static enum err find_source(const struct config *c, const char *from,
			    const char *real, char path[PATH_MAX],
			    struct err_note *note)
{
	char dir[PATH_MAX], resolved[PATH_MAX];
	struct stat st;

	if (from)
		(void)text_copy(path, PATH_MAX, span_of(from));
	else if (file_expand(c->codex_home && *c->codex_home ? c->codex_home :
			     "~/.codex", dir, sizeof(dir), NULL) ||
		 snprintf(path, PATH_MAX, "%s/auth.json", dir) >= PATH_MAX)
		return err_tell(note, ERR_CONFIG, "CODEX_HOME is too long.");
	if (stat(path, &st) < 0)
		return err_tell(note, ERR_LOGIN_MISSING, "There is no login to "
				"copy: %.200s: %s.", path, strerrordesc_np(errno));
	if (realpath(path, resolved) && strcmp(resolved, real) == 0)
		return err_tell(note, ERR_CONFIG, "%.200s is our own login "
				"already.", path);
	return ERR_NONE;
}

static bool mark(struct json_object *tree, const char *path)
{
	struct json_object *ours = json_object_new_object();
	char at[32];

	clock_rfc3339(at, clock_wall_us());
	return ours && json_set_cstr(ours, "imported_from", path) &&
	       json_set_cstr(ours, "imported_at", at) &&
	       json_set(tree, "chatmock", ours);
}

static enum err put_copy(const char *real, struct json_object *tree, bool force,
			 struct err_note *note)
{
	struct stat st;
	int lock = -1;
	enum err err;

	err = login_lock(real, LOCK_WAIT_MS, &lock, note);
	if (err)
		return err;
	if (!force && lstat(real, &st) == 0)
		err = err_tell(note, ERR_BUSY, "There is a login already, %.200s: "
			       "log out first (`chatmock logout`), or say "
			       "--force.", real);
	else
		err = login_put(real, tree, note);
	close(lock);
	return err;
}

enum err login_import(const struct config *c, const char *from, bool force,
		      struct login *got, struct err_note *note)
{
	char real[PATH_MAX], path[PATH_MAX];
	struct json_object *tree = NULL;
	enum err err;

	*got = (struct login){ 0 };
	if ((err = login_home(c, real, note)) ||
	    (err = find_source(c, from, real, path, note)) ||
	    (err = login_load(c, path, got, &tree, note)))
		return err;
	if (!got->api_key && !got->refresh_token)
		err = err_tell(note, ERR_LOGIN_BROKEN, "%.200s holds no refresh "
			       "token: a copy would soon run out. Run `chatmock "
			       "login`.", path);
	else if (!mark(tree, path))
		err = err_set(note, ERR_NO_MEMORY, "login");
	else
		err = put_copy(real, tree, force, note);
	json_object_put(tree);
	if (err)
		login_free(got);
	return err;
}

/* What is used once ours is gone. */
static void find_next(const struct config *c, struct login_left *left)
{
	struct err_note ignored = ERR_NOTE_INIT;
	char path[PATH_MAX];

	if (!login_find(c, path, &ignored))
		(void)text_copy(left->next, sizeof(left->next), span_of(path));
}

static enum err leave_locked(const struct config *c,
			     const struct http_settings *http, const char *real,
			     bool all, struct login_left *left,
			     struct err_note *note)
{
	struct err_note bad = ERR_NOTE_INIT;
	struct login l = { 0 };
	char hash[65];

	if (login_load(c, real, &l, NULL, &bad)) {
		(void)text_copy(left->trouble, sizeof(left->trouble),
				SPAN("the file was broken"));
	} else if (l.imported_from && !all) {
		left->shared = true;
	} else if (!l.refresh_token) {
		(void)text_copy(left->trouble, sizeof(left->trouble),
				SPAN("it held nothing that can be revoked"));
	} else {
		left->revoked = login_revoke(c, http, l.refresh_token,
					     left->trouble,
					     sizeof(left->trouble));
	}
	sha256_hex(span_of(l.refresh_token), hash);
	login_free(&l);
	/* workers that hold its tokens shall know that it was meant */
	login_refused_set(c, real, hash, LOGIN_LEFT);
	if (unlink(real) < 0 && errno != ENOENT) {
		login_refused_forget(real);
		return err_tell(note, ERR_SYSTEM, "%.200s could not be removed: "
				"%s.", real, strerrordesc_np(errno));
	}
	return ERR_NONE;
}

enum err login_leave(const struct config *c, const struct http_settings *http,
		     bool all, struct login_left *left, struct err_note *note)
{
	char real[PATH_MAX];
	struct stat st;
	int lock = -1;
	enum err err;

	*left = (struct login_left){ 0 };
	err = login_home(c, real, note);
	if (err)
		return err;
	(void)text_copy(left->path, sizeof(left->path), span_of(real));
	if (lstat(real, &st) < 0) {
		find_next(c, left);
		return err_tell(note, ERR_LOGIN_MISSING, "There is no login of "
				"ours, %.200s: nothing to do.", real);
	}
	err = login_lock(real, LOCK_WAIT_MS, &lock, note);
	if (err)
		return err;
	err = leave_locked(c, http, real, all, left, note);
	close(lock);
	if (!err)
		find_next(c, left);
	return err;
}
