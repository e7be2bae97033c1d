/*
 * test_config.c - every setting, and which of its sources counts.
 */

#include "config_help.h"

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
	home_begin("/tmp/test_config.XXXXXX");
	test_defaults();
	test_every();
	test_precedence();
	test_given();
	test_kind();
	test_other_spellings();
	test_login_settings();
	test_shared_variables();
	test_markdown();
	home_end();
	return test_end("test_config");
}
