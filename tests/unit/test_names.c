/* test_names.c - names that fit upstream, and the way back. */
#include "test.h"

#include <stdlib.h>

#include "../../fcgi/tongues/names.h"
#include "../../shared/ceilings.h"

#define A60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The results are part of the promise: another worker, another version and
 * yesterday's prompt cache must see the same name. */
static const struct { const char *full, *shorted; } table[] = {
	{ "get_weather", "get_weather" },
	{ "a", "a" },
	{ "A-9_z", "A-9_z" },
	{ A60 "1234", A60 "1234" },
	{ "get.weather", "get_weather_f65d432881435a10" },
	{ "get weather", "get_weather_dce3870e3b99fe29" },
	{ "", "_e3b0c44298fc1c14" },
	{ "w\xc3\xa4hrung", "w__hrung_51ad26f29b8364a3" },
	{ A60 "12345",
	  "1315d433fa3e7fd9_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa12345" },
	{ "mcp__a_server_with_a_long_name__and_a_tool_with_a_longer_name_than_fits",
	  "mcp__b156fd000c2e043e_e__and_a_tool_with_a_longer_name_than_fits" },
};

static bool is_fit(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-");

	return len > 0 && len <= MAX_UPSTREAM_NAME && !s[len];
}

static void test_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct span full = span_of(table[i].full);
		char out[65], id[65];
		struct names n;

		names_init(&n);
		check(names_short(&n, full, out));
		check_str(span_of(out), table[i].shorted);
		check(is_fit(out));
		names_call_id(full, id);
		check_str(span_of(id), out);
		check_int((int64_t)n.count, !span_eq(full, out));
		check_str(names_full(&n, span_of(out)), table[i].full);
		check_str(names_full(&n, SPAN("other")), "other");
		names_free(&n);
		names_free(&n);
	}
}

/* Long names that differ in one byte, wherever it stands. */
static void test_apart(void)
{
	char full[100], first[65], out[65];
	struct names n;

	names_init(&n);
	memset(full, 'x', sizeof(full));
	check(names_short(&n, (struct span){ full, sizeof(full) }, first));
	for (size_t i = 0; i < sizeof(full); i++) {
		full[i] = '.';
		check(names_short(&n, (struct span){ full, sizeof(full) }, out));
		check(is_fit(out) && strcmp(out, first));
		full[i] = 'x';
	}
	check_int((int64_t)n.count, 101);
	/* met again: remembered once */
	check(names_short(&n, (struct span){ full, sizeof(full) }, out));
	check_int((int64_t)n.count, 101);
	check_str(span_of(out), first);
	names_free(&n);
}

/* Every length around the limits, every byte: always fit, never the same. */
static void test_lengths(void)
{
	char full[130], out[65];

	memset(full, 'b', sizeof(full));
	for (size_t len = 0; len <= sizeof(full); len++) {
		names_call_id((struct span){ full, len }, out);
		check(is_fit(out));
		check((len > 0 && len <= 64) == (strlen(out) == len &&
						 !memcmp(out, full, len)));
	}
	for (int c = 0; c < 256; c++) {
		full[3] = (char)c;
		names_call_id((struct span){ full, 10 }, out);
		check(is_fit(out));
	}
}

int main(void)
{
	test_table();
	test_apart();
	test_lengths();
	return test_end("test_names");
}
