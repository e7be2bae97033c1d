#include "collect.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/text.h"

#define MAX_NOTES 10000		/* annotations or hosted items of one answer */

void answer_init(struct answer *a)
{
	*a = (struct answer){ .finish = FINISH_STOP };
	buf_init(&a->text, MAX_OUT);
	buf_init(&a->thought, MAX_OUT);
	buf_init(&a->refusal, MAX_OUT);
}

void answer_free(struct answer *a)
{
	for (size_t i = 0; i < a->call_count; i++) {
		free(a->calls[i].id);
		free(a->calls[i].name);
		buf_free(&a->calls[i].args);
	}
	free(a->calls);
	buf_free(&a->text);
	buf_free(&a->thought);
	buf_free(&a->refusal);
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
	return call->id && call->name ? ERR_NONE : ERR_NO_MEMORY;
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

	switch (ev->kind) {
	case EVENT_START:
		name_answer(a, ev);
		break;
	case EVENT_THOUGHT:
		return add(&a->thought, ev->text);
	case EVENT_THOUGHT_BREAK:
		return add(&a->thought, SPAN("\n\n"));
	case EVENT_TEXT:
		return add(&a->text, ev->text);
	case EVENT_REFUSAL:
		a->has_refusal = true;
		return add(&a->refusal, ev->text);
	case EVENT_ANNOTATION:
		return keep(&a->annotations, ev->json);
	case EVENT_HOSTED:
		return keep(&a->hosted, ev->json);
	case EVENT_CALL:
		return begin_call(a, ev);
	case EVENT_CALL_ARGS:
		if (ev->call < a->call_count)
			return add(&a->calls[ev->call].args, ev->text);
		break;
	case EVENT_DONE:
		name_answer(a, ev);
		a->finish = ev->finish;
		a->usage = ev->usage;
		a->done = true;
		break;
	default:
		break;
	}
	return ERR_NONE;
}
