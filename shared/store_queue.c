/*
 * store_queue.c - what waits to be written, and the way back to who asked.
 */
#include <sys/eventfd.h>

#include "ceilings.h"
#include "store_open.h"

#define BATCH_OPS	256

/* --- what has to be said on the loop */

static void write_over(struct store *s, struct store_write *w)
{
	w->next = NULL;
	*s->finished_end = w;
	s->finished_end = &w->next;
}

static void op_over(struct store *s, struct store_op *op)
{
	if (op->free) {
		write_over(s, op->write);
		op->free(op);
	} else {
		op->over = true;
		pthread_cond_broadcast(&s->changed);
	}
}

/* With the lock held: what waits to be told, or done, is taken and done. */
void store_tell_all(struct store *s)
{
	struct store_write *w = s->finished, *next;
	const char *event = s->event;
	struct err_note note = s->event_note;

	s->event = NULL;
	s->finished = NULL;
	s->finished_end = &s->finished;
	pthread_mutex_unlock(&s->lock);
	if (event && s->told)
		s->told(s->ctx, event, &note);
	for (; w; w = next) {
		next = w->next;
		w->done(w);
	}
	pthread_mutex_lock(&s->lock);
}

void store_on_wake(struct loop_fd *f, uint32_t events)
{
	struct store *s = CONTAINER_OF(f, struct store, wake);
	eventfd_t count;

	(void)events;
	(void)eventfd_read(f->fd, &count);
	pthread_mutex_lock(&s->lock);
	store_tell_all(s);
	pthread_mutex_unlock(&s->lock);
}

/* With the lock held. */
void store_wake_loop(struct store *s)
{
	if (!s->finished && !s->event)
		return;
	if (s->loop)
		(void)eventfd_write(s->wake.fd, 1);
	else
		store_tell_all(s);
}

/* --- into the queue and out of it */

void store_answer(struct store_op *op, enum err err,
		      const struct err_note *note)
{
	op->write->err = err;
	op->write->note = *note;
}

/* With the lock held. */
struct store_op *store_take_batch(struct store *s)
{
	struct store_op *first = s->waiting.first, **end = &s->waiting.first;
	size_t bytes = 0;

	for (int i = 0; *end && i < BATCH_OPS && bytes < MAX_STORE_BATCH; i++) {
		bytes += (*end)->bytes;
		s->queued--;
		end = &(*end)->next;
	}
	s->queued_bytes -= bytes;
	if (first)
		metrics_gauge(s->metrics, GAUGE_STORE_QUEUE, (int64_t)s->queued);
	s->waiting.first = *end;
	*end = NULL;
	if (!s->waiting.first)
		s->waiting.end = &s->waiting.first;
	return first;
}

void store_all_over(struct store *s, struct store_op *op)
{
	struct store_op *next;

	for (; op; op = next) {
		next = op->next;
		op_over(s, op);
	}
	store_wake_loop(s);
}

/* With the lock held: true when it waits to be written. */
static bool enqueue(struct store *s, struct store_op *op)
{
	struct err_note note = ERR_NOTE_INIT;

	op->next = NULL;
	op->ttl_s = s->ttl_s;
	op->write->err = ERR_NONE;
	if (s->queued >= MAX_STORE_QUEUE ||
	    s->queued_bytes + op->bytes > MAX_STORE_QUEUE_BYTES || s->closing) {
		err_set(&note, ERR_BUSY, "%zu writes (%zu bytes) wait for the store",
			s->queued, s->queued_bytes);
		store_answer(op, ERR_BUSY, &note);
		metrics_count(s->metrics, COUNT_STORE_REJECTED);
		return false;
	}
	*s->waiting.end = op;
	s->waiting.end = &op->next;
	s->queued++;
	s->queued_bytes += op->bytes;
	pthread_cond_signal(&s->filled);
	return true;
}

void store_queue(struct store *s, struct store_op *op)
{
	pthread_mutex_lock(&s->lock);
	if (!enqueue(s, op)) {
		op_over(s, op);
		store_wake_loop(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void store_queue_failed(struct store *s, struct store_write *w, enum err err)
{
	w->note = ERR_NOTE_INIT;
	w->err = err_set(&w->note, err, "the store");
	pthread_mutex_lock(&s->lock);
	write_over(s, w);
	store_wake_loop(s);
	pthread_mutex_unlock(&s->lock);
}

enum err store_wait(struct store *s, struct store_op *op, struct err_note *note)
{
	struct store_write w = { .err = ERR_NONE };

	op->write = &w;
	pthread_mutex_lock(&s->lock);
	if (enqueue(s, op))
		while (!op->over)
			pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (w.err && note && !note->code)
		*note = w.note;
	return w.err;
}

