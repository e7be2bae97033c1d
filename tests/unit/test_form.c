/* test_form.c - forms and queries, written and read. */
#include "../../shared/form.h"
#include "test.h"

static void writing(void)
{
	struct buf b;

	buf_init(&b, 1000);
	buf_str(&b, "http://h/p?");
	form_add(&b, "a", SPAN("1"));
	form_add(&b, "b", SPAN("x y&z=\xc3\xa4/+~-._"));
	form_add(&b, "c", SPAN(""));
	check_str(buf_span(&b),
		  "http://h/p?a=1&b=x%20y%26z%3D%C3%A4%2F%2B~-._&c=");
	buf_free(&b);
}

static void reading(void)
{
	static const struct { const char *query, *want; } cases[] = {
		{ "state=abc", "abc" }, { "a=1&state=abc&b=2", "abc" },
		{ "state=1&state=2", "1" }, { "state=", "" },
		{ "state=a+b%20c%2B%c3%A4", "a b c+\xc3\xa4" },
		{ "&&state=x&", "x" }, { "state=a=b", "a=b" },
		{ "", NULL }, { "state", NULL }, { "stat=1", NULL },
		{ "xstate=1", NULL }, { "State=1", NULL }, { "st%61te=1", NULL },
		{ "state=%", NULL }, { "state=%4", NULL }, { "state=%4g", NULL },
		{ "state=%g4", NULL }, { "state=%%41", NULL },
		{ "state=0123456789012345678901234567890123456789", NULL },
	};
	struct buf b;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool got;

		buf_init(&b, 32);
		got = form_get(span_of(cases[i].query), "state", &b);
		if (!check(got == (cases[i].want != NULL)) ||
		    (got && !check_str(buf_span(&b), cases[i].want)))
			printf("  for '%s'\n", cases[i].query);
		buf_free(&b);
	}
}

/* Whatever bytes: what was written is what is read. */
static void round_trip(void)
{
	char all[256];
	struct buf text, back;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_init(&text, 4096);
	buf_init(&back, 4096);
	form_add(&text, "first", SPAN("&"));
	form_add(&text, "all", (struct span){ all, sizeof(all) });
	form_add(&text, "last", SPAN("="));
	check(form_get(buf_span(&text), "all", &back));
	check(back.len == sizeof(all) && memcmp(back.ptr, all, sizeof(all)) == 0);
	for (size_t i = 0; i < text.len; i++)
		check(memchr("=&%-._~", text.ptr[i], 7) ||
		      (text.ptr[i] >= '0' && text.ptr[i] <= '9') ||
		      ((text.ptr[i] | 32) >= 'a' && (text.ptr[i] | 32) <= 'z'));
	buf_free(&text);
	buf_free(&back);
}

int main(void)
{
	writing();
	reading();
	round_trip();
	return test_end("test_form");
}
