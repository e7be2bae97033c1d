/*
 * store_db.c - a connection to the store's file: made, opened, asked.
 *
 * The file is made by us before SQLite sees it, so that it is 0600 from the
 * first byte; its -wal and -shm get the same mode from SQLite. It is never
 * opened by us otherwise: closing a descriptor would drop the locks that
 * SQLite holds on the same file for this whole process.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "store_private.h"
#include "text.h"

#define BUSY_MS		5000
#define LOCK_MS		10000
#define APPLICATION_ID	0x63686d6b	/* "chmk" */
#define CHECK_BYTES	(16 << 20)	/* a file so small is read at start */

static const char *const sql_text[SQL__COUNT] = {
#define X(name, text) [SQL_##name] = text,
	STORE_SQL(X)
#undef X
};

/* What brings a file from the version of its place to the next one. */
static const char *const migrations[] = {
	"CREATE TABLE responses (n INTEGER PRIMARY KEY, caller TEXT NOT NULL,"
	" id TEXT NOT NULL, previous TEXT NOT NULL, conversation TEXT NOT NULL,"
	" model TEXT NOT NULL, account TEXT NOT NULL, owner TEXT NOT NULL,"
	" created INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" status INTEGER NOT NULL, events INTEGER NOT NULL,"
	" joined INTEGER NOT NULL, background INTEGER NOT NULL,"
	" body BLOB NOT NULL, UNIQUE (caller, id));"
	"CREATE INDEX responses_expires ON responses (expires);"
	"CREATE INDEX responses_running ON responses (status) WHERE status < 2;"
	"CREATE TABLE items (key INTEGER PRIMARY KEY, output INTEGER NOT NULL,"
	" id TEXT NOT NULL, json BLOB NOT NULL);"
	"CREATE TABLE events (key INTEGER PRIMARY KEY, json BLOB NOT NULL);"
	"CREATE TABLE conversations (n INTEGER PRIMARY KEY,"
	" caller TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, next INTEGER NOT NULL,"
	" metadata BLOB NOT NULL, UNIQUE (caller, id));"
	"CREATE INDEX conversations_expires ON conversations (expires);"
	"CREATE TABLE conversation_items (key INTEGER PRIMARY KEY,"
	" output INTEGER NOT NULL, id TEXT NOT NULL, json BLOB NOT NULL);",
	/* what was stored before is not found by its items' ids */
	"ALTER TABLE items ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE conversation_items ADD COLUMN"
	" tag INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX items_tag ON items (tag, output) WHERE tag <> 0;"
	"CREATE INDEX conversation_items_tag ON conversation_items (tag)"
	" WHERE tag <> 0;",
};
_Static_assert(ARRAY_LEN(migrations) == STORE_VERSION, "a version each");

/* --- statements */

static void keep_rc(struct store_db *db, int rc)
{
	if (!db->rc && rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
		db->rc = rc;
}

sqlite3_stmt *store_sql(struct store_db *db, enum store_sql which)
{
	if (db->rc)
		return NULL;
	if (!db->statements[which])
		keep_rc(db, sqlite3_prepare_v3(db->sqlite, sql_text[which], -1,
					       SQLITE_PREPARE_PERSISTENT,
					       &db->statements[which], NULL));
	return db->rc ? NULL : db->statements[which];
}

void store_bind_str(sqlite3_stmt *st, int at, const char *s)
{
	if (st)
		sqlite3_bind_text(st, at, s, -1, SQLITE_STATIC);
}

void store_bind_span(sqlite3_stmt *st, int at, struct span s)
{
	/* a NULL pointer would be NULL, not the empty blob */
	if (st)
		sqlite3_bind_blob64(st, at, s.len ? s.ptr : "", s.len,
				    SQLITE_STATIC);
}

void store_bind_int(sqlite3_stmt *st, int at, int64_t n)
{
	if (st)
		sqlite3_bind_int64(st, at, n);
}

void store_reset(sqlite3_stmt *st)
{
	if (!st)
		return;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

bool store_row(struct store_db *db, sqlite3_stmt *st)
{
	int rc;

	if (!st || db->rc)
		return false;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return true;
	keep_rc(db, rc);
	store_reset(st);
	return false;
}

void store_run(struct store_db *db, sqlite3_stmt *st)
{
	if (store_row(db, st))
		store_reset(st);
}

struct span store_col(sqlite3_stmt *st, int at)
{
	const void *bytes = sqlite3_column_blob(st, at);

	return (struct span){ bytes ? bytes : "",
			      (size_t)sqlite3_column_bytes(st, at) };
}

void store_col_str(sqlite3_stmt *st, int at, char *out, size_t size)
{
	(void)!text_copy(out, size, store_col(st, at));
}

enum err store_db_err(struct store_db *db, struct err_note *note)
{
	int rc = db->rc;

	db->rc = 0;
	if (!rc)
		return ERR_NONE;
	if (rc == SQLITE_NOMEM)
		return err_set(note, ERR_NO_MEMORY, "the store");
	if (rc == SQLITE_TOOBIG)
		return err_set(note, ERR_TOO_LARGE, "too large for the store");
	return err_set(note, ERR_STORE, "responses.db: %s (%d)",
		       sqlite3_errstr(rc), rc);
}

void store_exec(struct store_db *db, const char *sql)
{
	if (!db->rc)
		keep_rc(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

/* --- opening */

/* The first column of the first row; -1 where there is none. */
static int64_t ask_int(struct store_db *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t value = -1;

	if (!db->rc)
		keep_rc(db, sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL));
	if (store_row(db, st))
		value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return value;
}

static void connect_to(struct store_db *db, const char *path)
{
	keep_rc(db, sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE |
				    SQLITE_OPEN_NOMUTEX, NULL));
	if (db->rc)
		return;
	sqlite3_extended_result_codes(db->sqlite, 0);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, 1 << 28);
	/* a file from elsewhere shall run nothing of its own */
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	store_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;"
		       "PRAGMA journal_size_limit = 16777216");
}

