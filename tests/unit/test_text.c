/* test_text.c - numbers, lists, globs, UTF-8, base64url, hashes. */
#include "../../shared/text.h"
#include "../../shared/utf8.h"
#include "test.h"

static void ints(void)
{
	static const struct { const char *in; bool ok; int64_t n; } cases[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "007", true, 7 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "99999999999999999999999", false, 0 },
		{ "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 },
		{ " 1", false, 0 }, { "1 ", false, 0 }, { "1.0", false, 0 },
		{ "0x10", false, 0 }, { "--1", false, 0 },
	};
	int64_t n;
	size_t i;
	bool ok;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		n = 0;
		ok = text_int(span_of(cases[i].in), &n);
		if (!check(ok == cases[i].ok && n == cases[i].n))
			printf("  for '%s'\n", cases[i].in);
	}
}

static void doubles(void)
{
	static const struct { const char *in; bool ok; double d; } cases[] = {
		{ "0.5", true, 0.5 }, { "300", true, 300 }, { "-2.25", true, -2.25 },
		{ "", false, 0 }, { ".", false, 0 }, { ".5", false, 0 },
		{ "5.", false, 0 }, { "1e3", false, 0 }, { "nan", false, 0 },
		{ "inf", false, 0 }, { "1.2.3", false, 0 }, { " 1", false, 0 },
		{ "0x1", false, 0 }, { "-", false, 0 },
		{ "1111111111111111111111111111111111111111111111111111111111111111",
		  false, 0 },
	};
	double d;
	size_t i;
	bool ok;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		d = 0;
		ok = text_double(span_of(cases[i].in), &d);
		if (!check(ok == cases[i].ok && d == cases[i].d))
			printf("  for '%s'\n", cases[i].in);
	}
}

static void secrets(void)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "", "", true }, { "a", "", false }, { "", "a", false },
		{ "abc", "abc", true }, { "abc", "abd", false },
		{ "abc", "xbc", false }, { "abc", "abcd", false },
	};
	struct buf b;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(text_eq_secret(span_of(cases[i].a), span_of(cases[i].b)) ==
		      cases[i].same);

	/* RFC 4648's examples, without padding, and the two other letters */
	buf_init(&b, 100);
	for (size_t i = 0; i <= 6; i++) {
		base64url_encode((struct span){ "foobar", i }, &b);
		buf_char(&b, ' ');
	}
	base64url_encode(SPAN("\xfb\xff\xbf"), &b);
	check_str(buf_span(&b), " Zg Zm8 Zm9v Zm9vYg Zm9vYmE Zm9vYmFy -_-_");
	buf_free(&b);
}

static void words(void)
{
	struct span rest = SPAN(" a ,, b c,\t,d"), piece;

	check(text_next(&rest, ',', &piece));
	check_str(piece, "a");
	check(text_next(&rest, ',', &piece));
	check_str(piece, "b c");
	check(text_next(&rest, ',', &piece));
	check_str(piece, "d");
	check(!text_next(&rest, ',', &piece));
	check_str(text_trim(SPAN(" \r\n\tx y \n")), "x y");
	check_str(text_trim(SPAN("  ")), "");
	check(text_eq_nocase(SPAN("Content-TYPE"), "content-type"));
	check(!text_eq_nocase(SPAN("Content"), "content-type"));
	check(!text_eq_nocase(SPAN("a["), "a{"));
	check(text_starts_nocase(SPAN("BEARER x"), "bearer "));
	check(!text_starts_nocase(SPAN("BEAR"), "bearer "));
}

static void globs(void)
{
	static const struct { const char *pattern, *s; bool match; } cases[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true },
		{ "*", "anything", true }, { "gpt-*", "gpt-5", true },
		{ "gpt-*", "GPT-5", false }, { "*-high", "gpt-5-high", true },
		{ "*-high", "gpt-5-high-", false }, { "a*b*c", "aXXbYYc", true },
		{ "a*b*c", "aXXbYY", false }, { "**a**", "xxax", true },
		{ "a?", "ab", false }, { "a*a", "a", false },
		{ "*aab", "aaaaaaab", true },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		if (!check(text_glob(cases[i].pattern, span_of(cases[i].s)) ==
			   cases[i].match))
			printf("  '%s' on '%s'\n", cases[i].pattern, cases[i].s);
}

