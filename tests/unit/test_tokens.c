/* Estimates of tokens: what a text's pieces take, and an image's size. */
#include <stdlib.h>

#include "test.h"

#include "../../shared/tokens.h"

#define NEAR(text, want, off) do { \
	int64_t got_ = tokens_estimate(SPAN(text)); \
	if (!check(got_ >= (want) - (off) && got_ <= (want) + (off))) \
		printf("  %s: %" PRId64 "\n", text, got_); \
} while (0)

/* Counted with the vocabulary itself. */
static void test_texts(void)
{
	check_int(tokens_estimate(SPAN("")), 0);
	check_int(tokens_estimate(SPAN(" ")), 1);
	check_int(tokens_estimate(SPAN("a")), 1);
	check_int(tokens_estimate(SPAN("1234567")), 3);
	NEAR("Hello, world", 3, 1);
	NEAR("The quick brown fox jumps over the lazy dog.", 10, 1);
	NEAR("static int count_words(const char *p, size_t len)", 12, 3);
	NEAR("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}", 15, 4);
	NEAR("    return x;\n    }\n", 6, 2);
	NEAR("----------------------------------------", 1, 2);
	NEAR("\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c", 4, 2);
	NEAR("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80", 4, 2);
	NEAR("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 2, 3);
}

/* More text is never less, and no byte sequence is out of bounds. */
static void test_any_bytes(void)
{
	unsigned char text[512];
	uint32_t seed = 1;
	char *copy;

	for (int round = 0; round < 2000; round++) {
		size_t len = seed % sizeof(text);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (unsigned char)(seed >> 24);
		}
		seed = seed * 1664525 + 1013904223;
		copy = malloc(len ? len : 1);	/* so that reading on is seen */
		if (!check(copy != NULL))
			return;
		memcpy(copy, text, len);
		check(tokens_estimate((struct span){ copy, len }) >= (int64_t)(len > 0));
		check(tokens_estimate((struct span){ copy, len }) <= (int64_t)len * 4 + 1);
		check(tokens_image((struct span){ copy, len }, false) > 0);
		free(copy);
	}
}

static void test_images(void)
{
	/* heads alone: 1 x 1, 512 x 1024, 300 x 900 and 1200 x 400 */
	static const char png[] = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ";
	static const char gif[] = "R0lGODlhAAIABPAAAA==";
	static const char jpeg[] = "/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAOEASwDASIA";
	static const char webp[] = "UklGRhoAAABXRUJQVlA4WAoAAAAAAAAArwQAjwEA";

	check_int(tokens_image(span_of(png), false), 70 + 140);
	check_int(tokens_image(span_of(gif), false), 70 + 2 * 140);
	check_int(tokens_image(span_of(jpeg), false), 70 + 2 * 140);
	check_int(tokens_image(span_of(webp), false), 70 + 3 * 140);
	check_int(tokens_image(SPAN("bm9uZQ=="), false), 70 + 4 * 140);
	check_int(tokens_image(SPAN(""), false), 70 + 4 * 140);
	check_int(tokens_image(span_of(png), true), 70);
}

int main(void)
{
	test_texts();
	test_any_bytes();
	test_images();
	return test_end("test_tokens");
}
