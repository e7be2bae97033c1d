/*
 * What is read where it stands says the same as what is read by the parser:
 * scripts made at random, as they are and with bytes changed.
 */
#include "../../shared/json_walk.h"
#include "answer_fixture.h"

#define SCRIPTS 4000
#define MAX_EVENTS 8

/* xorshift: the same scripts on every machine */
static unsigned next(unsigned *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

#define PICK(seed, list) (list)[next(seed) % ARRAY_LEN(list)]

static void add_place(struct buf *b, unsigned *seed)
{
	static const char *const places[] = {
		",\"output_index\":0", ",\"output_index\":1", ",\"output_index\":null",
		",\"item_id\":\"m1\"", ",\"item_id\":\"r1\"", ",\"item_id\":7",
		",\"content_index\":0", ",\"content_index\":1", ",\"summary_index\":1",
		",\"content_index\":-1,\"summary_index\":2", ",\"output_index\":-0",
		",\"content_index\":1e0", ",\"output_index\":99999999999999999999",
		",\"item_id\":\"m\\u0031\"", ",\"content_index\":\"1\"",
	};

	for (unsigned n = next(seed) % 3; n > 0; n--)
		buf_str(b, PICK(seed, places));
}

static const char *text(unsigned *seed)
{
	static const char *const texts[] = {
		"\"\"", "\"Hel\"", "\"Hello\"", "\"Hello \\\"you\\\"\\n\"",
		"\"\xc3\xa9\xe2\x82\xac\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "null",
		"{}", "{\"a\":1}", "12", "\"a long text without anything special\"",
	};

	return PICK(seed, texts);
}

static void add_part(struct buf *b, unsigned *seed)
{
	static const char *const notes[] = {
		"", ",\"annotations\":[]", ",\"annotations\":null",
		",\"annotations\":[{\"type\":\"url_citation\",\"url\":\"u\"}]",
		",\"annotations\":[ ]", ",\"logprobs\":[[],{}]",
	};
	static const char *const types[] = {
		"\"output_text\"", "\"refusal\"", "\"reasoning_text\"", "null",
	};

	buf_fmt(b, "{\"type\":%s,\"text\":%s", PICK(seed, types), text(seed));
	if (next(seed) % 2)
		buf_fmt(b, ",\"refusal\":%s", text(seed));
	buf_fmt(b, "%s}", PICK(seed, notes));
}

static void add_list(struct buf *b, unsigned *seed,
		     void (*one)(struct buf *b, unsigned *seed))
{
	unsigned count = next(seed) % 3;

	buf_char(b, '[');
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buf_str(b, ", ");
		one(b, seed);
	}
	buf_char(b, ']');
}

static void add_item(struct buf *b, unsigned *seed)
{
	static const char *const types[] = {
		"\"message\"", "\"message\"", "\"function_call\"",
		"\"custom_tool_call\"", "\"reasoning\"", "\"web_search_call\"", "4",
	};
	static const char *const ids[] = {
		"", ",\"id\":\"m1\"", ",\"id\":\"r1\"", ",\"id\":\"c\\u0031\"",
	};
	static const char *const calls[] = {
		"", ",\"call_id\":\"c1\",\"name\":\"f\"", ",\"call_id\":\"c2\"",
		",\"name\":\"g\\n\"",
	};

	buf_fmt(b, "{\"type\":%s%s%s", PICK(seed, types), PICK(seed, ids),
		PICK(seed, calls));
	if (next(seed) % 4) {
		buf_str(b, ",\"content\":");
		add_list(b, seed, add_part);
	}
	if (next(seed) % 3 == 0)
		buf_fmt(b, ",\"arguments\":%s,\"input\":%s", text(seed), text(seed));
	buf_char(b, '}');
}

static void add_response(struct buf *b, unsigned *seed)
{
	static const char *const members[] = {
		"\"id\":\"resp_1\"", "\"id\":\"r\\u0065sp\"", "\"model\":\"gpt-x\"",
		"\"model\":null", "\"status\":\"completed\"", "\"status\":\"failed\"",
		"\"status\":\"incomplete\"", "\"status\":\"queued\"", "\"usage\":null",
		"\"status\":\"completed\"", "\"error\":null",
		"\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"}",
		"\"incomplete_details\":{\"reason\":\"max_output_tokens\"}",
		"\"incomplete_details\":null", "\"usage\":{}",
		("\"usage\":{\"input_tokens\":9,\"input_tokens_details\":"
		 "{\"cached_tokens\":4,\"reasoning_tokens\":5},\"output_tokens\":5,"
		 "\"output_tokens_details\":{\"reasoning_tokens\":2},\"total_tokens\":14}"),
		("\"usage\":{\"input_tokens\":3,\"output_tokens\":-5,"
		 "\"output_tokens_details\":null}"), "\"usage\":{\"total_tokens\":-1}",
		"\"usage\":{\"input_tokens\":1.5,\"total_tokens\":7}",
		"\"tools\":[{\"type\":\"function\",\"x\":[1,2.5e3,true,{}]}]",
	};
	unsigned count = next(seed) % 6;

	buf_char(b, '{');
	for (unsigned i = 0; i < count; i++)
		buf_fmt(b, "%s,", PICK(seed, members));
	buf_str(b, "\"output\":");
	if (next(seed) % 2)
		add_list(b, seed, add_item);
	else
		buf_str(b, next(seed) % 2 ? "[]" : "null");
	buf_char(b, '}');
}

