/* test_json.c - what is JSON and what is not, and the way back to bytes. */
#include <stdlib.h>

#include "../../shared/ceilings.h"
#include "../../shared/json.h"
#include "../../shared/json_walk.h"
#include "test.h"

static struct json_reader *reader;

/* in, and what is written for it; NULL: refused. */
static const struct { const char *in; size_t len; const char *out; } cases[] = {
#define GOOD(in, out) { in, sizeof(in) - 1, out }
#define SAME(in) { in, sizeof(in) - 1, in }
#define BAD(in) { in, sizeof(in) - 1, NULL }
	SAME("{}"), SAME("[]"), SAME("true"), SAME("false"), SAME("0"),
	SAME("\"\""), SAME("[null,true,{\"a\":[]}]"),
	GOOD(" \t\r\n{ \"b\" : 1 , \"a\" : [ 1 , 2 ] } \n", "{\"b\":1,\"a\":[1,2]}"),
	GOOD("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
	SAME("{\"\":1}"),
	/* numbers as they were read */
	SAME("-1"), SAME("1.50"), SAME("1e5"), SAME("-0"), SAME("1E+2"),
	SAME("0.1"), SAME("123456789012345678901234567890"), SAME("1e999"),
	SAME("9223372036854775807"), SAME("-9223372036854775808"),
	SAME("9223372036854775808"), SAME("18446744073709551615"),
	SAME("18446744073709551616"), SAME("-9223372036854775809"),
	SAME("0.30000000000000004"), SAME("0e0"),
	BAD("01"), BAD("-"), BAD("+1"), BAD(".5"), BAD("1."), BAD("1.e3"),
	BAD("1e"), BAD("1e+"), BAD("0x10"), BAD("1_0"), BAD("--1"), BAD("00"),
	/* strings */
	GOOD("\"a\\u0041\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"aA/\\b\\f\\n\\r\\t\\\"\\\\\""),
	GOOD("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""),
	GOOD("\"\\u00e9\\u20AC\"", "\"\xc3\xa9\xe2\x82\xac\""),
	GOOD("\"\\ud83dx\"", "\"\xef\xbf\xbdx\""),
	GOOD("\"\\ud83d\\u0041\"", "\"\xef\xbf\xbd""A\""),
	GOOD("\"\\ud83d\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\""),
	GOOD("\"\\ude00\"", "\"\xef\xbf\xbd\""),
	SAME("\"a\\u0000b\""), SAME("\"\\u2028\""), SAME("\"/\""),
	SAME("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""),
	BAD("\"\\ud83d\\u00\""), BAD("\"\\u00g0\""), BAD("\"\\x\""), BAD("\"\\"),
	BAD("\"a\nb\""), BAD("\"\0\""), BAD("\""), BAD("'a'"), BAD("\"\x80\""),
	BAD("\"\xc3\""), BAD("\"\xed\xa0\x80\""), BAD("{'a':1}"), BAD("\"\\u"),
	/* what json-c's tokener would take, and other junk */
	BAD(""), BAD("  "), BAD("null"), BAD("NaN"), BAD("Infinity"), BAD("-Infinity"),
	BAD("True"), BAD("nul"), BAD("nulll"), BAD("[1,]"), BAD("{\"a\":1,}"),
	BAD("[,1]"), BAD("{,}"), BAD("{a:1}"), BAD("{\"a\"}"), BAD("{\"a\":}"),
	BAD("{\"a\" 1}"), BAD("[1 2]"), BAD("[1}"), BAD("{\"a\":1]"), BAD("["),
	BAD("{"), BAD("]"), BAD("1 2"), BAD("{}x"), BAD("{}\0"), BAD("/* c */ 1"),
	BAD("// c\n1"), BAD("\xef\xbb\xbf{}"), BAD("\v1"), BAD("{1:2}"), BAD("\xa0"),
#undef GOOD
#undef SAME
#undef BAD
};

/* A copy that ends where memory ends, so that a byte too far is seen. */
static struct json_object *parse_copy(const char *in, size_t len,
				      struct err_note *note)
{
	char *copy = malloc(len ? len : 1);
	struct json_object *v;

	memcpy(copy, in, len);
	v = json_reader_parse(reader, (struct span){ copy, len }, note);
	free(copy);
	return v;
}

static void table(void)
{
	struct err_note note;
	struct json_object *v;
	struct buf b;
	size_t i;

	buf_init(&b, 1000);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		note = ERR_NOTE_INIT;
		v = parse_copy(cases[i].in, cases[i].len, &note);
		if (!cases[i].out) {
			if (!check(!v && note.code == ERR_BAD_JSON && *note.tell))
				printf("  for '%s'\n", cases[i].in);
			json_object_put(v);
			continue;
		}
		if (!check(v && !note.code)) {
			printf("  for '%s': %s\n", cases[i].in, note.tell);
			continue;
		}
		buf_reset(&b);
		json_write(&b, v);
		check_str(buf_span(&b), cases[i].out);
		json_object_put(v);
	}
	buf_free(&b);
}

/* A text that was cut is never taken for a whole one. */
static void every_cut(void)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"x\\ud83d\\ude00\xc3\xa9\"],"
		"\"b\":{\"c\":true,\"d\":null},\"long key of more than sixty-four "
		"bytes, which needs memory of its own\":\"\\n\"}";
	struct err_note note;
	struct json_object *v;
	size_t len;

	for (len = 0; len < sizeof(text); len++) {
		note = ERR_NOTE_INIT;
		v = parse_copy(text, len, &note);
		check((v != NULL) == (len == sizeof(text) - 1));
		check(v || note.code == ERR_BAD_JSON);
		json_object_put(v);
	}
}

static void places(void)
{
	static const struct { const char *in, *tell; } bad[] = {
		{ "", "the JSON text is empty" },
		{ "{\"a\":\n  1,\n  b}",
		  "invalid JSON at line 3, column 3: expected a key in double quotes" },
		{ "[\"\xc3\xa9\xc3\xa9\" 1]",
		  "invalid JSON at line 1, column 7: expected ',' or ']'" },
		{ "{\"a\":1",
		  "invalid JSON at line 1, column 7: expected ',' or '}', found the end" },
		{ "[NaN]", "invalid JSON at line 1, column 2: expected a value" },
		{ "[\"a\nb\"]",
		  "invalid JSON at line 1, column 4: a control character in a string" },
	};
	struct err_note note;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		note = ERR_NOTE_INIT;
		check(!json_parse(span_of(bad[i].in), &note));
		check_str(span_of(note.tell), bad[i].tell);
	}
	check(!json_parse(SPAN("["), NULL));
}

