/*
 * codex_test.c - `chatmock codex test`: one real request through the gateway
 * that runs. What it prints is the model's text; its exit code says whether
 * all of it came.
 */
#include "../../shared/catalog_file.h"
#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/sse.h"
#include "../../shared/text.h"
#include "talk.h"

#define MAX_ANSWER	(16u << 20)
#define MAX_KEY		4000
#define PROMPT		"Say hello in one short sentence."

/* One test: how it is asked, and what came. */
struct test {
	struct cli *cli;
	bool responses, stream, json;
	struct sse sse;
	struct buf whole;		/* a body that is no stream */
	struct buf text;		/* the model's words */
	char fault[400];		/* what upstream said, or "" */
	bool ended;			/* the answer said that it is whole */
	int64_t begun_us, first_us;
	int64_t in, out;
};

/* As it stands, but no terminal takes orders from a model. */
static void show_text(struct cli *cli, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!cli->out_tty || (unsigned char)text.ptr[i] >= ' ' ||
		    text.ptr[i] == '\n' || text.ptr[i] == '\t')
			fputc(text.ptr[i], stdout);
	fflush(stdout);
}

static void say(struct test *t, struct span text)
{
	if (!text.len)
		return;
	if (!t->first_us) {
		t->first_us = clock_mono_us() - t->begun_us;
		cli_progress_end(t->cli);
	}
	buf_span_add(&t->text, text);
	if (!t->json && t->stream)
		show_text(t->cli, text);
}

static void take_usage(struct test *t, struct json_object *usage)
{
	if (!usage)
		return;
	t->in = json_get_int(usage, t->responses ? "input_tokens" :
			     "prompt_tokens", 0);
	t->out = json_get_int(usage, t->responses ? "output_tokens" :
			      "completion_tokens", 0);
}

static void take_fault(struct test *t, struct json_object *error)
{
	struct span message = json_get_str(error, "message");

	if (error && !t->fault[0])
		snprintf(t->fault, sizeof(t->fault), "%.*s",
			 message.len ? (int)message.len : 15,
			 message.len ? message.ptr : "it did not end");
}

static void chat_chunk(struct test *t, struct json_object *v)
{
	struct json_object *choices = json_get_array(v, "choices"), *choice;

	take_fault(t, json_get_object(v, "error"));
	take_usage(t, json_get_object(v, "usage"));
	choice = choices ? json_object_array_get_idx(choices, 0) : NULL;
	say(t, json_get_str(json_get_object(choice, t->stream ? "delta" :
					    "message"), "content"));
	if (json_get_str(choice, "finish_reason").len)
		t->ended = true;
}

/* Of a whole response: the texts of its messages. */
static void response_whole(struct test *t, struct json_object *v)
{
	struct json_object *output = json_get_array(v, "output"), *content;
	size_t items = output ? json_object_array_length(output) : 0, parts;

	take_usage(t, json_get_object(v, "usage"));
	take_fault(t, json_get_object(v, "error"));
	t->ended = span_eq(json_get_str(v, "status"), "completed") ||
		   span_eq(json_get_str(v, "status"), "incomplete");
	for (size_t i = 0; !t->stream && i < items; i++) {
		content = json_get_array(json_object_array_get_idx(output, i),
					 "content");
		parts = content ? json_object_array_length(content) : 0;
		for (size_t k = 0; k < parts; k++)
			say(t, json_get_str(json_object_array_get_idx(content, k),
					    "text"));
	}
}

static void response_event(struct test *t, struct json_object *v)
{
	struct span type = json_get_str(v, "type");

	if (span_eq(type, "response.output_text.delta"))
		say(t, json_get_str(v, "delta"));
	else if (span_eq(type, "error"))
		take_fault(t, v);
	else if (span_eq(type, "response.completed") ||
		 span_eq(type, "response.incomplete") ||
		 span_eq(type, "response.failed"))
		response_whole(t, json_get_object(v, "response"));
}

static enum err on_event(void *ctx, struct span name, struct span data)
{
	struct test *t = ctx;
	struct json_object *v;

	(void)name;
	if (span_eq(data, "[DONE]"))
		return 0;
	v = json_parse(data, NULL);
	if (t->responses)
		response_event(t, v);
	else
		chat_chunk(t, v);
	json_object_put(v);
	return 0;
}

static void on_bytes(void *ctx, struct span bytes)
{
	struct test *t = ctx;

	if (!t->stream)
		buf_span_add(&t->whole, bytes);
	else if (sse_push(&t->sse, bytes) && !t->fault[0])
		snprintf(t->fault, sizeof(t->fault), "what came is no stream of "
			 "events");
}

