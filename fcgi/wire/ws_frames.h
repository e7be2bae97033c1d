/*
 * ws_frames.h - WebSocket frames (RFC 6455): bytes in, messages out.
 *
 * Frames come and go through libwslay, which checks them one by one; this
 * module puts messages together and keeps to the rules between frames. It
 * reads through a function of the caller's, as much as it wants at a time,
 * and writes to a buf. Nothing is allocated per frame.
 *
 * What breaks the protocol is FRAMES_BAD, with the code to close with; nothing
 * more is to be asked of frames_next() then.
 */
#ifndef CHATMOCK_WS_FRAMES_H
#define CHATMOCK_WS_FRAMES_H

#include "../../shared/buf.h"

enum ws_code {
	WS_NORMAL = 1000, WS_GOING_AWAY = 1001, WS_PROTOCOL = 1002,
	WS_UNSUPPORTED = 1003, WS_NO_CODE = 1005, WS_BAD_TEXT = 1007,
	WS_POLICY = 1008, WS_TOO_BIG = 1009, WS_INTERNAL = 1011, WS_LATER = 1013
};

enum frames_event {
	FRAMES_NONE,		/* the reader has nothing now */
	FRAMES_TEXT,		/* a whole message; not yet proven to be UTF-8 */
	FRAMES_PING,		/* text: what a pong has to repeat */
	FRAMES_PONG,
	FRAMES_CLOSE,		/* code: theirs, WS_NO_CODE when they gave none */
	FRAMES_BAD		/* code: to be said; why: in a few words */
};

/* At most len bytes into to; 0: none now. */
typedef size_t (*frames_read_fn)(void *ctx, void *to, size_t len);

struct frames;
struct frames *frames_new(frames_read_fn read, void *ctx, size_t max_message);
void frames_free(struct frames *f);		/* NULL is fine */

struct frames_got {
	struct span text;	/* borrowed until the next call */
	unsigned code;
	const char *why;
};
enum frames_event frames_next(struct frames *f, struct frames_got *got);

/* The message of FRAMES_TEXT becomes the caller's; into must be empty. */
void frames_take(struct frames *f, struct buf *into);

/* Bytes of the message that is being put together. */
size_t frames_half(const struct frames *f);

/* Append a frame to out. */
void frames_text(struct frames *f, struct buf *out, struct span text);
void frames_ping(struct frames *f, struct buf *out);
void frames_pong(struct frames *f, struct buf *out, struct span text);
void frames_close(struct frames *f, struct buf *out, unsigned code,
		  const char *why);

#endif