static void utf8(void)
{
	static const char all[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t tail[] = { 0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 0 };
	static const char *const bad[] = {
		"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80",
		"\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5", "\xff", "\xc3(",
		"0123456\x80", "01234567\x80", "\xe2\x82",
	};
	size_t i;

	check(utf8_valid(span_of(all)));
	check(utf8_valid(SPAN("")));
	check(utf8_valid(SPAN("\0")));
	for (i = 0; i < sizeof(all); i++) {
		check_int((int64_t)utf8_partial_tail((struct span){ all, i }),
			  (int64_t)tail[i]);
		check(utf8_valid((struct span){ all, i }) == (tail[i] == 0));
	}
	for (i = 0; i < ARRAY_LEN(bad); i++)
		check(!utf8_valid(span_of(bad[i])));
	/* bytes that no rest can make whole are not held back */
	check_int((int64_t)utf8_partial_tail(SPAN("\xed\xa0")), 0);
	check_int((int64_t)utf8_partial_tail(SPAN("\x80\x80\x80\x80")), 0);
	check_int((int64_t)utf8_partial_tail(SPAN("\xff")), 0);
}

static void base64(void)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "", "" }, { "Zg", "f" }, { "Zg==", "f" }, { "Zm8", "fo" },
		{ "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Pz8_Pj4-", "?\?\?>>>" },
		{ "Z", NULL }, { "Zm9vY", NULL }, { "Zg=", NULL }, { "Z m8", NULL },
		{ "Pz8/", NULL }, { "Pj4+", NULL }, { "Zg===", NULL },
		{ "=", NULL }, { "Zm9v==", NULL },
	};
	struct buf b;
	size_t i;
	bool ok;

	buf_init(&b, 100);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&b);
		ok = base64url_decode(span_of(cases[i].in), &b);
		if (!check(ok == (cases[i].out != NULL)))
			printf("  for '%s'\n", cases[i].in);
		if (cases[i].out)
			check_str(buf_span(&b), cases[i].out);
	}
	buf_free(&b);
}

static void hashes(void)
{
	char hex[65], uuid[37];
	unsigned char sum[32];
	struct sha256 *h;

	sha256_hex(SPAN("abc"), hex);
	check_str(span_of(hex), "ba7816bf8f01cfea414140de5dae2223"
		  "b00361a396177a9cb410ff61f20015ad");
	sha256_hex(SPAN(""), hex);
	check_str(span_of(hex), "e3b0c44298fc1c149afbf4c8996fb924"
		  "27ae41e4649b934ca495991b7852b855");
	h = sha256_begin();
	sha256_add(h, SPAN("a"));
	sha256_add(h, SPAN(""));
	sha256_add(h, SPAN("bc"));
	sha256_done(h, sum);
	check(sum[0] == 0xba && sum[31] == 0xad);
	uuid_from(sum, uuid);
	check_str(span_of(uuid), "ba7816bf-8f01-8fea-8141-40de5dae2223");
	sha256_add(NULL, SPAN("x"));
	sha256_done(NULL, sum);
	check_int(sum[0], 0);
}

static void copies(void)
{
	char dst[5];

	check(text_copy(dst, sizeof(dst), SPAN("abcd")));
	check_str(span_of(dst), "abcd");
	check(!text_copy(dst, sizeof(dst), SPAN("abcde")));
	check_str(span_of(dst), "abcd");
	check(!text_copy(dst, sizeof(dst), SPAN("abc\xc3\xa9")));
	check_str(span_of(dst), "abc");
	check(!text_copy(dst, 0, SPAN("")));
	check(text_copy(dst, 1, SPAN("")));
}

/* Each byte at each place of a run that is read in words. */
static void plain_runs(void)
{
	unsigned char text[48];
	int bad = 0;

	for (size_t at = 0; at < sizeof(text); at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			bool plain = byte >= 0x20 && byte < 0x80 &&
				     byte != '"' && byte != '\\';

			memset(text, 'a', sizeof(text));
			text[at] = (unsigned char)byte;
			for (size_t len = at; len <= sizeof(text); len += 7)
				bad += utf8_plain_run(text, len) !=
				       (plain || at >= len ? len : at);
		}
	}
	check_int(bad, 0);
}

int main(void)
{
	ints();
	plain_runs();
	doubles();
	words();
	secrets();
	globs();
	utf8();
	base64();
	hashes();
	copies();
	return test_end("test_text");
}
