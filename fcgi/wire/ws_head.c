/*
 * ws_head.c - see ws_head.h. The only file that includes <http_parser.h>.
 *
 * All of the head is there before it is parsed, so there is one call of the
 * parser and nothing to be put together from pieces but folded lines, which
 * are refused.
 */
#include <http_parser.h>

#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "ws_head.h"

#define MAX_LINES (MAX_REQUEST_HEADERS + 20)

struct line {
	struct span name, value;
};

struct head {
	struct line lines[MAX_LINES];
	size_t count;
	struct span url;
	bool cut, whole;
};

size_t ws_head_end(struct span bytes, size_t from)
{
	const char *at, *end = bytes.ptr + bytes.len;

	/* the empty line may have begun in what was looked at */
	at = bytes.ptr + (from > 3 ? from - 3 : 0);
	while ((at = memchr(at, '\r', (size_t)(end - at)))) {
		if (end - at < 4)
			return 0;
		if (memcmp(at, "\r\n\r\n", 4) == 0)
			return (size_t)(at - bytes.ptr) + 4;
		at++;
	}
	return 0;
}

/* --- what the parser tells */

static int on_url(http_parser *p, const char *at, size_t len)
{
	((struct head *)p->data)->url = (struct span){ at, len };
	return 0;
}

static int on_name(http_parser *p, const char *at, size_t len)
{
	struct head *h = p->data;

	if (h->count == MAX_LINES) {
		h->cut = true;
		return 1;
	}
	h->lines[h->count++] = (struct line){ { at, len }, { "", 0 } };
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct head *h = p->data;

	/* a second piece: the line is folded */
	if (!h->count || h->lines[h->count - 1].value.len)
		return len != 0;
	h->lines[h->count - 1].value = (struct span){ at, len };
	return 0;
}

static int on_whole(http_parser *p)
{
	((struct head *)p->data)->whole = true;
	return 2;		/* what follows is none of the parser's business */
}

static bool parse(struct head *h, http_parser *p, struct span text)
{
	http_parser_settings settings;

	http_parser_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_name;
	settings.on_header_value = on_value;
	settings.on_headers_complete = on_whole;
	http_parser_init(p, HTTP_REQUEST);
	p->data = h;
	return http_parser_execute(p, &settings, text.ptr, text.len) == text.len &&
	       h->whole;
}

/* --- the lines */

/* The value of the last line of that name, and how many there are. */
static struct span find(const struct head *h, const char *name, size_t *count)
{
	struct span value = SPAN("");
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (!text_eq_nocase(h->lines[i].name, name))
			continue;
		value = h->lines[i].value;
		n++;
	}
	if (count)
		*count = n;
	return value;
}

static bool has_word(const struct head *h, const char *name, const char *word)
{
	struct span rest, piece;

	for (size_t i = 0; i < h->count; i++) {
		if (!text_eq_nocase(h->lines[i].name, name))
			continue;
		rest = h->lines[i].value;
		while (text_next(&rest, ',', &piece))
			if (text_eq_nocase(piece, word))
				return true;
	}
	return false;
}

/* What means something else, or to somebody else, when it comes twice. */
static const char *const single[] = {
	"host", "authorization", "chatgpt-account-id", "origin", "sec-websocket-key",
	"sec-websocket-version", "content-length",
};

/* Of this connection alone: no part of the requests that come over it. */
static bool is_hop(struct span name)
{
	return text_starts_nocase(name, "sec-websocket-") ||
	       text_eq_nocase(name, "connection") ||
	       text_eq_nocase(name, "upgrade") ||
	       text_eq_nocase(name, "proxy") ||
	       text_eq_nocase(name, "content-encoding") ||
	       text_eq_nocase(name, "content-length");
}

static void put(struct buf *b, const char *name, struct span value)
{
	buf_str(b, name);
	buf_char(b, '=');
	buf_span_add(b, value);
	buf_char(b, '\0');
}

static void put_header(struct buf *b, const struct line *l)
{
	/* "a_b" and "a-b" would be one name then */
	if (memchr(l->name.ptr, '_', l->name.len) || is_hop(l->name))
		return;
	buf_str(b, "HTTP_");
	for (size_t i = 0; i < l->name.len; i++) {
		char c = l->name.ptr[i];

		buf_char(b, c == '-' ? '_' : c >= 'a' && c <= 'z' ?
					(char)(c - 32) : c);
	}
	buf_char(b, '=');
	buf_span_add(b, l->value);
	buf_char(b, '\0');
}

static struct span peer(const struct head *h)
{
	struct span rest = find(h, "x-forwarded-for", NULL), piece;
	struct span last = SPAN("");

	while (text_next(&rest, ',', &piece))
		last = piece;
	return last;
}