/* count times open, then middle, then count times close */
static enum err nested(size_t count, const char *open, const char *close)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf b;
	size_t i;

	buf_init(&b, 64u << 20);
	for (i = 0; i < count; i++)
		buf_str(&b, open);
	buf_str(&b, "1");
	for (i = 0; i < count; i++)
		buf_str(&b, close);
	json_object_put(json_parse(buf_span(&b), &note));
	buf_free(&b);
	return note.code;
}

/* A list of count times one, in a list of lists. */
static enum err wide(size_t lists, size_t count, const char *one)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf b;
	size_t i, j;

	buf_init(&b, 64u << 20);
	for (j = 0; j < lists; j++) {
		buf_str(&b, j ? ",[" : "[[");
		for (i = 0; i < count; i++) {
			buf_str(&b, i ? "," : "");
			buf_str(&b, one);
		}
		buf_str(&b, "]");
	}
	buf_str(&b, "]");
	json_object_put(json_parse(buf_span(&b), &note));
	buf_free(&b);
	return note.code;
}

static void ceilings(void)
{
	check_int(nested(MAX_JSON_DEPTH, "[", "]"), ERR_OK);
	check_int(nested(MAX_JSON_DEPTH + 1, "[", "]"), ERR_TOO_DEEP);
	check_int(nested(MAX_JSON_DEPTH, "{\"a\":", "}"), ERR_OK);
	check_int(nested(MAX_JSON_DEPTH + 1, "{\"a\":", "}"), ERR_TOO_DEEP);
	check_int(nested(1000000, "[", "]"), ERR_TOO_DEEP);
	check_int(nested(1000000, "[", ""), ERR_TOO_DEEP);
	check_int(wide(1, MAX_JSON_MEMBERS, "1"), ERR_OK);
	check_int(wide(1, MAX_JSON_MEMBERS + 1, "1"), ERR_TOO_LARGE);
	check_int(wide(50, 90000, "1"), ERR_TOO_LARGE);
	check_int(wide(5, 90000, "{}"), ERR_TOO_LARGE);
}

