/*
 * test_catalog.c - which model a client's name means, and at which effort.
 */
#include "test.h"

#include <stdlib.h>

#include "../../shared/catalog.h"

static char long_name[300];

static const struct {
	const char *asked, *slug;
	enum effort effort;
	bool known;
} choices[] = {
	{ "gpt-5.5", "gpt-5.5", EFFORT_UNSET, true },
	{ "gpt-5.5-high", "gpt-5.5", EFFORT_HIGH, true },
	{ "gpt-5.5:high", "gpt-5.5", EFFORT_HIGH, true },
	{ "gpt-5.5_high", "gpt-5.5", EFFORT_HIGH, true },
	{ "gpt-5.5-none", "gpt-5.5", EFFORT_NONE, true },
	{ "gpt-5.5-minimal", "gpt-5.5", EFFORT_MINIMAL, true },
	{ "gpt-5.5-xhigh", "gpt-5.5", EFFORT_XHIGH, true },
	{ "gpt-6.1-sol-ultra", "gpt-6.1-sol", EFFORT_ULTRA, true },
	{ "gpt-6.1-sol:max", "gpt-6.1-sol", EFFORT_MAX, true },
	/* the whole is a model of its own */
	{ "gpt-5.1-codex-max", "gpt-5.1-codex-max", EFFORT_UNSET, true },
	{ "gpt-5.1-codex-max-high", "gpt-5.1-codex-max", EFFORT_HIGH, true },
	{ "gpt-5-codex-low", "gpt-5-codex", EFFORT_LOW, true },
	/* no suffix of ours, or nothing known before it: unchanged */
	{ "gpt-9", "gpt-9", EFFORT_UNSET, false },
	{ "gpt-9-high", "gpt-9-high", EFFORT_UNSET, false },
	{ "gpt-5.5-", "gpt-5.5-", EFFORT_UNSET, false },
	{ "gpt-5.5-High", "gpt-5.5-High", EFFORT_UNSET, false },
	{ "gpt-5.5-highest", "gpt-5.5-highest", EFFORT_UNSET, false },
	{ "gpt-5.5.high", "gpt-5.5.high", EFFORT_UNSET, false },
	{ "gpt-5.5-high-low", "gpt-5.5-high-low", EFFORT_UNSET, false },
	{ "-high", "-high", EFFORT_UNSET, false },
	{ "high", "high", EFFORT_UNSET, false },
	{ "qwen3:8b", "qwen3:8b", EFFORT_UNSET, false },
	{ "org/model name", "org/model name", EFFORT_UNSET, false },
	/* [models] */
	{ "llama3:8b", "gpt-5.5", EFFORT_UNSET, true },
	{ "quick", "gpt-6-luna", EFFORT_LOW, true },
	{ "claude-x", "other-model", EFFORT_UNSET, false },
	{ "claude-special", "gpt-6-sol", EFFORT_UNSET, true },
	{ "gpt-6-luna", "gpt-5.5", EFFORT_UNSET, true },
};

static void test_choose(const struct catalog *cat)
{
	struct model_choice m;
	struct err_note note;

	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		note = ERR_NOTE_INIT;
		check_int(catalog_choose(cat, span_of(choices[i].asked), &m, &note), 0);
		check_str(span_of(m.slug), choices[i].slug);
		check_int(m.effort, choices[i].effort);
		check(!m.known == !choices[i].known);
		if (m.known)
			check_str(span_of(m.known->slug), choices[i].slug);
	}
}

static void test_refused(const struct catalog *cat)
{
	const struct span bad[] = {
		SPAN(""), SPAN("a\nb"), SPAN("a\0b"), SPAN("\x7f"),
		{ long_name, 257 },
	};
	struct model_choice m;
	struct err_note note;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		note = ERR_NOTE_INIT;
		check_int(catalog_choose(cat, bad[i], &m, &note), ERR_BAD_REQUEST);
		check_str(span_of(note.param), "model");
	}
	note = ERR_NOTE_INIT;
	check_int(catalog_choose(cat, (struct span){ long_name, 256 }, &m, &note), 0);
	check_int((int64_t)strlen(m.slug), 256);
}

static const struct { const char *model; enum effort asked, got; } clamps[] = {
	{ "gpt-5.5", EFFORT_NONE, EFFORT_LOW },
	{ "gpt-5.5", EFFORT_MINIMAL, EFFORT_LOW },
	{ "gpt-5.5", EFFORT_HIGH, EFFORT_HIGH },
	{ "gpt-5.5", EFFORT_MAX, EFFORT_XHIGH },
	{ "gpt-5.5", EFFORT_ULTRA, EFFORT_XHIGH },
	{ "gpt-6.1-sol", EFFORT_MAX, EFFORT_MAX },
	{ "gpt-6.1-sol", EFFORT_ULTRA, EFFORT_MAX },
	{ "gpt-5", EFFORT_MINIMAL, EFFORT_MINIMAL },
	{ "gpt-5", EFFORT_NONE, EFFORT_MINIMAL },
	{ "gpt-5", EFFORT_XHIGH, EFFORT_HIGH },
	{ "gpt-5.1", EFFORT_MINIMAL, EFFORT_NONE },
	{ "no-such", EFFORT_NONE, EFFORT_NONE },
	{ "no-such", EFFORT_XHIGH, EFFORT_XHIGH },
	{ "no-such", EFFORT_ULTRA, EFFORT_MAX },
	{ "gpt-5.5", EFFORT_UNSET, EFFORT_UNSET },
};

