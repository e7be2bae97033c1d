/*
 * login.c - finding and reading auth.json.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "login_file.h"

/* A tool that writes in place is done within these. */
#define HALF_WRITTEN_TRIES	4
#define HALF_WRITTEN_WAIT_NS	25000000
#define HALF_WRITTEN_AGE_NS	2000000000

#define READ_STEP	8192

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void login_free(struct login *l)
{
	wipe(&l->path);
	wipe(&l->access_token);
	wipe(&l->refresh_token);
	wipe(&l->id_token);
	wipe(&l->account_id);
	wipe(&l->plan);
	wipe(&l->api_key);
	wipe(&l->imported_from);
	*l = (struct login){ 0 };
}

static bool copy_str(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

bool login_copy(struct login *to, const struct login *from)
{
	bool ok = true;

	*to = *from;
	ok &= copy_str(&to->path, from->path);
	ok &= copy_str(&to->access_token, from->access_token);
	ok &= copy_str(&to->refresh_token, from->refresh_token);
	ok &= copy_str(&to->id_token, from->id_token);
	ok &= copy_str(&to->account_id, from->account_id);
	ok &= copy_str(&to->plan, from->plan);
	ok &= copy_str(&to->api_key, from->api_key);
	ok &= copy_str(&to->imported_from, from->imported_from);
	if (!ok)
		login_free(to);
	return ok;
}

bool login_expired(const struct login *l, int64_t now_s)
{
	if (l->api_key)
		return false;
	return !l->access_token || (l->expires_at && l->expires_at <= now_s);
}

bool login_due(const struct login *l, int64_t now_s, int64_t skew_s)
{
	if (l->api_key)
		return false;
	if (!l->access_token)
		return true;
	if (l->expires_at)
		return l->expires_at - skew_s <= now_s;
	/* Nothing tells its age and nothing could renew it: leave it be. */
	if (!l->last_refresh && !l->refresh_token)
		return false;
	return l->last_refresh + LOGIN_OLD_S < now_s;
}

/* dir expanded, without slashes at its end. False: no such place. */
static bool place(const char *dir, char out[PATH_MAX])
{
	size_t len;

	if (!dir || !*dir || file_expand(dir, out, PATH_MAX, NULL))
		return false;
	for (len = strlen(out); len > 1 && out[len - 1] == '/'; len--)
		out[len - 1] = '\0';
	return true;
}

enum err login_find(const struct config *c, char *path, struct err_note *note)
{
	const char *dirs[] = { c->home, c->chatgpt_local_home, c->codex_home,
			       "~/.chatmock", "~/.chatgpt-local", "~/.codex" };
	struct login_mend mend;
	char dir[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		if (!place(dirs[i], dir))
			continue;
		if (snprintf(path, PATH_MAX, "%s/auth.json", dir) >= PATH_MAX)
			continue;
		if (lstat(path, &st) == 0)
			return ERR_NONE;
		if (errno != ENOENT && errno != ENOTDIR)
			return err_tell(note, ERR_LOGIN_BROKEN,
					"The login file %s cannot be read: %s.",
					path, strerrordesc_np(errno));
	}
	return err_tell(note, ERR_LOGIN_MISSING,
			"There is no login yet: run `%s`, or set "
			"CHATMOCK_UPSTREAM_URL.", login_mend(c, &mend));
}

static bool is_plain(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || strchr("'\"\\$`&;<>|*?()[]{}!#", *path))
			return false;
	return true;
}

const char *login_mend(const struct config *c, struct login_mend *mend)
{
	const char *quote = is_plain(c->home ? c->home : "") ? "" : "'";
	char home[PATH_MAX], usual[PATH_MAX];

	if (!place(c->home, home) || !place("~/.chatmock", usual) ||
	    strcmp(home, usual) == 0 || strlen(home) > 200)
		return "chatmock login";
	snprintf(mend->text, sizeof(mend->text),
		 "CHATMOCK_HOME=%s%s%s chatmock login", quote, home, quote);
	return mend->text;
}

