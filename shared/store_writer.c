/*
 * store_writer.c - the one thread that writes; see store.h.
 *
 * Writes gather while one transaction is under way and go into the next one
 * together: the more there are, the less each costs. When one of several fails
 * the transaction is undone and each is tried by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "store_open.h"

#define MAX_RETRY_S	60
#define PRUNE_SHARE	32		/* looked at when so much of the bound is new */
#define PRUNE_ROWS	8		/* responses that go in one transaction */

/* --- opening, with the lock held */

static void to_tell(struct store *s, const char *event,
		    const struct err_note *note)
{
	s->event = event;
	s->event_note = *note;
}

void store_drop_spares(struct store *s)
{
	while (s->spares) {
		struct store_db *db = s->spare[--s->spares];

		store_db_close(db);
		free(db);
	}
}

static void set_state(struct store *s, enum store_state state)
{
	__atomic_store_n(&s->state, state, __ATOMIC_RELAXED);
	metrics_gauge(s->metrics, GAUGE_STORE_ON, state == STATE_ON);
	pthread_cond_broadcast(&s->changed);
}

/* A full disk is seen by writing only. */
static bool can_write(struct store *s, struct err_note *note)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; UPDATE responses SET n = n "
		 "WHERE n = -1; PRAGMA user_version = %d; COMMIT", STORE_VERSION);
	store_exec(&s->db, sql);
	if (!s->db.rc)
		return true;
	store_db_err(&s->db, note);
	store_db_close(&s->db);
	return false;
}

static void open_file(struct store *s)
{
	struct err_note note = ERR_NOTE_INIT, aside = ERR_NOTE_INIT;
	enum store_state before = s->state;
	struct file_stamp stamp = { 0 };

	pthread_mutex_unlock(&s->lock);
	store_db_close(&s->db);
	s->open = store_db_make(&s->db, s->path, &stamp, &aside, &note) ==
		  ERR_NONE && can_write(s, &note);
	pthread_mutex_lock(&s->lock);
	s->stamp = stamp;
	s->reopen = s->suspect = false;
	s->generation++;
	store_drop_spares(s);
	if (s->open)
		set_state(s, STATE_ON);
	else
		set_state(s, STATE_OFF);
	if (aside.code)
		to_tell(s, "store_set_aside", &aside);
	else if (!s->open && before != STATE_OFF)
		to_tell(s, "store_off", &note);
	else if (s->open && before == STATE_OFF)
		to_tell(s, "store_on", &note);
}

/* What SQLite said ends this connection: the file is of no use, or can not be
 * written. With the lock held. */
static void writing_failed(struct store *s, int rc, const struct err_note *note)
{
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB) {
		store_db_close(&s->db);
		s->open = false;
		(void)store_db_set_aside(s->path, &s->stamp);
		to_tell(s, "store_set_aside", note);
		open_file(s);
		return;
	}
	if (rc == SQLITE_BUSY || rc == SQLITE_NOMEM || rc == SQLITE_TOOBIG ||
	    rc == SQLITE_CONSTRAINT)
		return;
	store_db_close(&s->db);
	s->open = false;
	if (s->state != STATE_OFF)
		to_tell(s, "store_off", note);
	set_state(s, STATE_OFF);
}

bool store_file_is_ours(const struct store *s)
{
	struct file_stamp st;

	return file_stat(s->path, &st) && st.ino == s->stamp.ino &&
	       st.dev == s->stamp.dev;
}

/* --- writing */

static int commit(struct store *s)
{
	store_run(&s->db, store_sql(&s->db, SQL_COMMIT));
	return s->db.rc;
}

/* Returns SQLite's code. */
static int undo(struct store *s)
{
	int rc = s->db.rc;

	s->db.rc = 0;
	if (!sqlite3_get_autocommit(s->db.sqlite))
		store_run(&s->db, store_sql(&s->db, SQL_ROLLBACK));
	s->db.rc = 0;
	return rc;
}

/* All of the list in one transaction; SQLite's code, 0: it is done. */
static int write_together(struct store *s, struct store_op *op)
{
	struct err_note note;

	store_run(&s->db, store_sql(&s->db, SQL_BEGIN));
	for (; op && !s->db.rc; op = op->next) {
		note = ERR_NOTE_INIT;
		store_answer(op, op->apply(&s->db, op, &note), &note);
	}
	if (!s->db.rc && !commit(s))
		return 0;
	return undo(s);
}

