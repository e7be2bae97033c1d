/*
 * store_private.h - what the store*.c files share; nobody else includes it.
 *
 * A list that belongs to something (a response's items and events, the items
 * of a conversation) lies in a table of its own whose key holds the owner's
 * number and the place in the list: one range of the table, in order, without
 * an index beside it.
 */
#ifndef CHATMOCK_STORE_PRIVATE_H
#define CHATMOCK_STORE_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>

#include "file.h"
#include "store.h"

#define PLACE_BITS	24	/* of a key: 16 million in a list */
#define MAX_PLACE	((int64_t)1 << PLACE_BITS)
/* Of the tables: what migrations[] in store_db.c leads to. */
#define STORE_VERSION	2

#define KEY_OF(owner, place) (((int64_t)(owner) << PLACE_BITS) | (int64_t)(place))

/* All statements, prepared when first used and kept with the connection. */
#define STORE_SQL(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(VERSION, "PRAGMA data_version") \
	X(RESPONSE_FIND, "SELECT n, status, events, joined FROM responses " \
	  "WHERE caller = ?1 AND id = ?2") \
	X(RESPONSE_GET, "SELECT n, status, events, joined, previous, conversation, " \
	  "model, account, owner, created, background, body FROM responses " \
	  "WHERE caller = ?1 AND id = ?2") \
	X(RESPONSE_PUT, "INSERT INTO responses (caller, id, previous, conversation, " \
	  "model, account, owner, created, background, body, status, events, " \
	  "joined, expires) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)") \
	X(RESPONSE_CHANGE, "UPDATE responses SET previous = ?3, conversation = ?4, " \
	  "model = ?5, account = ?6, owner = ?7, created = ?8, background = ?9, " \
	  "body = ?10, status = ?11, events = ?12, joined = ?13, expires = ?14 " \
	  "WHERE caller = ?1 AND id = ?2") \
	X(RESPONSE_EVENTS, "UPDATE responses SET events = ?2 WHERE n = ?1") \
	X(RESPONSE_DELETE, "DELETE FROM responses WHERE n = ?1") \
	X(RESPONSE_RUNNING, "SELECT caller, id, owner FROM responses " \
	  "WHERE status < 2 ORDER BY n LIMIT ?1") \
	X(RESPONSE_EXPIRED, "SELECT n FROM responses WHERE expires <= ?1 LIMIT ?2") \
	X(RESPONSE_OLDEST, "SELECT n FROM responses ORDER BY n LIMIT ?2") \
	X(ITEM_PUT, "INSERT INTO items (key, output, id, json, tag) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(ITEM_CLEAR, "DELETE FROM items WHERE key >= ?1 AND key < ?2") \
	X(ITEM_FIND, "SELECT key FROM items WHERE key >= ?1 AND key < ?2 " \
	  "AND id = ?3 AND output = 0") \
	X(ITEM_UP, "SELECT key, output, id, json FROM items WHERE key >= ?1 AND " \
	  "key < ?2 AND output <= ?3 ORDER BY key LIMIT ?4") \
	X(ITEM_DOWN, "SELECT key, output, id, json FROM items WHERE key >= ?1 AND " \
	  "key < ?2 AND output <= ?3 ORDER BY key DESC LIMIT ?4") \
	X(EVENT_PUT, "INSERT INTO events (key, json) VALUES (?1, ?2)") \
	X(EVENT_CLEAR, "DELETE FROM events WHERE key >= ?1 AND key < ?2") \
	X(EVENT_UP, "SELECT key, json FROM events WHERE key >= ?1 AND key < ?2 " \
	  "ORDER BY key") \
	X(CONV_FIND, "SELECT n, next, created, metadata FROM conversations " \
	  "WHERE caller = ?1 AND id = ?2") \
	X(CONV_PUT, "INSERT INTO conversations (caller, id, created, metadata, " \
	  "next, expires) VALUES (?1, ?2, ?3, ?4, 0, ?5)") \
	X(CONV_META, "UPDATE conversations SET metadata = ?2, expires = ?3 " \
	  "WHERE n = ?1") \
	X(CONV_NEXT, "UPDATE conversations SET next = ?2, expires = ?3 WHERE n = ?1") \
	X(CONV_DELETE, "DELETE FROM conversations WHERE n = ?1") \
	X(CONV_EXPIRED, "SELECT n FROM conversations WHERE expires <= ?1 LIMIT ?2") \
	X(CITEM_PUT, "INSERT INTO conversation_items (key, output, id, json, " \
	  "tag) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(CITEM_CLEAR, "DELETE FROM conversation_items WHERE key >= ?1 AND key < ?2") \
	X(CITEM_FIND, "SELECT key FROM conversation_items WHERE key >= ?1 AND " \
	  "key < ?2 AND id = ?3") \
	X(CITEM_UP, "SELECT key, output, id, json FROM conversation_items WHERE " \
	  "key >= ?1 AND key < ?2 AND output <= ?3 ORDER BY key LIMIT ?4") \
	X(CITEM_DOWN, "SELECT key, output, id, json FROM conversation_items WHERE " \
	  "key >= ?1 AND key < ?2 AND output <= ?3 ORDER BY key DESC LIMIT ?4") \
	X(ITEM_NAMED, "SELECT i.output, i.json, r.n, r.id, r.account, r.model " \
	  "FROM items AS i CROSS JOIN responses AS r ON r.n = i.key >> ?4 " \
	  "WHERE i.tag = ?1 AND i.tag <> 0 AND i.id = ?2 AND r.caller = ?3 " \
	  "ORDER BY i.output DESC, i.key DESC LIMIT 1") \
	X(CITEM_NAMED, "SELECT i.output, i.json FROM conversation_items AS i " \
	  "CROSS JOIN conversations AS c ON c.n = i.key >> ?4 " \
	  "WHERE i.tag = ?1 AND i.tag <> 0 AND i.id = ?2 AND c.caller = ?3 " \
	  "ORDER BY i.key DESC LIMIT 1")

enum store_sql {
#define X(name, text) SQL_##name,
	STORE_SQL(X)
#undef X
	SQL__COUNT
};

/* --- store_db.c: a connection; one thread at a time. */

struct store_db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[SQL__COUNT];
	uint64_t generation;		/* of the store's file, see store.c */
	int rc;				/* the first failure of SQLite's, or 0 */
};

