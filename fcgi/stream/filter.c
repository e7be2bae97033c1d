#include "filter.h"

#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "collect.h"

void filter_init(struct filter *f, const struct terms *t, event_fn fn, void *ctx)
{
	*f = (struct filter){ .terms = t, .fn = fn, .ctx = ctx };
	buf_init(&f->held, MAX_SSE_EVENT + MAX_STOP_STRING);
}

void filter_free(struct filter *f)
{
	if (f->fn)
		buf_free(&f->held);
	f->fn = NULL;
	if (f->calls)
		answer_free(f->calls);
	free(f->calls);
	f->calls = NULL;
}

static int64_t count_points(struct span s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (s.ptr[i] & 0xc0) != 0x80;
	return n;
}

static enum err say(struct filter *f, struct span text)
{
	struct event ev = { .kind = EVENT_TEXT, .text = text };

	if (!text.len)
		return ERR_NONE;
	f->points += count_points(text);
	return f->fn(f->ctx, &ev);
}

/* --- think --- */

static enum err close_think(struct filter *f)
{
	if (!f->thinking)
		return ERR_NONE;
	f->thinking = false;
	return say(f, SPAN("</think>"));
}

static enum err think(struct filter *f, const struct event *ev)
{
	enum err err = ERR_NONE;

	if (f->terms->structured || f->answered)
		return ERR_NONE;
	if (ev->kind == EVENT_THOUGHT_BREAK)
		return f->thinking ? say(f, SPAN("\n\n")) : ERR_NONE;
	if (ev->kind != EVENT_THOUGHT || !ev->text.len)
		return ERR_NONE;
	if (!f->thinking) {
		f->thinking = true;
		err = say(f, SPAN("<think>"));
	}
	return err ? err : say(f, ev->text);
}

/* --- cut --- */

/* The stop string that is complete first; the longer of two. False: none. */
static bool find_stop(const struct terms *t, struct span text, size_t *begin,
		      struct span *met)
{
	size_t first_end = SIZE_MAX;

	for (size_t i = 0; i < t->stop_count; i++) {
		struct span stop = span_of(t->stops[i]);
		const char *hit = stop.len ?
			memmem(text.ptr, text.len, stop.ptr, stop.len) : NULL;
		size_t at = hit ? (size_t)(hit - text.ptr) : 0;

		if (!hit || at + stop.len > first_end)
			continue;
		if (at + stop.len == first_end && at > *begin)
			continue;
		first_end = at + stop.len;
		*begin = at;
		*met = stop;
	}
	return first_end != SIZE_MAX;
}

/* Bytes at the end of text that a stop string begins with. */
static size_t half_stop(const struct terms *t, struct span text)
{
	size_t most = 0;

	for (size_t i = 0; i < t->stop_count; i++) {
		struct span stop = span_of(t->stops[i]);
		size_t n = stop.len ? stop.len - 1 : 0;

		if (n > text.len)
			n = text.len;
		for (; n > most; n--)
			if (memcmp(text.ptr + text.len - n, stop.ptr, n) == 0)
				most = n;
	}
	return most;
}

static enum err stop_here(struct filter *f, struct span before, struct span met)
{
	struct event done = { .kind = EVENT_DONE, .finish = FINISH_STOP_STRING,
			      .text = met,
			      .usage = { .partial = true } };
	enum err err = say(f, before);

	f->stopped = true;
	f->over = true;
	buf_reset(&f->held);
	return err ? err : f->fn(f->ctx, &done);
}

static enum err cut(struct filter *f, struct span text)
{
	struct span all, met = SPAN("");
	size_t begin = 0;
	enum err err;

	buf_span_add(&f->held, text);
	if (buf_err(&f->held))
		return buf_err(&f->held) == ERR_TOO_LARGE ?
			ERR_UPSTREAM_GARBLED : buf_err(&f->held);
	all = buf_span(&f->held);
	if (find_stop(f->terms, all, &begin, &met))
		return stop_here(f, (struct span){ all.ptr, begin }, met);
	all.len -= half_stop(f->terms, all);
	err = say(f, all);
	buf_drop(&f->held, all.len);
	return err;
}

