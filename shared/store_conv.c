/* store_conv.c - conversations; see store.h. */
#include "ceilings.h"
#include "clock.h"
#include "store_private.h"

void store_conv_init(struct store_conv *c)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->metadata, 1 << 20);
}

void store_conv_free(struct store_conv *c)
{
	buf_free(&c->metadata);
}

/* True: the row is there, to be reset. */
static sqlite3_stmt *row_of(struct store_db *db, const char *caller, const char *id)
{
	sqlite3_stmt *st = store_sql(db, SQL_CONV_FIND);

	store_bind_str(st, 1, caller);
	store_bind_str(st, 2, id);
	return store_row(db, st) ? st : NULL;
}

static int64_t find(struct store_db *db, const char *caller, const char *id,
		    int64_t *next)
{
	sqlite3_stmt *st = row_of(db, caller, id);
	int64_t n = 0;

	if (st) {
		n = sqlite3_column_int64(st, 0);
		*next = sqlite3_column_int64(st, 1);
		store_reset(st);
	}
	return n;
}

static bool append(struct store_db *db, const char *caller, int64_t n,
		   int64_t next, const struct store_items *items,
		   int64_t expires_s)
{
	sqlite3_stmt *st;

	if (next + (int64_t)items->count >= MAX_PLACE)
		return false;
	st = store_sql(db, SQL_CONV_NEXT);
	store_bind_int(st, 1, n);
	store_bind_int(st, 2, next + (int64_t)items->count);
	store_bind_int(st, 3, expires_s);
	store_run(db, st);
	store_put_items(db, SQL_CITEM_PUT, caller, n, next, items);
	return true;
}

bool store_conv_append(struct store_db *db, const char *caller, const char *id,
		       const struct store_items *items, int64_t expires_s)
{
	int64_t next, n = find(db, caller, id, &next);

	return n && append(db, caller, n, next, items, expires_s);
}

void store_conv_remove(struct store_db *db, int64_t n)
{
	sqlite3_stmt *st = store_sql(db, SQL_CITEM_CLEAR);

	store_bind_int(st, 1, KEY_OF(n, 0));
	store_bind_int(st, 2, KEY_OF(n + 1, 0));
	store_run(db, st);
	st = store_sql(db, SQL_CONV_DELETE);
	store_bind_int(st, 1, n);
	store_run(db, st);
}

/* --- what writes: one operation with what it needs of these */

struct change {
	struct store_op op;
	const char *caller, *id, *item;
	const struct store_conv *conv;
	struct span metadata;
	const struct store_items *items;
};

static int64_t expiry(const struct store_op *op)
{
	return clock_wall_us() / 1000000 + op->ttl_s;
}

static enum err create_apply(struct store_db *db, struct store_op *op,
			     struct err_note *note)
{
	const struct change *c = CONTAINER_OF(op, struct change, op);
	sqlite3_stmt *st = store_sql(db, SQL_CONV_PUT);

	store_bind_str(st, 1, c->caller);
	store_bind_str(st, 2, c->conv->id);
	store_bind_int(st, 3, c->conv->created_s);
	store_bind_span(st, 4, buf_span(&c->conv->metadata));
	store_bind_int(st, 5, expiry(op));
	store_run(db, st);
	if (!db->rc)
		append(db, c->caller, sqlite3_last_insert_rowid(db->sqlite), 0,
		       c->items, expiry(op));
	(void)note;
	return ERR_NONE;
}

static enum err update_apply(struct store_db *db, struct store_op *op,
			     struct err_note *note)
{
	const struct change *c = CONTAINER_OF(op, struct change, op);
	int64_t next, n = find(db, c->caller, c->id, &next);
	sqlite3_stmt *st;

	if (!n)
		return db->rc ? ERR_STORE : store_not_found(note, c->id);
	st = store_sql(db, SQL_CONV_META);
	store_bind_int(st, 1, n);
	store_bind_span(st, 2, c->metadata);
	store_bind_int(st, 3, expiry(op));
	store_run(db, st);
	return ERR_NONE;
}

static enum err delete_apply(struct store_db *db, struct store_op *op,
			     struct err_note *note)
{
	const struct change *c = CONTAINER_OF(op, struct change, op);
	int64_t next, n = find(db, c->caller, c->id, &next);

	if (!n)
		return db->rc ? ERR_STORE : store_not_found(note, c->id);
	store_conv_remove(db, n);
	return ERR_NONE;
}

static enum err add_apply(struct store_db *db, struct store_op *op,
			  struct err_note *note)
{
	const struct change *c = CONTAINER_OF(op, struct change, op);
	int64_t next, n = find(db, c->caller, c->id, &next);

	if (!n)
		return db->rc ? ERR_STORE : store_not_found(note, c->id);
	if (!append(db, c->caller, n, next, c->items, expiry(op)))
		return err_set(note, ERR_TOO_LARGE, "too many items");
	return ERR_NONE;
}

static enum err no_item(struct err_note *note, const char *id)
{
	err_set(note, ERR_NOT_STORED, "%s", id);
	snprintf(note->param, sizeof(note->param), "item");
	return ERR_NOT_STORED;
}

static int64_t item_key(struct store_db *db, int64_t n, const char *id)
{
	sqlite3_stmt *st = store_sql(db, SQL_CITEM_FIND);
	int64_t key = 0;

	store_bind_int(st, 1, KEY_OF(n, 0));
	store_bind_int(st, 2, KEY_OF(n + 1, 0));
	store_bind_str(st, 3, id);
	if (store_row(db, st)) {
		key = sqlite3_column_int64(st, 0);
		store_reset(st);
	}
	return key;
}