/* For writing: the file is made, brought to this version, or set aside and
 * made anew (*aside is told why then). stamp: which file it is. */
MUST_USE enum err store_db_make(struct store_db *db, const char *path,
				struct file_stamp *stamp, struct err_note *aside,
				struct err_note *note);
/* For reading what is there. */
MUST_USE enum err store_db_open(struct store_db *db, const char *path,
				struct err_note *note);
void store_db_close(struct store_db *db);	/* safe on a zeroed one, safe twice */

/* Renames a file that is no use. false: it is not the one any more that stamp
 * says, or can not be renamed. */
bool store_db_set_aside(const char *path, const struct file_stamp *stamp);

/* Ready to be bound; NULL: db->rc says why, and all below do nothing then. */
sqlite3_stmt *store_sql(struct store_db *db, enum store_sql which);
void store_bind_str(sqlite3_stmt *st, int at, const char *s);
void store_bind_span(sqlite3_stmt *st, int at, struct span s);	/* a blob */
void store_bind_int(sqlite3_stmt *st, int at, int64_t n);

/* True: a row is there. Else it is over, and reset; db->rc tells failures. */
bool store_row(struct store_db *db, sqlite3_stmt *st);
void store_run(struct store_db *db, sqlite3_stmt *st);	/* no row is wanted */
void store_reset(sqlite3_stmt *st);		/* a row was enough */

struct span store_col(sqlite3_stmt *st, int at);	/* until the next row */
void store_col_str(sqlite3_stmt *st, int at, char *out, size_t size);

/* What db->rc means: 0 or ERR_STORE, ERR_NO_MEMORY; rc is forgotten. */
enum err store_db_err(struct store_db *db, struct err_note *note);

/* Runs plain statements (pragmas, schema). */
void store_exec(struct store_db *db, const char *sql);

/* --- the writer's queue (store.c) */

struct store_op {
	/* Inside a transaction; may run twice, the first having been undone.
	 * A code other than ERR_STORE has changed nothing. */
	enum err (*apply)(struct store_db *db, struct store_op *op,
			  struct err_note *note);
	void (*free)(struct store_op *op);	/* NULL: it is on a stack */
	struct store_write *write;
	size_t bytes;
	int64_t ttl_s;				/* filled in */
	/* private */
	struct store_op *next;
	bool over;
};

/* op's done() will come. */
void store_queue(struct store *s, struct store_op *op);
/* w's done() will come, with this. */
void store_queue_failed(struct store *s, struct store_write *w, enum err err);
/* Waits for it; op->write is not used. */
MUST_USE enum err store_wait(struct store *s, struct store_op *op,
			     struct err_note *note);

/* A connection for reading, inside a transaction, so that all is of one
 * moment; NULL: note. store_read_end() hands it back; what SQLite said of it
 * becomes note's unless there is something else already. */
struct store_db *store_read(struct store *s, struct err_note *note);
enum err store_read_end(struct store *s, struct store_db *db,
			struct err_note *note);

/* --- store_put.c */

/* 0: not there (db->rc may say more). */
int64_t store_find(struct store_db *db, const char *caller, const char *id);
void store_remove(struct store_db *db, int64_t n);
void store_put_items(struct store_db *db, enum store_sql put,
		     const char *caller, int64_t owner, int64_t place,
		     const struct store_items *items);
enum err store_not_found(struct err_note *note, const char *id);

/* --- store_named.c */

/* What items are found by: a number that caller and id give, never 0. */
int64_t store_tag(const char *caller, const char *id);

/* --- store_page.c */

struct store_list {
	enum store_sql find, up, down;
	int64_t owner;
	int output;		/* 0: only the caller's items; 1: all */
};
enum err store_page_read(struct store_db *db, const struct store_list *list,
			 struct store_page *page, struct store_items *out,
			 struct err_note *note);
/* All of it, with the turn's number; stops when out has failed. */
void store_list_read(struct store_db *db, const struct store_list *list,
		     uint32_t turn, struct store_items *out);

/* --- store_conv.c */

/* Adds to a conversation; false: there is none. */
bool store_conv_append(struct store_db *db, const char *caller, const char *id,
		       const struct store_items *items, int64_t expires_s);
void store_conv_remove(struct store_db *db, int64_t n);

/* --- store_prune.c */

/* A step of it, inside a transaction. How many went. */
size_t store_prune_step(struct store_db *db, enum store_sql which, int64_t now_s,
			int64_t max);
int64_t store_used_bytes(struct store_db *db);

#endif
