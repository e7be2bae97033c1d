/* See answer.h. */
#include <inttypes.h>

#include "../../shared/clock.h"
#include "../wire/access.h"
#include "answer.h"
#include "wait.h"

/* How a stock failure is said. status 0: nobody is left to tell. */
struct answer_row {
	int status;
	const char *type, *code, *text;
};

#define INVALID "invalid_request_error"
#define FORBIDDEN "permission_error"
#define LOGIN "authentication_error"
#define UPSTREAM "upstream_error"
#define SERVER "server_error"

static const struct answer_row answers[ERR__COUNT] = {
	[ERR_OK] = { 200, "", "", "" },
	[ERR_BAD_JSON] = { 400, INVALID, "bad_json",
		"The body is not valid JSON." },
	[ERR_BAD_REQUEST] = { 400, INVALID, "invalid_value",
		"The request is not valid." },
	[ERR_TOO_DEEP] = { 400, INVALID, "too_deep",
		"The JSON is nested too deeply: at most 128 levels are taken." },
	[ERR_TOO_LARGE] = { 413, INVALID, "request_too_large",
		"The request is too large: at most 32 MiB are taken." },
	[ERR_HEAD_TOO_LARGE] = { 431, INVALID, "headers_too_large",
		"The request's headers are too large: at most 32 KiB and 100 lines are taken." },
	[ERR_URI_TOO_LONG] = { 414, INVALID, "uri_too_long",
		"The request's URL is too long: at most 8 KiB are taken." },
	[ERR_BAD_LENGTH] = { 400, INVALID, "bad_length",
		"The body is not as long as Content-Length says." },
	[ERR_UNSUPPORTED_PARAM] = { 400, INVALID, "unsupported_parameter",
		"The request has parameters that upstream cannot take." },
	[ERR_BAD_MEDIA_TYPE] = { 415, INVALID, "unsupported_media_type",
		"The body must be JSON: send Content-Type: application/json." },
	[ERR_BAD_ENCODING] = { 400, INVALID, "bad_encoding",
		"The body is not what its Content-Encoding says." },
	[ERR_NO_ROUTE] = { 404, INVALID, "unknown_url",
		"There is nothing at this path: GET / lists the base URLs." },
	[ERR_BAD_METHOD] = { 405, INVALID, "method_not_allowed",
		"This path takes another method: see the Allow header." },
	[ERR_UPGRADE] = { 426, INVALID, "upgrade_required",
		"A GET of this path opens a WebSocket, which was not asked for or cannot be had here: use POST." },
	[ERR_NOT_SERVED] = { 501, INVALID, "not_supported",
		"This part of the API is not served here: there are no models on this machine to keep or to embed with." },
	[ERR_MODEL_NOT_FOUND] = { 404, INVALID, "model_not_found",
		"Upstream does not know this model: GET /v1/models lists what there is." },
	[ERR_LIMITS_UNKNOWN] = { 404, INVALID, "limits_unknown",
		"Upstream has told no limits yet: with a ChatGPT login it does so with each answer." },
	[ERR_HOST_REFUSED] = { 403, FORBIDDEN, "host_refused",
		"The Host header is not accepted: use localhost or 127.0.0.1, or list the name in CHATMOCK_ALLOWED_HOSTS." },
	[ERR_ORIGIN_REFUSED] = { 403, FORBIDDEN, "origin_refused",
		"Requests from this web origin are refused: list it in CHATMOCK_ALLOWED_ORIGINS to allow it." },
	[ERR_NOT_LOOPBACK] = { 403, FORBIDDEN, "not_loopback",
		"Only this machine may ask while there are no keys." },
	[ERR_KEY_MISSING] = { 401, INVALID, "invalid_api_key",
		"This gateway wants an API key: send it as Authorization: Bearer cm_... (or x-api-key); `chatmock keys add NAME` makes one." },
	[ERR_KEY_REFUSED] = { 401, INVALID, "invalid_api_key",
		"The API key is not known here, was revoked or has run out: `chatmock keys add NAME` makes another." },
	[ERR_KEY_SCOPE] = { 403, FORBIDDEN, "insufficient_scope",
		"The API key is not for this: `chatmock keys add NAME --scope ...` makes one that is." },
	[ERR_CLIENT_GONE] = { 0, "", "client_gone", "" },
	[ERR_NOT_STORED] = { 404, INVALID, "not_found",
		"There is nothing stored under this id." },
	[ERR_BUSY] = { 503, SERVER, "busy",
		"Too many requests are in flight: try again shortly." },
	[ERR_SHUTDOWN] = { 503, SERVER, "shutting_down",
		"The gateway is being stopped: try again." },
	[ERR_DISABLED] = { 503, SERVER, "codex_disabled",
		"Generating is switched off (CODEX__ENABLED)." },
	[ERR_NO_MEMORY] = { 503, SERVER, "no_memory",
		"The gateway is out of memory: try again." },
	[ERR_SYSTEM] = { 500, SERVER, "internal_error",
		"The gateway failed: its error log says why." },
	[ERR_CONFIG] = { 500, SERVER, "bad_settings",
		"The gateway's settings are wrong: its error log says which." },
	[ERR_KEYS_BROKEN] = { 503, SERVER, "keys_broken",
		"The gateway can not read its file of keys and lets nobody in: its error log says why." },
	[ERR_STORE] = { 503, SERVER, "store_failed",
		"The store of responses can not be used just now: the gateway's error log says why." },
	[ERR_LOGIN_MISSING] = { 401, LOGIN, "upstream_auth_required",
		"There is no ChatGPT login: run `chatmock login`, or set CHATMOCK_UPSTREAM_URL." },
	[ERR_LOGIN_BROKEN] = { 401, LOGIN, "upstream_auth_required",
		"The login file cannot be read: run `chatmock login` again." },
	[ERR_LOGIN_STALE] = { 401, LOGIN, "upstream_auth_required",
		"The ChatGPT login has run out: run `chatmock login` again." },
	[ERR_LOGIN_RENEWAL] = { 503, UPSTREAM, "login_renewal_failed",
		"The login could not be renewed just now: try again." },
	[ERR_CIRCUIT_OPEN] = { 503, UPSTREAM, "circuit_open",
		"Upstream failed again and again and is left alone for a moment: try again later." },
	[ERR_UPSTREAM_CONNECT] = { 502, UPSTREAM, "upstream_connect",
		"Upstream could not be reached." },
	[ERR_UPSTREAM_DNS] = { 502, UPSTREAM, "upstream_dns",
		"Upstream's name could not be resolved: check the network and /etc/resolv.conf." },
	[ERR_UPSTREAM_TLS] = { 502, UPSTREAM, "upstream_tls",
		"Upstream's certificate or TLS was refused: set CODEX_CA_CERTIFICATE if it has a CA of its own." },
	[ERR_UPSTREAM_TIMEOUT] = { 504, UPSTREAM, "upstream_timeout",
		"Upstream did not answer in time." },
	[ERR_UPSTREAM_SILENT] = { 504, UPSTREAM, "upstream_silent",
		"Upstream fell silent in the middle of its answer." },
	[ERR_UPSTREAM_TOTAL] = { 504, UPSTREAM, "upstream_total_time",
		"The request took longer than CHATMOCK_TOTAL_TIMEOUT allows." },
	[ERR_UPSTREAM_BROKE] = { 502, UPSTREAM, "upstream_broke",
		"Upstream broke off its answer." },
	[ERR_UPSTREAM_GARBLED] = { 502, UPSTREAM, "upstream_garbled",
		"Upstream's answer was not a stream of events." },
	[ERR_UPSTREAM_BLOCKED] = { 403, UPSTREAM, "upstream_blocked",
		"Upstream's protection blocked the request." },
	[ERR_UPSTREAM_REFUSED] = { 400, INVALID, "upstream_refused",
		"Upstream refused the request." },
	[ERR_UPSTREAM_LIMIT] = { 429, "rate_limit_error", "rate_limit_exceeded",
		"The plan's limit is reached." },
	[ERR_UPSTREAM_ERROR] = { 502, UPSTREAM, "upstream_error",
		"Upstream failed." },
	[ERR_UPSTREAM_FAILED] = { 502, UPSTREAM, "upstream_failed",
		"Upstream said that the answer failed." },
};

