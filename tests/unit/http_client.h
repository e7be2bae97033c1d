/*
 * http_client.h - a call of http.h that notes what it is told.
 */
#ifndef CHATMOCK_TEST_HTTP_CLIENT_H
#define CHATMOCK_TEST_HTTP_CLIENT_H

#include "../../shared/buf.h"
#include "../../shared/clock.h"
#include "../../shared/http.h"
#include "../../shared/loop.h"

static struct loop *loop;

struct client {
	struct http_call *call;
	int status;
	struct buf body;
	size_t bytes;
	int heads, pieces, dones;
	enum err code;
	char why[256];
	bool hold;			/* refuse bytes */
	int64_t done_at;
	/* hooks, run inside the callbacks */
	void (*at_head)(struct client *c);
	void (*at_bytes)(struct client *c);
	void (*at_done)(struct client *c);
	struct client *other;
	bool stop_on_hold;
};

static int clients_running;

static void client_head(void *ctx, struct http_call *call, int status)
{
	struct client *c = ctx;

	(void)call;
	c->heads++;
	c->status = status;
	if (c->at_head)
		c->at_head(c);
}

static bool client_bytes(void *ctx, struct http_call *call, struct span bytes)
{
	struct client *c = ctx;

	(void)call;
	if (c->hold) {
		if (c->stop_on_hold)
			loop_stop(loop);
		return false;
	}
	c->pieces++;
	c->bytes += bytes.len;
	buf_span_add(&c->body, bytes);
	if (c->at_bytes)
		c->at_bytes(c);
	return true;
}

static void client_done(void *ctx, enum err code, const char *why)
{
	struct client *c = ctx;

	c->dones++;
	c->code = code;
	c->done_at = clock_mono_us();
	snprintf(c->why, sizeof(c->why), "%s", why);
	if (c->at_done)
		c->at_done(c);
	c->call = NULL;
	if (!--clients_running)
		loop_stop(loop);
}

static const struct http_handler client_handler = {
	client_head, client_bytes, client_done
};

static void client_init(struct client *c)
{
	*c = (struct client){ 0 };
	buf_init(&c->body, 64u << 20);
}

static bool client_start(struct client *c, struct http *h,
			 const struct http_request *r)
{
	c->call = http_start(h, r, &client_handler, c);
	clients_running += c->call != NULL;
	return c->call != NULL;
}

static inline bool client_get(struct client *c, struct http *h, const char *url)
{
	struct http_request r = { .method = "GET", .url = url };

	return client_start(c, h, &r);
}

static inline void client_cancel(struct client *c)
{
	if (c->call && !c->dones)
		clients_running--;
	http_cancel(c->call);
	c->call = NULL;
}

static void on_limit(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

/* Until all clients are done or one stops the loop, for so long at the most. */
static void run(int64_t ms)
{
	struct loop_timer t = { .fn = on_limit };

	loop_timer_in(loop, &t, ms * 1000);
	loop_run(loop);
	loop_timer_cancel(loop, &t);
}

#endif