void store_db_close(struct store_db *db)
{
	for (size_t i = 0; i < SQL__COUNT; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	sqlite3_close(db->sqlite);
	db->sqlite = NULL;
	db->rc = 0;
}

enum err store_db_open(struct store_db *db, const char *path,
		       struct err_note *note)
{
	memset(db, 0, sizeof(*db));
	connect_to(db, path);
	if (store_db_err(db, note))
		store_db_close(db);
	return note->code;
}

/* The file, 0600, before anything is in it; what is there is made so. */
static enum err make_file(const char *path, struct file_stamp *stamp,
			  struct err_note *note)
{
	char words[128];
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		goto fail;
	if (lstat(path, &st))
		goto fail;
	if (!S_ISREG(st.st_mode))
		return err_set(note, ERR_STORE, "%s is no regular file", path);
	if ((st.st_mode & 077) && chmod(path, 0600))
		goto fail;
	if (file_stat(path, stamp))
		return ERR_NONE;
fail:
	return err_set(note, ERR_STORE, "%s: %s", path,
		       strerror_r(errno, words, sizeof(words)));
}

bool store_db_set_aside(const char *path, const struct file_stamp *stamp)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char from[PATH_MAX], to[PATH_MAX + 64];
	int64_t now = clock_wall_us();
	struct file_stamp st;

	if (!file_stat(path, &st) || st.ino != stamp->ino || st.dev != stamp->dev)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (snprintf(from, sizeof(from), "%s%s", path, parts[i]) >=
		    (int)sizeof(from))
			return false;
		snprintf(to, sizeof(to), "%s.aside-%lld%s", path, (long long)now,
			 parts[i]);
		if (rename(from, to) && i == 0)
			return false;
	}
	return true;
}

/* Not ours, or no database? Then aside says so. */
static bool is_useless(struct store_db *db, const struct file_stamp *stamp,
		       struct err_note *aside)
{
	int64_t id = ask_int(db, "PRAGMA application_id");
	int64_t version = ask_int(db, "PRAGMA user_version");
	int64_t tables = ask_int(db, "SELECT count(*) FROM sqlite_master");
	sqlite3_stmt *st = NULL;

	if (!db->rc && id != APPLICATION_ID && (tables > 0 || id != 0))
		err_set(aside, ERR_STORE, "another program's database");
	else if (!db->rc && version > (int64_t)ARRAY_LEN(migrations))
		err_set(aside, ERR_STORE, "made by a newer version (%lld)",
			(long long)version);
	if (!db->rc && !aside->code && stamp->size > 0 &&
	    stamp->size <= CHECK_BYTES) {
		keep_rc(db, sqlite3_prepare_v2(db->sqlite, "PRAGMA quick_check(1)",
					       -1, &st, NULL));
		if (store_row(db, st) && !span_eq(store_col(st, 0), "ok"))
			err_set(aside, ERR_STORE, "damaged: %.100s",
				(const char *)sqlite3_column_text(st, 0));
		sqlite3_finalize(st);
	}
	if (db->rc == SQLITE_NOTADB || db->rc == SQLITE_CORRUPT)
		store_db_err(db, aside);
	return aside->code != 0;
}

static void bring_up(struct store_db *db)
{
	int64_t version = ask_int(db, "PRAGMA user_version");
	char sql[128];

	if (version == 0)
		store_exec(db, "PRAGMA auto_vacuum = INCREMENTAL");
	store_exec(db, "PRAGMA journal_mode = WAL");
	for (; version < (int64_t)ARRAY_LEN(migrations) && !db->rc; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA application_id = %d;"
			 "PRAGMA user_version = %d", APPLICATION_ID,
			 (int)version + 1);
		store_exec(db, "BEGIN IMMEDIATE");
		store_exec(db, migrations[version]);
		store_exec(db, sql);
		store_exec(db, "COMMIT");
	}
}

enum err store_db_make(struct store_db *db, const char *path,
		       struct file_stamp *stamp, struct err_note *aside,
		       struct err_note *note)
{
	char lock_path[PATH_MAX], dir[PATH_MAX];
	int lock = -1;

	memset(db, 0, sizeof(*db));
	snprintf(dir, sizeof(dir), "%s", path);
	if (strrchr(dir, '/'))
		*strrchr(dir, '/') = '\0';
	if (snprintf(lock_path, sizeof(lock_path), "%s.lock", path) >=
	    (int)sizeof(lock_path))
		return err_set(note, ERR_STORE, "path too long");
	/* of those that start together one makes it */
	if (file_make_dir(dir, note) || file_lock(lock_path, LOCK_MS, &lock, note)) {
		note->code = ERR_STORE;
		return ERR_STORE;
	}
	for (int i = 0; i < 2; i++) {
		if (make_file(path, stamp, note))
			goto out;
		connect_to(db, path);
		if (aside->code || !is_useless(db, stamp, aside))
			break;
		store_db_close(db);
		if (!store_db_set_aside(path, stamp)) {
			err_set(note, ERR_STORE, "%s, and it can not be set aside",
				aside->why);
			goto out;
		}
	}
	bring_up(db);
	store_db_err(db, note);
out:
	if (note->code)
		store_db_close(db);
	close(lock);
	return note->code;
}
