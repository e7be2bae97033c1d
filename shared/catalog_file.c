/* catalog_file.c - where upstream's list is kept, and whose it is. */
#include "catalog_file.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "ceilings.h"
#include "text.h"

bool catalog_path(const struct config *c, const char *suffix, char *out,
		  size_t size)
{
	int n = snprintf(out, size, "%s/models.json%s", c->home, suffix);

	return n > 0 && (size_t)n < size;
}

static void fingerprint(const char *key, char out[CATALOG_ACCOUNT_SIZE])
{
	char hash[65];

	sha256_hex(span_of(key), hash);
	snprintf(out, CATALOG_ACCOUNT_SIZE, "key-%.8s", hash);
	explicit_bzero(hash, sizeof(hash));
}

void catalog_account(const struct login *login, const char *authorization,
		     char out[CATALOG_ACCOUNT_SIZE])
{
	out[0] = '\0';
	if (login && login->account_id && *login->account_id)
		text_copy(out, CATALOG_ACCOUNT_SIZE, span_of(login->account_id));
	else if (login && login->api_key)
		fingerprint(login->api_key, out);
	else if (!login && authorization &&
		 strncmp(authorization, "Bearer ", 7) == 0)
		fingerprint(authorization + 7, out);
}

bool catalog_is_for(const struct catalog_origin *o, const struct config *c,
		    const char *account)
{
	return o->fetched_at && strcmp(o->upstream, c->upstream_base) == 0 &&
	       strcmp(o->account, account) == 0;
}

bool catalog_is_fresh(const struct catalog_origin *o, const struct config *c,
		      int64_t now_s, int64_t ahead_s)
{
	int64_t age_s = now_s - o->fetched_at;

	/* from the future: a clock was set back, nothing is known of its age */
	return o->fetched_at && age_s >= 0 &&
	       (age_s + ahead_s) * 1000 < c->model_refresh_ms &&
	       strcmp(o->client_version, c->client_version) == 0;
}

struct catalog *catalog_load(const struct config *c, struct file_stamp *stamp,
			     struct err_note *note)
{
	struct catalog *cat = NULL;
	struct buf text;
	char path[4200];

	buf_init(&text, MAX_CACHE_FILE);
	if (!catalog_path(c, "", path, sizeof(path)))
		err_set(note, ERR_SYSTEM, "CHATMOCK_HOME is too long a path");
	else if (!file_read(path, &text, stamp, note))
		cat = catalog_parse(c, &text, note);
	buf_free(&text);
	return cat;
}

struct catalog *catalog_here(const struct config *c)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct catalog *cat = NULL;

	if (c->dynamic_models)
		cat = catalog_load(c, NULL, &ignored);
	return cat ? cat : catalog_new(c);
}

enum err catalog_clear(const struct config *c, int wait_ms,
		       struct err_note *note)
{
	char path[PATH_MAX], lock_path[PATH_MAX];
	int lock;

	if (!catalog_path(c, "", path, sizeof(path)) ||
	    !catalog_path(c, ".lock", lock_path, sizeof(lock_path)))
		return err_set(note, ERR_SYSTEM, "CHATMOCK_HOME is too long a path");
	if (file_lock(lock_path, wait_ms, &lock, note))
		return note->code;
	if (unlink(path) < 0 && errno != ENOENT)
		err_set(note, ERR_SYSTEM, "removing %.150s: %s", path,
			strerror(errno));
	close(lock);
	return note->code;
}

static void member(struct buf *out, const char *key, const char *value)
{
	buf_fmt(out, ",\"%s\":", key);
	buf_json(out, span_of(value));
}

void catalog_write(struct buf *out, const struct catalog_origin *o,
		   struct span models)
{
	buf_str(out, "{\"version\":1");
	member(out, "upstream", o->upstream);
	member(out, "account_id", o->account);
	member(out, "client_version", o->client_version);
	buf_fmt(out, ",\"fetched_at\":%lld", (long long)o->fetched_at);
	member(out, "etag", o->etag);
	member(out, "announced", o->announced);
	buf_str(out, ",\"models\":");
	buf_span_add(out, models);
	buf_str(out, "}\n");
}
