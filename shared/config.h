/*
 * config.h - every setting: one table, one struct.
 *
 * Precedence: command line ("--set NAME=VALUE"), environment, config file,
 * default. File: $CHATMOCK_CONFIG, else $CHATMOCK_HOME/chatmock.conf, else
 * /etc/chatmock.conf; INI, names as in the environment in lower case without
 * CHATMOCK_; section [codex] for the CODEX__ family, [models] for aliases.
 * Names are matched without regard to case. A wrong value, or an unknown
 * CHATMOCK_* or CODEX__* name, is ERR_CONFIG with one sentence in tell:
 * setting, where it was set, value, what is wanted.
 *
 * The struct, the parser, `chatmock.fcgi --settings` and README's table come
 * from CONFIG_TABLE. Columns:
 *	field	 member of struct config
 *	type	 STR PATH URL BOOL INT MILLIS ENUM LIST SECRET
 *	name	 in the environment
 *	alias	 other names accepted, comma-separated, or ""
 *	default	 as text; "" leaves the member empty (NULL for strings)
 *	min,max	 for INT and MILLIS (MILLIS: in milliseconds; the text is
 *		 seconds, fractions allowed, or 90s, 5m, 2h, 1d)
 *	values	 for ENUM: words separated by '|'; the member is the index
 *	help	 a sentence for --settings and README
 * Precedence among names of one setting: name first, then aliases in order.
 * A value of no characters counts as not given: the next source is asked.
 * Only the value that counts is checked, so that a strong source can put a
 * broken weaker one right.
 */
#ifndef CHATMOCK_CONFIG_H
#define CHATMOCK_CONFIG_H

#include "buf.h"

#define EFFORT_WORDS "none|minimal|low|medium|high|xhigh|max|ultra"

/* The documented places first, then where they moved to, then known commits. */
#define PROMPT_SOURCE "https://raw.githubusercontent.com/openai/codex/"
#define PROMPT_BASE_URLS \
	PROMPT_SOURCE "main/codex-rs/core/prompt.md, " \
	PROMPT_SOURCE "main/codex-rs/models-manager/prompt.md, " \
	PROMPT_SOURCE "b08b0709c02f0c04ad3452f87cfaa19a79dd4d93/codex-rs/core/prompt.md"
#define PROMPT_CODEX_URLS \
	PROMPT_SOURCE "main/codex-rs/core/gpt_5_codex_prompt.md, " \
	PROMPT_SOURCE "e9e96087ba02a570e96d63255e99a613e1affc05/codex-rs/core/gpt_5_codex_prompt.md"

