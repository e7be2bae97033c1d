/*
 * test_config_refused.c - settings that stop the start, and what is said of
 * them; the file, and the key that stands in another.
 */

#include "config_help.h"

#include <errno.h>

/* What stops the start, and words the sentence must hold. */
static const struct {
	const char *env, *set, *file, *words[3];
} refused[] = {
	{ "CHATMOCK_PORT=abc", 0, 0, { "CHATMOCK_PORT", "the environment", "\"abc\"" } },
	{ "CHATMOCK_PORT=0", 0, 0, { "a number from 1 to 65535" } },
	{ "CHATMOCK_PORT=65536", 0, 0, { "65535" } },
	{ "CHATMOCK_PORT=80 80", 0, 0, { "65535" } },
	{ "CHATMOCK_PORT=99999999999999999999", 0, 0, { "65535" } },
	{ "CHATMOCK_VERBOSE=2", 0, 0, { "true/false", "yes/no", "on/off" } },
	{ "CHATMOCK_IDLE_TIMEOUT=-1", 0, 0, { "0.05 to 3600 seconds" } },
	{ "CHATMOCK_IDLE_TIMEOUT=1x", 0, 0, { "seconds" } },
	{ "CHATMOCK_IDLE_TIMEOUT=nan", 0, 0, { "seconds" } },
	{ "CHATMOCK_IDLE_TIMEOUT=inf", 0, 0, { "seconds" } },
	{ "CHATMOCK_IDLE_TIMEOUT=s", 0, 0, { "seconds" } },
	{ "CHATMOCK_IDLE_TIMEOUT=2d", 0, 0, { "seconds" } },
	{ "CHATMOCK_REASONING_COMPAT=loud", 0, 0, { "reasoning-content|think-tags" } },
	{ "CHATMOCK_REASONING_EFFORT=hig", 0, 0, { "xhigh|max|ultra" } },
	{ "CHATMOCK_UPSTREAM_KIND=openai", 0, 0, { "guess|chatgpt|responses" } },
	{ "CODEX__MAX_OUTPUT_TOKENS_FALLBACK=0", 0, 0, { "1 to 1000000" } },
	{ "CODEX__MAX_OUTPUT_TOKENS_FALLBACK=1000001", 0, 0, { "1 to 1000000" } },
	/* URLs */
	{ "CHATMOCK_UPSTREAM_URL=ftp://h/", 0, 0, { "http:// or https://" } },
	{ "CHATMOCK_UPSTREAM_URL=h.example/v1", 0, 0, { "http:// or https://" } },
	{ "CHATMOCK_UPSTREAM_URL=https://", 0, 0, { "http" } },
	{ "CHATMOCK_UPSTREAM_URL=https://:80/v1", 0, 0, { "host" } },
	{ "CHATMOCK_UPSTREAM_URL=https://h:99999/v1", 0, 0, { "port" } },
	{ "CHATMOCK_UPSTREAM_URL=https://h:/v1", 0, 0, { "port" } },
	{ "CHATMOCK_UPSTREAM_URL=https://[::1/v1", 0, 0, { "IPv6" } },
	{ "CHATMOCK_UPSTREAM_URL=https://h/v1?x=1", 0, 0, { "'?'" } },
	{ "CHATMOCK_UPSTREAM_URL=https://h/v1#x", 0, 0, { "'#'" } },
	{ "CHATMOCK_UPSTREAM_URL=https://h/a b", 0, 0, { "blanks" } },
	{ "CHATMOCK_UPSTREAM_URL=https://h/v1/responses/", 0, 0,
	  { "before /responses" } },
	{ "CHATMOCK_UPSTREAM_URL=http://h.example/v1", 0, 0, { "https:// for a host" } },
	{ "CHATMOCK_UPSTREAM_URL=http://127.0.0.1.evil.example/", 0, 0,
	  { "https:// for a host" } },
	{ "CODEX__BASE_URL=nonsense", 0, 0, { "CODEX__BASE_URL" } },
	{ "CODEX__OAUTH__BASE_URL=nonsense", 0, 0,
	  { "CHATMOCK_AUTH_ISSUER (CODEX__OAUTH__BASE_URL, the environment)" } },
	/* lists, secrets, texts */
	{ "CHATMOCK_ALLOWED_HOSTS=https://a", 0, 0, { "host names" } },
	{ "CHATMOCK_ALLOWED_HOSTS=*", 0, 0, { "'*'" } },
	{ "CHATMOCK_ALLOWED_ORIGINS=a.example", 0, 0, { "origins like" } },
	{ "CHATMOCK_ALLOWED_ORIGINS=https://a,https://b/", 0, 0, { "'/'" } },
	{ "CHATMOCK_UPSTREAM_KEY=a b", 0, 0, { "one word" } },
	{ "CHATMOCK_DEBUG_MODEL=a\nb", 0, 0, { "control" } },
	{ "CHATMOCK_DEBUG_MODEL=\xff", 0, 0, { "UTF-8" } },
	/* unknown names */
	{ "CHATMOCK_PROT=1", 0, 0, { "CHATMOCK_PROT", "did you mean CHATMOCK_PORT?" } },
	{ "chatmock_workes=1", 0, 0, { "did you mean CHATMOCK_WORKERS?" } },
	{ "CHATMOCK_XYZZY_PLUGH=1", 0, 0, { "there is no such setting;" } },
	{ "CHATMOCK_=1", 0, 0, { "no such setting" } },
	{ "CODEX__ENABLE=1", 0, 0, { "did you mean CODEX__ENABLED?" } },
	{ "CODEX__OAUTH__CLIENTID=1", 0, 0, { "CODEX__OAUTH__CLIENT_ID?" } },
	{ "CHATMOCK_BREAKER_FAILURE=1", 0, 0, { "CHATMOCK_BREAKER_FAILURES?" } },
	{ "CHATMOCK_a.b=1", 0, 0, { "no such setting" } },
	{ "CHATMOCK_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "AAAAAAAAAAAA=1", 0, 0, { "no such setting" } },
	{ 0, "prot=1", 0, { "CHATMOCK_PROT (--set)" } },
	{ 0, "port", 0, { "--set: wanted is NAME=VALUE" } },
	{ 0, "=1", 0, { "--set: wanted is NAME=VALUE" } },
	{ 0, "po rt=1", 0, { "--set: wanted is NAME=VALUE" } },
	/* the file */
	{ 0, 0, "prot = 1", { "CHATMOCK_PROT", "line 1" } },
	{ 0, 0, "\n\nport = x", { "line 3" } },
	{ 0, 0, "port 80", { "line 1", "NAME = VALUE" } },
	{ 0, 0, "= 80", { "line 1", "no name" } },
	{ 0, 0, "[code]\nx=1", { "line 1", "[codex]" } },
	{ 0, 0, "[codex\nx=1", { "line 1", "[name]" } },
	{ 0, 0, "[codex]\nport = 1", { "CODEX__PORT" } },
	{ 0, 0, "debug_model = \"a", { "line 1", "quote" } },
	{ 0, 0, "debug_model = \"a\" b", { "line 1", "quote" } },
	{ 0, 0, "config = /x", { "line 1", "CHATMOCK_CONFIG" } },
	{ 0, 0, "a b = 1", { "line 1", "name" } },
	{ 0, 0, "[models]\nx =", { "line 2", "MODEL" } },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const char *env[4] = { refused[i].env };
		struct config c;
		struct err_note note = ERR_NOTE_INIT;

		if (!check_int(read_all(&c, env, refused[i].set, refused[i].file,
					&note), ERR_CONFIG)) {
			printf("  case %zu\n", i);
			config_free(&c);
			continue;
		}
		check(!c.private && !c.home);
		for (size_t w = 0; w < 3 && refused[i].words[w]; w++)
			if (!check(strstr(note.tell, refused[i].words[w])))
				printf("  case %zu: %s\n", i, note.tell);
	}
}

