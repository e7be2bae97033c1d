/* test_sse.c - WHATWG's rules, and the same events however the bytes are cut. */
#include <stdlib.h>

#include "../../shared/file.h"
#include "../../shared/json.h"
#include "../../shared/sse.h"
#include "test.h"

struct seen {
	struct buf text;	/* "name|data\n" for each event */
	struct span push;	/* what is being pushed */
	int in_place, events;
	int stop_at;		/* fail at the n-th event */
};

static enum err take(void *ctx, struct span name, struct span data)
{
	struct seen *s = ctx;

	buf_json_part(&s->text, name);
	buf_char(&s->text, '|');
	buf_json_part(&s->text, data);
	buf_char(&s->text, '\n');
	if (data.ptr >= s->push.ptr && data.ptr + data.len <= s->push.ptr + s->push.len)
		s->in_place++;
	return ++s->events == s->stop_at ? ERR_CLIENT_GONE : ERR_NONE;
}

/* The bytes in memory of their own, so that a read too far is seen. */
static enum err push(struct sse *p, struct seen *s, const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	enum err err;

	memcpy(copy, bytes, len);
	s->push = (struct span){ copy, len };
	err = sse_push(p, s->push);
	memset(copy, '#', len);
	free(copy);
	return err;
}

/* The stream in pieces: up to a, up to b, the rest; step > 0: pieces of step. */
static bool same(struct span in, size_t a, size_t b, size_t step, const char *want,
		 bool rest)
{
	struct seen s = { 0 };
	struct sse p;
	size_t i;
	bool ok = true;

	buf_init(&s.text, 1u << 20);
	sse_init(&p, 1u << 20, take, &s);
	if (step) {
		for (i = 0; i < in.len; i += step)
			ok &= !push(&p, &s, in.ptr + i,
				    step < in.len - i ? step : in.len - i);
	} else {
		ok &= !push(&p, &s, in.ptr, a);
		ok &= !push(&p, &s, in.ptr + a, b - a);
		ok &= !push(&p, &s, in.ptr + b, in.len - b);
	}
	ok &= span_eq(buf_span(&s.text), want) && sse_rest(&p) == rest;
	if (!ok)
		printf("  cut %zu %zu step %zu: got %s\n", a, b, step, s.text.ptr);
	if (!rest)
		ok &= p.data.size == 0 && (p.line.size == 0 || p.line.ptr[0] == ':');
	sse_free(&p);
	sse_free(&p);
	buf_free(&s.text);
	return ok;
}

static void all_cuts(const char *name, struct span in, const char *want, bool rest)
{
	size_t a, b, step;
	bool ok = true;

	for (a = 0; a <= in.len && ok; a++) {
		ok &= same(in, a, in.len, 0, want, rest);
		for (b = a; b <= in.len && in.len < 150 && ok; b++)
			ok &= same(in, a, b, 0, want, rest);
	}
	for (step = 1; step < 9 && ok; step++)
		ok &= same(in, 0, 0, step, want, rest);
	if (!check(ok))
		printf("  in %s\n", name);
}

static const struct { struct span in; const char *want; bool rest; } cases[] = {
#define CASE(in, want, rest) { { in, sizeof(in) - 1 }, want, rest }
	CASE("", "", false),
	CASE("\n\n\n", "", false),
	CASE("data: a\n\n", "message|a\n", false),
	CASE("data:a\n\ndata:b\n\n", "message|a\nmessage|b\n", false),
	CASE("data:  a\n\n", "message| a\n", false),
	CASE("event: x\ndata: {}\n\ndata: 2\n\n", "x|{}\nmessage|2\n", false),
	CASE("data: {}\nevent: late\n\n", "late|{}\n", false),
	CASE("event: a\nevent: b\ndata\n\n", "b|\n", false),
	CASE("event: x\n\ndata: 1\n\n", "message|1\n", false),
	CASE("data: a\ndata: b\ndata:\n\n", "message|a\\nb\\n\n", false),
	CASE("data\ndata\n\n", "message|\\n\n", false),
	CASE("data: a\r\rdata: b\r\n\r\ndata: c\n\r\n", "message|a\nmessage|b\nmessage|c\n", false),
	CASE("\rdata:1\r\n\r\r\n", "message|1\n", false),
	CASE(": ping\n\n:\n\n", "", false),
	CASE(": ping", "", false),
	CASE("id: 5\nretry: 10\nDATA: x\nxdata: y\ndata: z\n\n", "message|z\n", false),
	CASE("\xef\xbb\xbf" "data: a\n\n\xef\xbb\xbf" "data: b\n\n", "message|a\n", false),
	CASE("\xef\xbb\xbf\n\ndata: a\n\n", "message|a\n", false),
	CASE("data: a\0b\n\n", "message|a\\u0000b\n", false),
	CASE("data: a:b: c\n\n", "message|a:b: c\n", false),
	CASE("data: a\n\ndata: b\n", "message|a\n", true),
	CASE("data: a\n\ndata: b", "message|a\n", true),
	CASE("data: a\n\nda", "message|a\n", true),
	CASE("data: a\n\nevent: x\n", "message|a\n", true),
	CASE("data: long enough to be kept over several pushes\ndata: and more\n"
	     ": comment\nevent: mixed\ndata: end\n\ndata: next\n\n",
	     "mixed|long enough to be kept over several pushes\\nand more\\nend\n"
	     "message|next\n", false),
#undef CASE
};

