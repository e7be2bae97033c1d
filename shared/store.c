/*
 * store.c - what is open, and who reads; see store.h. store_writer.c writes.
 *
 * The file may be replaced under us: set aside by a sibling that found it
 * damaged, or removed by somebody. Each reader and each batch looks whether
 * the path still leads to the file that is open, and the writer opens anew
 * what is there. generation counts that; connections of an older one go.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store_open.h"

bool store_is_on(const struct store *s)
{
	return s && __atomic_load_n(&s->state, __ATOMIC_RELAXED) != STATE_OFF;
}

/* --- reading */

/* With the lock held: waits for the writer to have the file that is there. */
static enum err wait_open(struct store *s, struct err_note *note)
{
	if (s->state == STATE_ON && !store_file_is_ours(s)) {
		s->reopen = true;
		pthread_cond_signal(&s->filled);
	}
	while (s->state == STATE_OPENING || s->reopen)
		pthread_cond_wait(&s->changed, &s->lock);
	if (!s->generation)
		return err_set(note, ERR_STORE, "the store is off");
	return ERR_NONE;
}

struct store_db *store_read(struct store *s, struct err_note *note)
{
	struct store_db *db = NULL;
	uint64_t generation;

	pthread_mutex_lock(&s->lock);
	if (wait_open(s, note)) {
		pthread_mutex_unlock(&s->lock);
		return NULL;
	}
	generation = s->generation;
	if (s->spares)
		db = s->spare[--s->spares];
	pthread_mutex_unlock(&s->lock);
	if (!db) {
		db = calloc(1, sizeof(*db));
		if (!db || store_db_open(db, s->path, note)) {
			err_set(note, ERR_NO_MEMORY, "the store");
			free(db);
			return NULL;
		}
		db->generation = generation;
	}
	store_exec(db, "BEGIN");
	return db;
}

enum err store_read_end(struct store *s, struct store_db *db,
			struct err_note *note)
{
	bool corrupt = db->rc == SQLITE_CORRUPT || db->rc == SQLITE_NOTADB;
	bool good = !db->rc;

	store_db_err(db, note);
	store_exec(db, "COMMIT");
	pthread_mutex_lock(&s->lock);
	if (corrupt && db->generation == s->generation) {
		s->suspect = true;
		s->event_note = *note;
		pthread_cond_signal(&s->filled);
	}
	if (good && !db->rc && db->generation == s->generation &&
	    s->spares < STORE_READERS) {
		s->spare[s->spares++] = db;
		db = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	if (db)
		store_db_close(db);
	free(db);
	return note->code;
}

/* data_version tells of what others wrote, to the connection that asks. */
static int64_t ask_version(struct store_db *db)
{
	sqlite3_stmt *st = store_sql(db, SQL_VERSION);
	int64_t seen = -1;

	if (store_row(db, st)) {
		seen = sqlite3_column_int64(st, 0);
		store_reset(st);
	}
	return seen;
}

enum err store_version(struct store *s, uint64_t *version, struct err_note *note)
{
	uint64_t generation;
	int64_t seen;

	pthread_mutex_lock(&s->lock);
	generation = wait_open(s, note) ? 0 : s->generation;
	pthread_mutex_unlock(&s->lock);
	if (!generation)
		return note->code;
	pthread_mutex_lock(&s->watch_lock);
	if (s->watch.sqlite && s->watch.generation != generation)
		store_db_close(&s->watch);
	if (!s->watch.sqlite && !store_db_open(&s->watch, s->path, note)) {
		s->watch.generation = generation;
		s->version++;
	}
	if (s->watch.sqlite) {
		seen = ask_version(&s->watch);
		if (store_db_err(&s->watch, note))
			store_db_close(&s->watch);
		s->version += seen != s->seen;
		s->seen = seen;
	}
	*version = s->version;
	pthread_mutex_unlock(&s->watch_lock);
	return note->code;
}

/* --- life */

static bool start_writer(struct store *s)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	/* a lost page of the metrics file is mended by whoever touches it */
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, store_writer, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!rc)
		pthread_setname_np(s->thread, "chatmock-store");
	return rc == 0;
}

struct store *store_open(const struct store_settings *settings)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct store){
		.path = strdup(settings->path), .ttl_s = settings->ttl_s,
		.max_bytes = settings->max_bytes, .loop = settings->loop,
		.metrics = settings->metrics, .told = settings->told,
		.ctx = settings->ctx, .retry_s = STORE_RETRY_S, .wake.fd = -1,
		.wake.fn = store_on_wake,
	};
	s->waiting.end = &s->waiting.first;
	s->finished_end = &s->finished;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->watch_lock, NULL);
	pthread_cond_init(&s->filled, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (s->loop)
		s->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->path && (!s->loop || (s->wake.fd >= 0 &&
				     loop_fd_add(s->loop, &s->wake, EPOLLIN))) &&
	    start_writer(s))
		return s;
	if (s->loop && s->wake.fd >= 0)
		loop_fd_close(s->loop, &s->wake);
	free(s->path);
	free(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->filled);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_mutex_lock(&s->lock);
	store_tell_all(s);
	store_drop_spares(s);
	pthread_mutex_unlock(&s->lock);
	if (s->loop)
		loop_fd_close(s->loop, &s->wake);
	store_db_close(&s->watch);
	pthread_mutex_destroy(&s->watch_lock);
	pthread_cond_destroy(&s->filled);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}
