/*
 * ws_frames.c - see ws_frames.h. The only file that includes <wslay/wslay.h>.
 *
 * libwslay's layer of single frames is used, not its layer of events: that one
 * allocates for each frame that a client cuts a message into.
 */
#include <wslay/wslay.h>

#include "../../shared/text.h"
#include "ws_frames.h"

#define MAX_CONTROL_TEXT 125

struct frames {
	wslay_frame_context_ptr wslay;
	frames_read_fn read;
	void *ctx;
	size_t max;
	struct buf *out;		/* while a frame is written */
	struct buf message;		/* so far */
	bool in_message, in_frame;
	uint64_t left;			/* of the frame's text */
	unsigned char control[MAX_CONTROL_TEXT + 1];
	size_t control_len;
};

static ssize_t on_read(uint8_t *to, size_t len, int flags, void *user)
{
	struct frames *f = user;

	(void)flags;
	return (ssize_t)f->read(f->ctx, to, len);
}

static ssize_t on_write(const uint8_t *bytes, size_t len, int flags, void *user)
{
	struct frames *f = user;

	(void)flags;
	buf_add(f->out, bytes, len);
	return (ssize_t)len;
}

struct frames *frames_new(frames_read_fn read, void *ctx, size_t max_message)
{
	static const struct wslay_frame_callbacks callbacks = {
		.send_callback = on_write, .recv_callback = on_read,
	};
	struct frames *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->read = read;
	f->ctx = ctx;
	f->max = max_message;
	/* a byte more, for the NUL of who takes it */
	buf_init(&f->message, max_message + 1);
	if (wslay_frame_context_init(&f->wslay, &callbacks, f)) {
		free(f);
		return NULL;
	}
	return f;
}

void frames_free(struct frames *f)
{
	if (!f)
		return;
	wslay_frame_context_free(f->wslay);
	buf_free(&f->message);
	free(f);
}

void frames_take(struct frames *f, struct buf *into)
{
	*into = f->message;
	buf_init(&f->message, f->max + 1);
}

size_t frames_half(const struct frames *f)
{
	return f->message.len;
}

/* --- in */

static enum frames_event bad(struct frames_got *got, unsigned code, const char *why)
{
	*got = (struct frames_got){ SPAN(""), code, why };
	return FRAMES_BAD;
}

/* The first bytes of a frame: may it come now? */
static enum frames_event frame_begins(struct frames *f,
				      const struct wslay_frame_iocb *io,
				      struct frames_got *got)
{
	bool control = wslay_is_ctrl_frame(io->opcode);

	if (!io->mask)
		return bad(got, WS_PROTOCOL, "a frame without a mask");
	if (io->rsv)
		return bad(got, WS_PROTOCOL, "a reserved bit is set");
	if (io->opcode == WSLAY_BINARY_FRAME)
		return bad(got, WS_UNSUPPORTED, "text is taken, binary is not");
	if (io->opcode > WSLAY_PONG || (io->opcode > WSLAY_BINARY_FRAME && !control))
		return bad(got, WS_PROTOCOL, "an unknown opcode");
	if (!control && (io->opcode == WSLAY_CONTINUATION_FRAME) != f->in_message)
		return bad(got, WS_PROTOCOL, "fragments out of order");
	if (!control && io->payload_length > f->max - f->message.len)
		return bad(got, WS_TOO_BIG, "the message is too large");
	f->in_frame = true;
	f->left = io->payload_length;
	f->control_len = control ? 0 : f->control_len;
	f->in_message |= !control;
	return FRAMES_NONE;
}

static enum frames_event read_close(const struct frames *f, struct frames_got *got)
{
	unsigned code = f->control_len < 2 ? 0 :
			(unsigned)f->control[0] << 8 | f->control[1];

	got->code = WS_NO_CODE;
	if (!f->control_len)
		return FRAMES_CLOSE;
	if (!((code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
	       code != 1006) || (code >= 3000 && code <= 4999)))
		return bad(got, WS_PROTOCOL, "no code to close with");
	got->text = (struct span){ (const char *)f->control + 2, f->control_len - 2 };
	if (!utf8_valid(got->text))
		return bad(got, WS_BAD_TEXT, "the reason is not UTF-8");
	got->code = code;
	return FRAMES_CLOSE;
}