static enum err item_delete_apply(struct store_db *db, struct store_op *op,
				  struct err_note *note)
{
	const struct change *c = CONTAINER_OF(op, struct change, op);
	int64_t next, key, n = find(db, c->caller, c->id, &next);
	sqlite3_stmt *st;

	if (!n)
		return db->rc ? ERR_STORE : store_not_found(note, c->id);
	key = item_key(db, n, c->item);
	if (!key)
		return db->rc ? ERR_STORE : no_item(note, c->item);
	st = store_sql(db, SQL_CITEM_CLEAR);
	store_bind_int(st, 1, key);
	store_bind_int(st, 2, key + 1);
	store_run(db, st);
	return ERR_NONE;
}

enum err store_conv_create(struct store *s, const char *caller,
			   const struct store_conv *conv,
			   const struct store_items *items, struct err_note *note)
{
	struct change c = {
		.op = { .apply = create_apply, .bytes = items->text.len },
		.caller = caller, .conv = conv, .items = items,
	};

	return store_wait(s, &c.op, note);
}

enum err store_conv_update(struct store *s, const char *caller, const char *id,
			   struct span metadata, struct err_note *note)
{
	struct change c = {
		.op = { .apply = update_apply, .bytes = metadata.len },
		.caller = caller, .id = id, .metadata = metadata,
	};

	return store_wait(s, &c.op, note);
}

enum err store_conv_delete(struct store *s, const char *caller, const char *id,
			   struct err_note *note)
{
	struct change c = {
		.op.apply = delete_apply, .caller = caller, .id = id,
	};

	return store_wait(s, &c.op, note);
}

enum err store_conv_add(struct store *s, const char *caller, const char *id,
			const struct store_items *items, struct err_note *note)
{
	struct change c = {
		.op = { .apply = add_apply, .bytes = items->text.len },
		.caller = caller, .id = id, .items = items,
	};

	return store_wait(s, &c.op, note);
}

enum err store_conv_item_delete(struct store *s, const char *caller,
				const char *id, const char *item,
				struct err_note *note)
{
	struct change c = {
		.op.apply = item_delete_apply, .caller = caller, .id = id,
		.item = item,
	};

	return store_wait(s, &c.op, note);
}

/* --- what reads */

enum err store_conv_get(struct store *s, const char *caller, const char *id,
			struct store_conv *out, struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	sqlite3_stmt *st;

	if (!db)
		return note->code;
	st = row_of(db, caller, id);
	if (st) {
		snprintf(out->id, sizeof(out->id), "%s", id);
		out->created_s = sqlite3_column_int64(st, 2);
		buf_reset(&out->metadata);
		buf_span_add(&out->metadata, store_col(st, 3));
		err_set(note, buf_err(&out->metadata), "metadata");
		store_reset(st);
	} else if (!db->rc) {
		store_not_found(note, id);
	}
	return store_read_end(s, db, note);
}

/* A connection, and the conversation's number; NULL: there is none. */
static struct store_db *begin(struct store *s, const char *caller, const char *id,
			      struct store_list *list, struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	int64_t next;

	if (!db)
		return NULL;
	*list = (struct store_list){ SQL_CITEM_FIND, SQL_CITEM_UP, SQL_CITEM_DOWN,
				     find(db, caller, id, &next), 1 };
	if (list->owner)
		return db;
	if (!db->rc)
		store_not_found(note, id);
	store_read_end(s, db, note);
	return NULL;
}

enum err store_conv_items(struct store *s, const char *caller, const char *id,
			  struct store_page *page, struct store_items *out,
			  struct err_note *note)
{
	struct store_list list;
	struct store_db *db = begin(s, caller, id, &list, note);

	if (!db)
		return note->code;
	store_page_read(db, &list, page, out, note);
	return store_read_end(s, db, note);
}

enum err store_conv_all(struct store *s, const char *caller, const char *id,
			struct store_items *out, struct err_note *note)
{
	struct store_list list;
	struct store_db *db = begin(s, caller, id, &list, note);

	if (!db)
		return note->code;
	store_list_read(db, &list, 0, out);
	if (store_items_err(out) == ERR_TOO_LARGE)
		err_tell(note, ERR_TOO_LARGE, "The conversation is too large: at "
			 "most %u MiB of items are taken.", MAX_CHAIN_BYTES >> 20);
	else if (store_items_err(out))
		err_set(note, store_items_err(out), "a conversation");
	return store_read_end(s, db, note);
}

enum err store_conv_item(struct store *s, const char *caller, const char *id,
			 const char *item, struct store_items *out,
			 struct err_note *note)
{
	struct store_list list;
	struct store_db *db = begin(s, caller, id, &list, note);
	sqlite3_stmt *st;
	int64_t key;

	if (!db)
		return note->code;
	key = item_key(db, list.owner, item);
	if (!key && !db->rc)
		no_item(note, item);
	if (key) {
		st = store_sql(db, SQL_CITEM_UP);
		store_bind_int(st, 1, key);
		store_bind_int(st, 2, key + 1);
		store_bind_int(st, 3, 1);
		store_bind_int(st, 4, 1);
		if (store_row(db, st)) {
			store_items_add(out, sqlite3_column_int(st, 1),
					store_col(st, 2), store_col(st, 3));
			store_reset(st);
		}
		err_set(note, store_items_err(out), "an item");
	}
	return store_read_end(s, db, note);
}