static void read_whole(struct test *t)
{
	struct json_object *v = json_parse(buf_span(&t->whole), NULL);

	if (t->responses)
		response_whole(t, v);
	else
		chat_chunk(t, v);
	json_object_put(v);
}

static void write_body(const struct test *t, const char *model, const char *text,
		       struct buf *out)
{
	buf_str(out, "{\"model\":");
	buf_json(out, span_of(model));
	buf_fmt(out, ",\"stream\":%s,", t->stream ? "true" : "false");
	if (t->stream && !t->responses)
		buf_str(out, "\"stream_options\":{\"include_usage\":true},");
	if (t->responses)
		buf_str(out, "\"input\":");
	else
		buf_str(out, "\"messages\":[{\"role\":\"user\",\"content\":");
	buf_json(out, span_of(text));
	buf_str(out, t->responses ? "}" : "}]}");
}

/* The model that a person would have got. */
static void choose_model(const struct config *c, char *out, size_t size)
{
	struct catalog *cat = catalog_here(c);

	snprintf(out, size, "gpt-5.5");
	if (cat && catalog_default(cat))
		snprintf(out, size, "%s", catalog_default(cat)->slug);
	catalog_free(cat);
}

/* Never from the command line: everybody may read that. */
static int read_key(struct cli *cli, struct buf *out)
{
	const char *path = cli_value(cli, "key-file"), *env = NULL;
	struct err_note note = ERR_NOTE_INIT;
	static const char name[] = "OPENAI_API_KEY=";

	for (size_t i = 0; cli->environ_[i]; i++)
		if (strncmp(cli->environ_[i], name, sizeof(name) - 1) == 0)
			env = cli->environ_[i] + sizeof(name) - 1;
	if (!path) {
		buf_str(out, env ? env : "");
		return 0;
	}
	if (file_read(path, out, NULL, &note))
		return cli_fail_note(cli, &note);
	buf_cut(out, strcspn(out->ptr, "\r\n"));
	return 0;
}

static int exit_of(const struct test *t, const struct talk *k)
{
	if (!k->status)
		return k->note.code == ERR_UPSTREAM_TOTAL ? EX_TEMPFAIL :
			EX_UNAVAILABLE;
	switch (k->status) {
	case 200:
		return t->fault[0] || !t->ended || k->note.code ? EX_PROTOCOL : 0;
	case 401:
	case 403:
		return EX_NOPERM;
	case 429:
	case 503:
		return EX_TEMPFAIL;
	default:
		return k->status < 500 ? EX_DATAERR : EX_UNAVAILABLE;
	}
}

/* One sentence on what went wrong. */
static void tell_fault(const struct test *t, const struct talk *k, char *out,
		       size_t size)
{
	struct json_object *v;
	struct span message;

	if (!k->status) {
		snprintf(out, size, "%s: %s%s", k->url, k->note.why,
			 k->note.code == ERR_UPSTREAM_CONNECT ?
			 "; is it running? (chatmock status)" : "");
		return;
	}
	if (k->status == 200) {
		snprintf(out, size, "the answer did not come whole: %s",
			 t->fault[0] ? t->fault : k->note.why[0] ? k->note.why :
			 "it has no end");
		return;
	}
	v = json_parse(buf_span(&k->refusal), NULL);
	message = json_get_str(json_get_object(v, "error"), "message");
	if (!message.len)
		message = buf_span(&k->refusal);
	snprintf(out, size, "status %d: %.*s", k->status,
		 message.len > 600 ? 600 : (int)message.len, message.ptr);
	json_object_put(v);
}