/* What can not be read is told apart from what is wrong in it. */
static void test_unread(void)
{
	const char *env[4] = { "CHATMOCK_CONFIG=/nonexistent/x.conf" };
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	check_int(read_all(&c, env, NULL, NULL, &note), ERR_SYSTEM);
	check_int(errno, ENOENT);
	check(strstr(note.tell, "/nonexistent/x.conf") != NULL);
	check(!c.private && !c.home);
}

static void test_no_secret_told(void)
{
	static const char *const leaks[][4] = {
		{ "CHATMOCK_UPSTREAM_KEY=hunter2 x" },
		{ "CHATMOCK_UPSTREAM_URL=https://me:hunter2@h/v1" },
		{ "CHATMOCK_UPSTREAM_URL=me:hunter2@h" },
		{ "CHATMOCK_UPSTREAM_KEY=hunter2\n" },
	};
	struct config c;
	struct err_note note = ERR_NOTE_INIT;
	struct buf all;

	for (size_t i = 0; i < ARRAY_LEN(leaks); i++) {
		check_int(read_all(&c, leaks[i], NULL, NULL, &note), ERR_CONFIG);
		check(!strstr(note.tell, "hunter2") && !strstr(note.why, "hunter2"));
	}
	check_int(read_all(&c, NULL, NULL, "upstream_key = hunter2", &note), 0);
	buf_init(&all, 1 << 20);
	config_print(&c, &all);
	check(strstr(all.ptr, "(set)") && !strstr(all.ptr, "hunter2"));
	buf_free(&all);
	config_free(&c);
}