struct fault answer_fault(const struct err_note *note, const char *request_id)
{
	const struct answer_row *row = &answers[note->code];
	/* of a login clients hear one code, whatever the issuer's word was */
	bool own = strcmp(row->type, LOGIN) == 0;

	return (struct fault){
		.status = note->status ? note->status : row->status,
		.type = note->type[0] && !own ? note->type : row->type,
		.code = note->ucode[0] && !own ? note->ucode : row->code,
		.param = note->param[0] ? note->param : NULL,
		.message = note->tell[0] ? note->tell : row->text,
		.request_id = request_id,
		.note = note,
	};
}

static void cors_headers(struct stream *s)
{
	const char *origin = access_cors_origin(s->app->config, s->req);

	if (!origin)
		return;
	conn_header(s->conn, "Access-Control-Allow-Origin", origin);
	conn_header(s->conn, "Access-Control-Expose-Headers",
		    "x-request-id, request-id, x-chatmock-dropped-params, "
		    "retry-after");
	conn_header(s->conn, "Vary", "Origin");
}

bool answer_is_anthropic(const struct stream *s)
{
	enum route_kind kind = s->route ? s->route->kind : ROUTE_HOME;

	return (kind == ROUTE_MODELS || kind == ROUTE_MODEL || kind == ROUTE_HOME ||
		s->note.code == ERR_NO_ROUTE) &&
	       request_param(s->req, "HTTP_ANTHROPIC_VERSION");
}

static const struct tongue *tongue_of(const struct stream *s)
{
	if (answer_is_anthropic(s))
		return &tongue_anthropic;
	return s->route ? s->route->tongue : &tongue_chat;
}