static void add_event(struct buf *b, unsigned *seed)
{
	static const char *const types[] = {
		"response.created", "response.in_progress", "response.completed",
		"response.done", "response.incomplete", "response.failed", "error",
		"response.output_item.added", "response.output_item.added",
		"response.output_item.done", "response.output_item.done",
		"response.output_text.delta", "response.output_text.done",
		"response.function_call_arguments.delta", "response.refusal.done",
		"response.function_call_arguments.done", "response.content_part.done",
		"response.reasoning_text.done", "response.custom_tool_call_input.done",
		"response.unheard_of", "keepalive", "response.refusal.delta",
	};
	const char *type = PICK(seed, types);

	buf_fmt(b, "{\"type\":\"%s\"", type);
	add_place(b, seed);
	if (strstr(type, "item.")) {
		buf_str(b, ",\"item\":");
		add_item(b, seed);
	} else if (strstr(type, "part.")) {
		buf_str(b, ",\"part\":");
		add_part(b, seed);
	} else if (strchr(type, '_')) {
		buf_fmt(b, ",\"delta\":%s,\"text\":%s,\"arguments\":%s,\"input\":%s,"
			"\"refusal\":%s", text(seed), text(seed), text(seed),
			text(seed), text(seed));
	} else {
		buf_str(b, ",\"response\":");
		add_response(b, seed);
	}
	buf_str(b, "}\n");
}

/* --- the same, twice --- */

static enum err tell(void *ctx, const struct event *ev)
{
	struct buf *out = ctx;

	trace_event(out, ev);
	buf_fmt(out, "raw %zu\n", ev->raw.len);
	return ERR_NONE;
}

/* One line of script, as a worker does it or by way of the parser alone. */
static enum err one(struct decoder *d, struct json_reader *r, struct span line,
		    bool quick, struct err_note *note)
{
	struct json_object *root;
	enum err err;

	if (quick)
		return decode_event(d, r, SPAN(""), line, note);
	root = json_parse(line, note);
	if (!root)
		return ERR_UPSTREAM_GARBLED;
	err = decode_object(d, root, line, note);
	json_object_put(root);
	return err;
}

static enum err run(struct span script, bool quick, struct buf *out)
{
	struct err_note note = ERR_NOTE_INIT;
	struct decoder *d = decoder_new(tell, out);
	struct json_reader *r = json_reader_new();
	struct span line;
	enum err err = ERR_NONE;

	while (!err && !decoder_ended(d) && text_next(&script, '\n', &line))
		err = one(d, r, text_trim(line), quick, &note);
	decoder_free(d);
	json_reader_free(r);
	return err;
}

static bool same(struct span script)
{
	struct buf quick, slow;
	enum err a, b;
	bool ok;

	buf_init(&quick, 1 << 20);
	buf_init(&slow, 1 << 20);
	a = run(script, true, &quick);
	b = run(script, false, &slow);
	ok = a == b && quick.len == slow.len &&
	     memcmp(quick.ptr, slow.ptr, slow.len) == 0;
	if (!ok)
		printf("%.*s-- quick (%d):\n%s-- parsed (%d):\n%s\n",
		       (int)script.len, script.ptr, a, quick.ptr, b, slow.ptr);
	buf_free(&quick);
	buf_free(&slow);
	return ok;
}

static void test_scripts(void)
{
	static const char bytes[] = "{}[]\",:\\0-9.eEnu \t/x\x01\x80\xff";
	unsigned seed = 20211;
	size_t bad = 0;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < SCRIPTS && bad < 5; i++) {
		buf_reset(&b);
		for (unsigned n = next(&seed) % MAX_EVENTS + 1; n > 0; n--)
			add_event(&b, &seed);
		bad += !same(buf_span(&b));
		for (unsigned n = next(&seed) % 3; n > 0 && b.len; n--)
			b.ptr[next(&seed) % b.len] =
				bytes[next(&seed) % (sizeof(bytes) - 1)];
		bad += !same(buf_span(&b));
	}
	check_int((int64_t)bad, 0);
	buf_free(&b);
}

/* Cut anywhere it is no JSON; the parser thinks so too. */
static void test_cuts(void)
{
	static const char whole[] = " {\"a\" : [1,-2.5e+3,\"x\\u00e9\\n\",{}],"
		"\"b\":{\"c\":null,\"d\":[true,false]},\"e\":\"\xc3\xa9\"} ";
	struct span key, value;
	struct json_walk w;

	for (size_t len = 0; len < sizeof(whole); len++) {
		struct span text = { whole, len };
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v = json_parse(text, &note);
		int members = 0;

		json_walk_object(&w, text);
		while (json_walk_next(&w, &key, &value))
			members++;
		check_int(w.ok, v != NULL);
		check(!w.ok || members == 3);
		json_object_put(v);
	}
}

static void test_deep(void)
{
	struct span key, value;
	struct json_walk w;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int depth = 126; depth < 132; depth++) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v;

		buf_reset(&b);
		for (int i = 0; i < depth; i++)
			buf_char(&b, '[');
		for (int i = 0; i < depth; i++)
			buf_char(&b, ']');
		v = json_parse(buf_span(&b), &note);
		json_walk_array(&w, buf_span(&b));
		while (json_walk_next(&w, &key, &value))
			;
		check_int(w.ok, v != NULL);
		json_object_put(v);
	}
	buf_free(&b);
}

int main(void)
{
	test_scripts();
	test_cuts();
	test_deep();
	return test_end("test_decode_quick");
}
