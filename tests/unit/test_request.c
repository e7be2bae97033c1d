/*
 * test_request.c - what request_init() makes of parameters: paths, ceilings,
 * control bytes; and looking parameters up.
 */
#include <stdlib.h>

#include "../../fcgi/wire/request.h"
#include "../../shared/ceilings.h"
#include "test.h"

/* A block on the heap, as long as its bytes, so that ASan sees each overrun. */
static void init(struct request *r, const char *block, size_t len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, block, len);
	request_init(r, copy, len);
}

#define INIT(r, literal) init(r, literal, sizeof(literal))

static void test_paths(void)
{
	static const struct {
		const char *uri;	/* NULL: no REQUEST_URI */
		const char *path, *query;
		enum err code;
	} cases[] = {
		{ "/", "/", "", 0 },
		{ "/v1/models", "/v1/models", "", 0 },
		{ "/v1/models?", "/v1/models", "", 0 },
		{ "/v1/models?a=b&c=%20", "/v1/models", "a=b&c=%20", 0 },
		{ "/a%2Fb", "/a/b", "", 0 },
		{ "/a%2fb%C3%A4", "/a/b\xc3\xa4", "", 0 },
		{ "/%41%5a", "/AZ", "", 0 },
		{ "/a+b", "/a+b", "", 0 },
		{ "/a?b?c", "/a", "b?c", 0 },
		{ "?a", "", "a", 0 },
		{ "*", "*", "", 0 },
		{ "http://host:80/v1/x?y", "/v1/x", "y", 0 },
		{ "http://host", "http://host", "", 0 },
		{ "/x?u=http://host/y", "/x", "u=http://host/y", 0 },
		{ "/a%00b", "/a%00b", "", ERR_BAD_REQUEST },
		{ "/a%0Ab", "/a%0Ab", "", ERR_BAD_REQUEST },
		{ "/a%09b", "/a%09b", "", ERR_BAD_REQUEST },
		{ "/a%7f", "/a%7f", "", ERR_BAD_REQUEST },
		{ "/a%", "/a%", "", ERR_BAD_REQUEST },
		{ "/a%2", "/a%2", "", ERR_BAD_REQUEST },
		{ "/a%2?x", "/a%2", "x", ERR_BAD_REQUEST },
		{ "/a%%", "/a%%", "", ERR_BAD_REQUEST },
		{ "/a%zz", "/a%zz", "", ERR_BAD_REQUEST },
		{ "/a%2g%20", "/a%2g ", "", ERR_BAD_REQUEST },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r;
		char block[256];
		int n = snprintf(block, sizeof(block), "REQUEST_METHOD=GET%cREQUEST_URI=%s",
				 0, cases[i].uri);

		init(&r, block, (size_t)n + 1);
		check_str(span_of(r.path), cases[i].path);
		check_str(span_of(r.query), cases[i].query);
		check_str(span_of(r.method), "GET");
		check_int(r.note.code, cases[i].code);
		request_free(&r);
	}
}

static void test_parts(void)
{
	struct request r;

	INIT(&r, "SCRIPT_NAME=/cgi\0PATH_INFO=/v1/a%20b\0QUERY_STRING=q=1");
	check_str(span_of(r.path), "/cgi/v1/a%20b");
	check_str(span_of(r.query), "q=1");
	check_str(span_of(r.method), "");
	check_int(r.note.code, ERR_OK);
	request_free(&r);

	INIT(&r, "SCRIPT_NAME=\0PATH_INFO=/x\0REQUEST_URI=");
	check_str(span_of(r.path), "/x");
	check_str(span_of(r.query), "");
	request_free(&r);

	init(&r, "", 0);
	check_str(span_of(r.path), "");
	check_str(span_of(r.method), "");
	check_int(r.note.code, ERR_OK);
	request_free(&r);
}

static void test_lookup(void)
{
	struct request r;
	const char *name, *value;
	size_t at = 0, count = 0;

	INIT(&r, "A=1\0AB=2\0A=3\0EMPTY=\0NOEQUALS\0B==x");
	check_str(span_of(request_param(&r, "A")), "1");
	check_str(span_of(request_param(&r, "AB")), "2");
	check_str(span_of(request_param(&r, "EMPTY")), "");
	check_str(span_of(request_param(&r, "B")), "=x");
	check(!request_param(&r, "NOEQUALS"));
	check(!request_param(&r, "C"));
	check(!request_param(&r, ""));
	while (request_param_next(&r, &at, &name, &value))
		count++;
	check_int((int64_t)count, 5);
	check(strncmp(name, "B=", 2) == 0);

	request_let_go(&r);
	at = 0;
	check(!request_param_next(&r, &at, &name, &value));
	check(!request_param(&r, "A"));
	request_let_go(&r);
	request_free(&r);
	request_free(&r);
	request_free(NULL);
	request_let_go(NULL);
	memset(&r, 0, sizeof(r));
	request_let_go(&r);
	request_free(&r);
}

/* The log's words outlive the parameters. */
static void test_let_go(void)
{
	struct request r;

	INIT(&r, "REQUEST_METHOD=POST\0REQUEST_URI=/a%20b?q");
	buf_str(&r.body, "body");
	check_int((int64_t)strlen(r.id), 28);
	check(span_starts(span_of(r.id), "req_"));
	check(r.begun_us > 0);
	request_let_go(&r);
	check_str(span_of(r.method), "POST");
	check_str(span_of(r.path), "/a b");
	check_str(span_of(r.query), "");
	check_int((int64_t)r.body.len, 0);
	request_free(&r);
}

static void test_controls(void)
{
	struct request r;

	for (int c = 1; c < 256; c++) {
		char block[] = "HTTP_A=x?y";
		bool bad = (c < 0x20 && c != '\t') || c == 0x7f;

		block[8] = (char)c;
		init(&r, block, sizeof(block));
		check_int(r.note.code, bad ? ERR_BAD_REQUEST : ERR_OK);
		request_free(&r);
	}
}

/* At each ceiling, and one past it. */
static void test_ceilings(void)
{
	static const struct { size_t uri; int headers; enum err code; } cases[] = {
		{ MAX_REQUEST_URI, 0, ERR_OK },
		{ MAX_REQUEST_URI + 1, 0, ERR_URI_TOO_LONG },
		{ 10, MAX_REQUEST_HEADERS, ERR_OK },
		{ 10, MAX_REQUEST_HEADERS + 1, ERR_HEAD_TOO_LARGE },
		{ 3 * MAX_REQUEST_HEAD, 0, ERR_HEAD_TOO_LARGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r;
		struct buf b;
		size_t len;

		buf_init(&b, 1u << 20);
		buf_str(&b, "REQUEST_URI=");
		for (size_t n = 0; n < cases[i].uri; n++)
			buf_char(&b, '/');
		buf_char(&b, '\0');
		for (int n = 0; n < cases[i].headers; n++)
			buf_add(&b, "HTTP_A=1", 9);
		len = b.len;
		request_init(&r, buf_take(&b), len);
		check_int(r.note.code, cases[i].code);
		check_int((int64_t)strlen(r.path), (int64_t)cases[i].uri);
		request_free(&r);
		buf_free(&b);
	}
}

int main(void)
{
	test_paths();
	test_parts();
	test_lookup();
	test_let_go();
	test_controls();
	test_ceilings();
	return test_end("test_request");
}
