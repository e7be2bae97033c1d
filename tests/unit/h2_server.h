/*
 * h2_server.h - HTTP/2's other end for a unit test.
 *
 * It knows just enough of RFC 9113: it answers the n-th stream as the n-th
 * word of the plan says.
 */
#ifndef CHATMOCK_TEST_H2_SERVER_H
#define CHATMOCK_TEST_H2_SERVER_H

#include "http_server.h"
#include "tls_server.h"

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum { INTERNAL_ERROR = 2, REFUSED_STREAM = 7 };

enum plan {
	HELLO,		/* and that is all */
	SILENT,		/* not even headers */
	BEGUN,		/* headers, then nothing */
	FLOOD,		/* FLOOD_LEN bytes without a pause */
	DELUGE,		/* more than may be held */
	BROKEN,		/* reset in the middle */
	REFUSED,	/* reset before anything */
	DROP,		/* the connection is closed */
};
enum { FLOOD_LEN = 1500 * 1024, DELUGE_LEN = 6 << 20, FRAME = 16384 };

static enum plan plan[100];
static _Atomic int plan_at, resets, connections, most_streams;
static _Atomic int64_t reset_at;

static bool frame(SSL *tls, int type, int flags, uint32_t stream, const void *body,
		  size_t len)
{
	unsigned char h[9] = {
		(unsigned char)(len >> 16), (unsigned char)(len >> 8),
		(unsigned char)len, (unsigned char)type, (unsigned char)flags,
		(unsigned char)(stream >> 24), (unsigned char)(stream >> 16),
		(unsigned char)(stream >> 8), (unsigned char)stream,
	};

	return tls_send(tls, h, sizeof(h)) && tls_send(tls, body, len);
}

static void pour(SSL *tls, uint32_t stream, size_t len)
{
	static char block[FRAME];

	memset(block, 'x', sizeof(block));
	for (size_t at = 0; at < len; at += FRAME)
		if (!frame(tls, DATA, at + FRAME >= len ? END_STREAM : 0, stream,
			   block, len - at < FRAME ? len - at : FRAME))
			return;
}

/* False: close. */
static bool answer(SSL *tls, uint32_t stream)
{
	static const unsigned char ok[] = { 0x88 };	/* :status 200 */
	unsigned char why[4] = { 0, 0, 0, INTERNAL_ERROR };
	enum plan p = plan[atomic_fetch_add(&plan_at, 1) % 100];

	if (p == DROP)
		return false;
	if (p == REFUSED)
		why[3] = REFUSED_STREAM;
	if (p != SILENT && p != REFUSED)
		frame(tls, HEADERS, END_HEADERS, stream, ok, sizeof(ok));
	if (p == HELLO)
		frame(tls, DATA, END_STREAM, stream, "hello", 5);
	if (p == BEGUN || p == BROKEN)
		frame(tls, DATA, 0, stream, "hel", 3);
	if (p == BROKEN || p == REFUSED)
		frame(tls, RST_STREAM, 0, stream, why, sizeof(why));
	if (p == FLOOD || p == DELUGE)
		pour(tls, stream, p == FLOOD ? FLOOD_LEN : DELUGE_LEN);
	return true;
}

static void *talk(void *arg)
{
	int fd = (int)(intptr_t)arg;
	SSL *tls = tls_accept(fd);
	unsigned char h[9], body[1 << 16];
	int streams = 0;

	if (!tls || !tls_read(tls, body, 24) || !frame(tls, SETTINGS, 0, 0, "", 0))
		goto out;
	while (tls_read(tls, h, sizeof(h))) {
		size_t len = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
		uint32_t stream = (uint32_t)h[7] << 8 | h[8];

		if (len > sizeof(body) || !tls_read(tls, body, len))
			break;
		if (h[3] == SETTINGS && !(h[4] & ACK))
			frame(tls, SETTINGS, ACK, 0, "", 0);
		if (h[3] == PING && !(h[4] & ACK))
			frame(tls, PING, ACK, 0, body, len);
		if (h[3] == RST_STREAM) {
			atomic_store(&reset_at, clock_mono_us());
			atomic_fetch_add(&resets, 1);
		}
		if (h[3] != HEADERS)
			continue;
		if (++streams > atomic_load(&most_streams))
			atomic_store(&most_streams, streams);
		if (!answer(tls, stream))
			break;
	}
out:
	tls_end(tls);
	close(fd);
	return NULL;
}

static void *listen_main(void *arg)
{
	int listener = (int)(intptr_t)arg, fd, one = 1;
	pthread_t t;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		atomic_fetch_add(&connections, 1);
		if (pthread_create(&t, NULL, talk, (void *)(intptr_t)fd))
			abort();
		pthread_detach(t);
	}
	return NULL;
}

#endif