#define CONFIG_TABLE(X) \
	X(home, PATH, "CHATMOCK_HOME", "", "~/.chatmock", 0, 0, "", \
	  "State directory: login, caches, logs, sockets.") \
	X(port, INT, "CHATMOCK_PORT", "", "8000", 1, 65535, "", \
	  "Port of the web server that `chatmock start` runs.") \
	X(bind, STR, "CHATMOCK_BIND", "", "127.0.0.1", 0, 0, "", \
	  "Address it listens on; anything but loopback is refused until there is a key.") \
	X(web_server, ENUM, "CHATMOCK_WEB_SERVER", "", "lighttpd", 0, 0, \
	  "lighttpd|nginx|apache", "Web server that `chatmock start` runs.") \
	X(upstream_url, URL, "CHATMOCK_UPSTREAM_URL", "", "", 0, 0, "", \
	  "Base URL of a Responses upstream, up to the part before /responses.") \
	X(upstream_key, SECRET, "CHATMOCK_UPSTREAM_KEY", "", "", 0, 0, "", \
	  "Key sent to it as a bearer token; none: no Authorization.") \
	X(upstream_key_file, PATH, "CHATMOCK_UPSTREAM_KEY_FILE", "", "", 0, 0, "", \
	  "File whose first line is that key.") \
	X(forward_auth, BOOL, "CHATMOCK_FORWARD_AUTH", "", "0", 0, 0, "", \
	  "Send a caller's own ChatGPT login or API key to upstream in place of ours.") \
	X(upstream_kind, ENUM, "CHATMOCK_UPSTREAM_KIND", "", "guess", 0, 0, \
	  "guess|chatgpt|responses", \
	  "chatgpt: OAuth login and the backend's rules; responses: a plain Responses API.") \
	X(upstream_http, ENUM, "CHATMOCK_UPSTREAM_HTTP", "", "auto", 0, 0, \
	  "auto|1.1|2", "HTTP version spoken to upstream; auto: 2 where TLS offers it.") \
	X(workers, INT, "CHATMOCK_WORKERS", "", "0", 0, 256, "", \
	  "Worker processes; 0: one a core.") \
	X(max_streams, INT, "CHATMOCK_MAX_STREAMS", "", "8192", 1, 100000, "", \
	  "Requests in flight per worker; more are answered 503.") \
	X(max_requests, INT, "CHATMOCK_MAX_REQUESTS", "", "10000", 0, 1000000000, "", \
	  "Requests after which a worker is replaced (plus jitter); 0: never.") \
	X(connect_timeout_ms, MILLIS, "CHATMOCK_CONNECT_TIMEOUT", "", "10", 50, 120000, "", \
	  "Time to reach upstream.") \
	X(first_byte_timeout_ms, MILLIS, "CHATMOCK_FIRST_BYTE_TIMEOUT", "", "120", 50, 3600000, "", \
	  "Time until upstream begins to answer.") \
	X(idle_timeout_ms, MILLIS, "CHATMOCK_IDLE_TIMEOUT", "", "300", 50, 3600000, "", \
	  "Longest silence of upstream inside a stream.") \
	X(total_timeout_ms, MILLIS, "CHATMOCK_TOTAL_TIMEOUT", "", "3600", 100, 86400000, "", \
	  "Longest time for one request in all.") \
	X(drain_timeout_ms, MILLIS, "CHATMOCK_DRAIN_TIMEOUT", "", "120", 0, 3600000, "", \
	  "Time open streams get to finish on TERM, HUP or recycling.") \
	X(heartbeat_ms, MILLIS, "CHATMOCK_HEARTBEAT", "", "15", 50, 300000, "", \
	  "Silence after which a client is sent a heartbeat.") \
	X(breaker_failures, INT, "CHATMOCK_BREAKER_FAILURES", "", "5", 0, 1000, "", \
	  "Failures of upstream behind each other after which it is left alone for a while; 0: never.") \
	X(breaker_cooldown_ms, MILLIS, "CHATMOCK_BREAKER_COOLDOWN", "", "30", 50, 3600000, "", \
	  "Time it is left alone; then one request tries, and its success lets all others in.") \
	X(watchdog_ms, MILLIS, "CHATMOCK_WATCHDOG", "", "30", 500, 600000, "", \
	  "A worker that shows no sign of life for so long is killed and replaced.") \
	X(allowed_hosts, LIST, "CHATMOCK_ALLOWED_HOSTS", "", "", 0, 0, "", \
	  "Names accepted in Host beside loopback, comma-separated.") \
	X(allowed_origins, LIST, "CHATMOCK_ALLOWED_ORIGINS", "", "", 0, 0, "", \
	  "Origins that get CORS answers, comma-separated.") \
	X(auth_issuer, URL, "CHATMOCK_AUTH_ISSUER", \
	  "CODEX__OAUTH__BASE_URL,CHATGPT_LOCAL_ISSUER", "https://auth.openai.com", 0, 0, "", \
	  "OAuth issuer that renews the login.") \
	X(oauth_client_id, STR, "CODEX__OAUTH__CLIENT_ID", "CHATGPT_LOCAL_CLIENT_ID", \
	  "app_EMoamEEZ73f0CkXaXp7hrann", 0, 0, "", "OAuth client of the login.") \
	X(oauth_scopes, STR, "CODEX__OAUTH__SCOPES", "", \
	  "openid profile email offline_access", 0, 0, "", \
	  "What `chatmock login` asks the issuer for, blanks between.") \
	X(callback_port, INT, "CODEX__CALLBACK_PORT", "", "1455", 1, 65533, "", \
	  "Port to which the browser comes back; taken by another program: the one two above.") \
	X(login_bind, STR, "CHATMOCK_LOGIN_BIND", "CHATGPT_LOCAL_LOGIN_BIND", "", 0, 0, "", \
	  "Address for that port in place of this machine's own two; 0.0.0.0 only inside a container.") \
	X(login_workspace, LIST, "CHATMOCK_LOGIN_WORKSPACE", "", "", 0, 0, "", \
	  "Ids of the workspaces that a login may belong to; any other is not kept.") \
	X(verbose, BOOL, "CHATMOCK_VERBOSE", "", "0", 0, 0, "", \
	  "Log summaries of requests and of upstream's answers.") \
	X(log_bodies, BOOL, "CHATMOCK_LOG_BODIES", "", "0", 0, 0, "", \
	  "With verbose, log bodies too; for a developer's machine only.") \
	X(expose_reasoning, BOOL, "CHATMOCK_EXPOSE_REASONING", \
	  "CHATGPT_LOCAL_EXPOSE_REASONING_MODELS", "0", 0, 0, "", \
	  "List each reasoning effort of a model as a model of its own.") \
	X(enable_responses_api, BOOL, "CHATMOCK_ENABLE_RESPONSES_API", "", "1", 0, 0, "", \
	  "Serve /v1/responses.") \
	X(websocket, BOOL, "CHATMOCK_WEBSOCKET", "", "1", 0, 0, "", \
	  "Serve it by WebSocket, too; 0: a handshake is a 426.") \
	X(store, BOOL, "CHATMOCK_STORE", "", "1", 0, 0, "", \
	  "Store responses where upstream is a ChatGPT backend; 0: store is always false.") \
	X(store_ttl_ms, MILLIS, "CHATMOCK_STORE_TTL", "", "30d", 1000, 315360000000, "", \
	  "How long they are kept.") \
	X(store_max_mb, INT, "CHATMOCK_STORE_MAX_MB", "", "1024", 1, 1000000, "", \
	  "Size of the store, in MiB, above which the oldest go.") \
	X(enable_web_search, BOOL, "CHATMOCK_ENABLE_WEB_SEARCH", \
	  "CHATGPT_LOCAL_ENABLE_WEB_SEARCH", "0", 0, 0, "", \
	  "Add web_search to requests that bring no tools and do not say none.") \
	X(reasoning_effort, ENUM, "CHATMOCK_REASONING_EFFORT", \
	  "CHATGPT_LOCAL_REASONING_EFFORT", "medium", 0, 0, EFFORT_WORDS, \
	  "Effort where a request names none; clamped to what the model lists.") \
	X(reasoning_summary, ENUM, "CHATMOCK_REASONING_SUMMARY", \
	  "CHATGPT_LOCAL_REASONING_SUMMARY", "auto", 0, 0, "auto|concise|detailed|none", \
	  "Reasoning summary asked for.") \
	X(reasoning_compat, ENUM, "CHATMOCK_REASONING_COMPAT", \
	  "CHATGPT_LOCAL_REASONING_COMPAT", "reasoning-content", 0, 0, \
	  "reasoning-content|think-tags|o3|legacy|current|none", \
	  "How reasoning reaches chat clients.") \
	X(fast_mode, BOOL, "CHATMOCK_FAST_MODE", "CHATGPT_LOCAL_FAST_MODE", "0", 0, 0, "", \
	  "Ask for the priority tier on models that have it.") \
	X(model_sync, BOOL, "CHATMOCK_MODEL_SYNC", "CHATGPT_LOCAL_MODEL_SYNC", "1", 0, 0, "", \
	  "Fetch upstream's list of models; 0: what is there is used, nothing is fetched.") \
	X(model_refresh_ms, MILLIS, "CHATMOCK_MODEL_REFRESH_INTERVAL", \
	  "CHATGPT_LOCAL_MODEL_REFRESH_INTERVAL", "3600", 1000, 2592000000, "", \
	  "Age at which the list of models is asked for anew.") \
	X(client_version, STR, "CHATMOCK_CLIENT_VERSION", "", "0.169.0", 0, 0, "", \
	  "Codex version told to the ChatGPT backend, which hides newer models from older ones.") \
	X(debug_model, STR, "CHATMOCK_DEBUG_MODEL", "CHATGPT_LOCAL_DEBUG_MODEL", "", 0, 0, "", \
	  "Model put in place of every request's.") \
	X(no_base_instructions, BOOL, "CHATMOCK_RESPONSES_NO_BASE_INSTRUCTIONS", "", "1", 0, 0, "", \
	  "1: nothing is added on /v1/responses; 0: the prompt, where the client gives none.") \
	X(injection, ENUM, "CODEX__SYSTEM_PROMPT_INJECTION_MODE", "", "disabled", 0, 0, \
	  "disabled|override|append", \
	  "The cached prompt in place of the first system text, behind it, or not at all.") \
	X(prompt_ttl_ms, MILLIS, "CHATMOCK_PROMPT_TTL", "", "24h", 1000, 604800000, "", \
	  "How long a cached prompt is fresh.") \
	X(prompt_base_urls, LIST, "CHATMOCK_PROMPT_BASE_URLS", "", PROMPT_BASE_URLS, 0, 0, "", \
	  "Where base_instructions.md comes from: the first that has it.") \
	X(prompt_codex_urls, LIST, "CHATMOCK_PROMPT_CODEX_URLS", "", PROMPT_CODEX_URLS, 0, 0, "", \
	  "The same for gpt5_codex_instructions.md, of models whose name contains codex.") \
	X(prompt_base_sha256, STR, "CHATMOCK_PROMPT_BASE_SHA256", "", "", 0, 0, "", \
	  "The only SHA-256 that base_instructions.md may have.") \
	X(prompt_codex_sha256, STR, "CHATMOCK_PROMPT_CODEX_SHA256", "", "", 0, 0, "", \
	  "The same for gpt5_codex_instructions.md.") \
	X(codex_enabled, BOOL, "CODEX__ENABLED", "", "true", 0, 0, "", \
	  "false: every generating route answers 503 codex_disabled.") \
	X(codex_base_url, URL, "CODEX__BASE_URL", "", \
	  "https://chatgpt.com/backend-api/codex", 0, 0, "", \
	  "Upstream where CHATMOCK_UPSTREAM_URL is not set.") \
	X(dynamic_models, BOOL, "CODEX__ENABLE_DYNAMIC_MODEL_INFO", "", "true", 0, 0, "", \
	  "false: models and their limits are those of the built-in table.") \
	X(max_output_fallback, INT, "CODEX__MAX_OUTPUT_TOKENS_FALLBACK", "", "8192", 1, 1000000, "", \
	  "Output limit advertised for models whose own is unknown.") \
	X(propagate_unsupported, BOOL, "CODEX__PROPAGATE_UNSUPPORTED_PARAMS", "", "false", 0, 0, "", \
	  "Forward parameters that chat has and the Responses API lacks, where upstream is no ChatGPT backend.") \
	X(codex_verbose, BOOL, "CODEX__VERBOSE_LOGGING", "", "false", 0, 0, "", \
	  "verbose for the generating routes alone.") \
	X(header_override, BOOL, "CODEX__HEADER_OVERRIDE_ENABLED", "", "true", 0, 0, "", \
	  "Forward session-id and x-codex-* headers of clients.")

