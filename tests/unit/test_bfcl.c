/*
 * test_bfcl.c - 1,363 tool schemas of other people, through chat to the
 * ChatGPT backend: names legal, strict explicit, parameters an object, and
 * everything else as it was.
 */
#include "ask_help.h"

#include <sys/types.h>

static const char *const places[] = {
	"../shared/specs/bfcl-tools.jsonl", "../../shared/specs/bfcl-tools.jsonl",
};

static bool legal(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-", name.ptr[i], 64))
			return false;
	return name.len > 0 && name.len <= MAX_UPSTREAM_NAME;
}

static void same_tool(struct bench *b, struct json_object *sent, struct json_object *tool)
{
	struct json_object *f = json_get(tool, "function");
	struct span name = json_get_str(sent, "name");

	check_int(json_object_object_length(sent), 5);
	check_str(json_get_str(sent, "type"), "function");
	check(legal(name));
	check_str(names_full(&b->ask.terms.names, name),
		  json_object_get_string(json_get(f, "name")));
	check(json_object_equal(json_get(sent, "description"), json_get(f, "description")));
	check(json_object_is_type(json_get(sent, "strict"), json_type_boolean));
	check(!json_get_bool(sent, "strict", true));
	check(json_get_object(json_get(sent, "parameters"), "properties"));
	check_str(json_get_str(json_get(sent, "parameters"), "type"), "object");
	check(json_object_equal(json_get(sent, "parameters"), json_get(f, "parameters")));
}

/* The problem's own tools, and with each name made illegal and too long. */
static void run(struct json_object *problem, const char *prefix)
{
	struct json_object *tools = json_get(problem, "tools"), *sent, *o;
	size_t count = json_object_array_length(tools);
	struct bench b;

	check(bench_open(&b, CHATGPT));
	check(bench_body(&b, "{'model':'gpt-5.5','messages':[{'role':'user'}]}"));
	o = json_object_array_get_idx(json_get(b.body, "messages"), 0);
	json_set(o, "content", json_ref(json_get(problem, "question")));
	for (size_t i = 0; *prefix && i < count; i++) {
		struct json_object *f = json_get(json_object_array_get_idx(tools, i), "function");
		char name[400];

		snprintf(name, sizeof(name), "%s%s", prefix,
			 json_object_get_string(json_get(f, "name")));
		json_set_cstr(f, "name", name);
	}
	json_set(b.body, "tools", json_ref(tools));
	if (!check_int(ask_chat(&b.ask, b.body, &b.note), ERR_NONE) ||
	    !check_int(payload_build(&b.ask, SESSION, &b.out, &b.note), ERR_NONE))
		printf("  %s: %s\n", json_object_get_string(json_get(problem, "id")), b.note.tell);
	o = json_parse(buf_span(&b.out), &b.note);
	sent = json_get_array(o, "tools");
	if (check(sent) && check_int((int64_t)json_object_array_length(sent), (int64_t)count))
		for (size_t i = 0; i < count; i++)
			same_tool(&b, json_object_array_get_idx(sent, i),
				  json_object_array_get_idx(tools, i));
	json_object_put(o);
	bench_close(&b);
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int lines = 0;
	FILE *f = NULL;

	for (size_t i = 0; !f && i < ARRAY_LEN(places); i++)
		f = fopen(places[i], "r");
	if (!f) {
		test_skip("schemas: no %s here", places[0]);
		return test_end("test_bfcl");
	}
	while ((len = getline(&line, &size, f)) > 0) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v = json_parse((struct span){ line, (size_t)len }, &note);

		if (!check(v))
			break;
		run(v, "");
		run(v, "mcp__some_server_with_a_long_name__and.a.dotted/path:");
		json_object_put(v);
		lines++;
	}
	check(lines >= 600);
	free(line);
	fclose(f);
	return test_end("test_bfcl");
}