static int show_json(const struct test *t, const struct talk *k, int code,
		     const char *model, const char *fault)
{
	struct json_object *v = json_object_new_object();
	bool ok = json_set_bool(v, "ok", code == 0) &&
		json_set_int(v, "status", k->status) &&
		json_set_cstr(v, "endpoint", t->responses ? "response" : "chat") &&
		json_set_bool(v, "stream", t->stream) &&
		json_set_cstr(v, "model", model) &&
		json_set_str(v, "text", buf_span(&t->text)) &&
		json_set_int(v, "input_tokens", t->in) &&
		json_set_int(v, "output_tokens", t->out) &&
		json_set_int(v, "first_text_ms", t->first_us / 1000) &&
		json_set_int(v, "ms", k->took_us / 1000) &&
		json_set_cstr(v, "request_id", k->request_id) &&
		json_set(v, "error", code ? json_new_str(span_of(fault)) : NULL);

	if (!ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(t->cli, v) ? EX_OSERR : code;
}

static int show(struct test *t, const struct talk *k, const char *model)
{
	int code = exit_of(t, k);
	char fault[1024] = "";

	if (code)
		tell_fault(t, k, fault, sizeof(fault));
	if (t->json)
		return show_json(t, k, code, model, fault);
	if (!t->stream)
		show_text(t->cli, buf_span(&t->text));
	if (t->text.len)
		cli_out(t->cli, "\n");
	if (code)
		return cli_fail(t->cli, code, "%s", fault);
	cli_note(t->cli, "%s%s, %s: first text after %lld ms, all after %lld ms, "
		 "%lld tokens in, %lld out%s", cli_ink(t->cli, INK_DIM), model,
		 t->responses ? "/v1/responses" : "/v1/chat/completions",
		 (long long)t->first_us / 1000, (long long)k->took_us / 1000,
		 (long long)t->in, (long long)t->out, cli_ink(t->cli, INK_PLAIN));
	return 0;
}

static int ask(struct test *t, const char *model, const char *text,
	       const char *key, int64_t timeout_s)
{
	struct talk k = { .key = key && *key ? key : NULL, .bytes = on_bytes,
			  .ctx = t, .timeout_us = timeout_s * 1000000 };
	char base[300], url[400];
	struct buf body;
	int status;

	talk_base(&t->cli->config, base, sizeof(base));
	snprintf(url, sizeof(url), "%s%s", base, t->responses ? "/v1/responses" :
		 "/v1/chat/completions");
	buf_init(&body, 1u << 20);
	write_body(t, model, text, &body);
	k.url = url;
	k.body = buf_span(&body);
	t->begun_us = clock_mono_us();
	cli_progress(t->cli, "waiting for the model");
	talk(&k);
	cli_progress_end(t->cli);
	if (!t->stream && k.status == 200 && !k.note.code)
		read_whole(t);
	status = show(t, &k, model);
	talk_free(&k);
	buf_free(&body);
	return status;
}

static int run(struct cli *cli)
{
	const char *endpoint = cli_value(cli, "endpoint");
	const char *model = cli_value(cli, "model");
	struct test t = {
		.cli = cli, .stream = cli_has(cli, "stream"),
		.json = cli_has(cli, "json"),
		.responses = endpoint && strcmp(endpoint, "response") == 0,
	};
	int64_t timeout_s;
	char chosen[300];
	struct buf key;
	int status = EX_USAGE;

	if (!cli_number(cli, "timeout", 1, 3600, 120, &timeout_s))
		return EX_USAGE;
	buf_init(&key, MAX_KEY);
	buf_init(&t.whole, MAX_ANSWER);
	buf_init(&t.text, MAX_ANSWER);
	sse_init(&t.sse, MAX_ANSWER, on_event, &t);
	if (!model) {
		choose_model(&cli->config, chosen, sizeof(chosen));
		model = chosen;
	}
	status = read_key(cli, &key);
	if (!status)
		status = ask(&t, model, cli->arg_count ? cli->args[0] : PROMPT,
			     key.ptr, timeout_s);
	sse_free(&t.sse);
	buf_free(&t.text);
	buf_free(&t.whole);
	buf_wipe_free(&key);
	return status;
}

const struct cli_command cli_codex_test = {
	.name = "codex test", .section = CLI_FIND_OUT,
	.flags = CLI_CONFIG | CLI_HTTP,
	.purpose = "one real request through the running gateway",
	.operands = "[TEXT]", .most = 1,
	.options = (const struct cli_option[]){
		{ .name = "endpoint", .letter = 'e', .argument = "NAME",
		  .words = "chat|response",
		  .help = "chat completions, or responses; chat" },
		{ .name = "stream", .letter = 's',
		  .help = "show the answer as it comes" },
		{ .name = "model", .letter = 'm', .argument = "MODEL",
		  .help = "another than the first of the list" },
		{ .name = "key-file", .argument = "FILE", .is = CLI_WORD_FILE,
		  .help = "the key to show, where the gateway has keys; else "
			  "OPENAI_API_KEY of the environment" },
		{ .name = "timeout", .argument = "SECONDS",
		  .help = "how long to wait for all of it; 120" },
		{ .name = "json", .help = "text, times and tokens as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock codex test", NULL },
		{ "chatmock codex test --endpoint response --stream", NULL },
		{ "chatmock codex test -m gpt-5.5-high \"Why is the sky blue?\"",
		  NULL },
		{ .line = NULL } },
	.more = "It goes the way of every client: web server, gateway, upstream. "
		"It costs what such a request costs.",
	.exits = "65  the request was refused\n"
		"69  nobody answers there, or upstream failed\n"
		"75  upstream is busy, a limit is reached, or it took too long\n"
		"76  the answer did not come whole\n"
		"77  the key, or the login of the gateway, is not good",
	.run = run,
};
