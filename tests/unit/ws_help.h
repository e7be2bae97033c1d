/*
 * ws_help.h - the client's side of WebSocket frames, for tests.
 */
#ifndef CHATMOCK_WS_HELP_H
#define CHATMOCK_WS_HELP_H

#include "../../shared/buf.h"

enum { FIN = 0x80, CONT = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* A frame as clients send it: first is its first byte; masked. */
static inline void client_frame(struct buf *b, unsigned first, struct span text)
{
	static const unsigned char mask[4] = { 0x12, 0xfe, 0x00, 0x9c };

	buf_char(b, (char)first);
	if (text.len < 126) {
		buf_char(b, (char)(0x80 | text.len));
	} else if (text.len < 65536) {
		buf_char(b, (char)(0x80 | 126));
		buf_char(b, (char)(text.len >> 8));
		buf_char(b, (char)text.len);
	} else {
		buf_char(b, (char)(0x80 | 127));
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_char(b, (char)((uint64_t)text.len >> shift));
	}
	buf_add(b, mask, 4);
	for (size_t i = 0; i < text.len; i++)
		buf_char(b, (char)(text.ptr[i] ^ mask[i % 4]));
}

/* The server's frame at the front of *rest, which moves on. False: not all of
 * it is there. */
static inline bool server_frame(struct span *rest, unsigned *first,
				struct span *text)
{
	const unsigned char *p = (const unsigned char *)rest->ptr;
	size_t head = 2, len;

	if (rest->len < 2)
		return false;
	*first = p[0];
	len = p[1];		/* no mask */
	if (len == 126 || len == 127) {
		size_t more = len == 126 ? 2 : 8;

		if (rest->len < 2 + more)
			return false;
		len = 0;
		for (size_t i = 0; i < more; i++)
			len = len << 8 | p[2 + i];
		head += more;
	}
	if (rest->len < head || rest->len - head < len)
		return false;
	*text = (struct span){ rest->ptr + head, len };
	rest->ptr += head + len;
	rest->len -= head + len;
	return true;
}

#endif
