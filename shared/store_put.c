/* store_put.c - what is written of responses; see store.h. */
#include <stdlib.h>

#include "ceilings.h"
#include "clock.h"
#include "store_private.h"

struct store_record *store_record_new(void)
{
	struct store_record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	buf_init(&r->body, MAX_STORE_RECORD);
	store_items_init(&r->items, MAX_STORE_RECORD, MAX_STORE_ITEMS);
	store_items_init(&r->events, MAX_STORE_RECORD, MAX_STORE_EVENTS);
	return r;
}

void store_record_free(struct store_record *r)
{
	if (!r)
		return;
	buf_free(&r->body);
	store_items_free(&r->items);
	store_items_free(&r->events);
	free(r);
}

enum err store_not_found(struct err_note *note, const char *id)
{
	return err_set(note, ERR_NOT_STORED, "%s", id);
}

/* --- of which response */

struct found {
	int64_t n, events;
	enum store_status status;
	bool joined;
};

static struct found find(struct store_db *db, const char *caller, const char *id)
{
	sqlite3_stmt *st = store_sql(db, SQL_RESPONSE_FIND);
	struct found f = { 0 };

	store_bind_str(st, 1, caller);
	store_bind_str(st, 2, id);
	if (store_row(db, st)) {
		f.n = sqlite3_column_int64(st, 0);
		f.status = (enum store_status)sqlite3_column_int(st, 1);
		f.events = sqlite3_column_int64(st, 2);
		f.joined = sqlite3_column_int(st, 3);
		store_reset(st);
	}
	return f;
}

int64_t store_find(struct store_db *db, const char *caller, const char *id)
{
	return find(db, caller, id).n;
}

static void clear(struct store_db *db, enum store_sql which, int64_t n)
{
	sqlite3_stmt *st = store_sql(db, which);

	store_bind_int(st, 1, KEY_OF(n, 0));
	store_bind_int(st, 2, KEY_OF(n + 1, 0));
	store_run(db, st);
}

void store_remove(struct store_db *db, int64_t n)
{
	sqlite3_stmt *st;

	clear(db, SQL_ITEM_CLEAR, n);
	clear(db, SQL_EVENT_CLEAR, n);
	st = store_sql(db, SQL_RESPONSE_DELETE);
	store_bind_int(st, 1, n);
	store_run(db, st);
}

void store_put_items(struct store_db *db, enum store_sql put,
		     const char *caller, int64_t owner, int64_t place,
		     const struct store_items *items)
{
	char id[STORE_ID];

	for (size_t i = 0; i < items->count && !db->rc; i++) {
		sqlite3_stmt *st = store_sql(db, put);
		struct span s = store_item_id(items, i);
		size_t len = s.len < sizeof(id) ? s.len : sizeof(id) - 1;

		memcpy(id, s.ptr, len);
		id[len] = '\0';
		store_bind_int(st, 1, KEY_OF(owner, place + (int64_t)i));
		store_bind_int(st, 2, items->all[i].output);
		store_bind_str(st, 3, id);
		store_bind_span(st, 4, store_item_json(items, i));
		store_bind_int(st, 5, store_tag(caller, id));
		store_run(db, st);
	}
}

static void put_events(struct store_db *db, int64_t n, int64_t place,
		       const struct store_items *events)
{
	for (size_t i = 0; i < events->count && !db->rc; i++) {
		sqlite3_stmt *st = store_sql(db, SQL_EVENT_PUT);

		store_bind_int(st, 1, KEY_OF(n, place + (int64_t)i));
		store_bind_span(st, 2, store_item_json(events, i));
		store_run(db, st);
	}
}

/* --- store_put() */

struct put {
	struct store_op op;
	enum store_when when;
	struct store_record *record;
};

static bool is_running(enum store_status status)
{
	return status == STORE_QUEUED || status == STORE_IN_PROGRESS;
}

static void put_row(struct store_db *db, const struct put *put,
		    const struct found *before, bool joined)
{
	const struct store_record *r = put->record;
	sqlite3_stmt *st = store_sql(db, before->n ? SQL_RESPONSE_CHANGE :
						     SQL_RESPONSE_PUT);

	store_bind_str(st, 1, r->caller);
	store_bind_str(st, 2, r->id);
	store_bind_str(st, 3, r->previous);
	store_bind_str(st, 4, r->conversation);
	store_bind_str(st, 5, r->model);
	store_bind_str(st, 6, r->account);
	store_bind_str(st, 7, r->owner);
	store_bind_int(st, 8, r->created_s);
	store_bind_int(st, 9, r->background);
	store_bind_span(st, 10, buf_span(&r->body));
	store_bind_int(st, 11, r->status);
	store_bind_int(st, 12, before->events + (int64_t)r->events.count);
	store_bind_int(st, 13, joined);
	store_bind_int(st, 14, clock_wall_us() / 1000000 + put->op.ttl_s);
	store_run(db, st);
}

static enum err put_apply(struct store_db *db, struct store_op *op,
			  struct err_note *note)
{
	const struct put *put = CONTAINER_OF(op, struct put, op);
	const struct store_record *r = put->record;
	struct found before = find(db, r->caller, r->id);
	bool joined = before.joined;
	int64_t n;

