/*
 * fuzz_pass.c - upstream's bytes, cut anywhere, to a client of its own tongue.
 *
 * Whatever comes in: each event out has a name in one line and JSON in UTF-8,
 * numbers rise by one, nothing follows the end, and the cut changes nothing.
 * The first byte says who listens, the second the cut.
 */
#include <stdlib.h>

#include "../unit/answer_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond) do { if (!(cond)) abort(); } while (0)

static enum err run(struct way *w, const uint8_t *data, size_t size, size_t step)
{
	struct err_note note = ERR_NOTE_INIT;
	struct fault f = { .status = 502, .message = "m", .type = "t", .note = &note };
	enum err err = ERR_NONE;

	for (size_t at = 0; at < size && !err; at += step) {
		size_t len = size - at < step ? size - at : step;

		err = sse_push(&w->sse, (struct span){ (const char *)data + at, len });
	}
	if (!w->emitter.ended)
		tongue_responses.error_event(&w->emitter, &w->out, &f);
	return err;
}

/* One event's data, its lines joined. */
static void check_data(struct span data, int64_t *next)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = json_parse(data, &note);
	struct json_object *number = json_get(v, "sequence_number");

	/* walked, not parsed: equal keys and the like are upstream's affair */
	must(v || note.code == ERR_TOO_LARGE);
	if (json_object_is_type(number, json_type_int)) {
		int64_t n = json_object_get_int64(number);

		if (n >= 0 && n <= (int64_t)1 << 53) {
			must(*next == INT64_MIN || n == *next);
			*next = n + 1;
		}
	}
	json_object_put(v);
}

static void check_stream(struct way *w)
{
	struct span rest = buf_span(&w->out), line;
	int64_t next = INT64_MIN;
	struct buf data;

	must(utf8_valid(rest));
	buf_init(&data, 1u << 20);
	while (rest.len) {
		const char *lf = memchr(rest.ptr, '\n', rest.len);

		must(lf);
		line = (struct span){ rest.ptr, (size_t)(lf - rest.ptr) };
		rest.len -= line.len + 1;
		rest.ptr = lf + 1;
		if (!line.len && data.len) {
			check_data(buf_span(&data), &next);
			buf_reset(&data);
		} else if (span_starts(line, "data: ")) {
			buf_add(&data, line.ptr + 6, line.len - 6);
			buf_char(&data, ' ');
		} else {
			must(!line.len || span_starts(line, "event: ") || *line.ptr == ':');
		}
	}
	buf_free(&data);
	must(w->emitter.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct way w[3];
	enum err err[2];

	if (size < 3 || size > 65536)
		return 0;
	for (int i = 0; i < 3; i++) {
		way_init(&w[i], &tongue_responses);
		w[i].terms.private_events = data[0] & 1;
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
		tongue_responses.whole(&w[2].terms, &w[2].out, &w[2].answer);
		v = json_parse(buf_span(&w[2].out), &note);
		must(v || note.code == ERR_TOO_LARGE);
		json_object_put(v);
	}
	for (int i = 0; i < 3; i++)
		way_free(&w[i]);
	return 0;
}
