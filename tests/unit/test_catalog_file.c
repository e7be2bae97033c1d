/*
 * test_catalog_file.c - upstream's list as models.json has it: what is read
 * of an entry, what is refused, whose it is and how long it is fresh.
 */
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/catalog_file.h"
#include "../../shared/ceilings.h"
#include "../../shared/json.h"

#define HEAD "{\"version\":1,\"upstream\":\"https://u/codex\"," \
	"\"account_id\":\"acct\",\"client_version\":\"0.169.0\"," \
	"\"fetched_at\":1000,\"etag\":\"W/\\\"e\\\"\",\"announced\":\"e2\","

static const struct config config = {
	.upstream_base = "https://u/codex", .client_version = "0.169.0",
	.model_refresh_ms = 3600000,
};

static struct catalog *parse(const char *text, enum err *code)
{
	struct err_note note = ERR_NOTE_INIT;
	struct catalog *cat;
	struct buf b;

	buf_init(&b, MAX_CACHE_FILE);
	buf_str(&b, text);
	cat = catalog_parse(&config, &b, &note);
	check(!cat == (note.code != 0));
	*code = note.code;
	buf_free(&b);
	return cat;
}

static void test_entries(void)
{
	static const char text[] = HEAD "\"models\":["
		"{\"slug\":\"b\",\"display_name\":\"B \\u00fc\",\"priority\":5,"
		"\"visibility\":\"list\",\"context_window\":1000,"
		"\"supported_reasoning_levels\":[{\"effort\":\"low\"},"
		"{\"effort\":\"ultra\"},{\"effort\":\"huge\"},7],"
		"\"default_reasoning_level\":\"low\",\"input_modalities\":[\"text\"],"
		"\"service_tiers\":[{\"id\":\"priority\"}],\"support_verbosity\":false},"
		"{\"slug\":\"a\",\"priority\":2,\"visibility\":\"hide\","
		"\"additional_speed_tiers\":[\"fast\"],"
		"\"supported_reasoning_levels\":[]},"
		"{\"slug\":\"gpt-5.5\",\"context_window\":-4},"
		"{\"slug\":\"b\",\"priority\":1},{\"slug\":\"\"},{\"slug\":7},{},[],null,"
		"{\"slug\":\"c\\n\"},{\"id\":\"plain\"}]}";
	enum err code;
	struct catalog *cat = parse(text, &code);
	const struct model *m;
	struct model_choice choice;
	struct err_note note = ERR_NOTE_INIT;

	if (!check(cat))
		return;
	check_str(span_of(catalog_at(cat, 0)->slug), "a");
	check_str(span_of(catalog_at(cat, 1)->slug), "b");
	check_str(span_of(catalog_at(cat, 2)->slug), "gpt-5.5");
	check_str(span_of(catalog_at(cat, 3)->slug), "plain");
	check_str(span_of(catalog_default(cat)->slug), "b");
	m = catalog_find(cat, SPAN("b"));
	check_str(span_of(m->name), "B \xc3\xbc");
	check_int(m->context_window, 1000);
	check_int(m->efforts, (1 << EFFORT_LOW) | (1 << EFFORT_ULTRA));
	check_int(m->default_effort, EFFORT_LOW);
	check(m->detailed && m->visible && !m->vision && !m->verbosity &&
	      m->has_priority_tier && m->tools);
	m = catalog_find(cat, SPAN("a"));
	check(m->detailed && !m->visible && !m->efforts && m->has_priority_tier);
	/* what the entry is silent on is the table's */
	m = catalog_find(cat, SPAN("gpt-5.5"));
	check_int(m->context_window, 272000);
	check(m->detailed && m->visible && (m->efforts & (1 << EFFORT_XHIGH)));
	/* only a name: nothing is clamped or refused for it, suffixes are read */
	check(!catalog_find(cat, SPAN("plain"))->detailed);
	check_int(catalog_choose(cat, SPAN("plain-high"), &choice, &note), 0);
	check_str(span_of(choice.slug), "plain");
	check(choice.effort == EFFORT_HIGH && !choice.known);
	/* the table's own names are still known, but not listed */
	m = catalog_find(cat, SPAN("gpt-6.1-sol"));
	check(m && !m->visible && m->detailed);
	check_str(span_of(catalog_origin(cat)->etag), "W/\"e\"");
	check_str(span_of(catalog_origin(cat)->announced), "e2");
	check_int(catalog_origin(cat)->fetched_at, 1000);
	check(span_starts(catalog_origin(cat)->native, "[{\"slug\":\"b\","));
	catalog_free(cat);
}

