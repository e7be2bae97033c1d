/*
 * store.h - what must be found again: responses, the events of those that run
 * in the background, conversations. SQLite, one file that all workers share.
 *
 * Everything belongs to a caller (the hash of a key, "" where there are none)
 * and is found by caller and id: another's is ERR_NOT_STORED as one that never
 * was.
 *
 * Reading functions block and may be called from any thread, many at once:
 * from a job of loop_submit(), never on the loop. All writing is done by one
 * thread per process, in the order in which it was asked for, several writes
 * in one transaction. store_put() and store_events() queue it and return at
 * once; the other writing functions wait for it and so block too.
 *
 * The file is 0600 from its first byte, and stays sound when a process is
 * killed. One that is corrupt or not ours is set aside under another name and
 * begun anew. Where it can not be written (disk full, read only) the store is
 * off: whatever writes gives ERR_STORE at once, it is said in the log and in
 * health, and it is tried again every few seconds.
 *
 * Codes: ERR_NOT_STORED, ERR_STORE (off, or a write failed; why says it),
 * ERR_BUSY (the queue is full), ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
#ifndef CHATMOCK_STORE_H
#define CHATMOCK_STORE_H

#include "loop.h"
#include "metrics.h"
#include "store_items.h"

#define STORE_ID	96	/* the longest id, with its NUL */
#define STORE_CALLER	72

struct store;

/* Something worth a line in the log: event is a fixed word (store_off,
 * store_on, store_set_aside). On the loop, or, without one, on any thread. */
typedef void (*store_told_fn)(void *ctx, const char *event,
			      const struct err_note *note);

struct store_settings {
	const char *path;		/* copied */
	int64_t ttl_s, max_bytes;
	struct loop *loop;		/* where done functions run; NULL: on
					 * the writer's thread */
	struct metrics *metrics;	/* borrowed, or NULL */
	store_told_fn told;		/* or NULL */
	void *ctx;
};

/* Does not block: the writer's thread opens the file, and who reads before it
 * has waits for it. NULL: no memory or no thread. */
struct store *store_open(const struct store_settings *s);

/* What is queued is written, done functions run in here; NULL is fine. No
 * thread may be in a store function any more (loop_join()). */
void store_close(struct store *s);

/* May be said to clients: what is put now will be there. Any thread. */
bool store_is_on(const struct store *s);

/* --- responses */

enum store_status {
	STORE_QUEUED, STORE_IN_PROGRESS, STORE_COMPLETED, STORE_INCOMPLETE,
	STORE_FAILED, STORE_CANCELLED
};

/* When a put counts. Else it is ERR_NOT_STORED and nothing has changed. */
enum store_when {
	STORE_ALWAYS,			/* made, or replaced */
	STORE_IF_RUNNING,		/* still there, queued or in progress */
	STORE_IF_UNCHANGED		/* the same, and its next event is still the
					 * record's next_event; ERR_BUSY: it is not */
};

struct store_record {
	char caller[STORE_CALLER], id[STORE_ID];
	char previous[STORE_ID], conversation[STORE_ID];	/* or "" */
	char model[96];
	char account[72];		/* whose encrypted reasoning it holds, a hash */
	char owner[96];			/* store_owner() of who runs it, or "" */
	int64_t created_s;		/* Unix time; expires by the settings' TTL */
	enum store_status status;
	bool background;
	int64_t next_event;		/* by store_get(): the number of the next one */
	struct buf body;		/* the response object's JSON */
	struct store_items items;	/* input and output, in their order */
	struct store_items events;	/* json: an event's bytes; id: not used;
					 * they are numbered on from the last */
};

struct store_record *store_record_new(void);	/* NULL: no memory */
void store_record_free(struct store_record *r);

/* A write that was queued. The caller's, until done() has run. */
struct store_write {
	void (*done)(struct store_write *w);
	enum err err;			/* how it went */
	struct err_note note;
	/* private */
	struct store_write *next;
};

/*
 * Writes r, which is the store's from here on. Put again (STORE_IF_RUNNING
 * too) body, status and owner are replaced, items too where r has any, and
 * events are added. With a conversation: its items get r's items in the same
 * transaction when the status is STORE_COMPLETED or STORE_INCOMPLETE, once.
 * done() always comes, later, on the loop.
 */
void store_put(struct store *s, struct store_write *w, enum store_when when,
	       struct store_record *r);

/* The same, waiting for it. */
MUST_USE enum err store_put_wait(struct store *s, enum store_when when,
				 struct store_record *r, struct err_note *note);

/* All but items and events, into r (of store_record_new()). */
MUST_USE enum err store_get(struct store *s, const char *caller, const char *id,
			    struct store_record *r, struct err_note *note);

MUST_USE enum err store_delete(struct store *s, const char *caller,
			       const char *id, struct err_note *note);

/* A part of a list. after, before: ids in it, or ""; one that is not in it is
 * ERR_BAD_REQUEST with param "after" or "before". more: there is more behind
 * it, in the direction asked for. */
struct store_page {
	const char *after, *before;
	size_t limit;
	bool ascending;
	bool more;			/* filled in */
};

