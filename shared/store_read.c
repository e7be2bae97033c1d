/* store_read.c - what is read of responses; see store.h. */
#include <stdlib.h>

#include "ceilings.h"
#include "store_private.h"

/* True: a row is there, to be reset. */
static sqlite3_stmt *row_of(struct store_db *db, const char *caller,
			    const char *id, struct err_note *note)
{
	sqlite3_stmt *st = store_sql(db, SQL_RESPONSE_GET);

	store_bind_str(st, 1, caller);
	store_bind_str(st, 2, id);
	if (store_row(db, st))
		return st;
	if (!db->rc)
		store_not_found(note, id);
	return NULL;
}

static void take_record(sqlite3_stmt *st, struct store_record *r)
{
	r->status = (enum store_status)sqlite3_column_int(st, 1);
	r->next_event = sqlite3_column_int64(st, 2);
	store_col_str(st, 4, r->previous, sizeof(r->previous));
	store_col_str(st, 5, r->conversation, sizeof(r->conversation));
	store_col_str(st, 6, r->model, sizeof(r->model));
	store_col_str(st, 7, r->account, sizeof(r->account));
	store_col_str(st, 8, r->owner, sizeof(r->owner));
	r->created_s = sqlite3_column_int64(st, 9);
	r->background = sqlite3_column_int(st, 10);
	buf_reset(&r->body);
	buf_span_add(&r->body, store_col(st, 11));
}

enum err store_get(struct store *s, const char *caller, const char *id,
		   struct store_record *r, struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	sqlite3_stmt *st;

	if (!db)
		return note->code;
	/* they may be r's own, of a record that is read anew */
	if (caller != r->caller)
		snprintf(r->caller, sizeof(r->caller), "%s", caller);
	if (id != r->id)
		snprintf(r->id, sizeof(r->id), "%s", id);
	st = row_of(db, caller, id, note);
	if (st) {
		take_record(st, r);
		if (buf_err(&r->body))
			err_set(note, buf_err(&r->body), "a stored response");
		store_reset(st);
	}
	return store_read_end(s, db, note);
}

static struct store_list items_of(int64_t n, int output)
{
	return (struct store_list){ SQL_ITEM_FIND, SQL_ITEM_UP, SQL_ITEM_DOWN, n,
				    output };
}

enum err store_items(struct store *s, const char *caller, const char *id,
		     struct store_page *page, struct store_items *out,
		     struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	struct store_list list;

	if (!db)
		return note->code;
	list = items_of(store_find(db, caller, id), 0);
	if (list.owner)
		store_page_read(db, &list, page, out, note);
	else if (!db->rc)
		store_not_found(note, id);
	return store_read_end(s, db, note);
}

/* --- the chain of turns */

void store_chain_init(struct store_chain *c)
{
	memset(c, 0, sizeof(*c));
	store_items_init(&c->items, MAX_CHAIN_BYTES, MAX_JSON_MEMBERS);
}

void store_chain_free(struct store_chain *c)
{
	store_items_free(&c->items);
	free(c->turns);
	store_chain_init(c);
}

struct walk {
	int64_t *n;			/* the responses' numbers, newest first */
	size_t size;
	char next[STORE_ID];		/* the one to look at, or "" */
};

static bool walk_room(struct walk *w, struct store_chain *c)
{
	size_t size = w->size ? w->size * 2 : 16;
	struct store_turn *turns;
	int64_t *n;

	if (c->count < w->size)
		return true;
	turns = realloc(c->turns, size * sizeof(*turns));
	if (turns)
		c->turns = turns;
	n = realloc(w->n, size * sizeof(*n));
	if (n)
		w->n = n;
	if (!turns || !n)
		return false;
	w->size = size;
	return true;
}

static enum err take_turn(struct walk *w, struct store_chain *c, sqlite3_stmt *st,
			  struct err_note *note)
{
	struct store_turn *t;

	if (sqlite3_column_int(st, 1) <= STORE_IN_PROGRESS)
		return err_tell(note, ERR_BAD_REQUEST, "Response '%s' is still in "
				"progress: it can be continued when it is "
				"complete.", w->next);
	if (c->count == MAX_CHAIN_TURNS)
		return err_tell(note, ERR_TOO_LARGE, "More than %d responses come "
				"before this one: at most so many are taken.",
				MAX_CHAIN_TURNS);
	if (!walk_room(w, c))
		return err_set(note, ERR_NO_MEMORY, "a chain of responses");
	t = &c->turns[c->count];
	memcpy(t->id, w->next, sizeof(t->id));
	store_col_str(st, 6, t->model, sizeof(t->model));
	store_col_str(st, 7, t->account, sizeof(t->account));
	w->n[c->count++] = sqlite3_column_int64(st, 0);
	c->cut = c->cut || sqlite3_column_bytes(st, 5) > 0;
	store_col_str(st, 4, w->next, sizeof(w->next));
	return ERR_NONE;
}

