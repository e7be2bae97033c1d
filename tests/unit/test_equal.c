/*
 * The same events said as a stream and as a whole are the same answer: the
 * stream's deltas, put together as an SDK does it, give the whole's message.
 * Scripts are made at random from a fixed seed.
 */
#include "answer_fixture.h"
#include "script.h"

#define SCRIPTS 400

/* xorshift: the same scripts on every machine */
static unsigned next(unsigned *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void add_item(struct buf *b, unsigned *seed, unsigned i)
{
	static const char *const words[] = { "a", "END", "EN", "\\u00e9", "\\n",
					     "\\\"x\\\\", "two words " };
	const char *word = words[next(seed) % ARRAY_LEN(words)];
	unsigned kind = next(seed) % 6, times = next(seed) % 4;
	static const char *const deltas[] = {
		"response.output_text", "response.reasoning_summary_text",
		"response.refusal", "response.function_call_arguments",
		"response.custom_tool_call_input",
	};

	if (kind == 3 || kind == 4)
		buf_fmt(b, "{\"type\":\"response.output_item.added\",\"output_index\":%u,"
			"\"item\":{\"type\":\"%s\",\"call_id\":\"c%u\",\"name\":\"f%u\"}}\n",
			i, kind == 3 ? "function_call" : "custom_tool_call", i, i);
	if (kind == 5)
		buf_fmt(b, "{\"type\":\"response.output_item.done\",\"output_index\":%u,"
			"\"item\":{\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
			"\"text\":\"%s\",\"annotations\":[" S_URL "]}]}}\n", i, word);
	for (unsigned n = 0; kind < 5 && n < times; n++)
		buf_fmt(b, "{\"type\":\"%s.delta\",\"output_index\":%u,"
			"\"summary_index\":%u,\"delta\":\"%s\"}\n",
			deltas[kind], i, kind == 1 ? n / 2 : 0,
			words[next(seed) % ARRAY_LEN(words)]);
}

static void make_script(struct buf *b, unsigned *seed)
{
	unsigned items = next(seed) % 6;

	buf_reset(b);
	buf_str(b, S_CREATED);
	for (unsigned i = 0; i < items; i++)
		add_item(b, seed, i);
	buf_str(b, next(seed) % 4 ? S_DONE : S_INCOMPLETE("max_output_tokens"));
}

/* --- the stream put together --- */

static void join(struct json_object *to, struct json_object *from, const char *key)
{
	struct span more = json_get_str(from, key);
	struct buf b;

	if (!json_is_str(json_get(from, key)))
		return;
	buf_init(&b, 1u << 20);
	buf_span_add(&b, json_get_str(to, key));
	buf_span_add(&b, more);
	json_set_str(to, key, buf_span(&b));
	buf_free(&b);
}

/* Strings are joined, objects merged, the rest is set. */
static void merge(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, key, v) {
		if (json_is_object(v)) {
			if (!json_get_object(to, key))
				json_set(to, key, json_object_new_object());
			merge(json_get_object(to, key), v);
		} else if (json_is_str(v) && strcmp(key, "type")) {
			join(to, from, key);
		} else if (strcmp(key, "index")) {
			json_set(to, key, json_ref(v));
		}
	}
}

static struct json_object *first(struct json_object *v, const char *key)
{
	struct json_object *array = json_get_array(v, key);

	return array ? json_object_array_get_idx(array, 0) : NULL;
}

static struct json_object *array_of(struct json_object *message, const char *key)
{
	if (!json_get_array(message, key))
		json_set(message, key, json_object_new_array());
	return json_get_array(message, key);
}

static void take_delta(struct json_object *message, struct json_object *delta)
{
	static const char *const strings[] = { "role", "content", "refusal",
					       "reasoning_content" };
	struct json_object *call = first(delta, "tool_calls");
	struct json_object *note = first(delta, "annotations");

	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		join(message, delta, strings[i]);
	if (note)
		json_push(array_of(message, "annotations"), json_ref(note));
	if (call) {
		struct json_object *calls = array_of(message, "tool_calls");
		size_t at = (size_t)json_get_int(call, "index", 99);

		check(at <= json_object_array_length(calls));
		if (at == json_object_array_length(calls))
			json_push(calls, json_object_new_object());
		merge(json_object_array_get_idx(calls, at), call);
	}
}

static struct json_object *put_together(struct span stream)
{
	struct json_object *message = json_object_new_object();
	struct span line;

	while (text_next(&stream, '\n', &line)) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v, *choice;

		line.ptr += 6;
		line.len -= 6;
		v = json_parse(line, &note);
		choice = first(v, "choices");
		take_delta(message, json_get_object(choice, "delta"));
		join(message, choice, "finish_reason");
		json_object_put(v);
	}
	return message;
}

/* Both leave out what is empty. */
static void check_same(struct json_object *got, struct json_object *choice,
		       const char *script)
{
	static const char *const keys[] = { "role", "content", "refusal",
			"reasoning_content", "tool_calls", "annotations" };
	struct json_object *message = json_get_object(choice, "message");
	bool ok = check(message != NULL);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_object *a = json_get(got, keys[i]);
		struct json_object *b = json_get(message, keys[i]);

		if (json_is_str(a) && !json_str(a).len)
			a = NULL;
		if (json_is_str(b) && !json_str(b).len)
			b = NULL;
		ok &= check(json_object_equal(a, b));
	}
	ok &= check(json_object_equal(json_get(got, "finish_reason"),
				      json_get(choice, "finish_reason")));
	if (!ok)
		printf("  in: %s  got %s\n  want %s\n", script,
		       json_object_to_json_string(got),
		       json_object_to_json_string(message));
}

static void one(unsigned *seed, const char *script)
{
	enum reasoning_compat how = next(seed) % 2 ? COMPAT_THINK : COMPAT_CONTENT;
	bool stop = next(seed) % 2;
	struct json_object *v, *got;
	struct err_note note = ERR_NOTE_INIT;
	struct way w[2];

	for (int i = 0; i < 2; i++) {
		way_init(&w[i], &tongue_chat);
		w[i].whole = i == 1;
		w[i].terms.reasoning = how;
		if (stop)
			w[i].terms.stops[w[i].terms.stop_count++] = strdup("END");
		check_int(way_run(&w[i], script), ERR_NONE);
	}
	got = put_together(buf_span(&w[0].out));
	v = json_parse(buf_span(&w[1].out), &note);
	check_same(got, first(v, "choices"),
		   script);
	json_object_put(got);
	json_object_put(v);
	way_free(&w[0]);
	way_free(&w[1]);
}

int main(void)
{
	unsigned seed = 2463534242u;
	struct buf script;

	buf_init(&script, 1u << 20);
	for (int i = 0; i < SCRIPTS; i++) {
		make_script(&script, &seed);
		one(&seed, script.ptr);
	}
	buf_free(&script);
	return test_end("test_equal");
}
