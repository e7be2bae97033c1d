/* test_prompts.c - which text counts, and the chain of those there are. */
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/ceilings.h"
#include "../../shared/file.h"
#include "../../shared/prompts_file.h"
#include "../../shared/text.h"
#include "loop_help.h"

static char home[] = "/tmp/chatmock-prompts-XXXXXX";
static struct config config;

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void put(const char *name, struct span text)
{
	struct err_note note = ERR_NOTE_INIT;

	check_int(file_replace(at(name), 0600, text, &note), 0);
}

/* As the fetcher would have it at this time. */
static void cache(const char *text, int64_t cached_at)
{
	struct err_note note = ERR_NOTE_INIT;
	struct prompt_meta meta = { .cached_at = cached_at };
	char hash[65];

	sha256_hex(span_of(text), hash);
	meta.hash = span_of(hash);
	meta.size = (int64_t)strlen(text);
	meta.etag = SPAN("\"tag\"");
	meta.source = SPAN("https://a.example/p");
	check_int(prompt_cache_write(&config, PROMPT_BASE, span_of(text), &meta,
				     &note), 0);
}

static void expect(enum prompt_origin origin, const char *text, bool broken,
		   const char *why)
{
	struct prompts *p = prompts_read(&config);
	const struct prompt *base = &p->of[PROMPT_BASE];

	check_int(base->origin, origin);
	if (text)
		check_str(span_of(base->text), text);
	check_int(base->broken, broken);
	if (!check(why ? strstr(p->why, why) != NULL : !p->why[0]))
		printf("  why: %s\n", p->why);
	check_int(p->of[PROMPT_CODEX].origin, PROMPT_BUILT_IN);
	check(p->of[PROMPT_CODEX].len > 20);
	prompts_unref(p);
}

static void test_chain(void)
{
	int64_t now = time(NULL);

	expect(PROMPT_BUILT_IN, NULL, false, NULL);
	put("base_instructions.md", SPAN("local"));
	expect(PROMPT_LOCAL, "local", false, NULL);
	cache("one", now - 10);
	expect(PROMPT_CACHED, "one", false, NULL);
	cache("one", now - 86390);
	expect(PROMPT_CACHED, "one", false, NULL);
	cache("one", now - 86400);
	expect(PROMPT_EXPIRED, "one", false, NULL);
	cache("one", now + 3600);	/* a clock that went back */
	expect(PROMPT_EXPIRED, "one", false, NULL);
	cache("two", now);
	expect(PROMPT_CACHED, "two", false, NULL);
	put("prompt_cache/base_instructions.md", SPAN("tw"));
	expect(PROMPT_LOCAL, "local", true, "metadata.json");
	put("base_instructions.md", SPAN("  <HTML>"));
	expect(PROMPT_BUILT_IN, NULL, true, "metadata.json");
	unlink(at("prompt_cache/base_instructions.md"));
	expect(PROMPT_BUILT_IN, NULL, true, "No such file");
	cache("three", now);
	expect(PROMPT_CACHED, "three", false, NULL);
	put("prompt_cache/metadata.json", SPAN("{"));
	expect(PROMPT_BUILT_IN, NULL, true, "not a JSON object");
	unlink(at("prompt_cache/metadata.json"));
	expect(PROMPT_BUILT_IN, NULL, true, "metadata.json");
	cache("four", now);
	expect(PROMPT_CACHED, "four", false, NULL);
}

/* Between its steps a writer may die: the text that is there is described. */
static void test_half_way(void)
{
	static const char *const texts[] = { "four", "five" };
	struct json_object *tree, *next;
	struct err_note note = ERR_NOTE_INIT;
	struct buf out;
	char hash[65];

	tree = prompt_meta_read(&config, &note);
	next = json_object_new_object();
	sha256_hex(SPAN("five"), hash);
	json_set_cstr(next, "content_hash", hash);
	json_set_int(next, "size", 4);
	json_set_cstr(next, "cached_at", "2026-01-01T00:00:00Z");
	json_set(json_get_object(tree, "base_instructions"), "next", next);
	buf_init(&out, 1 << 16);
	json_write(&out, tree);
	json_object_put(tree);
	put("prompt_cache/metadata.json", buf_span(&out));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct prompts *p;

		put("prompt_cache/base_instructions.md", span_of(texts[i]));
		p = prompts_read(&config);
		check_str(span_of(p->of[PROMPT_BASE].text), texts[i]);
		prompts_unref(p);
	}
	/* the next one is announced beside the one that is there */
	cache("six", time(NULL));
	expect(PROMPT_CACHED, "six", false, NULL);
	buf_reset(&out);
	check_int(file_read(at("prompt_cache/metadata.json"), &out, NULL, &note), 0);
	check(!strstr(out.ptr, "next"));
	buf_free(&out);
}

