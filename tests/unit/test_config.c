/*
 * test_config.c - every rule by which settings are read, and every setting.
 */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/config.h"

static char dir[] = "/tmp/test_config.XXXXXX";

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

/*
 * Reads the settings of up to four environment strings, a --set and a file
 * (under CHATMOCK_CONFIG); NULL where there is none.
 */
static enum err read_all(struct config *c, const char *const env[4],
			 const char *set, const char *file, struct err_note *note)
{
	char config[256], home[256];
	char *environ_[7] = { 0 };
	size_t n = 0;

	snprintf(config, sizeof(config), "CHATMOCK_CONFIG=%s/test.conf", dir);
	snprintf(home, sizeof(home), "CHATMOCK_HOME=%s", dir);
	environ_[n++] = file ? config : home;
	if (file)
		write_file("test.conf", file, 0600);
	for (size_t i = 0; env && i < 4 && env[i]; i++)
		environ_[n++] = (char *)(uintptr_t)env[i];
	*note = ERR_NOTE_INIT;
	return config_read(c, environ_, &set, set ? 1 : 0, note);
}

/* What --settings prints for name: its value and where it is from. */
static bool prints(const struct config *c, const char *name, const char *value,
		   const char *where)
{
	struct buf all;
	char want[512];
	bool ok;

	buf_init(&all, 1 << 20);
	config_print(c, &all);
	snprintf(want, sizeof(want), "\n%-38s%-42s %s\n", name, value, where);
	ok = strstr(all.ptr, want);
	if (!ok)
		printf("  want %s  got  %s\n", want, all.ptr);
	buf_free(&all);
	return ok;
}

/* Every setting once: by environment, by an alias, by file, by --set. */
static const struct {
	const char *name, *alias, *file, *text, *shown;
} every[] = {
	{ "CHATMOCK_HOME", NULL, "home", "/tmp/x", "/tmp/x" },
	{ "CHATMOCK_PORT", NULL, "port", "9000", "9000" },
	{ "CHATMOCK_BIND", NULL, "bind", "0.0.0.0", "0.0.0.0" },
	{ "CHATMOCK_UPSTREAM_URL", NULL, "upstream_url",
	  "http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1" },
	{ "CHATMOCK_UPSTREAM_KEY", NULL, "upstream_key", "sk-verysecret", "(set)" },
	{ "CHATMOCK_UPSTREAM_KEY_FILE", NULL, "upstream_key_file", "/tmp/k", "/tmp/k" },
	{ "CHATMOCK_UPSTREAM_HTTP", NULL, "upstream_http", "1.1", "1.1" },
	{ "CHATMOCK_WORKERS", NULL, "workers", "3", "3" },
	{ "CHATMOCK_MAX_STREAMS", NULL, "max_streams", "100000", "100000" },
	{ "CHATMOCK_MAX_REQUESTS", NULL, "max_requests", "0", "0" },
	{ "CHATMOCK_CONNECT_TIMEOUT", NULL, "connect_timeout", "0.25", "0.250" },
	{ "CHATMOCK_FIRST_BYTE_TIMEOUT", NULL, "first_byte_timeout", "5m", "300" },
	{ "CHATMOCK_IDLE_TIMEOUT", NULL, "idle_timeout", "90s", "90" },
	{ "CHATMOCK_TOTAL_TIMEOUT", NULL, "total_timeout", "2h", "7200" },
	{ "CHATMOCK_DRAIN_TIMEOUT", NULL, "drain_timeout", "0", "0" },
	{ "CHATMOCK_HEARTBEAT", NULL, "heartbeat", "100ms", "0.100" },
	{ "CHATMOCK_WATCHDOG", NULL, "watchdog", "7.5", "7.500" },
	{ "CHATMOCK_ALLOWED_HOSTS", NULL, "allowed_hosts", "a.example, b",
	  "a.example, b" },
	{ "CHATMOCK_ALLOWED_ORIGINS", NULL, "allowed_origins", "https://a.example",
	  "https://a.example" },
	{ "CHATMOCK_AUTH_ISSUER", "CHATGPT_LOCAL_ISSUER", "auth_issuer",
	  "http://127.0.0.1:1/", "http://127.0.0.1:1" },
	{ "CODEX__OAUTH__CLIENT_ID", "CHATGPT_LOCAL_CLIENT_ID",
	  "[codex]\noauth__client_id", "app_x", "app_x" },
	{ "CHATMOCK_VERBOSE", NULL, "verbose", "yes", "1" },
	{ "CHATMOCK_LOG_BODIES", NULL, "log_bodies", "On", "1" },
	{ "CHATMOCK_EXPOSE_REASONING", "CHATGPT_LOCAL_EXPOSE_REASONING_MODELS",
	  "expose_reasoning", "true", "1" },
	{ "CHATMOCK_ENABLE_WEB_SEARCH", "CHATGPT_LOCAL_ENABLE_WEB_SEARCH",
	  "enable_web_search", "1", "1" },
	{ "CHATMOCK_REASONING_EFFORT", "CHATGPT_LOCAL_REASONING_EFFORT",
	  "reasoning_effort", "XHigh", "xhigh" },
	{ "CHATMOCK_REASONING_SUMMARY", "CHATGPT_LOCAL_REASONING_SUMMARY",
	  "reasoning_summary", "detailed", "detailed" },
	{ "CHATMOCK_REASONING_COMPAT", "CHATGPT_LOCAL_REASONING_COMPAT",
	  "reasoning_compat", "think_tags", "think-tags" },
	{ "CHATMOCK_FAST_MODE", "CHATGPT_LOCAL_FAST_MODE", "fast_mode", "true", "1" },
	{ "CHATMOCK_DEBUG_MODEL", "CHATGPT_LOCAL_DEBUG_MODEL", "debug_model",
	  "gpt-x", "gpt-x" },
	{ "CODEX__ENABLED", NULL, "[codex]\nenabled", "off", "0" },
	{ "CODEX__BASE_URL", NULL, "[codex]\nbase_url", "https://h.example/p//",
	  "https://h.example/p" },
	{ "CODEX__MAX_OUTPUT_TOKENS_FALLBACK", NULL,
	  "[codex]\nmax_output_tokens_fallback", "1000000", "1000000" },
	{ "CODEX__PROPAGATE_UNSUPPORTED_PARAMS", NULL,
	  "[codex]\npropagate_unsupported_params", "TRUE", "1" },
	{ "CODEX__VERBOSE_LOGGING", NULL, "[codex]\nverbose_logging", "yes", "1" },
	{ "CODEX__HEADER_OVERRIDE_ENABLED", NULL,
	  "[codex]\nheader_override_enabled", "no", "0" },
};