static void test_plain(void)
{
	enum err code;
	struct catalog *cat = parse(HEAD "\"models\":[{\"id\":\"zz\"},"
				    "{\"id\":\"gpt-5\",\"object\":\"model\"},"
				    "{\"id\":\"gpt-6-sol\"}]}", &code);

	if (!check(cat))
		return;
	/* those of the table first: the first one is everybody's default */
	check_str(span_of(catalog_at(cat, 0)->slug), "gpt-6-sol");
	check_str(span_of(catalog_at(cat, 1)->slug), "gpt-5");
	check(catalog_at(cat, 1)->visible);
	check_str(span_of(catalog_at(cat, 2)->slug), "zz");
	check_int((int64_t)catalog_origin(cat)->native.len, 0);
	catalog_free(cat);
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"", "{", "null", "[]", "{}", "<html></html>",
		"{\"version\":2,\"fetched_at\":1,\"models\":[{\"slug\":\"a\"}]}",
		"{\"version\":1,\"fetched_at\":0,\"models\":[{\"slug\":\"a\"}]}",
		HEAD "\"models\":[]}", HEAD "\"models\":{}}", HEAD "\"models\":[{}]}",
		HEAD "\"models\":[{\"slug\":\"a\"}]", HEAD "\"models\":[{\"slug\":\"a\"",
	};
	enum err code;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct catalog *cat = parse(bad[i], &code);

		if (!check(!cat))
			printf("  %s\n", bad[i]);
		check_int(code, ERR_BAD_JSON);
		catalog_free(cat);
	}
}

/* Every prefix of a good file is refused, none is half believed. */
static void test_truncated(void)
{
	static const char text[] = HEAD "\"models\":[{\"slug\":\"a\"},{\"slug\":\"b\"}]}";
	enum err code;
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		buf_reset(&b);
		buf_add(&b, text, len);
		check(!parse(b.ptr, &code));
	}
	buf_free(&b);
}

static void test_many(void)
{
	enum err code;
	struct catalog *cat;
	struct buf b;

	buf_init(&b, MAX_CACHE_FILE);
	buf_str(&b, HEAD "\"models\":[");
	for (int i = 0; i < MAX_MODELS + 500; i++)
		buf_fmt(&b, "%s{\"slug\":\"m%d\",\"priority\":%d}", i ? "," : "", i,
			10000 - i);
	buf_str(&b, "]}");
	cat = parse(b.ptr, &code);
	check(cat && catalog_count(cat) > MAX_MODELS &&
	      catalog_count(cat) < MAX_MODELS + 100);
	check_str(span_of(catalog_default(cat)->slug), "m1999");
	catalog_free(cat);
	buf_free(&b);
}

static void test_scope(void)
{
	struct catalog_origin o = {
		.upstream = "https://u/codex", .account = "acct",
		.client_version = "0.169.0", .etag = "", .announced = "",
		.fetched_at = 1000000,
	};
	struct login login = { .account_id = (char[]){ "acct" } };
	char account[CATALOG_ACCOUNT_SIZE];

	catalog_account(&login, NULL, account);
	check_str(span_of(account), "acct");
	check(catalog_is_for(&o, &config, account));
	check(!catalog_is_for(&o, &config, "other"));
	catalog_account(NULL, "Bearer sk-canary", account);
	check(span_starts(span_of(account), "key-") && strlen(account) == 12);
	check(!strstr(account, "canary"));
	catalog_account(NULL, NULL, account);
	check_str(span_of(account), "");
	check(catalog_is_fresh(&o, &config, 1000000, 0));
	check(catalog_is_fresh(&o, &config, 1003599, 0));
	check(!catalog_is_fresh(&o, &config, 1003600, 0));
	check(!catalog_is_fresh(&o, &config, 1003000, 600));
	check(!catalog_is_fresh(&o, &config, 999999, 0));
	o.client_version = "0.1.0";
	check(!catalog_is_fresh(&o, &config, 1000000, 0));
	o.upstream = "https://other";
	check(!catalog_is_for(&o, &config, "acct"));
}

/* What is written is read again as it was; references keep it alive. */
static void test_round(const char *dir)
{
	struct config c = config;
	struct catalog_origin o = {
		.upstream = "https://u/codex", .account = "a\"\\", .etag = "\"x\"",
		.client_version = "0.169.0", .announced = "", .fetched_at = 7,
	};
	struct err_note note = ERR_NOTE_INIT;
	struct file_stamp stamp;
	struct catalog *cat, *same;
	char path[300];
	struct buf b;

	c.home = dir;
	check(!catalog_load(&c, &stamp, &note));
	check_int(note.code, ERR_SYSTEM);
	err_clear(&note);
	buf_init(&b, MAX_CACHE_FILE);
	catalog_write(&b, &o, SPAN("[ {\"slug\":\"a\", \"n\":1.50} ]"));
	check(catalog_path(&c, "", path, sizeof(path)));
	check(!catalog_path(&c, "", path, 10));
	check(catalog_path(&c, "", path, sizeof(path)));
	check_int(file_replace(path, 0600, buf_span(&b), &note), 0);
	cat = catalog_load(&c, &stamp, &note);
	if (check(cat)) {
		check_str(span_of(catalog_origin(cat)->account), "a\"\\");
		check_str(catalog_origin(cat)->native, "[ {\"slug\":\"a\", \"n\":1.50} ]");
		same = catalog_ref(cat);
		catalog_free(cat);
		check_str(span_of(catalog_at(same, 0)->slug), "a");
		catalog_free(same);
	}
	check(truncate(path, 1 << 30) == 0);
	check(!catalog_load(&c, &stamp, &note));
	check_int(note.code, ERR_TOO_LARGE);
	buf_free(&b);
	unlink(path);
}

int main(void)
{
	char dir[] = "/tmp/cm-models-XXXXXX";

	if (!check(mkdtemp(dir)))
		return 1;
	test_entries();
	test_plain();
	test_refused();
	test_truncated();
	test_many();
	test_scope();
	test_round(dir);
	rmdir(dir);
	return test_end("test_catalog_file");
}