static void table(void)
{
	char name[32];
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(name, sizeof(name), "case %zu", i);
		all_cuts(name, cases[i].in, cases[i].want, cases[i].rest);
	}
}

static void in_place(void)
{
	struct seen s = { 0 };
	struct sse p;

	buf_init(&s.text, 1u << 20);
	sse_init(&p, 1000, take, &s);
	check(!push(&p, &s, "event: a\ndata: 1\n\nevent: b\ndata: 2\n\ndata: 3", 43));
	check_int(s.in_place, 2);
	check(p.line.size > 0 && sse_rest(&p));
	check(!push(&p, &s, "3\n\ndata: 4\n\n", 12));
	check_int(s.events, 4);
	check_int(s.in_place, 3);
	check(p.line.size == 0 && p.data.size == 0 && !sse_rest(&p));
	check_str(buf_span(&s.text), "a|1\nb|2\nmessage|33\nmessage|4\n");
	sse_free(&p);
	buf_free(&s.text);
}

/* Names longer than we keep are cut; that they differ is seen. */
static void long_name(void)
{
	char in[200] = "event: ", want[200] = "";
	size_t len;

	for (len = 60; len < 70; len++) {
		memset(in + 7, 'n', len);
		memcpy(in + 7 + len, "\ndata: x\n\n", 11);
		memset(want, 'n', 64);
		memcpy(want + (len < 64 ? len : 64), "|x\n", 4);
		all_cuts("long name", span_of(in), want, false);
	}
}

static void ceiling(void)
{
	static const struct { const char *in; bool ok; } limits[] = {
		{ "data: 12345678901234567890\n\n", true },
		{ "data:12345678901234567890\n\n", true },
		{ "data: 123456789012345678901\n\n", false },
		{ "data: 1234567890\ndata: 123456789\n\n", true },
		{ "data: 1234567890\ndata: 1234567890\n\n", false },
		{ "data: 12345678901234567890\ndata\n\n", false },
		{ ": 34567890123456789012345678901234567\n", false },
		{ "data: 12345678901234567890\n\ndata: 12345678901234567890\n\n", true },
	};
	struct seen s = { 0 };
	struct sse p;
	size_t i, step, at, len;
	enum err err;

	buf_init(&s.text, 1000);
	for (i = 0; i < ARRAY_LEN(limits); i++) {
		len = strlen(limits[i].in);
		for (step = 1; step <= len; step++) {
			sse_init(&p, 20, take, &s);
			err = ERR_NONE;
			for (at = 0; at < len; at += step)
				err = push(&p, &s, limits[i].in + at,
					   step < len - at ? step : len - at);
			if (!check((err == ERR_NONE) == limits[i].ok &&
				   (!err || err == ERR_UPSTREAM_GARBLED)))
				printf("  %zu step %zu: %s\n", i, step, err_name(err));
			sse_free(&p);
			buf_reset(&s.text);
		}
	}
	buf_free(&s.text);
}

static void stops(void)
{
	struct seen s = { .stop_at = 2 };
	struct sse p;

	buf_init(&s.text, 1000);
	sse_init(&p, 1000, take, &s);
	check_int(push(&p, &s, "data:1\n\ndata:2\n\ndata:3\n\n", 24), ERR_CLIENT_GONE);
	check_int(push(&p, &s, "data:4\n\n", 8), ERR_CLIENT_GONE);
	check_int(s.events, 2);
	sse_free(&p);
	buf_free(&s.text);
}

static void vectors(void)
{
	struct json_object *all, *list, *v, *e;
	struct buf file, want;
	size_t i, j;

	buf_init(&file, 1u << 20);
	buf_init(&want, 1u << 20);
	if (file_read("../shared/specs/wpt-sse.json", &file, NULL, NULL)) {
		test_skip("vectors: no ../shared/specs/wpt-sse.json here");
		goto out;
	}
	all = json_parse(buf_span(&file), NULL);
	list = json_get_array(all, "vectors");
	check(list && json_object_array_length(list) > 10);
	for (i = 0; list && i < json_object_array_length(list); i++) {
		v = json_object_array_get_idx(list, i);
		buf_reset(&want);
		for (j = 0; j < json_object_array_length(json_get(v, "events")); j++) {
			e = json_object_array_get_idx(json_get(v, "events"), j);
			buf_json_part(&want, json_get_str(e, "event"));
			buf_char(&want, '|');
			buf_json_part(&want, json_get_str(e, "data"));
			buf_char(&want, '\n');
		}
		all_cuts(json_get_str(v, "name").ptr, json_get_str(v, "wire"),
			 want.ptr, span_eq(json_get_str(v, "name"),
			 "format-data-before-final-empty-line"));
	}
	json_object_put(all);
out:
	buf_free(&file);
	buf_free(&want);
}

int main(void)
{
	table();
	in_place();
	long_name();
	ceiling();
	stops();
	vectors();
	return test_end("test_sse");
}