static void getters(void)
{
	struct json_object *v = json_parse(SPAN("{\"s\":\"x\\u0000y\",\"n\":-3,"
		"\"t\":true,\"f\":1.5,\"z\":null,\"o\":{},\"a\":[]}"), NULL);

	check(v != NULL);
	check_int(json_get_str(v, "s").len, 3);
	check_str(json_get_str(v, "n"), "");
	check_str(json_get_str(NULL, "n"), "");
	check_int(json_get_int(v, "n", 9), -3);
	check_int(json_get_int(v, "f", 9), 9);
	check_int(json_get_int(v, "missing", 9), 9);
	check_int(json_get_int(NULL, "n", 9), 9);
	check(json_get_bool(v, "t", false));
	check(json_get_bool(v, "n", true));
	check(!json_get_bool(NULL, "n", false));
	check(json_get_object(v, "o") && !json_get_object(v, "a"));
	check(json_get_array(v, "a") && !json_get_array(v, "o"));
	check(!json_get(v, "z") && !json_get(json_get(v, "s"), "x"));
	check(!json_is_str(NULL) && !json_is_object(NULL) && !json_is_array(NULL));
	json_object_put(v);
}

static void building(void)
{
	struct json_object *v = json_object_new_object(), *a, *copy;
	struct buf b;

	buf_init(&b, 1000);
	check(json_set_cstr(v, "z", "last\n"));
	check(json_set_str(v, "s", SPAN("a\0b")));
	check(json_set_int(v, "n", -5));
	check(json_set_bool(v, "t", true));
	check(json_set(v, "nil", NULL));
	a = json_object_new_array();
	check(json_set(v, "a", a));
	check(json_push(a, json_new_str(SPAN("/"))));
	check(json_push(a, json_object_new_double(0.7)));
	check(json_push(a, json_object_new_double(5)));
	check(json_push(a, json_object_new_double(1e300)));
	check(json_push(a, json_object_new_double(1.0 / 3)));
	check(json_push(a, json_object_new_double(strtod("inf", NULL))));
	copy = json_ref(v);
	/* the wrong kind: refused, and the value is not lost */
	check(!json_set_int(a, "x", 1));
	check(!json_set(NULL, "x", json_object_new_int(1)));
	check(!json_push(v, json_object_new_int(1)));
	json_object_put(v);
	json_write(&b, copy);
	check_str(buf_span(&b), "{\"z\":\"last\\n\",\"s\":\"a\\u0000b\",\"n\":-5,"
		  "\"t\":true,\"nil\":null,\"a\":[\"/\",0.7,5.0,1e+300,"
		  "0.3333333333333333,null]}");
	buf_reset(&b);
	json_write(&b, NULL);
	check_str(buf_span(&b), "null");
	json_object_put(copy);
	buf_free(&b);
}

static void test_walk_get(void)
{
	static const struct { const char *text, *found; } members[] = {
		{ "{\"a\":1}", "1" }, { " { \"b\" : {} , \"a\" : [2, 3] } ", "[2, 3]" },
		{ "{\"a\":1,\"a\":2}", "2" }, { "{\"b\":{\"a\":1}}", "" },
		{ "{\"a\":1", "" }, { "{\"a\":1}x", "" }, { "{\"a\":1,}", "" },
		{ "[\"a\",1]", "" }, { "\"a\"", "" }, { "", "" },
		{ "{\"a\":1,\"\\u0062\":2}", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		check_str(json_walk_get(span_of(members[i].text), "a"), members[i].found);
}

int main(void)
{
	reader = json_reader_new();
	json_reader_free(NULL);
	table();
	every_cut();
	places();
	ceilings();
	getters();
	building();
	json_reader_free(reader);
	test_walk_get();
	return test_end("test_json");
}
