/* load.h - what load.c (the run) and load_conn.c (one connection) share. */
#ifndef CHATMOCK_LOAD_H
#define CHATMOCK_LOAD_H

#include <arpa/inet.h>

#include "../../shared/buf.h"

#define MAX_SAMPLES (4u << 20)

enum phase { CLOSED, CONNECTING, HEAD, BODY };
enum chunk { CHUNK_SIZE, CHUNK_DATA, CHUNK_END };

struct conn {
	int fd;
	enum phase phase;
	bool chunked;
	enum chunk chunk;
	size_t left;		/* of the chunk, or of Content-Length */
	int status;
	int64_t sent_us;
	long next;		/* sequence number expected */
	bool first_seen, ended;
	struct buf line;
};

struct load {
	const char *mode, *path;
	struct sockaddr_in to;
	bool chat, stream;
	long n, conns, ramp, seconds, body_bytes;
	struct buf request;
	int ep;
	struct conn *all;
	long started, answered, finished, errors, events, lost, connected_max, open;
	int64_t window_us;	/* below 0 while it lasts: less its begin */
	long window_events;
	uint32_t *ttft, *delay;
	size_t ttft_count, delay_count;
};

/* Connects and asks; false when there is no socket to be had. */
bool conn_open(struct load *l, struct conn *c);
void conn_close(struct load *l, struct conn *c);
void conn_ready(struct load *l, struct conn *c, uint32_t events);

#endif