static enum frames_event frame_ends(struct frames *f,
				    const struct wslay_frame_iocb *io,
				    struct frames_got *got)
{
	f->in_frame = false;
	if (io->opcode == WSLAY_CONNECTION_CLOSE)
		return read_close(f, got);
	got->text = (struct span){ (const char *)f->control, f->control_len };
	if (wslay_is_ctrl_frame(io->opcode))
		return io->opcode == WSLAY_PING ? FRAMES_PING : FRAMES_PONG;
	if (!io->fin)
		return FRAMES_NONE;
	f->in_message = false;
	got->text = buf_span(&f->message);
	return FRAMES_TEXT;
}

/* Some of a frame. */
static enum frames_event take(struct frames *f, const struct wslay_frame_iocb *io,
			      struct frames_got *got)
{
	enum frames_event ev;

	if (!f->in_frame) {
		ev = frame_begins(f, io, got);
		if (ev)
			return ev;
	}
	if (wslay_is_ctrl_frame(io->opcode)) {
		/* libwslay lets none be longer */
		if (io->data_length > MAX_CONTROL_TEXT - f->control_len)
			return bad(got, WS_PROTOCOL, "a long control frame");
		memcpy(f->control + f->control_len, io->data, io->data_length);
		f->control_len += io->data_length;
	} else {
		buf_add(&f->message, io->data, io->data_length);
		if (buf_err(&f->message))
			return bad(got, WS_INTERNAL, "no memory");
	}
	f->left -= io->data_length;
	return f->left ? FRAMES_NONE : frame_ends(f, io, got);
}

enum frames_event frames_next(struct frames *f, struct frames_got *got)
{
	struct wslay_frame_iocb io;
	enum frames_event ev;
	ssize_t n;

	*got = (struct frames_got){ .text = SPAN(""), .why = "" };
	if (!f->in_message && f->message.len)
		buf_free(&f->message);		/* told, and not taken */
	for (;;) {
		memset(&io, 0, sizeof(io));
		n = wslay_frame_recv(f->wslay, &io);
		if (n == WSLAY_ERR_WANT_READ)
			return FRAMES_NONE;
		if (n < 0)
			return bad(got, WS_PROTOCOL, "a malformed frame");
		ev = take(f, &io, got);
		if (ev)
			return ev;
	}
}

/* --- out */

static void put(struct frames *f, struct buf *out, uint8_t opcode, struct span text)
{
	struct wslay_frame_iocb io = {
		.fin = 1, .opcode = opcode, .payload_length = text.len,
		.data = (const uint8_t *)text.ptr, .data_length = text.len,
	};

	f->out = out;
	/* it gives back what on_write() took: all */
	(void)wslay_frame_send(f->wslay, &io);
	f->out = NULL;
}

void frames_text(struct frames *f, struct buf *out, struct span text)
{
	put(f, out, WSLAY_TEXT_FRAME, text);
}

void frames_ping(struct frames *f, struct buf *out)
{
	put(f, out, WSLAY_PING, SPAN(""));
}

void frames_pong(struct frames *f, struct buf *out, struct span text)
{
	put(f, out, WSLAY_PONG, text);
}

void frames_close(struct frames *f, struct buf *out, unsigned code,
		  const char *why)
{
	char text[MAX_CONTROL_TEXT];
	size_t len = strlen(why);

	if (code == WS_NO_CODE) {
		put(f, out, WSLAY_CONNECTION_CLOSE, SPAN(""));
		return;
	}
	len = len < sizeof(text) - 2 ? len : sizeof(text) - 2;
	text[0] = (char)(code >> 8);
	text[1] = (char)code;
	memcpy(text + 2, why, len);
	put(f, out, WSLAY_CONNECTION_CLOSE, (struct span){ text, len + 2 });
}
