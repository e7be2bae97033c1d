/*
 * test.h - a unit test is a table and a few checks; this prints what failed.
 *
 *	int main(void)
 *	{
 *		check_str(buf_span(&b), "hello");
 *		return test_end("test_buf");
 *	}
 *
 * Each check counts. test_end() prints "test_buf: 12 passed, 0 failed" (and
 * ", 1 skipped") and returns the exit code.
 */
#ifndef CHATMOCK_TEST_H
#define CHATMOCK_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../shared/base.h"

static int test_passed, test_failed, test_skipped;

static inline bool test_note(bool ok, const char *file, int line, const char *what)
{
	if (ok) {
		test_passed++;
	} else {
		test_failed++;
		printf("%s:%d: %s\n", file, line, what);
	}
	return ok;
}

#define check(cond) test_note((cond), __FILE__, __LINE__, #cond)

static inline bool test_int(int64_t got, int64_t want, const char *file, int line,
			    const char *what)
{
	if (!test_note(got == want, file, line, what)) {
		printf("  got %" PRId64 ", want %" PRId64 "\n", got, want);
		return false;
	}
	return true;
}
#define check_int(got, want) test_int((got), (want), __FILE__, __LINE__, #got)

static inline bool test_str(struct span got, const char *want, const char *file,
			    int line, const char *what)
{
	if (!test_note(span_eq(got, want), file, line, what)) {
		printf("  got  %.*s\n  want %s\n", (int)got.len, got.ptr, want);
		return false;
	}
	return true;
}
#define check_str(got, want) test_str((got), (want), __FILE__, __LINE__, #got)

/* What cannot be had here, and why, as printf has it: said and counted. */
#define test_skip(...) \
	(test_skipped++, printf("SKIP "), printf(__VA_ARGS__), printf("\n"))

static inline int test_end(const char *name)
{
	printf("%s: %d passed, %d failed", name, test_passed, test_failed);
	if (test_skipped)
		printf(", %d skipped", test_skipped);
	printf("\n");
	return test_failed ? 1 : 0;
}

#endif