static enum err read_all(int fd, struct buf *out, struct err_note *note)
{
	for (;;) {
		char *to = buf_room(out, READ_STEP);
		ssize_t n;

		if (!to && buf_err(out) == ERR_NO_MEMORY)
			return err_set(note, ERR_NO_MEMORY, "reading the login");
		if (!to || out->len > MAX_AUTH_FILE)
			return err_set(note, ERR_LOGIN_BROKEN, "it is too large");
		n = read(fd, to, READ_STEP);
		if (n == 0)
			return ERR_NONE;
		if (n > 0)
			buf_wrote(out, (size_t)n);
		else if (errno != EINTR)
			return err_set(note, ERR_LOGIN_BROKEN, "%s",
				       strerrordesc_np(errno));
	}
}

/*
 * Links are followed, for people keep such files in a folder of their own;
 * what they lead to must be a plain file that no other user put there.
 */
static enum err read_file(const char *path, struct buf *out, struct login *l,
			  struct err_note *note)
{
	enum err err = ERR_NONE;
	struct stat st = { 0 };
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && lstat(path, &st) < 0)
		return err_set(note, ERR_LOGIN_MISSING, "it is gone");
	if (fd < 0)
		return err_set(note, ERR_LOGIN_BROKEN, "%s",
			       strerrordesc_np(errno));
	if (fstat(fd, &st) < 0)
		err = err_set(note, ERR_LOGIN_BROKEN, "%s",
			      strerrordesc_np(errno));
	else if (!S_ISREG(st.st_mode))
		err = err_set(note, ERR_LOGIN_BROKEN, "it is no plain file");
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		err = err_set(note, ERR_LOGIN_BROKEN,
			      "it belongs to another user (id %ld)",
			      (long)st.st_uid);
	else
		err = read_all(fd, out, note);
	l->loose_mode = (st.st_mode & 077) != 0;
	l->stamp = (struct file_stamp){
		.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size,
		.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			    st.st_mtim.tv_nsec,
	};
	close(fd);
	return err;
}

static enum err read_and_parse(const char *path, struct login *l,
			       struct json_object **tree, struct err_note *note)
{
	struct buf text;
	enum err err;

	buf_init(&text, MAX_AUTH_FILE + READ_STEP);
	err = read_file(path, &text, l, note);
	if (!err)
		err = login_parse(buf_span(&text), l, tree, note);
	buf_wipe_free(&text);
	return err;
}

enum err login_load(const struct config *c, const char *path, struct login *l,
		    struct json_object **tree, struct err_note *note)
{
	struct login_mend mend;
	const struct timespec nap = { .tv_nsec = HALF_WRITTEN_WAIT_NS };
	struct err_note bad = ERR_NOTE_INIT;
	enum err err;

	for (int i = 1; ; i++) {
		*l = (struct login){ 0 };
		err = read_and_parse(path, l, tree, &bad);
		if (err != ERR_LOGIN_BROKEN || i == HALF_WRITTEN_TRIES ||
		    clock_wall_us() * 1000 - l->stamp.mtime_ns >
			    HALF_WRITTEN_AGE_NS)
			break;
		login_free(l);
		err_clear(&bad);
		nanosleep(&nap, NULL);
	}
	if (!err && !copy_str(&l->path, path))
		err = err_set(&bad, ERR_NO_MEMORY, "reading the login");
	if (!err)
		return ERR_NONE;
	if (tree && *tree) {
		json_object_put(*tree);
		*tree = NULL;
	}
	login_free(l);
	if (err == ERR_LOGIN_BROKEN)
		return err_tell(note, err, "The login file %s is broken: %s. "
				"`%s` makes a new one.", path, bad.why,
				login_mend(c, &mend));
	if (err == ERR_LOGIN_MISSING)
		return err_tell(note, err, "The login file %s is gone: run "
				"`%s`.", path, login_mend(c, &mend));
	return err_set(note, err, "%s", bad.why);
}

enum err login_read(const struct config *c, struct login *l,
		    struct err_note *note)
{
	char path[PATH_MAX];
	enum err err;

	*l = (struct login){ 0 };
	err = login_find(c, path, note);
	return err ? err : login_load(c, path, l, NULL, note);
}
