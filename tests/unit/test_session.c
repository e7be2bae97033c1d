/*
 * test_session.c - which requests are one conversation, and which are not.
 */
#include "test.h"

#include <stdlib.h>

#include "../../fcgi/stream/session.h"

static struct buf scratch;

static void derived(const char *key, const char *text, char out[SESSION_MAX])
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *request = json_parse(span_of(text), &note);

	if (!check(request))
		printf("  %s\n", text);
	session_id(SPAN(""), span_of(key), request, &scratch, out);
	check_int((int64_t)scratch.len, 0);
	json_object_put(request);
}

#define U(text) "{\"role\":\"user\",\"content\":" text "}"
#define S(text) "{\"role\":\"developer\",\"content\":" text "}"

/* The first of a row and each other: one conversation or two. */
static const struct { const char *a, *b; bool same; } pairs[] = {
	{ "{\"input\":[" U("\"hi\"") "]}",
	  "{\"input\":[" U("\"hi\"") ",{\"role\":\"assistant\",\"content\":\"yo\"},"
	  U("\"more\"") "]}", true },
	{ "{\"input\":[" U("\"hi\"") "]}", "{\"input\":[" U("\"ho\"") "]}", false },
	{ "{\"input\":[" U("\"hi\"") "]}",
	  "{\"model\":\"x\",\"stream\":true,\"input\":[" U("\"hi\"") "]}", true },
	{ "{\"input\":[" U("\"hi\"") "]}",
	  "{\"instructions\":\"be brief\",\"input\":[" U("\"hi\"") "]}", false },
	{ "{\"input\":[" U("\"hi\"") "]}",
	  "{\"tools\":[{\"type\":\"function\"}],\"input\":[" U("\"hi\"") "]}", false },
	{ "{\"tools\":[{\"a\":1}],\"input\":[" U("\"hi\"") "]}",
	  "{\"tools\":[{\"a\":2}],\"input\":[" U("\"hi\"") "]}", false },
	{ "{\"input\":[" S("\"a\"") "," U("\"hi\"") "]}",
	  "{\"input\":[" S("\"b\"") "," U("\"hi\"") "]}", false },
	{ "{\"input\":[" U("[{\"type\":\"input_text\",\"text\":\"hi\"}]") "]}",
	  "{\"input\":[" U("[{\"type\":\"input_text\",\"text\":\"hi\"}]") ","
	  U("\"more\"") "]}", true },
	{ "{\"input\":[" U("[{\"type\":\"input_text\",\"text\":\"hi\"}]") "]}",
	  "{\"input\":[" U("[{\"type\":\"input_text\",\"text\":\"ha\"}]") "]}", false },
	{ "{\"input\":\"hi\"}", "{\"input\":\"hi\"}", true },
	{ "{\"input\":\"hi\"}", "{\"input\":\"ho\"}", false },
	/* no piece runs into the next */
	{ "{\"instructions\":\"ab\",\"input\":[" U("\"c\"") "]}",
	  "{\"instructions\":\"a\",\"input\":[" U("\"bc\"") "]}", false },
	{ "{\"input\":[" S("\"ab\"") "," U("\"c\"") "]}",
	  "{\"input\":[" S("\"a\"") "," U("\"bc\"") "]}", false },
	{ "{}", "{\"input\":[]}", false },
	{ "{\"input\":[3,null,\"x\"]}", "{\"input\":[3,null,\"x\"]}", true },
};

static bool is_uuid(const char *s)
{
	if (strlen(s) != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return true;
}

static void test_derived(void)
{
	char a[SESSION_MAX], b[SESSION_MAX];

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		derived("", pairs[i].a, a);
		derived("", pairs[i].b, b);
		check(is_uuid(a) && is_uuid(b));
		if (!check((strcmp(a, b) == 0) == pairs[i].same))
			printf("  %s\n  %s\n", pairs[i].a, pairs[i].b);
	}
	derived("key one", pairs[0].a, a);
	derived("key two", pairs[0].a, b);
	check(strcmp(a, b) != 0);
	/* the same on every machine and in every version from now on */
	derived("", pairs[0].a, a);
	check_str(span_of(a), "15d567dd-0a44-8062-99d3-a952efff6efb");
	session_id(SPAN(""), SPAN(""), NULL, &scratch, a);
	check(is_uuid(a));
}

static void test_given(void)
{
	char out[SESSION_MAX], again[SESSION_MAX], text[300];

	session_id(SPAN("My.session_id"), SPAN(""), NULL, &scratch, out);
	check_str(span_of(out), "My.session_id");
	session_id(SPAN("My.session:1-a"), SPAN("k"), NULL, &scratch, out);
	check_str(span_of(out), "My.session:1-a");
	memset(text, 'x', sizeof(text));
	session_id((struct span){ text, 127 }, SPAN(""), NULL, &scratch, out);
	check_int((int64_t)strlen(out), 127);
	session_id((struct span){ text, 128 }, SPAN(""), NULL, &scratch, out);
	check(is_uuid(out));
	session_id((struct span){ text, 129 }, SPAN(""), NULL, &scratch, again);
	check(is_uuid(again) && strcmp(out, again) != 0);
	session_id(SPAN("a b"), SPAN(""), NULL, &scratch, out);
	check(is_uuid(out));
	session_id(SPAN("a\r\nX: y"), SPAN(""), NULL, &scratch, out);
	check(is_uuid(out));
	session_id(SPAN("a\0b"), SPAN(""), NULL, &scratch, out);
	check(is_uuid(out));
	session_id(SPAN("a b"), SPAN("other key"), NULL, &scratch, again);
	session_id(SPAN("a b"), SPAN(""), NULL, &scratch, out);
	check_str(span_of(out), again);
}

int main(void)
{
	buf_init(&scratch, 1u << 20);
	test_derived();
	test_given();
	buf_free(&scratch);
	return test_end("test_session");
}
