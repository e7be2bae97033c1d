/* Decoding: odd spellings, garbage, names, pass-through, failing receivers. */
#include "answer_fixture.h"

#define MSG(id, text) "{\"type\":\"message\",\"id\":\"" id "\",\"content\":[" \
	"{\"type\":\"output_text\",\"text\":\"" text "\"}]}"

/* The same events with escapes, odd spacing and members: both readers agree. */
static void test_spellings(void)
{
	static const char *const spellings[] = {
		"{\"type\":\"response.output_text.delta\",\"delta\":\"a\\\"\\u00e9\\ud83d\\ude00\\n\"}",
		" { \"delta\" : \"a\\\"\xc3\xa9\xf0\x9f\x98\x80\\n\" , \"type\":\"response.output_text.delta\" } ",
		"{\"obfuscation\":\"x\\\"y\",\"type\":\"response.output_text.delta\",\"delta\":\"a\\\"\xc3\xa9\\uD83D\\uDE00\\n\"}",
		"{\"type\":\"response.output_text.delta\",\"logprobs\":[{\"token\":\"a\"}],\"delta\":\"a\\\"\xc3\xa9\xf0\x9f\x98\x80\\n\"}",
		"{\"type\":\"response.output_text.\\u0064elta\",\"x\":{\"y\":{}},\"delta\":\"a\\\"\xc3\xa9\xf0\x9f\x98\x80\\n\"}",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"z\",\"delta\":\"a\\\"\xc3\xa9\xf0\x9f\x98\x80\\n\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct buf out;

		buf_init(&out, 4096);
		check_int(trace_run(spellings[i], &out, &note), ERR_NONE);
		check_str(buf_span(&out), "START\nTEXT text=a\\\"\xc3\xa9\xf0\x9f\x98\x80\\n\n");
		buf_free(&out);
	}
}

static void test_garbled(void)
{
	static const char *const bad[] = {
		"{", "nonsense", "[]", "7", "\"x\"", "null", "{}", "{\"type\":7}",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"a\"",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}x",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"\xff\"}",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"a\",}",
		"{\"type\":\"response.output_text.delta\" \"delta\":\"a\"}",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"a\\x\"}",
		"{\"type\":\"response.output_text.delta\",\"output_index\":01,\"delta\":\"a\"}",
		"<html>", "{'type':'error'}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct buf out;

		buf_init(&out, 4096);
		if (!check_int(trace_run(bad[i], &out, &note), ERR_UPSTREAM_GARBLED) ||
		    !check_int(note.code, ERR_UPSTREAM_GARBLED))
			printf("  in: %s\n", bad[i]);
		check_int((int64_t)out.len, 0);
		buf_free(&out);
	}
}

/* The event's name where the data has no type; names that are dropped. */
static void test_names(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_reader *r = json_reader_new();
	struct decoder *d;
	struct buf out;

	buf_init(&out, 4096);
	d = decoder_new(trace_event, &out);
	check_int(decode_event(d, r, SPAN("response.output_text.delta"),
			       SPAN("{\"delta\":\"A\"}"), &note), 0);
	check_int(decode_event(d, r, SPAN("codex.rate_limits"),
			       SPAN("not even JSON"), &note), 0);
	check(!decoder_ended(d));
	check_int(decode_event(d, r, SPAN("message"),
			       SPAN("{\"type\":\"response.completed\"}"), &note), 0);
	check(decoder_ended(d));
	check_str(buf_span(&out), "START\nTEXT text=A\nOTHER\nTEXT_END\nDONE stop\n");
	check(decode_skips(SPAN("response.image_generation_call.partial_image")));
	check(!decode_skips(SPAN("response.output_text.delta")));
	check(decode_skips(SPAN("response.in_progress")));
	check(!decode_skips(SPAN("response.created")));
	check(!decode_skips(SPAN("response.completed")));
	check(!decode_skips(SPAN("")));
	decoder_free(d);
	decoder_free(NULL);
	json_reader_free(r);
	buf_free(&out);
}