/* The ones before were written; this one says why it could not be. */
static int write_each(struct store *s, struct store_op *op)
{
	struct err_note note;
	int rc, worst = 0;

	for (; op; op = op->next) {
		struct store_op *next = op->next;

		op->next = NULL;
		rc = worst ? worst : write_together(s, op);
		op->next = next;
		if (!rc)
			continue;
		note = ERR_NOTE_INIT;
		s->db.rc = rc;
		store_answer(op, store_db_err(&s->db, &note), &note);
		metrics_count(s->metrics, COUNT_STORE_FAILED);
		if (rc != SQLITE_BUSY && rc != SQLITE_NOMEM &&
		    rc != SQLITE_TOOBIG && rc != SQLITE_CONSTRAINT)
			worst = rc;
	}
	return worst;
}

static void prune_sometimes(struct store *s)
{
	int64_t used;

	if (s->max_bytes <= 0 || s->new_bytes < s->max_bytes / PRUNE_SHARE)
		return;
	s->new_bytes = 0;
	used = store_used_bytes(&s->db);
	metrics_gauge(s->metrics, GAUGE_STORE_SIZE, used);
	while (used > s->max_bytes && !s->db.rc) {
		size_t gone;

		store_run(&s->db, store_sql(&s->db, SQL_BEGIN));
		gone = store_prune_step(&s->db, SQL_RESPONSE_OLDEST, 0, PRUNE_ROWS);
		if (s->db.rc || commit(s))
			undo(s);
		if (!gone)
			break;
		used = store_used_bytes(&s->db);
	}
	s->db.rc = 0;
}

static void write_batch(struct store *s, struct store_op *list)
{
	int rc = write_together(s, list);

	if (rc)
		rc = write_each(s, list);
	for (struct store_op *op = list; op; op = op->next)
		if (!op->write->err) {
			metrics_count(s->metrics, COUNT_STORE_WRITTEN);
			metrics_add(s->metrics, COUNT_STORE_BYTES, op->bytes);
			s->new_bytes += (int64_t)op->bytes;
		}
	if (!rc)
		prune_sometimes(s);
	pthread_mutex_lock(&s->lock);
	if (rc) {
		struct err_note note = ERR_NOTE_INIT;

		s->db.rc = rc;
		store_db_err(&s->db, &note);
		writing_failed(s, rc, &note);
	} else {
		s->retry_s = STORE_RETRY_S;
	}
}

static void fail_all(struct store *s, struct store_op *op)
{
	struct err_note note = ERR_NOTE_INIT;

	err_set(&note, ERR_STORE, "the store is off");
	for (; op; op = op->next) {
		store_answer(op, ERR_STORE, &note);
		metrics_count(s->metrics, COUNT_STORE_FAILED);
	}
}

/* With the lock held: until there is work, or it is time to try anew. */
static void wait_for_work(struct store *s)
{
	struct timespec until;

	if (s->state != STATE_OFF) {
		pthread_cond_wait(&s->filled, &s->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += s->retry_s;
	if (pthread_cond_clockwait(&s->filled, &s->lock, CLOCK_MONOTONIC,
				   &until) != ETIMEDOUT)
		return;
	if (s->retry_s < MAX_RETRY_S)
		s->retry_s *= 2;
	open_file(s);
	store_wake_loop(s);
}

void *store_writer(void *arg)
{
	struct store *s = arg;
	struct store_op *batch;

	pthread_mutex_lock(&s->lock);
	open_file(s);
	store_wake_loop(s);
	for (;;) {
		while (!s->waiting.first && !s->closing && !s->reopen &&
		       !s->suspect)
			wait_for_work(s);
		if (!s->waiting.first && s->closing)
			break;
		if (s->open && s->suspect)
			writing_failed(s, SQLITE_CORRUPT, &s->event_note);
		if (s->open && (s->reopen || !store_file_is_ours(s)))
			open_file(s);
		s->suspect = s->reopen = false;
		pthread_cond_broadcast(&s->changed);
		batch = store_take_batch(s);
		if (!batch) {
			store_wake_loop(s);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		if (s->open) {
			write_batch(s, batch);
		} else {
			fail_all(s, batch);
			pthread_mutex_lock(&s->lock);
		}
		store_all_over(s, batch);
	}
	pthread_mutex_unlock(&s->lock);
	store_db_close(&s->db);
	return NULL;
}