/* 16 bytes in base64. */
static bool key_is_good(struct span key)
{
	if (key.len != 24 || memcmp(key.ptr + 22, "==", 2) != 0)
		return false;
	for (size_t i = 0; i < 22; i++) {
		char c = key.ptr[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		      c == '+' || c == '/'))
			return false;
	}
	return true;
}

static void find_accept(const struct head *h, const http_parser *p,
			struct ws_handshake *out)
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	struct span key = find(h, "sec-websocket-key", NULL);
	char text[24 + sizeof(magic)];

	if (p->method != HTTP_GET || p->http_major != 1 || p->http_minor < 1 ||
	    !has_word(h, "upgrade", "websocket") ||
	    !has_word(h, "connection", "upgrade") ||
	    !span_eq(find(h, "sec-websocket-version", NULL), "13") ||
	    !key_is_good(key))
		return;
	memcpy(text, key.ptr, 24);
	memcpy(text + 24, magic, sizeof(magic));
	sha1_base64(span_of(text), out->accept);
}

/* --- requests */

static struct request *request_of(struct buf *params)
{
	struct request *r = malloc(sizeof(*r));
	size_t len = params->len;
	char *block = buf_take(params);

	if (!r || !block) {
		free(r);
		free(block);
		return NULL;
	}
	request_init(r, block, len);
	r->on_heap = true;
	return r;
}

static void judge(const struct head *h, struct request *r)
{
	size_t count;

	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		find(h, single[i], &count);
		if (count > 1)
			err_set(&r->note, ERR_BAD_REQUEST, "%s comes twice",
				single[i]);
	}
	if (find(h, "transfer-encoding", &count).len ||
	    (find(h, "content-length", NULL).len &&
	     !span_eq(find(h, "content-length", NULL), "0")))
		err_tell(&r->note, ERR_BAD_REQUEST, "Requests with a body are not "
			 "taken at this socket.");
}

struct request *ws_head_read(struct span text, struct ws_handshake *out)
{
	struct head h = { .count = 0 };
	struct buf params;
	struct request *r;
	http_parser p;
	bool ok = parse(&h, &p, text);

	*out = (struct ws_handshake){ .params = NULL };
	if (!ok)
		return ws_head_refused(h.cut ? ERR_HEAD_TOO_LARGE : ERR_BAD_REQUEST);
	buf_init(&params, MAX_REQUEST_HEAD * 2);
	put(&params, "REQUEST_URI", h.url);
	if (peer(&h).len)
		put(&params, "REMOTE_ADDR", peer(&h));
	for (size_t i = 0; i < h.count; i++)
		put_header(&params, &h.lines[i]);
	out->params_len = params.len;
	out->params = malloc(params.len ? params.len : 1);
	if (out->params)
		memcpy(out->params, params.ptr, params.len);
	put(&params, "REQUEST_METHOD", span_of(http_method_str(p.method)));
	r = out->params ? request_of(&params) : NULL;
	buf_free(&params);
	if (!r) {
		free(out->params);
		*out = (struct ws_handshake){ .params = NULL };
		return NULL;
	}
	judge(&h, r);
	if (!r->note.code)
		find_accept(&h, &p, out);
	return r;
}

struct request *ws_head_refused(enum err code)
{
	struct buf params;
	struct request *r;

	buf_init(&params, 256);
	put(&params, "REQUEST_METHOD", SPAN("GET"));
	put(&params, "REQUEST_URI", SPAN("/v1/responses"));
	r = request_of(&params);
	buf_free(&params);
	if (r)
		err_set(&r->note, code, "the head of a handshake");
	return r;
}

/* The block has a parameter of that entry's name. */
static bool has_name(struct span block, const char *entry)
{
	size_t len = strcspn(entry, "=") + 1, at = 0;

	for (; at < block.len; at += strlen(block.ptr + at) + 1)
		if (strncmp(block.ptr + at, entry, len) == 0)
			return true;
	return false;
}

struct request *ws_head_again(const struct ws_handshake *h, struct span further)
{
	struct buf params;
	struct request *r;

	buf_init(&params, MAX_REQUEST_HEAD * 2);
	buf_span_add(&params, further);
	/* what was said anew counts, not what was said when it was opened */
	for (size_t at = 0; at < h->params_len; ) {
		const char *entry = h->params + at;
		size_t len = strlen(entry) + 1;

		if (!has_name(further, entry))
			buf_add(&params, entry, len);
		at += len;
	}
	put(&params, "REQUEST_METHOD", SPAN("POST"));
	put(&params, "CONTENT_TYPE", SPAN("application/json"));
	/* no client can set it: what clients send begins with HTTP_ */
	put(&params, "CHATMOCK_WEBSOCKET", SPAN("1"));
	r = request_of(&params);
	buf_free(&params);
	return r;
}
