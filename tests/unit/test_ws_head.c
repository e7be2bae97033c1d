/*
 * test_ws_head.c - the head of a handshake: what becomes of its lines, what is
 * no handshake, and what is refused.
 */
#include "../../fcgi/wire/ws_head.h"
#include "test.h"

#define LINES "Host: 127.0.0.1:8000\r\nConnection: keep-alive, Upgrade\r\n" \
	"Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define GOOD "GET /v1/responses?a=b HTTP/1.1\r\n" LINES KEY

static const char *param(const struct request *r, const char *name)
{
	const char *value = request_param(r, name);

	return value ? value : "(none)";
}

static void a_good_one(void)
{
	struct ws_handshake h;
	struct request *r = ws_head_read(SPAN(GOOD
		"X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-For: 9.9.9.9, 127.0.0.1 \r\n"
		"Authorization: Bearer k\r\nx-codex-turn: a=b\r\nX_Forged: 1\r\n"
		"Proxy: evil\r\nContent-Encoding: gzip\r\nX-Empty:\r\n"
		"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), &h);

	check_int(r->note.code, 0);
	check_str(span_of(r->method), "GET");
	check_str(span_of(r->path), "/v1/responses");
	check_str(span_of(r->query), "a=b");
	check_str(span_of(h.accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	check_str(span_of(param(r, "REMOTE_ADDR")), "127.0.0.1");
	check_str(span_of(param(r, "HTTP_HOST")), "127.0.0.1:8000");
	check_str(span_of(param(r, "HTTP_AUTHORIZATION")), "Bearer k");
	check_str(span_of(param(r, "HTTP_X_CODEX_TURN")), "a=b");
	check_str(span_of(param(r, "HTTP_X_FORGED")), "(none)");
	check_str(span_of(param(r, "HTTP_PROXY")), "(none)");
	check_str(span_of(param(r, "HTTP_UPGRADE")), "(none)");
	check_str(span_of(param(r, "HTTP_CONTENT_ENCODING")), "(none)");
	check_str(span_of(param(r, "HTTP_X_EMPTY")), "");
	check_str(span_of(param(r, "HTTP_SEC_WEBSOCKET_KEY")), "(none)");
	check_str(span_of(param(r, "CHATMOCK_WEBSOCKET")), "(none)");
	request_free(r);

	r = ws_head_again(&h, (struct span){ "HTTP_X_CODEX_TURN=new", 22 });
	check_str(span_of(r->method), "POST");
	check_str(span_of(r->path), "/v1/responses");
	check_str(span_of(param(r, "CONTENT_TYPE")), "application/json");
	check_str(span_of(param(r, "HTTP_X_CODEX_TURN")), "new");
	{
		const char *name, *value;
		size_t at = 0, turns = 0;

		while (request_param_next(r, &at, &name, &value))
			turns += !strncmp(name, "HTTP_X_CODEX_TURN=", 18);
		check_int((int64_t)turns, 1);
	}
	check_str(span_of(param(r, "HTTP_AUTHORIZATION")), "Bearer k");
	check_str(span_of(param(r, "REMOTE_ADDR")), "127.0.0.1");
	check_str(span_of(param(r, "CHATMOCK_WEBSOCKET")), "1");
	request_free(r);
	free(h.params);
}

/* A request, and no handshake. */
static void other(struct span head)
{
	struct ws_handshake h;
	struct request *r = ws_head_read(head, &h);

	if (!check(r && !r->note.code && !h.accept[0]))
		printf("  of %.*s\n", (int)head.len, head.ptr);
	request_free(r);
	free(h.params);
}

static void refused(struct span head, enum err code)
{
	struct ws_handshake h;
	struct request *r = ws_head_read(head, &h);

	if (!check_int(r->note.code, code))
		printf("  of %.*s\n", (int)head.len, head.ptr);
	check_str(span_of(h.accept), "");
	request_free(r);
	free(h.params);
}

static void others(void)
{
	other(SPAN("GET /\r\n\r\n"));
	other(SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	other(SPAN("POST / HTTP/1.1\r\n" LINES KEY "\r\n"));
	other(SPAN("GET / HTTP/1.0\r\n" LINES KEY "\r\n"));
	other(SPAN("GET / HTTP/1.1\r\n" LINES "\r\n"));
	other(SPAN("GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: close\r\n"
		   "Sec-WebSocket-Version: 13\r\n" KEY "\r\n"));
	other(SPAN("GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n"
		   "Sec-WebSocket-Version: 13\r\n" KEY "\r\n"));
	other(SPAN("GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
		   "Sec-WebSocket-Version: 8\r\n" KEY "\r\n"));
	other(SPAN("GET / HTTP/1.1\r\n" LINES "Sec-WebSocket-Key: dGhl\r\n\r\n"));
	other(SPAN("GET / HTTP/1.1\r\n" LINES
		   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ-==\r\n\r\n"));
	other(SPAN("GET / HTTP/1.1\r\n" LINES
		   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n\r\n"));
}

static void refusals(void)
{
	struct buf b;

	refused(SPAN("nonsense\r\n\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "Broken line\r\n\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "Folded: a\r\n b\r\n\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "Host: other\r\n\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "Authorization: a\r\nAuthorization: b\r\n\r\n"),
		ERR_BAD_REQUEST);
	refused(SPAN(GOOD "chatgpt-account-id: a\r\nChatGPT-Account-ID: a\r\n\r\n"),
		ERR_BAD_REQUEST);
	refused(SPAN(GOOD KEY "\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "Content-Length: 5\r\n\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "Transfer-Encoding: chunked\r\n\r\n"), ERR_BAD_REQUEST);
	refused(SPAN(GOOD "X: a\x01" "b\r\n\r\n"), ERR_BAD_REQUEST);
	buf_init(&b, 1 << 20);
	buf_str(&b, GOOD);
	for (int i = 0; i < 101; i++)
		buf_fmt(&b, "X-%d: y\r\n", i);
	buf_str(&b, "\r\n");
	refused(buf_span(&b), ERR_HEAD_TOO_LARGE);
	buf_cut(&b, strlen(GOOD));
	for (int i = 0; i < 200; i++)
		buf_fmt(&b, "X-%d: y\r\n", i);
	buf_str(&b, "\r\n");
	refused(buf_span(&b), ERR_HEAD_TOO_LARGE);
	buf_free(&b);
}

static void ends(void)
{
	struct span s = SPAN("GET / HTTP/1.1\r\nA: b\r\n\r\nrest");

	for (size_t len = 0; len <= s.len; len++)
		for (size_t from = 0; from <= len && from < s.len - 4; from++)
			check_int((int64_t)ws_head_end((struct span){ s.ptr, len }, from),
				  len >= s.len - 4 ? (int64_t)s.len - 4 : 0);
}

int main(void)
{
	struct request *r = ws_head_refused(ERR_HEAD_TOO_LARGE);

	check_int(r->note.code, ERR_HEAD_TOO_LARGE);
	check_str(span_of(r->path), "/v1/responses");
	request_free(r);
	a_good_one();
	others();
	refusals();
	ends();
	return test_end("test_ws_head");
}
