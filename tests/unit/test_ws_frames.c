/*
 * test_ws_frames.c - frames in and out: messages in fragments, control frames
 * between them, all that breaks the protocol, and every cut of the bytes.
 */
#include "../../fcgi/wire/ws_frames.h"
#include "test.h"
#include "ws_help.h"

#define MAX 70000

struct source {
	struct span bytes;
	size_t step;		/* bytes at a time; it says "none now" between */
	bool paused;
};

static size_t on_read(void *ctx, void *to, size_t len)
{
	struct source *s = ctx;
	size_t n = s->step < s->bytes.len ? s->step : s->bytes.len;

	s->paused = !s->paused;
	if (s->paused && s->step < 100000)
		return 0;
	n = n < len ? n : len;
	if (n)
		memcpy(to, s->bytes.ptr, n);
	s->bytes.ptr += n;
	s->bytes.len -= n;
	return n;
}

/* All that comes of the bytes, in words. */
static void tell(struct span bytes, size_t step, struct buf *out)
{
	struct source src = { bytes, step, false };
	struct frames *f = frames_new(on_read, &src, MAX);
	struct frames_got got;
	int idle = 0;

	while (idle < 3) {
		enum frames_event ev = frames_next(f, &got);

		idle = ev == FRAMES_NONE && !src.bytes.len ? idle + 1 : 0;
		if (ev == FRAMES_TEXT && got.text.len > 60)
			buf_fmt(out, "text of %zu ", got.text.len);
		else if (ev == FRAMES_TEXT)
			buf_fmt(out, "text(%s) ", got.text.ptr);
		else if (ev == FRAMES_PING || ev == FRAMES_PONG)
			buf_fmt(out, "%s(%.*s) ", ev == FRAMES_PING ? "ping" : "pong",
				(int)got.text.len, got.text.ptr);
		else if (ev == FRAMES_CLOSE)
			buf_fmt(out, "close %u ", got.code);
		else if (ev == FRAMES_BAD)
			buf_fmt(out, "bad %u: %s ", got.code, got.why);
		if (ev == FRAMES_BAD || ev == FRAMES_CLOSE)
			break;
	}
	frames_free(f);
}

static void expect(struct buf *bytes, const char *want)
{
	struct buf once;
	struct buf said;

	buf_init(&once, 1 << 16);
	buf_init(&said, 1 << 16);
	tell(buf_span(bytes), 1 << 20, &once);
	check_str(buf_span(&once), want);
	/* at each cut the same */
	for (size_t step = 1; step < 7; step++) {
		if (bytes->len > 5000 && step < 5)
			continue;
		buf_reset(&said);
		tell(buf_span(bytes), step, &said);
		check_str(buf_span(&said), want);
	}
	buf_reset(bytes);
	buf_free(&once);
	buf_free(&said);
}

static void put_close(struct buf *b, unsigned code, const char *why)
{
	char text[128];
	size_t len = strlen(why);

	text[0] = (char)(code >> 8);
	text[1] = (char)code;
	memcpy(text + 2, why, len);
	client_frame(b, FIN | CLOSE, (struct span){ text, len + 2 });
}

static void good(struct buf *b)
{
	static const unsigned codes[] = { 1000, 1001, 1002, 1003, 1007, 1011, 1012,
					  1014, 3000, 4999 };
	struct buf big;
	char want[40];

	client_frame(b, FIN | TEXT, SPAN("{\"a\":1}"));
	client_frame(b, FIN | PING, SPAN("x"));
	client_frame(b, FIN | TEXT, SPAN(""));
	client_frame(b, FIN | PONG, SPAN(""));
	expect(b, "text({\"a\":1}) ping(x) text() pong() ");
	client_frame(b, TEXT, SPAN("one "));
	client_frame(b, CONT, SPAN(""));
	client_frame(b, FIN | PING, SPAN("between"));
	client_frame(b, CONT, SPAN("two "));
	client_frame(b, FIN | CONT, SPAN("three"));
	client_frame(b, FIN | TEXT, SPAN("next"));
	expect(b, "ping(between) text(one two three) text(next) ");
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		put_close(b, codes[i], i ? "" : "Gr\xc3\xbc\xc3\x9f");
		snprintf(want, sizeof(want), "close %u ", codes[i]);
		expect(b, want);
	}
	client_frame(b, FIN | CLOSE, SPAN(""));
	expect(b, "close 1005 ");
	/* each way to write a length */
	buf_init(&big, MAX + 10);
	for (size_t len = 0; len < MAX; len++)
		buf_char(&big, 'x');
	client_frame(b, FIN | TEXT, (struct span){ big.ptr, 125 });
	client_frame(b, FIN | TEXT, (struct span){ big.ptr, 126 });
	client_frame(b, FIN | TEXT, (struct span){ big.ptr, 65535 });
	client_frame(b, FIN | TEXT, (struct span){ big.ptr, MAX });
	expect(b, "text of 125 text of 126 text of 65535 text of 70000 ");
	client_frame(b, TEXT, (struct span){ big.ptr, 65535 });
	client_frame(b, FIN | CONT, (struct span){ big.ptr, MAX - 65535 + 1 });
	expect(b, "bad 1009: the message is too large ");
	buf_free(&big);
}