/* Cut or bent anywhere: the whole text, or one further down the chain. */
static void bend(const char *name, const char *whole)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf good, bad;
	int wrong = 0;

	buf_init(&good, MAX_PROMPT);
	buf_init(&bad, MAX_PROMPT);
	check_int(file_read(at(name), &good, NULL, &note), 0);
	for (size_t i = 0; i < 2 * good.len; i++) {
		struct prompts *p;

		buf_reset(&bad);
		buf_span_add(&bad, buf_span(&good));
		if (i < good.len)
			buf_cut(&bad, i);
		else
			bad.ptr[i - good.len] ^= 0x15;
		put(name, buf_span(&bad));
		p = prompts_read(&config);
		wrong += !p || (strcmp(p->of[PROMPT_BASE].text, whole) != 0 &&
				p->of[PROMPT_BASE].origin != PROMPT_BUILT_IN);
		prompts_unref(p);
	}
	check_int(wrong, 0);
	put(name, buf_span(&good));
	buf_free(&good);
	buf_free(&bad);
}

static void test_bent(void)
{
	static const char text[] = "A prompt of some words, and then some more.";

	unlink(at("base_instructions.md"));
	cache(text, time(NULL));
	bend("prompt_cache/base_instructions.md", text);
	bend("prompt_cache/metadata.json", text);
	expect(PROMPT_CACHED, text, false, NULL);
}

static void test_due(void)
{
	int64_t now = time(NULL), left;

	cache("six", now - 86400 + 700);
	check(!prompt_due(&config, PROMPT_BASE, now, now + 620, &left));
	check_int(left, 700);
	check(prompt_due(&config, PROMPT_BASE, now, now + 720, &left));
	check(prompt_due(&config, PROMPT_CODEX, now, now + 620, &left));
	put("prompt_cache/base_instructions.md", SPAN("si"));
	check(prompt_due(&config, PROMPT_BASE, now, now + 620, &left));
	cache("six", now + 1000);
	check(prompt_due(&config, PROMPT_BASE, now, now + 620, &left));
	cache("six", now);
}

static void test_words(void)
{
	static const struct { const char *model; enum prompt_id id; } models[] = {
		{ "gpt-5.5", PROMPT_BASE }, { "gpt-5.3-codex", PROMPT_CODEX },
		{ "CoDeX", PROMPT_CODEX }, { "codex-auto-review", PROMPT_CODEX },
		{ "code", PROMPT_BASE }, { "", PROMPT_BASE },
		{ "gpt-5.1-codex-max", PROMPT_CODEX },
	};
	static const struct { struct span text; bool ok; } texts[] = {
		{ SPAN("x"), true }, { SPAN(""), false }, { SPAN(" \n\t\r"), false },
		{ SPAN("\xef\xbb\xbf"), false }, { SPAN("\xef\xbb\xbf" "x"), true },
		{ SPAN("\xff"), false }, { SPAN("a\0b"), false },
		{ SPAN("<!DOCTYPE html>"), false }, { SPAN("\n<html lang=en>"), false },
		{ SPAN("\xef\xbb\xbf<html>"), false }, { SPAN("<b>bold</b>"), true },
	};

	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		check_int(prompt_for(span_of(models[i].model)), models[i].id);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		check_int(!prompt_fault(texts[i].text), texts[i].ok);
}

static int told;

static void on_told(void *ctx, const struct prompts *p)
{
	(void)ctx, (void)p;
	if (told++)
		loop_stop(loop);
}

/* A worker: a change is taken, a broken one is not, held texts stay. */
static void test_keeper(void)
{
	struct prompts_keeper *k;
	struct prompts *first, *now;

	loop = loop_new();
	k = prompts_keeper_new(&config, loop, on_told, NULL);
	check_int(told, 1);
	first = prompts_now(k);
	check_str(span_of(first->of[PROMPT_BASE].text), "six");
	cache("seven", time(NULL));
	run_for(20000000);
	now = prompts_now(k);
	check_str(span_of(now->of[PROMPT_BASE].text), "seven");
	check_str(span_of(first->of[PROMPT_BASE].text), "six");
	prompts_unref(first);
	prompts_unref(now);
	put("prompt_cache/base_instructions.md", SPAN("seve"));
	run_for(20000000);
	now = prompts_now(k);
	check_str(span_of(now->of[PROMPT_BASE].text), "seven");
	check(now->of[PROMPT_BASE].broken && now->why[0]);
	prompts_unref(now);
	put("prompt_cache/base_instructions.md", SPAN("sev"));
	run_for(2500000);	/* one look at the least; it ends inside another */
	prompts_keeper_free(k);
	loop_join(loop);
	loop_free(loop);
	check_int(told, 3);
	check(prompts_now(NULL) == NULL);
	prompts_keeper_free(NULL);
}

int main(void)
{
	static char *const none[] = { NULL };
	struct err_note note = ERR_NOTE_INIT;
	char set[64];
	const char *sets[] = { set };

	check(mkdtemp(home) != NULL);
	snprintf(set, sizeof(set), "CHATMOCK_HOME=%s", home);
	check_int(config_read(&config, none, sets, 1, &note), 0);
	test_words();
	test_chain();
	test_half_way();
	test_bent();
	test_due();
	test_keeper();
	unlink(at("prompt_cache/base_instructions.md"));
	unlink(at("prompt_cache/metadata.json"));
	unlink(at("base_instructions.md"));
	rmdir(at("prompt_cache"));
	check_int(rmdir(home), 0);
	config_free(&config);
	return test_end("test_prompts");
}
