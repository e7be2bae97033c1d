/*
 * login_renew.c - a fresh login: adopted from who renewed it, or asked for.
 *
 * A refresh token is good for one use, so everything from reading the file
 * to writing the answer happens under the lock, and the answer is on disk
 * before anybody uses what it brought. Programs that do not know our lock
 * are watched for too: the file is looked at again before it is written, and
 * after a refusal.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "clock.h"
#include "login_file.h"
#include "text.h"

#define LOCK_SLICE_MS	250	/* how soon a stop is noticed */

struct renewal {
	const struct config *c;
	const struct http_settings *http;
	struct login *l;		/* the caller's: as it was */
	const char *refused, *reason;
	int64_t skew_s;			/* so long ahead it is due; the fetcher's,
					 * who does not stay, is LOGIN_AHEAD_S */
	char real[PATH_MAX];		/* the file, links resolved */
	struct login file;		/* as it is on disk, or should be */
	struct json_object *tree;
	char disk_hash[65];		/* of the refresh token on disk */
};

static int64_t now_s(void)
{
	return clock_wall_us() / 1000000;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* What the issuer will never say yes to again: only a person helps. */
static enum err stale(const struct renewal *r, const char *code,
		      struct err_note *note)
{
	struct login_mend mend;
	enum err err = err_tell(note, ERR_LOGIN_STALE,
				"The login in %s has ended (%s: %s): run `%s`.",
				r->l->path, code, login_refusal_words(code),
				login_mend(r->c, &mend));

	if (note && !note->ucode[0])
		text_copy(note->ucode, sizeof(note->ucode), span_of(code));
	return err;
}

/* Reads the file anew. On failure what was read before stays. */
static enum err load(struct renewal *r, struct err_note *note)
{
	struct json_object *tree = NULL;
	struct login file;
	enum err err;

	err = login_load(r->c, r->l->path, &file, &tree, note);
	if (err)
		return err;
	login_free(&r->file);
	json_object_put(r->tree);
	r->file = file;
	r->tree = tree;
	sha256_hex(span_of(file.refresh_token), r->disk_hash);
	return ERR_NONE;
}

/* Gives the caller what is in r->file. */
static void adopt(struct renewal *r)
{
	login_free(r->l);
	*r->l = r->file;
	r->file = (struct login){ 0 };
}

/*
 * Good enough not to ask the issuer: fresh, or at least new to the caller,
 * for an issuer may hand out tokens that live shorter than our skew.
 */
static bool is_good(const struct renewal *r)
{
	const struct login *f = &r->file;

	if (login_expired(f, now_s()) || same(r->refused, f->access_token))
		return false;
	return !login_due(f, now_s(), r->skew_s) ||
	       !same(f->access_token, r->l->access_token);
}

static bool is_other_account(const struct renewal *r)
{
	return r->l->account_id && r->file.account_id &&
	       !same(r->l->account_id, r->file.account_id);
}

static bool put_token(struct json_object *tokens, const char *key,
		      struct span token)
{
	return token.len == 0 || json_set_str(tokens, key, token);
}

static bool put_answer(struct json_object *tree, const struct login_answer *a)
{
	struct json_object *tokens = json_get_object(tree, "tokens");
	char at[32];

	clock_rfc3339(at, clock_wall_us());
	return put_token(tokens, "access_token", a->access) &&
	       put_token(tokens, "refresh_token", a->refresh) &&
	       put_token(tokens, "id_token", a->id) &&
	       json_set_cstr(tree, "last_refresh", at);
}

static enum err write_tree(struct renewal *r, struct err_note *note)
{
	struct buf text;
	enum err err;

	buf_init(&text, MAX_AUTH_FILE);
	json_write(&text, r->tree);
	buf_char(&text, '\n');
	err = buf_err(&text);
	if (err)
		err_set(note, err, "%s", err_name(err));
	else
		err = file_replace(r->real, 0600, buf_span(&text), note);
	buf_wipe_free(&text);
	return err;
}

/*
 * Puts the new tokens where the spent one was: on disk before all else. When
 * that fails (kept: it was not even tried, and says why) nobody loses them:
 * they stay with the caller, marked, and note->why says what happened.
 */
static enum err keep(struct renewal *r, const struct login_answer *a,
		     struct err_note *kept, struct err_note *note)
{
	struct login next = { .stamp = r->file.stamp };
	enum err err;

	if (!put_answer(r->tree, a))
		return err_set(note, ERR_NO_MEMORY, "renewing the login");
	if (kept->code || write_tree(r, kept)) {
		next.unsaved = true;
		next.loose_mode = r->file.loose_mode;
		text_copy(next.spent, sizeof(next.spent), span_of(r->disk_hash));
		if (note && !note->code)
			text_copy(note->why, sizeof(note->why),
				  span_of(kept->why));
	} else {
		(void)file_stat(r->real, &next.stamp);
		login_refused_forget(r->real);
	}
	next.path = strdup(r->l->path);
	err = next.path ? login_parse_tree(r->tree, &next, note)
			: err_set(note, ERR_NO_MEMORY, "renewing the login");
	login_free(&r->file);
	r->file = next;
	return err;
}

/*
 * The refresh token on disk is the one that our unsaved renewal spent: what
 * we hold is newer than the file and goes there now.
 */
static enum err keep_earlier(struct renewal *r, struct err_note *note)
{
	struct err_note kept = ERR_NOTE_INIT;
	const struct login *l = r->l;
	struct login_answer a = {
		.access = span_of(l->access_token),
		.refresh = span_of(l->refresh_token),
		.id = span_of(l->id_token),
	};

	if (!l->unsaved || !r->file.refresh_token ||
	    strcmp(r->disk_hash, l->spent) != 0)
		return ERR_NONE;
	return keep(r, &a, &kept, note);
}

/* What somebody else wrote while we asked: as good as ours, or try again. */
static enum err adopt_newer(struct renewal *r, struct err_note *note)
{
	if (is_other_account(r) || !is_good(r))
		return err_set(note, ERR_LOGIN_RENEWAL,
			       "the file changed during the renewal");
	adopt(r);
	return ERR_NONE;
}

/*
 * The issuer said no for good. A program that does not know our lock may
 * have been faster: then the file holds another token now.
 */
static enum err meet_refusal(struct renewal *r, const char *code,
			     struct err_note *note)
{
	char before[65], spent[65];
	enum err err;

	text_copy(before, sizeof(before), span_of(r->disk_hash));
	sha256_hex(span_of(r->file.refresh_token), spent);
	err = load(r, note);
	if (err)
		return err;
	if (strcmp(r->disk_hash, before) != 0)
		return adopt_newer(r, note);
	login_refused_set(r->c, r->real, spent, code);
	return stale(r, code, note);
}

/* True when the file is not the one that was read under the lock. */
static bool was_touched(const struct renewal *r)
{
	struct file_stamp stamp;

	return !file_stat(r->l->path, &stamp) ||
	       !file_stamp_eq(&stamp, &r->file.stamp);
}

/*
 * The issuer said yes. If the file was replaced meanwhile and still holds
 * the token that we spent, somebody changed another field, and the answer
 * goes into that; another token there is a newer login, never overwritten.
 */
static enum err meet_answer(struct renewal *r, const struct login_answer *a,
			    struct err_note *note)
{
	struct err_note kept = ERR_NOTE_INIT;
	char before[65];
	enum err err;

	text_copy(before, sizeof(before), span_of(r->disk_hash));
	if (was_touched(r) && !load(r, &kept) &&
	    strcmp(r->disk_hash, before) != 0)
		return adopt_newer(r, note);
	err = keep(r, a, &kept, note);
	if (err)
		return err;
	adopt(r);
	if (login_expired(r->l, now_s()) || same(r->refused, r->l->access_token))
		return err_set(note, ERR_LOGIN_RENEWAL,
			       "the issuer gave no token that is good now (is "
			       "the clock right?)");
	return ERR_NONE;
}

static enum err ask(struct renewal *r, struct err_note *note)
{
	struct login_answer a;
	enum err err;

	err = login_ask(r->c, r->http, r->file.refresh_token, r->reason, &a,
			note);
	if (err == ERR_LOGIN_STALE)
		err = meet_refusal(r, a.code, note);
	else if (!err)
		err = meet_answer(r, &a, note);
	login_answer_free(&a);
	return err;
}

static enum err renew_locked(struct renewal *r, struct err_note *note)
{
	char hash[65], code[64];
	enum err err;

	err = load(r, note);
	if (err)
		return err;
	if (is_other_account(r))
		return err_set(note, ERR_LOGIN_RENEWAL, "the file holds the "
			       "login of another account now");
	err = keep_earlier(r, note);
	if (err)
		return err;
	if (same(r->refused, r->file.api_key))
		return err_tell(note, ERR_LOGIN_STALE, "Upstream refuses the "
				"API key in %s.", r->l->path);
	if (is_good(r)) {
		adopt(r);
		return ERR_NONE;
	}
	if (!r->file.refresh_token)
		return stale(r, "no refresh token", note);
	sha256_hex(span_of(r->file.refresh_token), hash);
	if (login_refused(r->c, r->real, hash, code))
		return stale(r, code, note);
	if (!login_room(r->real, r->skew_s == LOGIN_AHEAD_S))
		return err_set(note, ERR_LOGIN_RENEWAL,
			       "the directory of %s cannot be written to",
			       r->l->path);
	return ask(r, note);
}

/* In slices, so that a worker that ends need not wait for the lock. */
static enum err take_lock(const char *real, int wait_ms, const atomic_bool *stop,
			  int *fd, struct err_note *note)
{
	int64_t end = clock_mono_us() + (int64_t)wait_ms * 1000;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s.lock", real) >= PATH_MAX)
		return err_set(note, ERR_LOGIN_RENEWAL, "the path is too long");
	for (;;) {
		struct err_note bad = ERR_NOTE_INIT;
		int64_t left = (end - clock_mono_us()) / 1000;
		int slice = left > LOCK_SLICE_MS ? LOCK_SLICE_MS :
			    left > 0 ? (int)left : 0;
		enum err err = file_lock(path, slice, fd, &bad);

		if (!err)
			return ERR_NONE;
		if (err != ERR_BUSY)
			return err_set(note, ERR_LOGIN_RENEWAL,
				       "the login's lock: %s", bad.why);
		if (slice == 0 || (stop && atomic_load(stop)))
			return err_set(note, ERR_LOGIN_RENEWAL, "another "
				       "process holds the login's lock");
	}
}

enum err login_renew_until(const struct config *c,
			   const struct http_settings *http, struct login *l,
			   const char *refused, const char *reason, int wait_ms,
			   const atomic_bool *stop, struct err_note *note)
{
	struct renewal r = { .c = c, .http = http, .l = l, .refused = refused,
			     .reason = reason, .skew_s = LOGIN_SKEW_S };
	char now[PATH_MAX];
	struct login_mend mend;
	enum err err;
	int lock = -1;

	if (strcmp(reason, "scheduled") == 0)
		r.skew_s = LOGIN_AHEAD_S;
	if (!l->path) {
		err = login_read(c, l, note);
		if (err)
			return err;
	}
	if (!realpath(l->path, r.real))
		return err_tell(note, ERR_LOGIN_MISSING, "The login file %s is "
				"gone: run `%s`.", l->path,
				login_mend(c, &mend));
	err = take_lock(r.real, wait_ms, stop, &lock, note);
	if (err)
		return err;
	if (!realpath(l->path, now) || strcmp(now, r.real) != 0)
		err = err_set(note, ERR_LOGIN_RENEWAL,
			      "the file changed during the renewal");
	else
		err = renew_locked(&r, note);
	close(lock);
	login_free(&r.file);
	json_object_put(r.tree);
	return err;
}

enum err login_renew(const struct config *c, const struct http_settings *http,
		     struct login *l, const char *refused, const char *reason,
		     int wait_ms, struct err_note *note)
{
	return login_renew_until(c, http, l, refused, reason, wait_ms, NULL,
				 note);
}
