#include "talk.h"

#include "../../shared/clock.h"
#include "../../shared/http.h"
#include "../../shared/text.h"

#define CONNECT_MS	2000
#define MAX_REFUSAL	(1u << 20)
#define MAX_KEY		4096

struct talking {
	struct talk *t;
	struct loop *loop;
	struct http_call *call;
	struct loop_timer timer;
};

static void on_head(void *ctx, struct http_call *call, int status)
{
	struct talking *g = ctx;

	g->t->status = status;
	text_copy(g->t->request_id, sizeof(g->t->request_id),
		  http_header(call, "x-request-id"));
}

static bool on_bytes(void *ctx, struct http_call *call, struct span bytes)
{
	struct talking *g = ctx;

	(void)call;
	if (g->t->status == 200)
		g->t->bytes(g->t->ctx, bytes);
	else
		buf_span_add(&g->t->refusal, bytes);
	return true;
}

static void on_done(void *ctx, enum err code, const char *why)
{
	struct talking *g = ctx;

	g->call = NULL;
	if (code)
		err_set(&g->t->note, code, "%s", why);
	loop_stop(g->loop);
}

static void on_time(struct loop_timer *timer)
{
	struct talking *g = CONTAINER_OF(timer, struct talking, timer);

	http_cancel(g->call);
	g->call = NULL;
	err_set(&g->t->note, ERR_UPSTREAM_TOTAL, "there was no whole answer "
		"within %lld s", (long long)(g->t->timeout_us / 1000000));
	loop_stop(g->loop);
}

static void begin(struct talking *g, struct http *http)
{
	static const struct http_handler handler = { on_head, on_bytes, on_done };
	char key[MAX_KEY];
	const char *headers[2] = { "Content-Type: application/json", key };
	struct http_request r = {
		.method = "POST", .url = g->t->url, .body = g->t->body,
		.headers = headers, .header_count = g->t->key ? 2 : 1,
	};

	if (g->t->key && snprintf(key, sizeof(key), "Authorization: Bearer %s",
				  g->t->key) >= (int)sizeof(key)) {
		err_set(&g->t->note, ERR_CONFIG, "the key is too long");
		return;
	}
	g->call = http_start(http, &r, &handler, g);
	explicit_bzero(key, sizeof(key));
	if (!g->call)
		err_set(&g->t->note, ERR_CONFIG, "%.150s is no URL that can be "
			"called", g->t->url);
	else if (!loop_timer_in(g->loop, &g->timer, g->t->timeout_us) ||
		 loop_run(g->loop))
		err_set(&g->t->note, ERR_SYSTEM, "the event loop failed");
}

void talk(struct talk *t)
{
	const struct http_settings settings = {
		.connect_timeout_ms = CONNECT_MS, .max_calls = 1,
		.user_agent = "chatmock/" CHATMOCK_VERSION, .version = HTTP_1_1,
	};
	struct talking g = { .t = t, .timer = { .fn = on_time } };
	int64_t begun_us = clock_mono_us();
	struct http *http = NULL;

	t->note = ERR_NOTE_INIT;
	t->status = 0;
	buf_init(&t->refusal, MAX_REFUSAL);
	g.loop = loop_new();
	if (g.loop)
		http = http_new(g.loop, &settings);
	if (http)
		begin(&g, http);
	else
		err_set(&t->note, ERR_NO_MEMORY, "out of memory");
	t->took_us = clock_mono_us() - begun_us;
	http_free(http);
	loop_free(g.loop);
}

void talk_free(struct talk *t)
{
	if (t->refusal.ptr)
		buf_free(&t->refusal);
}

void talk_base(const struct config *c, char *out, size_t size)
{
	const char *host = c->bind;
	bool bare6;

	/* where it listens everywhere, this machine is somewhere */
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0 || strcmp(host, "[::]") == 0)
		host = "[::1]";
	bare6 = strchr(host, ':') && host[0] != '[';
	snprintf(out, size, "http://%s%s%s:%lld", bare6 ? "[" : "", host,
		 bare6 ? "]" : "", (long long)c->port);
}