enum upstream_kind { KIND_GUESS, KIND_CHATGPT, KIND_RESPONSES };
enum injection { INJECT_DISABLED, INJECT_OVERRIDE, INJECT_APPEND };
enum reasoning_compat { COMPAT_CONTENT, COMPAT_THINK, COMPAT_O3, COMPAT_LEGACY,
			COMPAT_CURRENT, COMPAT_NONE };
enum reasoning_summary { SUMMARY_AUTO, SUMMARY_CONCISE, SUMMARY_DETAILED,
			 SUMMARY_NONE };

#define CONFIG_STR const char *
#define CONFIG_PATH const char *
#define CONFIG_URL const char *
#define CONFIG_LIST const char *
#define CONFIG_SECRET const char *
#define CONFIG_BOOL bool
#define CONFIG_INT int64_t
#define CONFIG_MILLIS int64_t
#define CONFIG_ENUM int

struct config_alias { const char *pattern, *model; };	/* of [models] */

/* Read once, then constant; any thread may read it. */
struct config {
#define X(field, type, name, alias, dflt, min, max, values, help) CONFIG_##type field;
	CONFIG_TABLE(X)
#undef X
	/* derived when read */
	enum upstream_kind kind;	/* never KIND_GUESS */
	const char *responses_url;	/* the upstream's base + "/responses" */
	const char *upstream_base;	/* base without a trailing slash */
	bool max_output_set;		/* CODEX__MAX_OUTPUT_TOKENS_FALLBACK was given */
	const struct config_alias *aliases;
	size_t alias_count;
	const char *ca_file;		/* CODEX_CA_CERTIFICATE, SSL_CERT_FILE or NULL */
	const char *proxy;		/* HTTPS_PROXY, https_proxy, ALL_PROXY or NULL */
	const char *no_proxy;		/* NO_PROXY, no_proxy or NULL */
	const char *codex_home;		/* CODEX_HOME or NULL */
	const char *chatgpt_local_home;	/* CHATGPT_LOCAL_HOME or NULL */
	const char *file;		/* the config file that was read, or NULL */
	const char *const *warnings;	/* sentences worth a line in the log */
	size_t warning_count;
	struct config_private *private;	/* owns every string above */
};