void answer_begin(struct stream *s, int status, const char *content_type)
{
	const struct tongue *tongue = tongue_of(s);
	const struct terms *t = &s->terms;

	s->status = status;
	conn_begin(s->conn, status);
	if (content_type)
		conn_header(s->conn, "Content-Type", content_type);
	conn_header(s->conn, "x-request-id", s->req->id);
	if (tongue->id_header)
		conn_header(s->conn, tongue->id_header, s->req->id);
	conn_header_lines(s->conn, "x-chatmock-version: " CHATMOCK_VERSION "\r\n"
			  "Cache-Control: no-store\r\n"
			  "X-Content-Type-Options: nosniff\r\n");
	if (t->dropped.len)
		conn_header(s->conn, "x-chatmock-dropped-params", t->dropped.ptr);
	if (t->stream)
		conn_header(s->conn, "X-Accel-Buffering", "no");
	if (s->handed_on.len && !buf_err(&s->handed_on))
		conn_header_lines(s->conn, s->handed_on.ptr);
	buf_free(&s->handed_on);
	cors_headers(s);
}

/* What tells a client whether and when to come again. */
static void retry_headers(struct stream *s, const struct fault *f)
{
	const struct err_note *note = f->note;
	bool ours = f->status == 503 || f->status == 429;
	int after = note->retry_after_s;
	char text[24];

	if (!after && note->resets_at)
		after = wait_seconds(note->resets_at - clock_wall_us() / 1000000);
	if (after <= 0 && ours && note->code == ERR_BUSY)
		after = 1;
	if (after <= 0 && f->status == 503)
		after = 2;
	if (after > 0) {
		snprintf(text, sizeof(text), "%d", after);
		conn_header(s->conn, "Retry-After", text);
	}
	if (note->should_retry >= 0)
		conn_header(s->conn, "x-should-retry",
			    note->should_retry ? "true" : "false");
	else if (strcmp(f->type, LOGIN) == 0)
		conn_header(s->conn, "x-should-retry", "false");
}

/* What a 401 has to say by HTTP's rules, where it is ours. */
static void challenge_header(struct stream *s)
{
	if (s->note.code == ERR_KEY_MISSING)
		conn_header(s->conn, "WWW-Authenticate", "Bearer realm=\"chatmock\"");
	else if (s->note.code == ERR_KEY_REFUSED)
		conn_header(s->conn, "WWW-Authenticate", "Bearer realm=\"chatmock\", "
			    "error=\"invalid_token\"");
	else if (s->note.code == ERR_KEY_SCOPE)
		conn_header(s->conn, "WWW-Authenticate", "Bearer realm=\"chatmock\", "
			    "error=\"insufficient_scope\"");
}

static void allow_header(struct stream *s)
{
	struct route_match match = { 0 };
	struct err_note note = ERR_NOTE_INIT;

	route_find(s->req->method, s->req->path, &match, &note);
	if (match.allow[0])
		conn_header(s->conn, "Allow", match.allow);
}

void answer_error(struct stream *s)
{
	const struct tongue *tongue = tongue_of(s);
	struct fault f = answer_fault(&s->note, s->req->id);
	struct buf body;

	if (!f.status)
		return;
	if (conn_begun(s->conn)) {
		/* the status is spent: say it as an event */
		tongue->error_event(&s->emitter, conn_body(s->conn), &f);
		return;
	}
	s->terms.stream = false;
	answer_begin(s, tongue->error_status ? tongue->error_status(&f) : f.status,
		     "application/json");
	retry_headers(s, &f);
	challenge_header(s);
	if (s->note.code == ERR_BAD_METHOD)
		allow_header(s);
	if (s->note.code == ERR_UPGRADE)
		conn_header(s->conn, "Upgrade", "websocket");
	buf_init(&body, 16u << 10);
	tongue->error_body(&body, &f);
	if (strcmp(s->req->method, "HEAD") != 0)
		buf_span_add(conn_body(s->conn), buf_span(&body));
	buf_free(&body);
}

void answer_preflight(struct stream *s)
{
	answer_begin(s, 204, NULL);
	conn_header(s->conn, "Access-Control-Allow-Methods",
		    "GET, POST, DELETE, OPTIONS");
	conn_header(s->conn, "Access-Control-Allow-Headers",
		    "authorization, content-type, x-api-key, api-key, x-session-id, "
		    "anthropic-version, anthropic-beta, "
		    "anthropic-dangerous-direct-browser-access, "
		    "x-chatmock-reasoning, x-stainless-arch, x-stainless-lang, "
		    "x-stainless-os, x-stainless-package-version, "
		    "x-stainless-retry-count, x-stainless-runtime, "
		    "x-stainless-runtime-version, x-stainless-timeout");
	conn_header(s->conn, "Access-Control-Max-Age", "600");
}

void answer_print_markdown(struct buf *out)
{
	buf_str(out, "| status | code | `end` in the log | meaning |\n"
		     "|---|---|---|---|\n");
	for (enum err e = ERR_OK + 1; e < ERR__COUNT; e++) {
		if (!answers[e].status)
			continue;
		buf_fmt(out, "| %d | `%s` | `%s` | %s |\n", answers[e].status,
			answers[e].code, err_name(e), answers[e].text);
	}
}