static void test_every(void)
{
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	for (size_t i = 0; i < ARRAY_LEN(every); i++) {
		char pair[256], file[256], where[320];
		const char *env[4] = { pair };

		snprintf(pair, sizeof(pair), "%s=%s", every[i].name, every[i].text);
		check_int(read_all(&c, env, NULL, NULL, &note), 0);
		check(prints(&c, every[i].name, every[i].shown, "the environment"));
		config_free(&c);

		check_int(read_all(&c, NULL, pair, NULL, &note), 0);
		check(prints(&c, every[i].name, every[i].shown, "--set"));
		config_free(&c);

		snprintf(file, sizeof(file), "%s = %s", every[i].file, every[i].text);
		snprintf(where, sizeof(where), "%s/test.conf line %d", dir,
			 strchr(every[i].file, '\n') ? 2 : 1);
		check_int(read_all(&c, NULL, NULL, file, &note), 0);
		check(prints(&c, every[i].name, every[i].shown, where));
		config_free(&c);

		if (!every[i].alias)
			continue;
		snprintf(pair, sizeof(pair), "%s=%s", every[i].alias, every[i].text);
		snprintf(where, sizeof(where), "%s, the environment", every[i].alias);
		check_int(read_all(&c, env, NULL, NULL, &note), 0);
		check(prints(&c, every[i].name, every[i].shown, where));
		config_free(&c);
	}
	/* kind prints what it means, not what was said; see test_kind() */
	check_int(ARRAY_LEN(every) + 1, 37);
}

static void test_defaults(void)
{
	struct config c;
	struct err_note note = ERR_NOTE_INIT;
	char *none[] = { NULL };
	char home[300];

	check_int(config_read(&c, none, NULL, 0, &note), 0);
	snprintf(home, sizeof(home), "%s/.chatmock", dir);
	check_str(span_of(c.home), home);
	check_int(c.port, 8000);
	check_str(span_of(c.bind), "127.0.0.1");
	check(!c.upstream_url && !c.upstream_key && !c.allowed_hosts);
	check_int(c.kind, KIND_CHATGPT);
	check_str(span_of(c.responses_url),
		  "https://chatgpt.com/backend-api/codex/responses");
	check_int(c.connect_timeout_ms, 10000);
	check_int(c.total_timeout_ms, 3600000);
	check_int(c.reasoning_effort, 3);
	check_int(c.reasoning_compat, COMPAT_CONTENT);
	check(c.codex_enabled && c.header_override && !c.propagate_unsupported);
	check_int(c.max_output_fallback, 8192);
	check(!c.max_output_set && !c.file && !c.warning_count && !c.alias_count);
	config_free(&c);
	config_free(&c);
	check(!c.private);
}