static void wrong(struct buf *b)
{
	static const unsigned codes[] = { 0, 999, 1004, 1005, 1006, 1015, 2999, 5000 };
	static const unsigned opcodes[] = { 3, 4, 7, 11, 15 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		put_close(b, codes[i], "");
		expect(b, "bad 1002: no code to close with ");
	}
	client_frame(b, FIN | CLOSE, SPAN("\x03"));
	expect(b, "bad 1002: no code to close with ");
	put_close(b, 1000, "\xff");
	expect(b, "bad 1007: the reason is not UTF-8 ");
	for (size_t i = 0; i < ARRAY_LEN(opcodes); i++) {
		client_frame(b, FIN | opcodes[i], SPAN("x"));
		expect(b, "bad 1002: an unknown opcode ");
	}
	client_frame(b, FIN | BINARY, SPAN("x"));
	expect(b, "bad 1003: text is taken, binary is not ");
	for (unsigned rsv = 0x10; rsv <= 0x40; rsv <<= 1) {
		client_frame(b, FIN | rsv | TEXT, SPAN("x"));
		expect(b, "bad 1002: a reserved bit is set ");
	}
	client_frame(b, FIN | CONT, SPAN("x"));
	expect(b, "bad 1002: fragments out of order ");
	client_frame(b, TEXT, SPAN("x"));
	client_frame(b, FIN | TEXT, SPAN("y"));
	expect(b, "bad 1002: fragments out of order ");
	client_frame(b, PING, SPAN("x"));
	expect(b, "bad 1002: a malformed frame ");
	buf_add(b, "\x89\xfe\x00\x7e____", 8);
	expect(b, "bad 1002: a malformed frame ");
	buf_add(b, "\x81\xfe\x00\x05____", 8);		/* 5, in two bytes */
	expect(b, "bad 1002: a malformed frame ");
	buf_add(b, "\x81\xff\x80\0\0\0\0\0\0\0____", 14);
	expect(b, "bad 1002: a malformed frame ");
	buf_add(b, "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff____x", 15);
	expect(b, "bad 1009: the message is too large ");
	buf_add(b, "\x81\x02hi", 4);
	expect(b, "bad 1002: a frame without a mask ");
}

static void out(void)
{
	struct source none = { SPAN(""), 1, false };
	struct frames *f = frames_new(on_read, &none, MAX);
	struct span rest, text;
	struct buf b, big;
	unsigned first;

	buf_init(&b, 1 << 20);
	buf_init(&big, MAX + 10);
	for (size_t len = 0; len < MAX; len++)
		buf_char(&big, 'x');
	frames_text(f, &b, SPAN("hello"));
	frames_ping(f, &b);
	frames_pong(f, &b, SPAN("again"));
	frames_text(f, &b, (struct span){ big.ptr, 126 });
	frames_text(f, &b, buf_span(&big));
	frames_close(f, &b, WS_NO_CODE, "not said");
	frames_close(f, &b, WS_GOING_AWAY, "bye");
	/* no longer than a control frame may be */
	frames_close(f, &b, WS_INTERNAL, big.ptr);
	rest = buf_span(&b);
	check(server_frame(&rest, &first, &text) && first == (FIN | TEXT));
	check_str(text, "hello");
	check(server_frame(&rest, &first, &text) && first == (FIN | PING) && !text.len);
	check(server_frame(&rest, &first, &text) && first == (FIN | PONG));
	check_str(text, "again");
	check(server_frame(&rest, &first, &text) && text.len == 126);
	check(server_frame(&rest, &first, &text) && text.len == MAX);
	check(server_frame(&rest, &first, &text) && first == (FIN | CLOSE) && !text.len);
	check(server_frame(&rest, &first, &text));
	check_str(text, "\x03\xe9" "bye");
	check(server_frame(&rest, &first, &text) && text.len == 125);
	check_int((int64_t)rest.len, 0);
	buf_free(&big);
	buf_free(&b);
	frames_free(f);
}

int main(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	good(&b);
	wrong(&b);
	out();
	buf_free(&b);
	frames_free(NULL);
	return test_end("test_ws_frames");
}
