/*
 * store_prune.c - what has expired goes, and the oldest when there is too much.
 *
 * A few responses in each transaction: who wants to write meanwhile waits for
 * milliseconds. Freed pages are given back to the file system.
 */
#include <errno.h>
#include <unistd.h>

#include "store_private.h"

#define STEP_ROWS	64
#define OLDEST_ROWS	8		/* no more than has to */
#define VACUUM_PAGES	"2000"

size_t store_prune_step(struct store_db *db, enum store_sql which, int64_t now_s,
			int64_t max)
{
	int64_t found[STEP_ROWS];
	sqlite3_stmt *st = store_sql(db, which);
	size_t count = 0;

	store_bind_int(st, 1, now_s);
	store_bind_int(st, 2, max < STEP_ROWS ? max : STEP_ROWS);
	while (store_row(db, st))
		found[count++] = sqlite3_column_int64(st, 0);
	for (size_t i = 0; i < count && !db->rc; i++) {
		if (which == SQL_CONV_EXPIRED)
			store_conv_remove(db, found[i]);
		else
			store_remove(db, found[i]);
	}
	return db->rc ? 0 : count;
}

static int64_t pragma(struct store_db *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t value = 0;

	if (db->rc)
		return 0;
	db->rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL);
	if (store_row(db, st))
		value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return value;
}

int64_t store_used_bytes(struct store_db *db)
{
	int64_t pages = pragma(db, "PRAGMA page_count") -
			pragma(db, "PRAGMA freelist_count");

	return pages * pragma(db, "PRAGMA page_size");
}

/* One transaction of it; how many went. */
static size_t step(struct store_db *db, enum store_sql which, int64_t now_s)
{
	size_t gone;

	store_run(db, store_sql(db, SQL_BEGIN));
	gone = store_prune_step(db, which, now_s, which == SQL_RESPONSE_OLDEST ?
				OLDEST_ROWS : STEP_ROWS);
	store_run(db, store_sql(db, SQL_COMMIT));
	return db->rc ? 0 : gone;
}

enum err store_prune(const char *path, int64_t now_s, int64_t max_bytes,
		     struct store_pruned *done, struct err_note *note)
{
	struct store_db db;
	size_t gone;

	memset(done, 0, sizeof(*done));
	if (access(path, F_OK) && errno == ENOENT)
		return ERR_NONE;
	if (store_db_open(&db, path, note))
		return note->code;
	while ((gone = step(&db, SQL_RESPONSE_EXPIRED, now_s)))
		done->expired += gone;
	while ((gone = step(&db, SQL_CONV_EXPIRED, now_s)))
		done->expired += gone;
	while (max_bytes > 0 && store_used_bytes(&db) > max_bytes &&
	       (gone = step(&db, SQL_RESPONSE_OLDEST, now_s)))
		done->oldest += gone;
	/* a part at a time: each is a transaction */
	for (int64_t left = pragma(&db, "PRAGMA freelist_count"), before = left + 1;
	     left > 0 && left < before && !db.rc;
	     before = left, left = pragma(&db, "PRAGMA freelist_count"))
		store_exec(&db, "PRAGMA incremental_vacuum(" VACUUM_PAGES ")");
	store_exec(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
	done->bytes = store_used_bytes(&db);
	store_db_err(&db, note);
	store_db_close(&db);
	return note->code;
}