/* The effective port of up to four variables, a --set and a file. */
static const struct {
	const char *env[4], *set, *file;
	int64_t port;
	bool fast;
} precedence[] = {
	{ { 0 }, NULL, "port=1", 1, false },
	{ { "CHATMOCK_PORT=2" }, NULL, "port=1", 2, false },
	{ { "CHATMOCK_PORT=2" }, "port=3", "port=1", 3, false },
	{ { "CHATMOCK_PORT=2" }, "CHATMOCK_PORT=3", NULL, 3, false },
	{ { "CHATMOCK_PORT=" }, NULL, "port=1", 1, false },
	{ { "chatmock_port=5", "CHATMOCK_PORT=2" }, NULL, NULL, 2, false },
	{ { "CHATMOCK_PORT=2", "chatmock_port=5" }, NULL, NULL, 2, false },
	{ { "Chatmock_Port=5" }, NULL, NULL, 5, false },
	{ { 0 }, NULL, "PORT=1\nport=4", 4, false },
	{ { 0 }, NULL, "CHATMOCK_PORT=6", 6, false },
	{ { 0 }, NULL, "[chatmock]\nPort = 6", 6, false },
	/* name before alias, but a stronger source before both */
	{ { "CHATGPT_LOCAL_FAST_MODE=1", "CHATMOCK_FAST_MODE=0" }, NULL, NULL,
	  8000, false },
	{ { "CHATMOCK_FAST_MODE=0", "CHATGPT_LOCAL_FAST_MODE=1" }, NULL, NULL,
	  8000, false },
	{ { "CHATGPT_LOCAL_FAST_MODE=1" }, NULL, "fast_mode = 0", 8000, true },
	{ { "chatgpt_local_fast_mode=1" }, NULL, NULL, 8000, true },
	/* a broken weaker value does no harm */
	{ { 0 }, "port=7", "port=nonsense", 7, false },
	/* not ours */
	{ { "CODEX_HOME=/x", "PORT=9", "CHATMOCKX=1", "CODEX_ENABLED=x" }, NULL,
	  NULL, 8000, false },
	{ { "CHATMOCK_TEST_CLOCK=1", "CHATGPT_LOCAL_NO_SUCH=1" }, NULL, NULL,
	  8000, false },
};

static void test_precedence(void)
{
	for (size_t i = 0; i < ARRAY_LEN(precedence); i++) {
		struct config c;
		struct err_note note = ERR_NOTE_INIT;

		if (!check_int(read_all(&c, precedence[i].env, precedence[i].set,
					precedence[i].file, &note), 0))
			printf("  case %zu: %s\n", i, note.tell);
		if (!check_int(c.port, precedence[i].port) ||
		    !check(c.fast_mode == precedence[i].fast))
			printf("  case %zu\n", i);
		config_free(&c);
	}
}

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

static void test_given(void)
{
	const char *env[4] = { "CHATMOCK_PORT=8000", "CHATMOCK_BIND=" };
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check(config_given(&c, "CHATMOCK_PORT"));
	check(!config_given(&c, "CHATMOCK_BIND"));
	check(!config_given(&c, "CHATMOCK_NO_SUCH"));
	config_free(&c);
}

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

static const struct {
	const char *env[4];
	enum upstream_kind kind;
	const char *url;
} kinds[] = {
	{ { "CHATMOCK_UPSTREAM_URL=http://127.0.0.1:1/v1" }, KIND_RESPONSES,
	  "http://127.0.0.1:1/v1/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=http://localhost:1" }, KIND_RESPONSES,
	  "http://localhost:1/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=http://[::1]:1/" }, KIND_RESPONSES,
	  "http://[::1]:1/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=https://api.openai.com/v1" }, KIND_RESPONSES,
	  "https://api.openai.com/v1/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=https://chatgpt.com" }, KIND_CHATGPT,
	  "https://chatgpt.com/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=https://ChatGPT.com:443/x" }, KIND_CHATGPT,
	  "https://ChatGPT.com:443/x/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=https://chatgpt.com.evil.example/x" },
	  KIND_RESPONSES, "https://chatgpt.com.evil.example/x/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=http://127.0.0.1:1/backend-api/codex/" },
	  KIND_CHATGPT, "http://127.0.0.1:1/backend-api/codex/responses" },
	{ { "CODEX__BASE_URL=http://127.0.0.1:1/v1" }, KIND_CHATGPT,
	  "http://127.0.0.1:1/v1/responses" },
	{ { "CODEX__BASE_URL=http://127.0.0.1:1/v1",
	    "CHATMOCK_UPSTREAM_URL=https://h" }, KIND_RESPONSES,
	  "https://h/responses" },
	{ { "CODEX__BASE_URL=http://127.0.0.1:1/v1",
	    "CHATMOCK_UPSTREAM_KIND=responses" }, KIND_RESPONSES,
	  "http://127.0.0.1:1/v1/responses" },
	{ { "CHATMOCK_UPSTREAM_URL=http://127.0.0.1:1/v1",
	    "CHATMOCK_UPSTREAM_KIND=ChatGPT" }, KIND_CHATGPT,
	  "http://127.0.0.1:1/v1/responses" },
};