/* raw is handed on once for each event of upstream's. */
struct raws {
	char seen[512];
};

static enum err note_raw(void *ctx, const struct event *ev)
{
	struct raws *r = ctx;
	size_t len = strlen(r->seen);

	if (ev->raw.len)
		snprintf(r->seen + len, sizeof(r->seen) - len, "%d:%zu ",
			 ev->kind, ev->raw.len);
	return ERR_NONE;
}

static void test_raw(void)
{
	static const char *const lines[] = {
		"{\"type\":\"response.created\"}",
		"{\"type\":\"response.output_text.delta\",\"delta\":\"A\"}",
		"{\"type\":\"response.output_item.done\",\"item\":" MSG("", "AB") "}",
		"{\"type\":\"x\"}",
		"{\"type\":\"response.completed\",\"response\":{\"output\":[" MSG("", "AB") "]}}",
	};
	struct raws raws = { "" };
	struct err_note note = ERR_NOTE_INIT;
	struct json_reader *r = json_reader_new();
	struct decoder *d = decoder_new(note_raw, &raws);
	char want[512];
	size_t at = 0;
	static const int kinds[] = { EVENT_START, EVENT_TEXT, EVENT_TEXT,
				     EVENT_OTHER, EVENT_DONE };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		check_int(decode_event(d, r, span_of(""), span_of(lines[i]), &note), 0);
		at += (size_t)snprintf(want + at, sizeof(want) - at, "%d:%zu ",
				       kinds[i], strlen(lines[i]));
	}
	check_str(span_of(raws.seen), want);
	decoder_free(d);
	json_reader_free(r);
}

/* Whatever the receiver returns ends the event and is returned. */
static enum err refuse(void *ctx, const struct event *ev)
{
	int *left = ctx;

	(void)ev;
	return --*left < 0 ? ERR_CLIENT_GONE : ERR_NONE;
}

static void test_receiver_fails(void)
{
	static const char completed[] =
		"{\"type\":\"response.completed\",\"response\":{\"output\":["
		"{\"type\":\"reasoning\",\"summary\":[{\"text\":\"A\"},{\"text\":\"B\"}]},"
		MSG("m", "A") ",{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\"},"
		"{\"type\":\"web_search_call\"}]}}";
	struct json_reader *r = json_reader_new();

	for (int n = 0; n < 20; n++) {
		struct err_note note = ERR_NOTE_INIT;
		int left = n;
		struct decoder *d = decoder_new(refuse, &left);
		enum err err = decode_event(d, r, span_of(""), span_of(completed), &note);

		/* START, 2 thoughts and a break, THOUGHT_END, TEXT and its end,
		 * CALL, ARGS, CALL_END, HOSTED, DONE */
		check_int(err, n < 12 ? ERR_CLIENT_GONE : ERR_NONE);
		decoder_free(d);
	}
	json_reader_free(r);
}

static void test_ceiling(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_reader *r = json_reader_new();
	struct decoder *d;
	struct buf out;
	enum err err = ERR_NONE;
	char line[128];
	int n = 0;

	buf_init(&out, 1u << 20);
	d = decoder_new(trace_event, &out);
	for (; !err && n < 10000; n++) {
		snprintf(line, sizeof(line), "{\"type\":\"response.output_text.delta\","
			 "\"output_index\":%d,\"delta\":\"a\"}", n);
		err = decode_event(d, r, span_of(""), span_of(line), &note);
	}
	check_int(err, ERR_UPSTREAM_GARBLED);
	check_int(n, 4097);
	decoder_free(d);
	json_reader_free(r);
	buf_free(&out);
}

int main(void)
{
	test_spellings();
	test_garbled();
	test_names();
	test_raw();
	test_receiver_fails();
	test_ceiling();
	return test_end("test_decode_edges");
}
