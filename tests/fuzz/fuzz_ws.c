/*
 * fuzz_ws.c - what a WebSocket's client sends: a handshake, frames however
 * they are cut, messages.
 *
 * The first byte says which, and how the frames are cut.
 */
#include "../../fcgi/wire/ws_create.h"
#include "../../fcgi/wire/ws_frames.h"
#include "../../fcgi/wire/ws_head.h"
#include "../../shared/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_MESSAGE 5000

/* --- frames */

struct source {
	struct span bytes;
	size_t step;
};

static size_t on_read(void *ctx, void *to, size_t len)
{
	struct source *s = ctx;
	size_t n = s->step < s->bytes.len ? s->step : s->bytes.len;

	n = n < len ? n : len;
	if (n)
		memcpy(to, s->bytes.ptr, n);
	s->bytes.ptr += n;
	s->bytes.len -= n;
	return n;
}

static void run_frames(struct span bytes, size_t step, struct buf *log)
{
	struct source src = { bytes, step };
	struct frames *f = frames_new(on_read, &src, MAX_MESSAGE);
	enum frames_event ev = FRAMES_NONE;
	struct frames_got got;

	if (!f)
		abort();
	while (ev != FRAMES_BAD && ev != FRAMES_CLOSE) {
		ev = frames_next(f, &got);
		if (ev == FRAMES_NONE && !src.bytes.len)
			break;
		if (got.text.len > MAX_MESSAGE || frames_half(f) > MAX_MESSAGE)
			abort();
		if (ev == FRAMES_NONE)
			continue;
		buf_fmt(log, "%d %u %s ", ev, got.code, got.why ? got.why : "");
		buf_span_add(log, got.text);
		if (ev == FRAMES_PING)
			frames_pong(f, log, got.text);
	}
	frames_free(f);
}

static void frames(struct span bytes, size_t step)
{
	struct buf once, cut;

	buf_init(&once, 64u << 20);
	buf_init(&cut, 64u << 20);
	run_frames(bytes, SIZE_MAX, &once);
	run_frames(bytes, step, &cut);
	if (once.len != cut.len || memcmp(once.ptr, cut.ptr, cut.len) != 0)
		abort();
	buf_free(&once);
	buf_free(&cut);
}

/* --- the handshake */

static void head(struct span bytes)
{
	struct ws_handshake h;
	size_t end = ws_head_end(bytes, 0);
	struct request *r;

	if (!end)
		return;
	r = ws_head_read((struct span){ bytes.ptr, end }, &h);
	if (!r || (r->note.code && h.accept[0]))
		abort();
	if (request_param(r, "CHATMOCK_WEBSOCKET"))
		abort();
	request_free(r);
	if (h.params) {
		r = ws_head_again(&h, (struct span){ "HTTP_HOST=a", 12 });
		if (!r || strcmp(request_param(r, "HTTP_HOST"), "a") != 0)
			abort();
		request_free(r);
	}
	free(h.params);
}

/* --- a message: what it becomes is JSON */

static void message(struct span bytes)
{
	struct err_note note = ERR_NOTE_INIT;
	struct ws_create c;
	struct json_object *root;
	struct buf out;

	ws_create_init(&c);
	buf_init(&out, 1u << 20);
	buf_span_add(&c.text, bytes);
	buf_str(&c.memory.input, "{\"a\":1}");
	buf_str(&c.memory.end, "{\"response\":{\"output\":[{\"b\":2}]}}");
	memcpy(c.memory.id, "r", 2);
	ws_create_read(&c);
	if (c.wants == WS_IS_WRONG)
		ws_put_wrong(&out, &c.note);
	else if (c.wants == WS_WANTS_RESPONSE)
		buf_span_add(&out, buf_span(&c.body));
	if (out.len) {
		root = json_parse(buf_span(&out), &note);
		if (!root && note.code != ERR_TOO_LARGE)
			abort();
		json_object_put(root);
	}
	(void)ws_is_processed(bytes);
	buf_free(&out);
	ws_create_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes;

	if (!size)
		return 0;
	bytes = (struct span){ (const char *)data + 1, size - 1 };
	switch (data[0] % 4) {
	case 0:
		head(bytes);
		break;
	case 1:
		message(bytes);
		break;
	default:
		frames(bytes, (size_t)(data[0] >> 2) % 40 + 1);
	}
	return 0;
}