/*
 * Reads all sources. sets: "NAME=VALUE" strings from the command line.
 * environ_: as environ(7). On failure the struct holds nothing: ERR_CONFIG,
 * or ERR_SYSTEM with errno kept when the file can not be read.
 * CHATMOCK_TEST_* names are left alone.
 */
MUST_USE enum err config_read(struct config *c, char *const environ_[],
			      const char *const *sets, size_t set_count,
			      struct err_note *note);
/* True when the setting was given anywhere, be it the default's value. */
bool config_given(const struct config *c, const char *name);

void config_free(struct config *c);	/* secrets wiped; safe on zero, safe twice */

/* The upstream's key, from the setting or the file: into out (wiped by the caller). */
MUST_USE enum err config_upstream_key(const struct config *c, struct buf *out,
				      struct err_note *note);

/* A setting as it is shown. Strings are borrowed from c, or are literals. */
struct config_row {
	const char *name, *alias;	/* alias: as in the table */
	const char *dflt, *values, *help;
	enum { CONFIG_KIND_TEXT, CONFIG_KIND_BOOL, CONFIG_KIND_NUMBER,
	       CONFIG_KIND_ENUM, CONFIG_KIND_SECRET } kind;
	double min, max;	/* of numbers; times are in seconds */
	bool whole;		/* of numbers: no fraction */
	bool given;		/* not the default */
	bool set;		/* there is a value */
	const char *origin;	/* "default", "/etc/chatmock.conf line 3" */
};

/* The i-th, and its value's text in value (emptied first; secrets as "(set)").
 * c NULL: what the table says alone. False behind the last. */
bool config_row_at(const struct config *c, size_t i, struct buf *value,
		   struct config_row *row);

/* name, value and where it came from, a line each; secrets as "(set)". */
void config_print(const struct config *c, struct buf *out);

/* README's Markdown table. */
void config_print_markdown(struct buf *out);

/* True for 127.0.0.0/8, ::1, [::1] and localhost. */
bool config_is_loopback(const char *host);

#endif