static void test_file(void)
{
	static const char text[] =
		"\xef\xbb\xbf# a comment\r\n"
		"; another\n"
		"  port=8123   ; inline\r\n"
		"debug_model = \"a # b\" # why\n"
		"allowed_hosts = a#b, c\t# tail\n"
		"fast_mode =\n"
		"[models]\n"
		"llama3:8b = gpt-5.5\n"
		"*-mini = gpt-6-luna-low\n"
		"Claude Sonnet = gpt-6-sol\n"
		"[codex.oauth]\n"
		"client_id = app_1\n"
		"[CODEX]\n"
		"Enabled = no\n"
		"[chatmock]\n"
		"workers = 2";
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	check_int(read_all(&c, NULL, NULL, text, &note), 0);
	check_int(c.port, 8123);
	check_str(span_of(c.debug_model), "a # b");
	check_str(span_of(c.allowed_hosts), "a#b, c");
	check(!c.fast_mode && !c.codex_enabled);
	check_str(span_of(c.oauth_client_id), "app_1");
	check_int(c.workers, 2);
	if (check_int((int64_t)c.alias_count, 3)) {
		check_str(span_of(c.aliases[0].pattern), "llama3:8b");
		check_str(span_of(c.aliases[0].model), "gpt-5.5");
		check_str(span_of(c.aliases[1].pattern), "*-mini");
		check_str(span_of(c.aliases[2].pattern), "Claude Sonnet");
	}
	config_free(&c);

	/* a file of every length: cut anywhere it must never crash */
	for (size_t len = 0; len < sizeof(text); len++) {
		char cut[sizeof(text)];

		memcpy(cut, text, sizeof(text));
		cut[len] = '\0';
		check(read_all(&c, NULL, NULL, cut, &note) == note.code);
		config_free(&c);
	}
}

/* The default places: CHATMOCK_HOME's file, and none at all. */
static void test_places(void)
{
	const char *env[4] = { NULL };
	struct config c;
	struct err_note note = ERR_NOTE_INIT;
	char set[300];

	write_file("chatmock.conf", "port = 4321\n", 0600);
	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check_int(c.port, 4321);
	check(c.file && strstr(c.file, "/chatmock.conf"));
	config_free(&c);

	write_file("other.conf", "port = 4322\n", 0600);
	snprintf(set, sizeof(set), "CHATMOCK_CONFIG=%s/other.conf", dir);
	check_int(read_all(&c, env, set, NULL, &note), 0);
	check_int(c.port, 4322);
	config_free(&c);

	write_file("chatmock.conf", "upstream_key = sk-1\n", 0644);
	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check_int((int64_t)c.warning_count, 1);
	check(c.warning_count && strstr(c.warnings[0], "chmod 600"));
	config_free(&c);
	snprintf(set, sizeof(set), "%s/chatmock.conf", dir);
	unlink(set);
}

static void test_key(void)
{
	char pair[300];
	const char *env[4] = { pair, NULL };
	struct err_note note = ERR_NOTE_INIT;
	struct config c;
	struct buf key;

	buf_init(&key, 4096);
	snprintf(pair, sizeof(pair), "CHATMOCK_UPSTREAM_KEY_FILE=%s/key", dir);
	write_file("key", "sk-file \nsecond line\n", 0600);
	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check_int(config_upstream_key(&c, &key, &note), 0);
	check_str(buf_span(&key), "sk-file");
	write_file("key", "two words\n", 0600);
	check_int(config_upstream_key(&c, &key, &note), ERR_CONFIG);
	check(!strstr(note.tell, "two words"));
	write_file("key", "\n \n", 0600);
	note = ERR_NOTE_INIT;
	check_int(config_upstream_key(&c, &key, &note), ERR_CONFIG);
	config_free(&c);

	env[1] = "CHATMOCK_UPSTREAM_KEY=sk-env";
	buf_reset(&key);
	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check_int(config_upstream_key(&c, &key, &note), 0);
	check_str(buf_span(&key), "sk-env");
	config_free(&c);

	buf_reset(&key);
	check_int(read_all(&c, NULL, NULL, NULL, &note), 0);
	check_int(config_upstream_key(&c, &key, &note), 0);
	check_int((int64_t)key.len, 0);
	config_free(&c);

	env[1] = NULL;
	snprintf(pair, sizeof(pair), "CHATMOCK_UPSTREAM_KEY_FILE=%s/nokey", dir);
	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check_int(config_upstream_key(&c, &key, &note), ERR_CONFIG);
	check(strstr(note.tell, "nokey"));
	config_free(&c);
	buf_free(&key);
}

static void test_loopback(void)
{
	static const struct { const char *host; bool yes; } hosts[] = {
		{ "127.0.0.1", true }, { "127.1.2.3", true }, { "::1", true },
		{ "[::1]", true }, { "localhost", true }, { "LocalHost", true },
		{ "::ffff:127.0.0.1", true }, { "::ffff:10.0.0.1", false },
		{ "128.0.0.1", false }, { "127.1", false }, { "", false },
		{ "0.0.0.0", false }, { "::", false }, { "localhost.example", false },
		{ "127.0.0.1.example", false }, { "[127.0.0.1]", false },
		{ NULL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		check(config_is_loopback(hosts[i].host) == hosts[i].yes);
}

int main(void)
{
	home_begin("/tmp/test_config_r.XXXXXX");
	test_refused();
	test_unread();
	test_no_secret_told();
	test_file();
	test_places();
	test_key();
	test_loopback();
	home_end();
	return test_end("test_config_refused");
}
