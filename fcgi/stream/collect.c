#include "collect.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

#define MAX_NOTES 10000		/* annotations or hosted items of one answer */
#define MAX_PIECES 50000

void answer_init(struct answer *a)
{
	*a = (struct answer){ .finish = FINISH_STOP };
	buf_init(&a->text, MAX_OUT);
	buf_init(&a->thought, MAX_OUT);
	buf_init(&a->refusal, MAX_OUT);
	buf_init(&a->response, MAX_OUT);
}

void answer_free(struct answer *a)
{
	for (size_t i = 0; i < a->call_count; i++) {
		free(a->calls[i].id);
		free(a->calls[i].name);
		buf_free(&a->calls[i].args);
	}
	free(a->calls);
	for (size_t i = 0; i < a->piece_count; i++) {
		free(a->pieces[i].id);
		free(a->pieces[i].encrypted);
	}
	free(a->pieces);
	buf_free(&a->text);
	buf_free(&a->thought);
	buf_free(&a->refusal);
	buf_free(&a->response);
	json_object_put(a->annotations);
	json_object_put(a->hosted);
	answer_init(a);
}

/* Past a ceiling it is the answer that is at fault, not the request. */
static enum err add(struct buf *b, struct span text)
{
	buf_span_add(b, text);
	return buf_err(b) == ERR_TOO_LARGE ? ERR_UPSTREAM_GARBLED : buf_err(b);
}

/* --- the order of what was told --- */

/* Another piece, at the end; room doubles: 1, 2, 4 ... */
static enum err piece_new(struct answer *a, enum event_kind kind, size_t begin)
{
	size_t count = a->piece_count;
	struct answer_piece *pieces;

	if (!a->ordered)
		return ERR_NONE;
	if (count >= MAX_PIECES)
		return ERR_UPSTREAM_GARBLED;
	if ((count & (count - 1)) == 0) {
		pieces = realloc(a->pieces, (count ? count * 2 : 1) * sizeof(*pieces));
		if (!pieces)
			return ERR_NO_MEMORY;
		a->pieces = pieces;
	}
	a->pieces[a->piece_count++] = (struct answer_piece){
		.kind = kind, .begin = begin, .end = begin,
		.over = kind == EVENT_CALL || kind == EVENT_HOSTED,
	};
	return ERR_NONE;
}

/* The last piece, when more of that kind joins it. */
static struct answer_piece *piece_open(struct answer *a, enum event_kind kind)
{
	struct answer_piece *p = a->piece_count ? &a->pieces[a->piece_count - 1] : NULL;

	return p && p->kind == kind && !p->over ? p : NULL;
}

/* Text for a buf, and for the piece that it belongs to. */
static enum err add_piece(struct answer *a, enum event_kind kind, struct buf *b,
			  struct span text)
{
	struct answer_piece *p;
	enum err err = ERR_NONE;

	if (!piece_open(a, kind))
		err = piece_new(a, kind, b->len);
	if (!err)
		err = add(b, text);
	p = err ? NULL : piece_open(a, kind);
	if (p)
		p->end = b->len;
	return err;
}

/* Between two parts of one reasoning. Between two reasonings the piece ends. */
static enum err add_break(struct answer *a)
{
	struct answer_piece *p = piece_open(a, EVENT_THOUGHT);
	enum err err = add(&a->thought, SPAN("\n\n"));

	if (p)
		p->end = a->thought.len;
	return err;
}

static enum err end_thought(struct answer *a, const struct event *ev)
{
	struct answer_piece *p;
	enum err err = ERR_NONE;

	if (!a->ordered)
		return ERR_NONE;
	if (!piece_open(a, EVENT_THOUGHT))
		err = piece_new(a, EVENT_THOUGHT, a->thought.len);
	if (err)
		return err;
	p = piece_open(a, EVENT_THOUGHT);
	p->over = true;
	p->id = strndup(ev->id.ptr, ev->id.len);
	p->encrypted = strndup(ev->text.ptr, ev->text.len);
	return p->id && p->encrypted ? ERR_NONE : ERR_NO_MEMORY;
}

static void end_text(struct answer *a)
{
	struct answer_piece *p = piece_open(a, EVENT_TEXT);

	if (p)
		p->over = true;
}

