/*
 * bench.c - streams for the benchmark, as cheap as they can be.
 *
 * Each delta is "<number>:<monotonic us> ", so that who reads it sees loss,
 * order and delay. How many, how far apart and after what delay: the command
 * line, or the words bench-events=, bench-interval-us= and bench-delay-us=
 * anywhere in the request's body (a prompt passes through any gateway).
 */
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "upstream.h"

#define MAX_TEXT (64u << 10)	/* a longer answer ends without its text */

struct bench {
	long next, events;
	int64_t due, interval_us;
	struct buf text;
	bool begun;
};

static const char head[] =
	"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
	"transfer-encoding: chunked\r\n\r\n";

#define RESPONSE(status, usage) \
	"{\"id\":\"resp_bench\",\"object\":\"response\",\"created_at\":1790000000," \
	"\"status\":\"" status "\",\"error\":null,\"incomplete_details\":null," \
	"\"model\":\"bench\",\"output\":[],\"usage\":" usage "}"
#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"," rest "}\n\n"

static const char opening[] =
	EVENT("response.created",
	      "\"sequence_number\":0,\"response\":" RESPONSE("in_progress", "null"))
	EVENT("response.in_progress",
	      "\"sequence_number\":1,\"response\":" RESPONSE("in_progress", "null"))
	EVENT("response.output_item.added",
	      "\"sequence_number\":2,\"output_index\":0,\"item\":{\"id\":\"msg_bench\","
	      "\"type\":\"message\",\"status\":\"in_progress\",\"content\":[],"
	      "\"role\":\"assistant\"}")
	EVENT("response.content_part.added",
	      "\"sequence_number\":3,\"item_id\":\"msg_bench\",\"output_index\":0,"
	      "\"content_index\":0,\"part\":{\"type\":\"output_text\","
	      "\"annotations\":[],\"logprobs\":[],\"text\":\"\"}");

/* The value behind a word in the body, or dflt. */
static int64_t number_after(struct span body, const char *word, int64_t dflt)
{
	const char *at = memmem(body.ptr, body.len, word, strlen(word));
	int64_t n = 0;

	if (!at)
		return dflt;
	at += strlen(word);
	while (at < body.ptr + body.len && *at >= '0' && *at <= '9' &&
	       n < INT64_C(1000000000000))
		n = n * 10 + (*at++ - '0');
	return n;
}

static void put_delta(struct conn *c, struct bench *b)
{
	static const char before[] =
		"event: response.output_text.delta\n"
		"data: {\"type\":\"response.output_text.delta\","
		"\"item_id\":\"msg_bench\",\"output_index\":0,\"content_index\":0,"
		"\"logprobs\":[],\"obfuscation\":\"aNoiseOf16Bytes0\","
		"\"sequence_number\":";
	char text[400];
	int len, delta;

	memcpy(text, before, sizeof(before) - 1);
	len = sizeof(before) - 1;
	len += snprintf(text + len, sizeof(text) - (size_t)len, "%ld,\"delta\":\"",
			b->next + 4);
	delta = len;
	len += snprintf(text + len, sizeof(text) - (size_t)len, "%ld:%lld ",
			b->next, (long long)clock_mono_us());
	if (b->text.len < MAX_TEXT)
		buf_add(&b->text, text + delta, (size_t)(len - delta));
	memcpy(text + len, "\"}\n\n", 4);
	conn_chunk(c, (struct span){ text, (size_t)len + 4 });
	c->srv->stats.events++;
	b->next++;
}

static void put_end(struct conn *c, struct bench *b)
{
	struct buf out;

	buf_init(&out, 4 * MAX_TEXT);
	buf_str(&out, "event: response.output_item.done\ndata: {\"type\":"
		"\"response.output_item.done\",\"output_index\":0,\"item\":{\"id\":"
		"\"msg_bench\",\"type\":\"message\",\"status\":\"completed\","
		"\"content\":[{\"type\":\"output_text\",\"annotations\":[],"
		"\"logprobs\":[],\"text\":");
	buf_json(&out, buf_span(&b->text));
	buf_str(&out, "}],\"role\":\"assistant\"}}\n\n" EVENT("response.completed",
		"\"response\":" RESPONSE("completed", "{\"input_tokens\":10,"
		"\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":20,"
		"\"output_tokens_details\":{\"reasoning_tokens\":0},"
		"\"total_tokens\":30}")));
	conn_chunk(c, buf_span(&out));
	conn_put(c, SPAN("0\r\n\r\n"));
	buf_free(&out);
}

static enum turn bench_run(struct conn *c)
{
	struct bench *b = c->state;

	if (!b->begun) {
		b->begun = true;
		conn_put(c, span_of(head));
		conn_chunk(c, span_of(opening));
	}
	if (b->next >= b->events) {
		put_end(c, b);
		return TURN_DONE;
	}
	if (b->due > loop_now(c->srv->loop)) {
		loop_timer_set(c->srv->loop, &c->timer, b->due);
		return TURN_WAIT;
	}
	put_delta(c, b);
	b->due += b->interval_us;
	return TURN_MORE;
}

static void bench_free(void *state)
{
	struct bench *b = state;

	buf_free(&b->text);
	free(b);
}

void bench_begin(struct conn *c, const struct request *req)
{
	const struct options *o = &c->srv->opt;
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	buf_init(&b->text, 2 * MAX_TEXT);
	b->events = (long)number_after(req->body, "bench-events=", o->events);
	b->interval_us = number_after(req->body, "bench-interval-us=", o->interval_us);
	b->due = loop_now(c->srv->loop) +
		 number_after(req->body, "bench-delay-us=", o->delay_us);
	c->srv->stats.open++;
	c->srv->stats.streams++;
	c->streaming = true;
	conn_play(c, bench_run, b, bench_free);
}
