/*
 * store_named.c - items found by their ids alone; see store.h.
 *
 * The index is over a number made of caller and id: it is a fraction of what
 * both are, and one caller's ids never stand in another's way.
 */
#include <stdlib.h>

#include "ceilings.h"
#include "store_private.h"
#include "text.h"

int64_t store_tag(const char *caller, const char *id)
{
	char both[STORE_CALLER + STORE_ID + 1], hash[65];
	int len = snprintf(both, sizeof(both), "%s\n%s", caller, id);

	sha256_hex((struct span){ both, (size_t)len }, hash);
	hash[15] = '\0';
	return (int64_t)strtoull(hash, NULL, 16) | 1;
}

/* The newest of this name, to be reset; NULL: there is none. */
static sqlite3_stmt *row_named(struct store_db *db, enum store_sql which,
			       const char *caller, const char *id)
{
	sqlite3_stmt *st = store_sql(db, which);

	store_bind_int(st, 1, store_tag(caller, id));
	store_bind_str(st, 2, id);
	store_bind_str(st, 3, caller);
	store_bind_int(st, 4, PLACE_BITS);
	return store_row(db, st) ? st : NULL;
}

static void take(sqlite3_stmt *st, struct store_chain *out)
{
	size_t before = out->items.count;

	store_items_add(&out->items, sqlite3_column_int(st, 0), SPAN(""),
			store_col(st, 1));
	if (out->items.count > before)
		out->items.all[before].turn = (uint32_t)(out->count - 1);
}

/* The items of one response mostly come together: a turn for all of them.
 * n: the last one's response, 0 for none. */
static void take_turn(sqlite3_stmt *st, bool of_response, int64_t *n,
		      struct store_chain *out)
{
	int64_t now = of_response ? sqlite3_column_int64(st, 2) : 0;
	struct store_turn *t;

	if (out->count && now == *n)
		return;
	*n = now;
	t = &out->turns[out->count++];
	memset(t, 0, sizeof(*t));
	if (!of_response)
		return;
	store_col_str(st, 3, t->id, sizeof(t->id));
	store_col_str(st, 4, t->account, sizeof(t->account));
	store_col_str(st, 5, t->model, sizeof(t->model));
}

static void find_one(struct store_db *db, const char *caller, struct span name,
		     int64_t *n, struct store_chain *out, struct err_note *note)
{
	bool of_response = true;
	sqlite3_stmt *st;
	char id[STORE_ID];

	if (!text_copy(id, sizeof(id), name) || strlen(id) != name.len) {
		store_not_found(note, id);
		return;
	}
	st = row_named(db, SQL_ITEM_NAMED, caller, id);
	if (!st) {
		of_response = false;
		st = row_named(db, SQL_CITEM_NAMED, caller, id);
	}
	if (st) {
		take_turn(st, of_response, n, out);
		take(st, out);
		store_reset(st);
	} else if (!db->rc) {
		store_not_found(note, id);
	}
}

enum err store_named(struct store *s, const char *caller, const struct span *ids,
		     size_t count, struct store_chain *out, struct err_note *note)
{
	struct store_db *db;
	int64_t n = 0;

	if (count > MAX_NAMED_ITEMS)
		return err_set(note, ERR_TOO_LARGE, "%zu items by their ids", count);
	out->turns = calloc(count + 1, sizeof(*out->turns));
	if (!out->turns)
		return err_set(note, ERR_NO_MEMORY, "items by their ids");
	db = store_read(s, note);
	if (!db)
		return note->code;
	for (size_t i = 0; i < count && !note->code && !db->rc; i++) {
		find_one(db, caller, ids[i], &n, out, note);
		err_set(note, store_items_err(&out->items), "items by their ids");
	}
	return store_read_end(s, db, note);
}
