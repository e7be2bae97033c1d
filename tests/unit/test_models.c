/*
 * test_models.c - the list of models as clients read it, and the page at /.
 */
#include "test.h"

#include <stdlib.h>

#include "../../fcgi/tongues/models.h"
#include "../../shared/catalog_file.h"
#include "../../shared/json.h"

static const struct config_alias aliases[] = {
	{ "claude-*", "gpt-6-sol" }, { "llama3:8b", "gpt-5.5-low" },
	{ "local \"one\"", "qwen3" }, { "gpt-5.5", "gpt-6-sol" },
	{ "llama3:8b", "gpt-6-sol" },
};

static struct json_object *list(const struct config *c, const struct catalog *cat)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;
	struct buf out;

	buf_init(&out, 1 << 20);
	models_openai.list(&(struct models_ask){ c, cat, "" }, &out);
	check_int(buf_err(&out), 0);
	v = json_parse(buf_span(&out), &note);
	check(v);
	buf_free(&out);
	return v;
}

static struct json_object *entry(struct json_object *list, const char *id)
{
	struct json_object *data = json_get_array(list, "data"), *found = NULL;
	size_t count = data ? json_object_array_length(data) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *m = json_object_array_get_idx(data, i);

		if (span_eq(json_get_str(m, "id"), id)) {
			check(!found);		/* each id once */
			found = m;
		}
	}
	return found;
}

static void test_list(struct config *c, const struct catalog *cat)
{
	struct json_object *all = list(c, cat), *m;
	struct span first;

	check_str(json_get_str(all, "object"), "list");
	first = json_get_str(json_object_array_get_idx(json_get_array(all, "data"), 0),
			     "id");
	check_str(first, "gpt-6.1-sol");
	m = entry(all, "gpt-6.1-terra");
	check_str(json_get_str(m, "object"), "model");
	check_str(json_get_str(m, "owned_by"), "openai");
	check_int(json_get_int(m, "created", 0), 1735689600);
	check_int(json_get_int(m, "context_window", 0), 500000);
	check_int(json_get_int(m, "max_output_tokens", 0), 4711);
	check_str(json_get_str(m, "default_reasoning_effort"), "medium");
	check_int((int64_t)json_object_array_length(
			json_get_array(m, "reasoning_efforts")), 6);
	check(!entry(all, "gpt-6.1-terra-high"));
	check(!entry(all, "codex-auto-review") && !entry(all, "gpt-5"));
	check(!entry(all, "claude-*"));
	m = entry(all, "llama3:8b");
	check_str(json_get_str(m, "alias_of"), "gpt-5.5-low");
	check_int(json_get_int(m, "context_window", 0), 272000);
	check_str(json_get_str(m, "default_reasoning_effort"), "low");
	m = entry(all, "local \"one\"");
	check_str(json_get_str(m, "owned_by"), "chatmock");
	check(!json_get(m, "context_window"));
	check(entry(all, "gpt-5.5"));
	json_object_put(all);

	c->expose_reasoning = true;
	all = list(c, cat);
	check_str(json_get_str(entry(all, "gpt-6.1-terra-high"),
			       "default_reasoning_effort"), "high");
	check(entry(all, "gpt-6.1-terra-max") && !entry(all, "gpt-6.1-terra-ultra"));
	check(entry(all, "gpt-5.5-xhigh") && !entry(all, "gpt-5.5-max"));
	json_object_put(all);
	c->expose_reasoning = false;
}

static const struct { const char *id, *effort, *word; } ones[] = {
	{ "gpt-6-sol", "medium", NULL },
	{ "gpt-6-sol-high", "high", NULL },
	{ "gpt-5", "medium", NULL },
	{ "llama3:8b", "low", NULL },
	{ "claude-x", "medium", NULL },
	{ "local \"one\"", NULL, NULL },
	{ "gpt-6-soll", NULL, "gpt-6-sol" },
	{ "something else entirely", NULL, "GET /v1/models" },
	{ "", NULL, "GET /v1/models" },
};

static void test_one(const struct config *c, const struct catalog *cat)
{
	for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct json_object *v;
		struct buf out;

		buf_init(&out, 1 << 20);
		check_int(models_openai.one(&(struct models_ask){ c, cat, "" },
					    span_of(ones[i].id), &out, &note),
			  ones[i].word ? ERR_MODEL_NOT_FOUND : 0);
		if (ones[i].word) {
			check(strstr(note.tell, ones[i].word));
			check_int((int64_t)out.len, 0);
		} else {
			v = json_parse(buf_span(&out), &note);
			check_str(json_get_str(v, "id"), ones[i].id);
			check_str(json_get_str(v, "default_reasoning_effort"),
				  ones[i].effort ? ones[i].effort : "");
			json_object_put(v);
		}
		buf_free(&out);
	}
}

