/*
 * store_open.h - an open store, as store.c and store_writer.c share it.
 */
#ifndef CHATMOCK_STORE_OPEN_H
#define CHATMOCK_STORE_OPEN_H

#include "store_private.h"

#define STORE_READERS	4	/* connections kept for the next one who reads */
#define STORE_RETRY_S	5	/* while it is off; doubled after each try */

enum store_state { STATE_OPENING, STATE_ON, STATE_OFF };

struct op_list { struct store_op *first, **end; };

struct store {
	char *path;
	int64_t ttl_s, max_bytes;
	struct loop *loop;
	struct metrics *metrics;
	store_told_fn told;
	void *ctx;
	struct loop_fd wake;
	pthread_t thread;

	pthread_mutex_t lock;		/* for all below */
	pthread_cond_t filled;		/* the writer's: there is work */
	pthread_cond_t changed;		/* others': a state, an op is over */
	enum store_state state;
	bool closing, reopen;		/* reopen: the file is not ours any more */
	bool suspect;			/* a reader found it damaged */
	struct op_list waiting;
	struct store_write *finished, **finished_end;
	size_t queued, queued_bytes;
	struct file_stamp stamp;
	uint64_t generation;
	struct store_db *spare[STORE_READERS];	/* free connections for reading */
	size_t spares;
	const char *event;		/* to be told on the loop, or NULL */
	struct err_note event_note;

	pthread_mutex_t watch_lock;	/* for the watch */
	struct store_db watch;		/* sees what all others write */
	int64_t seen;			/* its data_version */
	uint64_t version;

	/* the writer's alone */
	struct store_db db;
	bool open;
	int retry_s;
	int64_t new_bytes;		/* written since the size was looked at */
};

void *store_writer(void *store);		/* the thread */
void store_on_wake(struct loop_fd *f, uint32_t events);

/* All with the lock held. */
void store_tell_all(struct store *s);	/* lets go of the lock meanwhile */
void store_drop_spares(struct store *s);
bool store_file_is_ours(const struct store *s);
void store_wake_loop(struct store *s);	/* where there is something to tell */
struct store_op *store_take_batch(struct store *s);	/* or NULL */
void store_all_over(struct store *s, struct store_op *op);	/* the whole list */

void store_answer(struct store_op *op, enum err err, const struct err_note *note);

#endif
