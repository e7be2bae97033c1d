/* test_err.c - the note keeps the first failure and never overflows. */
#include "../../shared/err.h"

#include <errno.h>

#include "test.h"

static void first_wins(void)
{
	struct err_note n = ERR_NOTE_INIT;

	check_int(n.should_retry, -1);
	check_int(err_set(&n, ERR_BUSY, "worker %d", 7), ERR_BUSY);
	check_int(err_set(&n, ERR_SYSTEM, "later"), ERR_BUSY);
	check_int(err_tell(&n, ERR_SYSTEM, "later"), ERR_BUSY);
	check_int(err_at(&n, ERR_SYSTEM, "a.b", "later"), ERR_BUSY);
	check_int(n.code, ERR_BUSY);
	check_str(span_of(n.why), "worker 7");
	check_str(span_of(n.tell), "");
	check_str(span_of(n.param), "");
	check_str(span_of(err_words(&n)), "worker 7");
	err_clear(&n);
	check_int(n.code, ERR_OK);
	check_int(n.should_retry, -1);
	check_str(span_of(n.why), "");
	check_int(err_tell(&n, ERR_BAD_JSON, "line %d", 3), ERR_BAD_JSON);
	check_str(span_of(n.why), "line 3");
	check_str(span_of(n.tell), "line 3");
	snprintf(n.tell, sizeof(n.tell), "for the client");
	check_str(span_of(err_words(&n)), "for the client");
	n.tell[0] = n.why[0] = '\0';
	check_str(span_of(err_words(&n)), "bad_json");
}

static void with_path(void)
{
	struct err_note n = ERR_NOTE_INIT;

	check_int(err_at(&n, ERR_BAD_REQUEST, "messages[2].content",
			 "must be %s", "a string"), ERR_BAD_REQUEST);
	check_str(span_of(n.param), "messages[2].content");
	check_str(span_of(n.tell), "must be a string");
	check_str(span_of(n.why), "must be a string");
}

static void without_note(void)
{
	check_int(err_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
	check_int(err_tell(NULL, ERR_BUSY, "x"), ERR_BUSY);
	check_int(err_at(NULL, ERR_BUSY, "p", "x"), ERR_BUSY);
}

/* Each length of a text of two-byte characters: cut, but between two. */
static void of_errno(void)
{
	struct err_note n = ERR_NOTE_INIT;

	errno = ENOENT;
	check_int(err_errno(&n, "opening", "/x"), ERR_SYSTEM);
	check_int(errno, ENOENT);
	check_int(n.code, ERR_SYSTEM);
	check_str(span_of(n.why), "opening /x: No such file or directory");
	check_str(span_of(n.tell), "");
	errno = EACCES;
	check_int(err_errno(NULL, "opening", "/x"), ERR_SYSTEM);
	check_int(errno, EACCES);
}

static void cut_whole(void)
{
	char text[1024];
	struct err_note n;
	size_t len, i;

	for (len = 180; len < 420; len++) {
		for (i = 0; i + 1 < len; i += 2)
			memcpy(text + i, "\xc3\xa9", 2);
		if (len % 2)
			text[len - 1] = 'x';
		text[len] = '\0';
		n = ERR_NOTE_INIT;
		err_tell(&n, ERR_SYSTEM, "%s", text);
		check(strlen(n.why) < sizeof(n.why));
		check(strlen(n.tell) < sizeof(n.tell));
		if (len >= sizeof(n.why))
			check_int(strlen(n.why), 198);
		else
			check_str(span_of(n.why), text);
		if (len >= sizeof(n.tell))
			check_int(strlen(n.tell), 398);
		else
			check_str(span_of(n.tell), text);
	}
}

static void names(void)
{
	int i, j;

	check_str(span_of(err_name(ERR_OK)), "ok");
	check_str(span_of(err_name(ERR_UPSTREAM_BROKE)), "upstream_broke");
	check_str(span_of(err_name((enum err)9999)), "unknown");
	for (i = 0; i < ERR__COUNT; i++)
		for (j = 0; j < i; j++)
			check(strcmp(err_name((enum err)i), err_name((enum err)j)));
}

int main(void)
{
	first_wins();
	with_path();
	without_note();
	of_errno();
	cut_whole();
	names();
	return test_end("test_err");
}
