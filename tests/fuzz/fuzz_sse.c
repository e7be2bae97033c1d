/*
 * fuzz_sse.c - however a stream is cut, the same events come out.
 *
 * The first byte says where it is cut and how low the ceiling is; the rest
 * is the stream.
 */
#include "../../shared/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err take(void *ctx, struct span name, struct span data)
{
	struct buf *seen = ctx;

	buf_fmt(seen, "%zu:", name.len);
	buf_span_add(seen, name);
	buf_fmt(seen, " %zu:", data.len);
	buf_span_add(seen, data);
	return ERR_NONE;
}

/* Pieces of step bytes, in memory of their own. */
static enum err run(struct span in, size_t step, size_t max, struct buf *seen)
{
	enum err err = ERR_NONE;
	struct sse p;
	size_t at, n;

	sse_init(&p, max, take, seen);
	for (at = 0; at < in.len && !err; at += n) {
		char *copy;

		n = step < in.len - at ? step : in.len - at;
		copy = malloc(n);
		if (!copy)
			abort();
		memcpy(copy, in.ptr + at, n);
		err = sse_push(&p, (struct span){ copy, n });
		free(copy);
	}
	if (!err && sse_rest(&p))
		buf_str(seen, "rest");
	sse_free(&p);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, cut;
	struct span in;
	size_t step, max;
	enum err a, b;

	if (size < 2)
		return 0;
	step = 1 + (data[0] & 31);
	max = data[0] & 32 ? 1u << 20 : 8;
	in = (struct span){ (const char *)data + 1, size - 1 };
	buf_init(&whole, 64u << 20);
	buf_init(&cut, 64u << 20);
	a = run(in, in.len, max, &whole);
	b = run(in, step, max, &cut);
	if (a != b || whole.len != cut.len || memcmp(whole.ptr, cut.ptr, cut.len))
		abort();
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