static size_t length_of(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

/* An annotation of the text piece that is open. */
static enum err note_piece(struct answer *a)
{
	struct answer_piece *p = piece_open(a, EVENT_TEXT);
	enum err err = ERR_NONE;

	if (!a->ordered)
		return ERR_NONE;
	if (!p) {
		err = piece_new(a, EVENT_TEXT, a->text.len);
		p = err ? NULL : piece_open(a, EVENT_TEXT);
	}
	if (!p)
		return err;
	if (!p->notes_end)
		p->notes = length_of(a->annotations);
	p->notes_end = length_of(a->annotations) + 1;
	return ERR_NONE;
}

/* --- events --- */

/* A copy: the event's tree may be let go in another thread. */
static enum err keep(struct json_object **array, struct json_object *v)
{
	struct json_object *copy = NULL;

	if (!v)
		return ERR_NONE;
	if (!*array)
		*array = json_object_new_array_ext(4);
	if (!*array)
		return ERR_NO_MEMORY;
	if (json_object_array_length(*array) >= MAX_NOTES)
		return ERR_UPSTREAM_GARBLED;
	if (json_object_deep_copy(v, &copy, NULL) != 0 || !copy)
		return ERR_NO_MEMORY;
	return json_push(*array, copy) ? ERR_NONE : ERR_NO_MEMORY;
}

static enum err begin_call(struct answer *a, const struct event *ev)
{
	struct answer_call *calls, *call;
	size_t count = a->call_count;

	if (ev->call != count)
		return ERR_NONE;	/* begun before */
	if (count >= MAX_ANSWER_ITEMS)
		return ERR_UPSTREAM_GARBLED;
	if ((count & (count - 1)) == 0) {	/* room doubles: 1, 2, 4 ... */
		calls = realloc(a->calls, (count ? count * 2 : 1) * sizeof(*calls));
		if (!calls)
			return ERR_NO_MEMORY;
		a->calls = calls;
	}
	call = &a->calls[a->call_count++];
	*call = (struct answer_call){ .custom = ev->custom };
	buf_init(&call->args, MAX_OUT);
	call->id = strndup(ev->id.ptr, ev->id.len);
	call->name = strndup(ev->name.ptr, ev->name.len);
	if (!call->id || !call->name)
		return ERR_NO_MEMORY;
	return piece_new(a, EVENT_CALL, count);
}

static void name_answer(struct answer *a, const struct event *ev)
{
	if (ev->id.len)
		text_copy(a->id, sizeof(a->id), ev->id);
	if (ev->model.len)
		text_copy(a->model, sizeof(a->model), ev->model);
}

enum err collect_event(void *ctx, const struct event *ev)
{
	struct answer *a = ctx;
	enum err err;

	switch (ev->kind) {
	case EVENT_START:
		name_answer(a, ev);
		break;
	case EVENT_THOUGHT:
		return add_piece(a, ev->kind, &a->thought, ev->text);
	case EVENT_THOUGHT_BREAK:
		return add_break(a);
	case EVENT_THOUGHT_END:
		return end_thought(a, ev);
	case EVENT_TEXT:
		return add_piece(a, ev->kind, &a->text, ev->text);
	case EVENT_TEXT_END:
		end_text(a);
		break;
	case EVENT_REFUSAL:
		a->has_refusal = true;
		return add_piece(a, ev->kind, &a->refusal, ev->text);
	case EVENT_ANNOTATION:
		err = note_piece(a);
		return err ? err : keep(&a->annotations, ev->json);
	case EVENT_HOSTED:
		err = piece_new(a, ev->kind, length_of(a->hosted));
		return err ? err : keep(&a->hosted, ev->json);
	case EVENT_CALL:
		return begin_call(a, ev);
	case EVENT_CALL_ARGS:
		if (ev->call < a->call_count)
			return add(&a->calls[ev->call].args, ev->text);
		break;
	case EVENT_DONE:
		name_answer(a, ev);
		a->finish = ev->finish;
		a->stop = ev->text;
		a->usage = ev->usage;
		a->done = true;
		return ev->source ? add(&a->response, ev->source->response) :
				    ERR_NONE;
	default:
		break;
	}
	return ERR_NONE;
}