/* Nothing more can complete what is held. */
static enum err release(struct filter *f)
{
	enum err err = close_think(f);

	if (err || !f->held.len)
		return err;
	err = say(f, buf_span(&f->held));
	buf_reset(&f->held);
	return err;
}

/* --- calls --- */

static enum err gather(struct filter *f, const struct event *ev)
{
	if (!f->calls) {
		f->calls = calloc(1, sizeof(*f->calls));
		if (!f->calls)
			return ERR_NO_MEMORY;
		answer_init(f->calls);
	}
	return collect_event(f->calls, ev);
}

static enum err tell_whole(struct filter *f, const struct event *ev)
{
	struct answer_call *call;
	struct event whole = *ev;
	enum err err;

	if (!f->calls || ev->call >= f->calls->call_count)
		return ERR_NONE;
	call = &f->calls->calls[ev->call];
	whole.id = span_of(call->id);
	whole.name = span_of(call->name);
	whole.text = buf_span(&call->args);
	err = f->fn(f->ctx, &whole);
	buf_free(&call->args);
	return err;
}

static enum err on_call(struct filter *f, const struct event *ev)
{
	enum err err = ERR_NONE;

	if (ev->kind == EVENT_CALL_END)
		return tell_whole(f, ev);
	err = gather(f, ev);
	return err || ev->kind == EVENT_CALL_ARGS ? err : f->fn(f->ctx, ev);
}

/* --- events --- */

static enum err on_thought(struct filter *f, const struct event *ev)
{
	enum err err;

	if (f->terms->reasoning == COMPAT_NONE)
		return ERR_NONE;
	if (f->terms->reasoning == COMPAT_THINK)
		return think(f, ev);
	err = release(f);
	return err ? err : f->fn(f->ctx, ev);
}

static enum err on_text(struct filter *f, const struct event *ev)
{
	enum err err = close_think(f);

	if (err)
		return err;
	f->answered = true;
	if (!f->in_part) {
		f->in_part = true;
		f->part_start = f->points;
	}
	if (f->terms->stop_count)
		return cut(f, ev->text);
	f->points += count_points(ev->text);
	return f->fn(f->ctx, ev);
}

static void shift(struct json_object *note, const char *key, int64_t by)
{
	int64_t at = json_get_int(note, key, -1);

	if (at >= 0 && at < INT32_MAX)
		json_set_int(note, key, at + by);
}

static enum err on_annotation(struct filter *f, const struct event *ev)
{
	struct event moved = *ev;
	enum err err;

	if (!f->part_start || !ev->json)
		return f->fn(f->ctx, ev);
	moved.json = NULL;
	if (json_object_deep_copy(ev->json, &moved.json, NULL) != 0)
		return ERR_NO_MEMORY;
	shift(moved.json, "start_index", f->part_start);
	shift(moved.json, "end_index", f->part_start);
	err = f->fn(f->ctx, &moved);
	json_object_put(moved.json);
	return err;
}

enum err filter_event(void *ctx, const struct event *ev)
{
	struct filter *f = ctx;
	enum err err;

	if (f->over)
		return ERR_NONE;
	switch (ev->kind) {
	case EVENT_TEXT:
		return on_text(f, ev);
	case EVENT_THOUGHT:
	case EVENT_THOUGHT_BREAK:
	case EVENT_THOUGHT_END:
		return on_thought(f, ev);
	case EVENT_ANNOTATION:
		return on_annotation(f, ev);
	case EVENT_START:
	case EVENT_KEEPALIVE:
	case EVENT_OTHER:
		return f->fn(f->ctx, ev);
	default:
		break;
	}
	err = release(f);
	if (err)
		return err;
	if (f->terms->whole_calls &&
	    (ev->kind == EVENT_CALL || ev->kind == EVENT_CALL_ARGS ||
	     ev->kind == EVENT_CALL_END))
		return on_call(f, ev);
	if (ev->kind == EVENT_TEXT_END)
		f->in_part = false;
	f->over = ev->kind == EVENT_DONE || ev->kind == EVENT_FAILED;
	return f->fn(f->ctx, ev);
}