static void walk_back(struct store_db *db, const char *caller, struct walk *w,
		      struct store_chain *c, struct err_note *note)
{
	struct err_note gone = ERR_NOTE_INIT;
	sqlite3_stmt *st;

	while (w->next[0] && !note->code && !db->rc) {
		st = row_of(db, caller, w->next, &gone);
		if (!st) {
			c->cut = c->cut || c->count > 0;
			break;
		}
		take_turn(w, c, st, note);
		store_reset(st);
	}
	if (!c->count && !db->rc && !note->code)
		store_not_found(note, w->next);
}

static void oldest_first(struct walk *w, struct store_chain *c)
{
	for (size_t i = 0, j = c->count; i + 1 < j; i++) {
		struct store_turn turn = c->turns[i];
		int64_t n = w->n[i];

		j--;
		c->turns[i] = c->turns[j];
		c->turns[j] = turn;
		w->n[i] = w->n[j];
		w->n[j] = n;
	}
}

enum err store_chain(struct store *s, const char *caller, const char *id,
		     struct store_chain *out, struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	struct walk w = { 0 };

	if (!db)
		return note->code;
	snprintf(w.next, sizeof(w.next), "%s", id);
	walk_back(db, caller, &w, out, note);
	oldest_first(&w, out);
	for (size_t i = 0; i < out->count && !note->code && !db->rc; i++) {
		struct store_list list = items_of(w.n[i], 1);

		store_list_read(db, &list, (uint32_t)i, &out->items);
		if (store_items_err(&out->items) == ERR_TOO_LARGE)
			err_tell(note, ERR_TOO_LARGE, "The responses before this "
				 "one are too large together: at most %u MiB are "
				 "taken.", MAX_CHAIN_BYTES >> 20);
		else if (store_items_err(&out->items))
			err_set(note, ERR_NO_MEMORY, "a chain of responses");
	}
	free(w.n);
	return store_read_end(s, db, note);
}

/* --- what runs */

/* One at least is given, whatever there is room for. */
static bool add_event(struct store_items *out, struct span json)
{
	size_t room = out->text.max;

	if (out->count && (out->text.len + json.len >= room ||
			   out->count == out->max_count))
		return false;
	if (json.len > room)
		out->text.max = json.len;
	store_items_add(out, true, SPAN(""), json);
	out->text.max = room;
	return true;
}

enum err store_events_after(struct store *s, const char *caller, const char *id,
			    int64_t after, struct store_items *out, int64_t *last,
			    enum store_status *status, bool *more,
			    struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	sqlite3_stmt *st;
	int64_t n = 0;

	*more = false;
	if (!db)
		return note->code;
	*last = after;
	st = row_of(db, caller, id, note);
	if (st) {
		n = sqlite3_column_int64(st, 0);
		*status = (enum store_status)sqlite3_column_int(st, 1);
		store_reset(st);
	}
	if (n && after < MAX_PLACE) {
		st = store_sql(db, SQL_EVENT_UP);
		store_bind_int(st, 1, KEY_OF(n, after + 1));
		store_bind_int(st, 2, KEY_OF(n + 1, 0));
		while (store_row(db, st)) {
			if (!add_event(out, store_col(st, 1))) {
				*more = true;
				store_reset(st);
				break;
			}
			*last = sqlite3_column_int64(st, 0) & (MAX_PLACE - 1);
		}
		err_set(note, store_items_err(out), "stored events");
	}
	return store_read_end(s, db, note);
}

enum err store_running(struct store *s, struct store_running *out, size_t max,
		       size_t *count, struct err_note *note)
{
	struct store_db *db = store_read(s, note);
	sqlite3_stmt *st;

	*count = 0;
	if (!db)
		return note->code;
	st = store_sql(db, SQL_RESPONSE_RUNNING);
	store_bind_int(st, 1, (int64_t)max);
	while (store_row(db, st)) {
		struct store_running *r = &out[(*count)++];

		store_col_str(st, 0, r->caller, sizeof(r->caller));
		store_col_str(st, 1, r->id, sizeof(r->id));
		store_col_str(st, 2, r->owner, sizeof(r->owner));
	}
	return store_read_end(s, db, note);
}
