/* test_buf.c - the buffer, its ceiling, and JSON strings. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/buf.h"
#include "../../shared/clock.h"
#include "test.h"

static void passes(void)
{
	struct buf a, b;
	char *memory;

	buf_init(&a, 1000);
	buf_init(&b, 600);
	buf_pass(&a, &b);		/* nothing to pass */
	check(!a.size && !b.size);
	buf_str(&a, "something");
	memory = a.ptr;
	buf_pass(&a, &b);
	check(b.ptr == memory && b.len == 0 && *b.ptr == '\0');
	check(a.size == 0 && a.len == 0 && *a.ptr == '\0');
	buf_str(&a, "else");
	buf_pass(&a, &b);		/* b has some: a's is freed */
	check(b.ptr == memory && a.size == 0);
	buf_pass(&b, &a);
	check(a.ptr == memory && b.size == 0);
	buf_fmt(&a, "%700s", "wide");
	buf_pass(&a, &b);		/* larger than b may be */
	check(b.size == 0 && a.size == 0);
	buf_fmt(&b, "%700s", "wide");
	check(buf_err(&b) == ERR_TOO_LARGE && b.size == 0);
	buf_str(&a, "something");
	buf_pass(&a, &b);		/* what failed stays so */
	check(buf_err(&b) == ERR_TOO_LARGE && b.size == 0 && a.size == 0);
	buf_free(&a);
	buf_free(&b);
}

static void appends(void)
{
	struct buf b;
	char *taken;

	buf_init(&b, 1000);
	check_str(buf_span(&b), "");
	check(b.ptr && b.size == 0);
	buf_str(&b, "");
	check(b.size == 0);
	buf_str(&b, "a");
	buf_char(&b, 'b');
	buf_int(&b, INT64_MIN);
	buf_char(&b, ' ');
	buf_int(&b, INT64_MAX);
	buf_int(&b, 0);
	buf_span_add(&b, SPAN("-x"));
	buf_fmt(&b, " %d %s", 5, "five");
	check_str(buf_span(&b),
		  "ab-9223372036854775808 92233720368547758070-x 5 five");
	check(b.ptr[b.len] == '\0');
	buf_drop(&b, 2);
	check(span_starts(buf_span(&b), "-922"));
	buf_cut(&b, 4);
	check_str(buf_span(&b), "-922");
	buf_cut(&b, 10);
	check_str(buf_span(&b), "-922");
	buf_drop(&b, 100);
	check_str(buf_span(&b), "");
	buf_fmt(&b, "%600s", "wide");
	check_int(b.len, 600);
	check_str(span_of(b.ptr + 596), "wide");
	taken = buf_take(&b);
	check(taken && strlen(taken) == 600);
	free(taken);
	check_str(buf_span(&b), "");
	taken = buf_take(&b);
	check(taken && !*taken);
	free(taken);
	buf_str(&b, "again");
	check_str(buf_span(&b), "again");
	buf_wipe_free(&b);
	buf_free(&b);
	buf_free(&b);
}

static void zeroed(void)
{
	struct buf b = { 0 };

	buf_free(&b);
	buf_free(&b);
	check_str(buf_span(&b), "");
	b = (struct buf){ 0 };
	buf_wipe_free(&b);
	check_str(buf_span(&b), "");
}

static void ceiling(void)
{
	struct buf b;
	size_t max, i;

	for (max = 0; max < 200; max++) {
		buf_init(&b, max);
		for (i = 0; i < max; i++)
			buf_char(&b, 'x');
		check_int(buf_err(&b), ERR_OK);
		check_int(b.len, (int64_t)max);
		buf_char(&b, 'y');
		check_int(buf_err(&b), ERR_TOO_LARGE);
		check_int(b.len, (int64_t)max);
		buf_drop(&b, max);
		buf_str(&b, "");
		buf_char(&b, 'z');		/* the failure stays */
		check_int(b.len, 0);
		check(!buf_room(&b, 1));
		check(!buf_take(&b));
		buf_str(&b, max ? "n" : "");	/* taken or not: new again */
		check_int(buf_err(&b), ERR_OK);
		buf_fmt(&b, "%300d", 1);
		check_int(buf_err(&b), ERR_TOO_LARGE);
		buf_reset(&b);
		check_int(buf_err(&b), ERR_OK);
		buf_free(&b);
	}
	buf_init(&b, SIZE_MAX);
	buf_add(&b, "x", 1);
	check(!buf_room(&b, SIZE_MAX / 2));
	check_int(buf_err(&b), ERR_TOO_LARGE);
	buf_free(&b);
}