static void test_kind(void)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct config c;
		struct err_note note = ERR_NOTE_INIT;

		check_int(read_all(&c, kinds[i].env, NULL, NULL, &note), 0);
		check_int(c.kind, kinds[i].kind);
		check_str(span_of(c.responses_url), kinds[i].url);
		config_free(&c);
	}
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

static void test_other_spellings(void)
{
	static const char *const env[4] = {
		"codex__callback_port=1460", "CHATGPT_LOCAL_LOGIN_BIND=::1"
	};
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	check_int(read_all(&c, env, NULL, NULL, &note), 0);
	check_int((int64_t)c.warning_count, 0);
	check_int(c.callback_port, 1460);
	check_str(span_of(c.login_bind), "::1");
	config_free(&c);
}

static void test_login_settings(void)
{
	static const char *const env[4] = {
		"CODEX__OAUTH__SCOPES=openid", "CODEX__CALLBACK_PORT=1460",
		"CHATMOCK_LOGIN_WORKSPACE=ws-1, ws-2", "CHATMOCK_LOGIN_BIND=::1"
	};
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	check_int(read_all(&c, env, NULL, "chatgpt_local_login_bind = ::2", &note),
		  0);
	check_str(span_of(c.oauth_scopes), "openid");
	check_int(c.callback_port, 1460);
	check_str(span_of(c.login_workspace), "ws-1, ws-2");
	check_str(span_of(c.login_bind), "::1");
	config_free(&c);
	check_int(read_all(&c, env, "CODEX__CALLBACK_PORT=65534", NULL, &note),
		  ERR_CONFIG);
	config_free(&c);
}

static void test_shared_variables(void)
{
	char *env[] = {
		(char[]){ "HTTPS_PROXY=" }, (char[]){ "https_proxy=http://p:1" },
		(char[]){ "ALL_PROXY=http://q:1" }, (char[]){ "no_proxy=a,b" },
		(char[]){ "SSL_CERT_FILE=/s" }, (char[]){ "CODEX_CA_CERTIFICATE=/c" },
		(char[]){ "CODEX_HOME=/ch" }, (char[]){ "CHATGPT_LOCAL_HOME=/cl" },
		(char[]){ "CODEX__MAX_OUTPUT_TOKENS_FALLBACK=8192" }, NULL
	};
	struct config c;
	struct err_note note = ERR_NOTE_INIT;

	check_int(config_read(&c, env, NULL, 0, &note), 0);
	check_str(span_of(c.proxy), "http://p:1");
	check_str(span_of(c.no_proxy), "a,b");
	check_str(span_of(c.ca_file), "/c");
	check_str(span_of(c.codex_home), "/ch");
	check_str(span_of(c.chatgpt_local_home), "/cl");
	check(c.max_output_set);
	config_free(&c);
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

static void test_markdown(void)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	config_print_markdown(&out);
	check_int(buf_err(&out), 0);
	check(strstr(out.ptr, "| `CHATMOCK_PORT` | `8000` | a number from 1 to "
		     "65535 | "));
	check(strstr(out.ptr, "none\\|minimal\\|low"));
	check(strstr(out.ptr, "`CHATGPT_LOCAL_FAST_MODE`"));
	buf_free(&out);
}

int main(void)
{
	char command[300];

	if (!mkdtemp(dir))
		return 1;
	setenv("HOME", dir, 1);
	test_defaults();
	test_every();
	test_precedence();
	test_refused();
	test_unread();
	test_given();
	test_no_secret_told();
	test_kind();
	test_file();
	test_places();
	test_other_spellings();
	test_login_settings();
	test_shared_variables();
	test_key();
	test_loopback();
	test_markdown();
	for (const char *const *name = (const char *const[]){ "test.conf",
	     "other.conf", "key", NULL }; *name; name++) {
		snprintf(command, sizeof(command), "%s/%s", dir, *name);
		unlink(command);
	}
	check_int(rmdir(dir), 0);
	return test_end("test_config");
}