/* The input items of a response. */
MUST_USE enum err store_items(struct store *s, const char *caller, const char *id,
			      struct store_page *page, struct store_items *out,
			      struct err_note *note);

struct store_turn { char id[STORE_ID], account[72], model[96]; };

struct store_chain {
	struct store_turn *turns;	/* oldest first */
	size_t count;
	bool cut;			/* there was more before one of them: gone,
					 * or of a conversation */
	struct store_items items;	/* of all turns, input before output */
};

/*
 * The turns up to and with this response, following previous. Above
 * MAX_CHAIN_TURNS or MAX_CHAIN_BYTES it is ERR_TOO_LARGE. A turn on the way
 * that is gone (deleted, expired) ends the walk: what is left is given, and cut
 * says so. A response still queued or in progress is ERR_BAD_REQUEST.
 */
MUST_USE enum err store_chain(struct store *s, const char *caller,
			      const char *id, struct store_chain *out,
			      struct err_note *note);
void store_chain_init(struct store_chain *c);
void store_chain_free(struct store_chain *c);

/*
 * The items with these ids, one each and in this order, out of any response or
 * conversation of the caller's: as a model made it before as it was sent, the
 * newest first. out's turns are the responses they are of, all empty for a
 * conversation's. One that is not there is ERR_NOT_STORED with its id for why;
 * more than MAX_NAMED_ITEMS, or MAX_CHAIN_BYTES of them, is ERR_TOO_LARGE.
 */
MUST_USE enum err store_named(struct store *s, const char *caller,
			      const struct span *ids, size_t count,
			      struct store_chain *out, struct err_note *note);

/* --- what runs in the background */

/* This process, so that others can tell whether it still lives: pid, when it
 * was started, which start of the machine. */
void store_owner(char out[96]);
bool store_owner_lives(const char *owner);

/* Adds events (as in store_record) to one that runs; owned as r above. */
void store_events(struct store *s, struct store_write *w, const char *caller,
		  const char *id, struct store_items *events);

/* Events behind number after (the first is 0: -1 gives all) as far as out has
 * room, but one at least; *last is the number of the last given; *status as
 * it was when they were read: of one that is over, no further ones come unless
 * more says that there was no room for them. */
MUST_USE enum err store_events_after(struct store *s, const char *caller,
				     const char *id, int64_t after,
				     struct store_items *out, int64_t *last,
				     enum store_status *status, bool *more,
				     struct err_note *note);

/* Those that run, of all callers: id, caller and owner are filled in. */
struct store_running { char caller[STORE_CALLER], id[STORE_ID], owner[96]; };
MUST_USE enum err store_running(struct store *s, struct store_running *out,
				size_t max, size_t *count, struct err_note *note);

/* Changes when anything in the file was written, by whomever: cheap. */
MUST_USE enum err store_version(struct store *s, uint64_t *version,
				struct err_note *note);

/* --- conversations. They live on for the TTL from their last use. */

struct store_conv {
	char id[STORE_ID];
	int64_t created_s;
	struct buf metadata;		/* a JSON object */
};
void store_conv_init(struct store_conv *c);
void store_conv_free(struct store_conv *c);

/* items: ids are given by the caller; may be empty. */
MUST_USE enum err store_conv_create(struct store *s, const char *caller,
				    const struct store_conv *c,
				    const struct store_items *items,
				    struct err_note *note);
MUST_USE enum err store_conv_get(struct store *s, const char *caller,
				 const char *id, struct store_conv *out,
				 struct err_note *note);
MUST_USE enum err store_conv_update(struct store *s, const char *caller,
				    const char *id, struct span metadata,
				    struct err_note *note);
MUST_USE enum err store_conv_delete(struct store *s, const char *caller,
				    const char *id, struct err_note *note);
MUST_USE enum err store_conv_add(struct store *s, const char *caller,
				 const char *id, const struct store_items *items,
				 struct err_note *note);
MUST_USE enum err store_conv_items(struct store *s, const char *caller,
				   const char *id, struct store_page *page,
				   struct store_items *out, struct err_note *note);
/* One item, or its removal: ERR_NOT_STORED with param "item" when the
 * conversation is there and the item is not. */
MUST_USE enum err store_conv_item(struct store *s, const char *caller,
				  const char *id, const char *item,
				  struct store_items *out, struct err_note *note);
MUST_USE enum err store_conv_item_delete(struct store *s, const char *caller,
					 const char *id, const char *item,
					 struct err_note *note);
/* All of it, for a request that names it; ceilings as store_chain(). */
MUST_USE enum err store_conv_all(struct store *s, const char *caller,
				 const char *id, struct store_items *out,
				 struct err_note *note);

/* --- pruning, by chatmock-fetch: a short transaction at a time. Blocking,
 * without a struct store. */

struct store_pruned { size_t expired, oldest; int64_t bytes; };

/* What has expired, then the oldest until the file is within max_bytes. No
 * file: nothing to do. */
MUST_USE enum err store_prune(const char *path, int64_t now_s, int64_t max_bytes,
			      struct store_pruned *done, struct err_note *note);

#endif