/* A list as upstream gave it, as the file has it. */
static struct catalog *from_upstream(const struct config *c)
{
	struct err_note note = ERR_NOTE_INIT;
	struct catalog *cat;
	struct buf text;

	buf_init(&text, 1 << 16);
	buf_str(&text, "{\"version\":1,\"upstream\":\"u\",\"account_id\":\"a\","
		"\"client_version\":\"0.169.0\",\"fetched_at\":1,"
		"\"etag\":\"W/\\\"7\\\"\",\"announced\":\"\",\"models\":[ "
		"{\"slug\":\"new-one\", \"extra\": 1.50},{\"slug\":\"gpt-6-sol\","
		"\"context_window\":1234,\"max_output_tokens\":99}]}");
	cat = catalog_parse(c, &text, &note);
	check(cat);
	buf_free(&text);
	return cat;
}

static void test_codex(const struct config *c, const struct catalog *table)
{
	struct catalog *cat = from_upstream(c);
	struct models_ask ask = { c, cat, "" };
	struct json_object *v, *m;
	char etag[300], again[300];
	struct buf out;

	buf_init(&out, 1 << 20);
	models_codex.list(&ask, &out);
	check_str(buf_span(&out), "{\"models\":[ {\"slug\":\"new-one\", \"extra\": 1.50},"
		  "{\"slug\":\"gpt-6-sol\",\"context_window\":1234,"
		  "\"max_output_tokens\":99}]}");
	models_codex.etag(&ask, etag, sizeof(etag));
	check_str(span_of(etag), "W/\"7\"");

	/* the same list for others */
	v = list(c, cat);
	check_int((int64_t)json_object_array_length(json_get_array(v, "data")), 5);
	m = entry(v, "gpt-6-sol");
	check_int(json_get_int(m, "context_window", 0), 1234);
	check_int(json_get_int(m, "max_output_tokens", 0), 99);
	check(json_get_bool(m, "tools", false));
	m = entry(v, "new-one");
	check_int(json_get_int(m, "max_output_tokens", 0), 4711);
	check(!json_get(m, "context_window") && !json_get(m, "reasoning_efforts"));
	json_object_put(v);

	/* without upstream's list: ours, in that shape */
	ask.catalog = table;
	buf_reset(&out);
	models_codex.list(&ask, &out);
	v = json_parse(buf_span(&out), NULL);
	m = json_object_array_get_idx(json_get_array(v, "models"), 0);
	check_str(json_get_str(m, "slug"), "gpt-6.1-sol");
	check_str(json_get_str(m, "visibility"), "list");
	check(!json_get(m, "base_instructions"));
	check_int((int64_t)json_object_array_length(
			json_get_array(m, "supported_reasoning_levels")), 6);
	models_codex.etag(&ask, etag, sizeof(etag));
	models_codex.etag(&ask, again, sizeof(again));
	check(strlen(etag) == 34 && !strcmp(etag, again));
	json_object_put(v);
	buf_free(&out);
	catalog_free(cat);
}

static const struct { const char *bind, *host, *url; } pages[] = {
	{ "127.0.0.1", "localhost:9000", "http://localhost:9000/v1\n" },
	{ "127.0.0.1", "[::1]:80", "http://[::1]:80/v1\n" },
	{ "127.0.0.1", NULL, "http://127.0.0.1:8000/v1\n" },
	{ "127.0.0.1", "", "http://127.0.0.1:8000/v1\n" },
	{ "127.0.0.1", "x';rm", "http://127.0.0.1:8000/v1\n" },
	{ "127.0.0.1", "<b>", "http://127.0.0.1:8000/v1\n" },
	{ "::1", NULL, "http://[::1]:8000/v1\n" },
	{ "[::1]", NULL, "http://[::1]:8000/v1\n" },
};

static void test_home(struct config *c)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		buf_reset(&out);
		c->bind = pages[i].bind;
		home_page(c, pages[i].host, &out);
		check(strstr(out.ptr, pages[i].url));
		check(strstr(out.ptr, "Not affiliated with OpenAI"));
		check(!strstr(out.ptr, ";rm") && !strstr(out.ptr, "<b>"));
	}
	buf_free(&out);
}

int main(void)
{
	struct config c = { .aliases = aliases, .alias_count = ARRAY_LEN(aliases),
			    .max_output_fallback = 4711, .port = 8000 };
	struct catalog *cat = catalog_new(&c);

	if (!check(cat))
		return 1;
	test_list(&c, cat);
	test_one(&c, cat);
	test_codex(&c, cat);
	test_home(&c);
	catalog_free(cat);
	return test_end("test_models");
}
