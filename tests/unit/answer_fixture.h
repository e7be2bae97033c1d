/*
 * answer_fixture.h - upstream's events in, what becomes of them out.
 *
 * trace_run() decodes a script of events and writes a line for each event
 * that the decoder told. stream_run() and whole_run() take the whole way:
 * sse, decode, filter, and a tongue's stream or a collected answer.
 * A script is JSON objects, one a line.
 */
#ifndef CHATMOCK_ANSWER_FIXTURE_H
#define CHATMOCK_ANSWER_FIXTURE_H

#include "../../fcgi/stream/collect.h"
#include "../../fcgi/stream/decode.h"
#include "../../fcgi/stream/filter.h"
#include "../../fcgi/stream/order.h"
#include "../../shared/sse.h"
#include "../../shared/text.h"
#include "test.h"

static inline void trace_text(struct buf *b, const char *name, struct span s)
{
	if (!s.len)
		return;
	buf_fmt(b, " %s=", name);
	buf_json_part(b, s);
}

static inline void trace_done(struct buf *b, const struct event *ev)
{
	static const char *const finishes[] = { "stop", "length", "filter",
						"stop_string" };
	const struct usage *u = &ev->usage;

	buf_fmt(b, " %s", finishes[ev->finish]);
	if (u->known)
		buf_fmt(b, " usage=%d/%d+%d/%d=%d", (int)u->input, (int)u->cached,
			(int)u->output, (int)u->reasoning, (int)u->total);
	if (u->partial)
		buf_str(b, " partial");
}

/* An event_fn; ctx is a struct buf. OTHER and KEEPALIVE are lines too. */
static inline enum err trace_event(void *ctx, const struct event *ev)
{
	static const char *const kinds[EVENT__COUNT] = {
		"START", "THOUGHT", "BREAK", "THOUGHT_END", "TEXT", "TEXT_END",
		"NOTE", "REFUSAL", "CALL", "ARGS", "CALL_END", "HOSTED",
		"KEEPALIVE", "DONE", "FAILED", "OTHER", "PASSED",
	};
	struct buf *b = ctx;

	buf_str(b, kinds[ev->kind]);
	if (ev->kind == EVENT_CALL || ev->kind == EVENT_CALL_ARGS ||
	    ev->kind == EVENT_CALL_END)
		buf_fmt(b, " %u%s", ev->call, ev->custom ? " custom" : "");
	if (ev->kind == EVENT_DONE)
		trace_done(b, ev);
	trace_text(b, "id", ev->id);
	trace_text(b, "model", ev->model);
	trace_text(b, "name", ev->name);
	trace_text(b, "text", ev->text);
	if (ev->json)
		trace_text(b, "json", json_get_str(ev->json, "type"));
	if (ev->note)
		buf_fmt(b, " %s %d %s: %s", err_name(ev->note->code),
			ev->note->status, ev->note->ucode, ev->note->tell);
	buf_char(b, '\n');
	return ERR_NONE;
}

/* Each line of script to the decoder; stops at the first failure. */
static inline enum err trace_run(const char *script, struct buf *out,
				 struct err_note *note)
{
	struct decoder *d = decoder_new(trace_event, out);
	struct json_reader *r = json_reader_new();
	struct span rest = span_of(script), line;
	enum err err = ERR_NONE;

	while (!err && text_next(&rest, '\n', &line))
		err = decode_event(d, r, span_of(""), line, note);
	decoder_free(d);
	json_reader_free(r);
	return err;
}

/* --- the whole way --- */

struct way {
	struct terms terms;
	struct sse sse;
	struct decoder *decoder;
	struct json_reader *reader;
	struct filter filter;
	struct order order;
	struct emitter emitter;
	struct answer answer;
	struct buf out;
	struct err_note note;		/* of the decoder */
	struct err_note failed;		/* of EVENT_FAILED */
	bool whole;
};

static inline enum err way_event(void *ctx, const struct event *ev)
{
	struct way *w = ctx;

	if (ev->kind == EVENT_FAILED) {
		if (ev->source && !w->whole)
			w->terms.tongue->emit(&w->emitter, &w->out, ev);
		w->failed = *ev->note;
		return ev->note->code;
	}
	if (w->whole)
		return collect_event(&w->answer, ev);
	w->terms.tongue->emit(&w->emitter, &w->out, ev);
	return ERR_NONE;
}

static inline enum err way_sse(void *ctx, struct span name, struct span data)
{
	struct way *w = ctx;

	return decode_event(w->decoder, w->reader, name, data, &w->note);
}

/* Fixed terms, to be changed before way_push(). */
static inline void way_init(struct way *w, const struct tongue *tongue)
{
	memset(w, 0, sizeof(*w));
	terms_init(&w->terms);
	w->terms.tongue = tongue;
	snprintf(w->terms.id, sizeof(w->terms.id), "%s1", tongue->id_prefix);
	w->terms.created = 7;
	w->terms.model = strdup("m");
	w->terms.stream = true;
	w->terms.reasoning = COMPAT_CONTENT;
	w->note = ERR_NOTE_INIT;
	w->failed = ERR_NOTE_INIT;
	w->emitter.terms = &w->terms;
	w->reader = json_reader_new();
	order_init(&w->order, way_event, w);
	filter_init(&w->filter, &w->terms, order_event, &w->order);
	if (!tongue->ordered)
		filter_init(&w->filter, &w->terms, way_event, w);
	w->decoder = tongue->passes ? decoder_new(way_event, w) :
				      decoder_new(filter_event, &w->filter);
	if (tongue->passes && !decoder_pass(w->decoder))
		test_note(false, __FILE__, __LINE__, "decoder_pass");
	sse_init(&w->sse, 1u << 20, way_sse, w);
	answer_init(&w->answer);
	buf_init(&w->out, 16u << 20);
}

static inline void way_free(struct way *w)
{
	sse_free(&w->sse);
	filter_free(&w->filter);
	order_free(&w->order);
	decoder_free(w->decoder);
	json_reader_free(w->reader);
	answer_free(&w->answer);
	buf_free(&w->out);
	terms_free(&w->terms);
}

/* The script as SSE; then the whole answer, if that is wanted, or the error
 * event of what failed. */
static inline enum err way_run(struct way *w, const char *script)
{
	struct span rest = span_of(script), line;
	struct buf sse;
	enum err err;

	buf_init(&sse, 16u << 20);
	while (text_next(&rest, '\n', &line))
		buf_fmt(&sse, "data: %.*s\n\n", (int)line.len, line.ptr);
	err = sse_push(&w->sse, buf_span(&sse));
	buf_free(&sse);
	if (!err && w->whole)
		w->terms.tongue->whole(&w->terms, &w->out, &w->answer);
	return err;
}

#endif
