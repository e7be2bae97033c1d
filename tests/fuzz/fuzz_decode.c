/*
 * fuzz_decode.c - upstream's bytes, cut anywhere, to a chat stream.
 *
 * Whatever comes in: each data line out is JSON in UTF-8, [DONE] comes once,
 * last, and only after a good end, and the cut changes nothing. The first byte
 * chooses reasoning, stop strings and shape, the second the cut.
 */
#include <stdlib.h>

#include "../unit/answer_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond) do { if (!(cond)) abort(); } while (0)

static void settle(struct way *w, uint8_t flags)
{
	w->terms.reasoning = (enum reasoning_compat)(flags % 6);
	w->terms.include_usage = flags & 8;
	w->terms.legacy_functions = flags & 16;
	w->terms.structured = flags & 32;
	if (flags & 64) {
		w->terms.stops[0] = strdup("END");
		w->terms.stops[1] = strdup("aab");
		w->terms.stop_count = 2;
	}
}

static enum err run(struct way *w, const uint8_t *data, size_t size, size_t step)
{
	struct fault f = { .message = "m", .type = "t" };
	enum err err = ERR_NONE;

	for (size_t at = 0; at < size && !err; at += step) {
		size_t len = size - at < step ? size - at : step;

		err = sse_push(&w->sse, (struct span){ (const char *)data + at, len });
	}
	if (!w->emitter.ended)
		w->terms.tongue->error_event(&w->emitter, &w->out, &f);
	return err;
}

static void check_stream(const struct way *w)
{
	struct span rest = buf_span(&w->out), line;
	bool done = false, failed = false;

	must(utf8_valid(rest));
	while (text_next(&rest, '\n', &line)) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v;

		must(span_starts(line, "data: ") && !done && !failed);
		line.ptr += 6;
		line.len -= 6;
		if (span_eq(line, "[DONE]")) {
			done = true;
			continue;
		}
		v = json_parse(line, &note);
		must(v);
		failed = json_get(v, "error") != NULL;
		json_object_put(v);
	}
	must(done || failed);
	must(!done || w->emitter.ended);
}

/* Ollama's: each line an object, one end at the most, and it is the last. */
static void check_lines(const struct way *w)
{
	struct span rest = buf_span(&w->out), line;
	bool over = false;

	must(!rest.len || rest.ptr[rest.len - 1] == '\n');
	while (text_next(&rest, '\n', &line)) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v = json_parse(line, &note);

		must(json_is_object(v) && !over);
		over = json_get_bool(v, "done", false) || json_get(v, "error");
		json_object_put(v);
	}
	must(over == w->emitter.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct way w[4];
	enum err err[2];

	if (size < 2 || size > 65536)
		return 0;
	for (int i = 0; i < 4; i++) {
		way_init(&w[i], i < 2 ? &tongue_chat : i == 2 ? &tongue_completion :
			 data[1] & 32 ? &tongue_ollama : &tongue_ollama_generate);
		settle(&w[i], data[0]);
	}
	err[0] = run(&w[0], data + 2, size - 2, size);
	err[1] = run(&w[1], data + 2, size - 2, data[1] % 31 + 1);
	must(err[0] == err[1]);
	must(w[0].out.len == w[1].out.len);
	must(memcmp(w[0].out.ptr, w[1].out.ptr, w[0].out.len) == 0);
	check_stream(&w[0]);
	w[2].whole = true;
	if (!run(&w[2], data + 2, size - 2, size) && w[2].answer.done) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v;

		buf_reset(&w[2].out);
		tongue_chat.whole(&w[2].terms, &w[2].out, &w[2].answer);
		v = json_parse(buf_span(&w[2].out), &note);
		must(v);
		json_object_put(v);
	}
	w[3].terms.whole_calls = true;
	run(&w[3], data + 2, size - 2, data[1] % 31 + 1);
	check_lines(&w[3]);
	for (int i = 0; i < 4; i++)
		way_free(&w[i]);
	return 0;
}
