/* store_page.c - parts of lists, in either direction. */
#include "store_private.h"

/* The key of the item with this id; 0: there is none. */
static int64_t key_of(struct store_db *db, const struct store_list *list,
		      const char *id)
{
	sqlite3_stmt *st = store_sql(db, list->find);
	int64_t key = 0;

	store_bind_int(st, 1, KEY_OF(list->owner, 0));
	store_bind_int(st, 2, KEY_OF(list->owner + 1, 0));
	store_bind_str(st, 3, id);
	if (store_row(db, st)) {
		key = sqlite3_column_int64(st, 0);
		store_reset(st);
	}
	return key;
}

static enum err no_such_item(struct err_note *note, const char *param,
			     const char *id)
{
	return err_at(note, ERR_BAD_REQUEST, param,
		      "There is no item '%.80s' in this list.", id);
}

static sqlite3_stmt *ask(struct store_db *db, const struct store_list *list,
			 bool up, int64_t low, int64_t high, int64_t limit)
{
	sqlite3_stmt *st = store_sql(db, up ? list->up : list->down);

	store_bind_int(st, 1, low);
	store_bind_int(st, 2, high);
	store_bind_int(st, 3, list->output);
	store_bind_int(st, 4, limit);
	return st;
}

static void take_row(sqlite3_stmt *st, uint32_t turn, struct store_items *out)
{
	size_t before = out->count;

	store_items_add(out, sqlite3_column_int(st, 1), store_col(st, 2),
			store_col(st, 3));
	if (out->count > before)
		out->all[before].turn = turn;
}

enum err store_page_read(struct store_db *db, const struct store_list *list,
			 struct store_page *page, struct store_items *out,
			 struct err_note *note)
{
	int64_t low = KEY_OF(list->owner, 0), high = KEY_OF(list->owner + 1, 0);
	bool up = page->ascending;
	sqlite3_stmt *st;
	int64_t key;
	size_t n = 0;

	if (page->after && page->after[0]) {
		key = key_of(db, list, page->after);
		if (!key)
			return no_such_item(note, "after", page->after);
		*(up ? &low : &high) = up ? key + 1 : key;
	}
	if (page->before && page->before[0]) {
		key = key_of(db, list, page->before);
		if (!key)
			return no_such_item(note, "before", page->before);
		*(up ? &high : &low) = up ? key : key + 1;
	}
	page->more = false;
	st = ask(db, list, up, low, high, (int64_t)page->limit + 1);
	while (store_row(db, st)) {
		if (n++ == page->limit) {
			page->more = true;
			store_reset(st);
			break;
		}
		take_row(st, 0, out);
	}
	return err_set(note, store_items_err(out), "a page of items");
}

void store_list_read(struct store_db *db, const struct store_list *list,
		     uint32_t turn, struct store_items *out)
{
	sqlite3_stmt *st = ask(db, list, true, KEY_OF(list->owner, 0),
			       KEY_OF(list->owner + 1, 0), -1);

	while (store_row(db, st)) {
		take_row(st, turn, out);
		if (!store_items_err(out))
			continue;
		store_reset(st);
		return;
	}
}