static void test_efforts(const struct catalog *cat)
{
	for (int e = 0; e < EFFORT__COUNT; e++)
		check_int(effort_parse(span_of(effort_name((enum effort)e))), e);
	check_int(effort_parse(SPAN("")), EFFORT_UNSET);
	check_int(effort_parse(SPAN("hig")), EFFORT_UNSET);
	check_str(span_of(effort_name(EFFORT_UNSET)), "");
	for (size_t i = 0; i < ARRAY_LEN(clamps); i++)
		check_int(effort_clamp(catalog_find(cat, span_of(clamps[i].model)),
				       clamps[i].asked), clamps[i].got);
}

static void test_suggest(const struct catalog *cat)
{
	static const struct { const char *asked, *first; } cases[] = {
		{ "gpt-5.6-sool", "gpt-5.6-sol" }, { "gpt-61-sol", "gpt-6.1-sol" },
		{ "llama3:7b", "llama3:8b" }, { "GPT-5.5", "gpt-5.5" },
		{ "gpt-4o", "gpt-5.5" },
	};
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span rest;

		buf_reset(&out);
		catalog_suggest(cat, span_of(cases[i].asked), &out);
		rest = buf_span(&out);
		check(span_starts(rest, cases[i].first));
		check(strchr(out.ptr, '*') == NULL);
	}
	buf_reset(&out);
	catalog_suggest(cat, SPAN("qwertyuiop"), &out);
	check_str(buf_span(&out), "");
	catalog_suggest(cat, (struct span){ long_name, 256 }, &out);
	check_str(buf_span(&out), "");
	buf_reset(&out);
	catalog_suggest(cat, SPAN("gpt-6-so"), &out);
	check_str(buf_span(&out), "gpt-6-sol, gpt-6.1-sol, gpt-5.6-sol");
	/* what was meant is no suggestion, nor another name of it */
	buf_reset(&out);
	catalog_suggest(cat, SPAN("gpt-6-sol-high"), &out);
	check(out.len > 0 && !strstr(out.ptr, "gpt-6-sol"));
	buf_reset(&out);
	catalog_suggest(cat, SPAN("llama3:8b"), &out);
	check_str(buf_span(&out), "");
	buf_free(&out);
}

static void test_table(const struct catalog *cat)
{
	const struct model *before = NULL;

	check(catalog_count(cat) > 12);
	check(!catalog_at(cat, catalog_count(cat)));
	for (size_t i = 0; i < catalog_count(cat); i++) {
		const struct model *m = catalog_at(cat, i);

		check(!before || before->priority < m->priority);
		check(catalog_find(cat, span_of(m->slug)) == m);
		check(m->efforts & (1u << m->default_effort));
		check(m->context_window >= 272000);
		before = m;
	}
	check_str(span_of(catalog_default(cat)->slug), "gpt-6.1-sol");
	check_int(catalog_find(cat, SPAN("gpt-6.1-terra"))->context_window, 500000);
	check(!catalog_find(cat, SPAN("gpt-5"))->visible);
	check(!catalog_find(cat, SPAN("codex-auto-review"))->visible);
	check(!catalog_find(cat, SPAN("gpt-5.")));
}

int main(void)
{
	static const struct config_alias aliases[] = {
		{ "claude-*", "other-model" }, { "llama3:8b", "gpt-5.5" },
		{ "quick", "gpt-6-luna-low" }, { "claude-special", "gpt-6-sol" },
		{ "gpt-6-luna", "gpt-5.5" },
	};
	struct config c = { .aliases = aliases, .alias_count = ARRAY_LEN(aliases) };
	struct catalog *cat = catalog_new(&c);
	struct err_note note = ERR_NOTE_INIT;
	struct model_choice m;

	memset(long_name, 'q', sizeof(long_name) - 1);
	if (!check(cat))
		return 1;
	test_choose(cat);
	test_refused(cat);
	test_efforts(cat);
	test_suggest(cat);
	test_table(cat);

	c.debug_model = "quick";
	check_int(catalog_choose(cat, SPAN("gpt-5.5-high"), &m, &note), 0);
	check_str(span_of(m.slug), "gpt-6-luna");
	check_int(m.effort, EFFORT_LOW);
	check_int(catalog_choose(cat, SPAN(""), &m, &note), 0);
	catalog_free(cat);
	catalog_free(NULL);
	return test_end("test_catalog");
}