	if (db->rc)
		return ERR_STORE;
	if (put->when != STORE_ALWAYS &&
	    (!before.n || !is_running(before.status)))
		return store_not_found(note, r->id);
	if (put->when == STORE_IF_UNCHANGED && before.events != r->next_event)
		return err_set(note, ERR_BUSY, "%s goes on", r->id);
	if (before.events + (int64_t)r->events.count >= MAX_PLACE)
		return err_set(note, ERR_TOO_LARGE, "too many events");
	if (r->conversation[0] && !joined && (r->status == STORE_COMPLETED ||
					      r->status == STORE_INCOMPLETE))
		joined = store_conv_append(db, r->caller, r->conversation,
					   &r->items, clock_wall_us() / 1000000 +
					   op->ttl_s);
	put_row(db, put, &before, joined);
	n = before.n ? before.n : sqlite3_last_insert_rowid(db->sqlite);
	if (before.n && r->items.count)
		clear(db, SQL_ITEM_CLEAR, n);
	store_put_items(db, SQL_ITEM_PUT, r->caller, n, 0, &r->items);
	put_events(db, n, before.events, &r->events);
	return ERR_NONE;
}

static void put_free(struct store_op *op)
{
	struct put *put = CONTAINER_OF(op, struct put, op);

	store_record_free(put->record);
	free(put);
}

static size_t record_bytes(const struct store_record *r)
{
	return sizeof(*r) + r->body.len + r->items.text.len + r->events.text.len;
}

/* A record that could not be filled is refused as a whole. */
static enum err record_err(const struct store_record *r)
{
	if (buf_err(&r->body))
		return buf_err(&r->body);
	return store_items_err(&r->items) ? store_items_err(&r->items) :
	       store_items_err(&r->events);
}

static enum err refuse_apply(struct store_db *db, struct store_op *op,
			     struct err_note *note)
{
	const struct put *put = CONTAINER_OF(op, struct put, op);

	(void)db;
	return err_set(note, record_err(put->record), "the record");
}

static void put_init(struct put *put, enum store_when when,
		     struct store_record *r)
{
	put->op.apply = record_err(r) ? refuse_apply : put_apply;
	put->op.bytes = record_bytes(r);
	put->when = when;
	put->record = r;
}

void store_put(struct store *s, struct store_write *w, enum store_when when,
	       struct store_record *r)
{
	struct put *put = calloc(1, sizeof(*put));

	if (!put) {
		store_record_free(r);
		store_queue_failed(s, w, ERR_NO_MEMORY);
		return;
	}
	put_init(put, when, r);
	put->op.free = put_free;
	put->op.write = w;
	store_queue(s, &put->op);
}

enum err store_put_wait(struct store *s, enum store_when when,
			struct store_record *r, struct err_note *note)
{
	struct put put = { 0 };
	enum err err;

	put_init(&put, when, r);
	err = store_wait(s, &put.op, note);
	store_record_free(r);
	return err;
}

/* --- store_events() */

struct add {
	struct store_op op;
	char caller[STORE_CALLER], id[STORE_ID];
	struct store_items events;
};

static enum err add_apply(struct store_db *db, struct store_op *op,
			  struct err_note *note)
{
	const struct add *add = CONTAINER_OF(op, struct add, op);
	struct found f = find(db, add->caller, add->id);
	sqlite3_stmt *st;

	if (db->rc)
		return ERR_STORE;
	if (store_items_err(&add->events))
		return err_set(note, store_items_err(&add->events), "events");
	if (!f.n || !is_running(f.status))
		return store_not_found(note, add->id);
	if (f.events + (int64_t)add->events.count >= MAX_PLACE)
		return err_set(note, ERR_TOO_LARGE, "too many events");
	st = store_sql(db, SQL_RESPONSE_EVENTS);
	store_bind_int(st, 1, f.n);
	store_bind_int(st, 2, f.events + (int64_t)add->events.count);
	store_run(db, st);
	put_events(db, f.n, f.events, &add->events);
	return ERR_NONE;
}

static void add_free(struct store_op *op)
{
	struct add *add = CONTAINER_OF(op, struct add, op);

	store_items_free(&add->events);
	free(add);
}

void store_events(struct store *s, struct store_write *w, const char *caller,
		  const char *id, struct store_items *events)
{
	struct add *add = calloc(1, sizeof(*add));

	if (!add) {
		store_items_free(events);
		store_queue_failed(s, w, ERR_NO_MEMORY);
		return;
	}
	add->op = (struct store_op){
		.apply = add_apply, .free = add_free, .write = w,
		.bytes = sizeof(*add) + events->text.len,
	};
	snprintf(add->caller, sizeof(add->caller), "%s", caller);
	snprintf(add->id, sizeof(add->id), "%s", id);
	/* its bytes move; the caller's list is empty from here on */
	add->events = *events;
	store_items_init(events, events->text.max, events->max_count);
	store_queue(s, &add->op);
}

/* --- store_delete() */

struct removal {
	struct store_op op;
	const char *caller, *id;
};

static enum err delete_apply(struct store_db *db, struct store_op *op,
			     struct err_note *note)
{
	const struct removal *d = CONTAINER_OF(op, struct removal, op);
	int64_t n = store_find(db, d->caller, d->id);

	if (db->rc)
		return ERR_STORE;
	if (!n)
		return store_not_found(note, d->id);
	store_remove(db, n);
	return ERR_NONE;
}

enum err store_delete(struct store *s, const char *caller, const char *id,
		      struct err_note *note)
{
	struct removal d = {
		.op.apply = delete_apply, .caller = caller, .id = id,
	};

	return store_wait(s, &d.op, note);
}
