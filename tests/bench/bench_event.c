/*
 * bench_event.c - what one text delta costs on its way through a worker.
 *
 * The same stream of deltas is pushed through more and more of the chain, and
 * each row is told beside the event parser alone: the ratio is what counts,
 * it hardly depends on the machine. Best of several rounds.
 */
#include <stdlib.h>

#include "../../fcgi/stream/decode.h"
#include "../../fcgi/stream/filter.h"
#include "../../shared/clock.h"
#include "../../shared/sse.h"

#define EVENTS 20000
#define ROUNDS 15
#define PUSH 16384		/* bytes at a time, as libcurl brings them */

enum row { SSE, TREE, DECODE, FILTER, STOP, EMIT, COMPLETION, ANTHROPIC, OLLAMA,
	   GENERATE, PASS, ROWS };

static const char *const names[ROWS] = {
	"sse alone", "sse + json tree", "sse + decode", "  + filter",
	"  + filter with stop strings", "  + filter + emit, chat",
	"  + filter + emit, completion",
	"  + filter + emit, anthropic", "  + filter + emit, ollama",
	"  + filter + emit, ollama generate",
	"sse + pass on, responses",
};

struct bench {
	enum row row;
	struct terms terms;
	struct filter filter;
	struct emitter emitter;
	struct decoder *decoder;
	struct json_reader *reader;
	struct buf out;
	size_t events;
};

static enum err last(void *ctx, const struct event *ev)
{
	struct bench *b = ctx;

	b->events += ev->kind == EVENT_TEXT || ev->kind == EVENT_PASSED;
	if (b->row >= EMIT)
		b->terms.tongue->emit(&b->emitter, &b->out, ev);
	if (b->out.len > 100000)
		buf_reset(&b->out);
	return ERR_NONE;
}

static enum err on_sse(void *ctx, struct span name, struct span data)
{
	struct bench *b = ctx;
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;

	if (b->row == SSE) {
		b->events++;
		return ERR_NONE;
	}
	if (b->row != TREE)
		return decode_event(b->decoder, b->reader, name, data, &note);
	v = json_reader_parse(b->reader, data, &note);
	b->events += json_get_str(v, "delta").len > 0;
	json_object_put(v);
	return ERR_NONE;
}

static void fill(struct buf *in, bool escapes)
{
	buf_reset(in);
	for (int i = 0; i < EVENTS; i++)
		buf_fmt(in, "event: response.output_text.delta\n"
			"data: {\"type\":\"response.output_text.delta\","
			"\"sequence_number\":%d,"
			"\"item_id\":\"msg_0e1d2c3b4a59687706f5e4d3c2b1a0998\","
			"\"output_index\":1,\"content_index\":0,"
			"\"delta\":\"%s\",\"logprobs\":[],"
			"\"obfuscation\":\"aB3dE5fG7hJ9\"}\n\n", i,
			escapes && i % 4 == 0 ? " \\\"a\\n\\u00e9 " : " token");
}

/* Nanoseconds an event. */
static double round_ns(struct bench *b, struct span in)
{
	static const struct tongue *const tongues[ROWS] = {
		[COMPLETION] = &tongue_completion, [ANTHROPIC] = &tongue_anthropic,
		[OLLAMA] = &tongue_ollama, [GENERATE] = &tongue_ollama_generate,
		[PASS] = &tongue_responses,
	};
	struct sse sse;
	int64_t start;

	filter_init(&b->filter, &b->terms, last, b);
	b->decoder = b->row == DECODE || b->row == PASS ? decoder_new(last, b) :
					decoder_new(filter_event, &b->filter);
	if (b->row == PASS && !decoder_pass(b->decoder))
		exit(1);
	b->emitter = (struct emitter){ .terms = &b->terms };
	b->terms.stop_count = b->row == STOP ? 2 : 0;
	b->terms.tongue = tongues[b->row] ? tongues[b->row] : &tongue_chat;
	b->events = 0;
	buf_reset(&b->out);
	sse_init(&sse, 1u << 20, on_sse, b);
	start = clock_mono_us();
	for (size_t at = 0; at < in.len; at += PUSH)
		if (sse_push(&sse, (struct span){ in.ptr + at,
			     in.len - at < PUSH ? in.len - at : PUSH }))
			exit(1);
	start = clock_mono_us() - start;
	sse_free(&sse);
	filter_free(&b->filter);
	decoder_free(b->decoder);
	if (b->events < EVENTS) {
		fprintf(stderr, "%s: lost events\n", names[b->row]);
		exit(1);
	}
	return (double)start * 1000 / EVENTS;
}

/* The rows by turns: a machine's speed changes while they run. */
static void table(struct bench *b, const struct buf *in, const char *title)
{
	double best[ROWS] = { 0 };

	for (int i = 0; i < ROUNDS; i++)
		for (b->row = SSE; b->row < ROWS; b->row++) {
			double ns = round_ns(b, buf_span(in));

			if (i == 0 || ns < best[b->row])
				best[b->row] = ns;
		}
	printf("%-36s %9s %9s\n", title, "ns/event", "ratio");
	for (b->row = SSE; b->row < ROWS; b->row++)
		printf("%-36s %9.0f %8.1fx\n", names[b->row], best[b->row],
		       best[b->row] / best[SSE]);
}

int main(void)
{
	struct bench b = { .row = SSE };
	struct buf in;

	buf_init(&in, 64u << 20);
	buf_init(&b.out, 1u << 20);
	terms_init(&b.terms);
	b.terms.model = strdup("gpt-5.5");
	b.terms.created = 1800000000;
	snprintf(b.terms.id, sizeof(b.terms.id), "chatcmpl-0123456789abcdef01234567");
	b.terms.stops[0] = strdup("\n\nObservation:");
	b.terms.stops[1] = strdup("END");
	b.reader = json_reader_new();
	fill(&in, false);
	table(&b, &in, "plain text deltas");
	fill(&in, true);
	table(&b, &in, "a quarter with escapes");
	json_reader_free(b.reader);
	terms_free(&b.terms);
	buf_free(&b.out);
	buf_free(&in);
	return 0;
}