static void room(void)
{
	struct buf b;
	char *p;

	buf_init(&b, 100);
	buf_wrote(&b, 0);
	p = buf_room(&b, 100);
	if (check(p != NULL)) {
		memset(p, 'r', 100);
		buf_wrote(&b, 100);
	}
	check_int(b.len, 100);
	check_int(b.ptr[100], 0);
	check(!buf_room(&b, 1));
	buf_free(&b);
}

static const struct {
	const char *in;
	size_t len;
	const char *out;
} json_cases[] = {
#define CASE(in, out) { in, sizeof(in) - 1, out }
	CASE("", ""),
	CASE("plain text, long enough for words", "plain text, long enough for words"),
	CASE("a\"b\\c/d", "a\\\"b\\\\c/d"),
	CASE("\b\t\n\v\f\r", "\\b\\t\\n\\u000b\\f\\r"),
	CASE("\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\x7f"),
	CASE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	CASE("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
	     "\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa"),
	/* one U+FFFD for each maximal subpart */
	CASE("\x80", "\xef\xbf\xbd"),
	CASE("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"),
	CASE("\xc3", "\xef\xbf\xbd"),
	CASE("\xe2\x82", "\xef\xbf\xbd"),
	CASE("\xe2\x82x", "\xef\xbf\xbdx"),
	CASE("\xf0\x9f\x98z", "\xef\xbf\xbdz"),
	CASE("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	CASE("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	CASE("\xe0\x9f\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	CASE("\xf0\x80\x80\x41", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd""A"),
	CASE("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41",
	     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd""A"),
	CASE("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"),
#undef CASE
};

/* Each case at each place in a word, so that both scans meet it. */
static void json_strings(void)
{
	char in[64], out[128];
	struct buf b;
	size_t i, shift, n, m;

	buf_init(&b, 1000);
	for (i = 0; i < ARRAY_LEN(json_cases); i++) {
		for (shift = 0; shift < 17; shift++) {
			memset(in, 'p', shift);
			memcpy(in + shift, json_cases[i].in, json_cases[i].len);
			n = shift + json_cases[i].len;
			m = strlen(json_cases[i].out);
			memset(out, 'p', shift + 1);
			out[0] = '"';
			memcpy(out + 1 + shift, json_cases[i].out, m);
			memcpy(out + 1 + shift + m, "\"", 2);
			buf_reset(&b);
			buf_json(&b, (struct span){ in, n });
			check_str(buf_span(&b), out);
		}
	}
	buf_reset(&b);
	buf_json_part(&b, SPAN("a\n"));
	check_str(buf_span(&b), "a\\n");
	buf_free(&b);
}

/* What a process keeps in advance must not be said by its child, too. */
static bool ids_differ_in_child(void)
{
	char mine[40] = "", its[40] = "";
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		return false;
	random_id(mine, sizeof(mine), "");
	if (pid == 0)
		_exit(write(ends[1], mine, sizeof(mine)) != sizeof(mine));
	check(read(ends[0], its, sizeof(its)) == sizeof(its));
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return strlen(its) == 24 && strcmp(mine, its) != 0;
}

static void clocks(void)
{
	char out[32], id[64], id2[64], cut[8];
	int64_t a = clock_mono_us();

	check(clock_mono_us() >= a);
	check(clock_wall_us() > INT64_C(1700000000000000));
	clock_rfc3339(out, INT64_C(1795341791482999));
	check_str(span_of(out), "2026-11-22T10:03:11.482Z");
	clock_rfc3339(out, -1);
	check_str(span_of(out), "1970-01-01T00:00:00.000Z");
	clock_rfc3339(out, INT64_MAX);
	check(strlen(out) == 24);
	random_id(id, sizeof(id), "req_");
	random_id(id2, sizeof(id2), "req_");
	check(strlen(id) == 28 && strncmp(id, "req_", 4) == 0);
	check(strcmp(id, id2) != 0);
	check(ids_differ_in_child());
	random_id(cut, sizeof(cut), "req_");
	check(strlen(cut) == 7);
	setenv("CHATMOCK_TEST_CLOCK", "1795341791", 1);
	clock_test_changed();
	check_int(clock_wall_us(), INT64_C(1795341791000000));
	random_id(id, sizeof(id), "x-");
	check_str(span_of(id), "x-000000000000000000000001");
	random_id(id, sizeof(id), "x-");
	check_str(span_of(id), "x-000000000000000000000002");
	setenv("CHATMOCK_TEST_CLOCK", "soon", 1);
	clock_test_changed();
	check(clock_wall_us() > INT64_C(1700000000000000));
	unsetenv("CHATMOCK_TEST_CLOCK");
	clock_test_changed();
}

int main(void)
{
	passes();
	appends();
	zeroed();
	ceiling();
	room();
	json_strings();
	clocks();
	return test_end("test_buf");
}
