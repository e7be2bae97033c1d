/*
 * fuzz_ask.c - whatever a client sends becomes a payload that is JSON, or a
 * fault with words and a code; the same bytes twice. The first byte chooses
 * tongue, upstream and settings.
 */
#include "../unit/ask_help.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sets[] = {
	CHATGPT, RESPONSES,
	CHATGPT " CODEX__PROPAGATE_UNSUPPORTED_PARAMS=1 CHATMOCK_FAST_MODE=1",
	RESPONSES " CODEX__PROPAGATE_UNSUPPORTED_PARAMS=1 CHATMOCK_ENABLE_WEB_SEARCH=1",
};

typedef enum err (*ask_fn)(struct ask *a, struct json_object *body,
			   struct err_note *note);

/* Made once: the settings do not change. */
static struct bench benches[ARRAY_LEN(sets)];

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_payload(struct bench *b)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = json_parse(buf_span(&b->out), &note), *tools, *input;

	must(v && json_is_object(v));
	must(json_get_bool(v, "stream", false));
	must(json_get_str(v, "model").len > 0);
	input = json_get_array(v, "input");
	must(input && json_object_array_length(input));
	tools = json_get_array(v, "tools");
	for (size_t i = 0; tools && i < json_object_array_length(tools); i++) {
		struct json_object *t = json_object_array_get_idx(tools, i);

		must(!span_eq(json_get_str(t, "type"), "function") ||
		     (json_get_str(t, "name").len > 0 &&
		      json_get_str(t, "name").len <= MAX_UPSTREAM_NAME &&
		      json_get_object(t, "parameters")));
	}
	for (size_t i = 0; i < b->ask.terms.dropped.len; i++)
		must(b->ask.terms.dropped.ptr[i] >= ' ' && b->ask.terms.dropped.ptr[i] < 0x7f);
	json_object_put(v);
}

static void once(struct bench *b, struct span text, unsigned which)
{
	static const ask_fn tongues[] = { ask_completion, ask_chat, ask_anthropic,
					   ask_ollama_generate, ask_ollama };
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *body = json_parse(text, &note);
	enum err e;

	ask_init(&b->ask, &b->config, b->catalog);
	buf_reset(&b->out);
	if (body) {
		e = tongues[which % ARRAY_LEN(tongues)](&b->ask, body, &note);
		if (!e && !b->ask.terms.at_once)
			e = payload_build(&b->ask, SESSION, &b->out, &note);
		must(e == note.code);
		must(!e || (note.tell[0] && strlen(note.param) < sizeof(note.param)));
		if (!e && !b->ask.terms.at_once)
			check_payload(b);
	}
	json_object_put(body);
	ask_free(&b->ask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench *b;
	struct buf first;

	if (size < 1)
		return 0;
	if (!benches[0].catalog)
		for (size_t i = 0; i < ARRAY_LEN(sets); i++)
			must(bench_open(&benches[i], sets[i]));
	b = &benches[data[0] % ARRAY_LEN(sets)];
	once(b, (struct span){ (const char *)data + 1, size - 1 }, data[0] / 4);
	buf_init(&first, SIZE_MAX);
	buf_span_add(&first, buf_span(&b->out));
	once(b, (struct span){ (const char *)data + 1, size - 1 }, data[0] / 4);
	must(first.len == b->out.len && !memcmp(first.ptr, b->out.ptr, first.len));
	buf_free(&first);
	return 0;
}
