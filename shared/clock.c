/* clock.c - see clock.h. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"

#define US INT64_C(1000000)
#define ID_LEN 24

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * US + t.tv_nsec / 1000;
}

/* The frozen time of a test, or -1. Looked up each time: getenv() is a few
 * nanoseconds in our small environment and a test may change its mind. */
static int64_t test_clock(void)
{
	const char *s = getenv("CHATMOCK_TEST_CLOCK");
	long long t;
	char *end;

	if (!s || !*s)
		return -1;
	t = strtoll(s, &end, 10);
	if (*end || t < 0 || t > INT64_MAX / US)
		return -1;
	return t * US;
}

int64_t clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
	int64_t fixed = test_clock();

	return fixed >= 0 ? fixed : read_clock(CLOCK_REALTIME);
}

static char *digits(char *out, int64_t n, int count)
{
	for (int i = count - 1; i >= 0; i--, n /= 10)
		out[i] = (char)('0' + n % 10);
	return out + count;
}

/* "2026-11-22": the calendar's date of a day since 1970. Counted in years
 * that begin with March, so that the leap day is a year's last. */
static char *date(char *out, int64_t day)
{
	int64_t era, in_era, year, in_year, month;

	day += 719468;			/* since 0000-03-01 */
	era = day / 146097;		/* of 400 years */
	in_era = day % 146097;
	year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	in_year = in_era - (365 * year + year / 4 - year / 100);
	month = (5 * in_year + 2) / 153;
	out = digits(out, year + era * 400 + (month >= 10), 4);
	*out++ = '-';
	out = digits(out, month < 10 ? month + 3 : month - 9, 2);
	*out++ = '-';
	return digits(out, in_year - (153 * month + 2) / 5 + 1, 2);
}

void clock_rfc3339(char *out, int64_t wall_us)
{
	int64_t sec = wall_us / US, us = wall_us % US, in_day;

	/* years of five digits are nobody's time and would not fit */
	if (wall_us < 0 || sec > INT64_C(253402300799))
		sec = us = 0;
	in_day = sec % 86400;
	out = date(out, sec / 86400);
	*out++ = 'T';
	out = digits(out, in_day / 3600, 2);
	*out++ = ':';
	out = digits(out, in_day / 60 % 60, 2);
	*out++ = ':';
	out = digits(out, in_day % 60, 2);
	*out++ = '.';
	out = digits(out, us / 1000, 3);
	*out++ = 'Z';
	*out = '\0';
}

void random_bytes(void *out, size_t len)
{
	unsigned char *p = out;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n < 0) {
			/* a kernel without getrandom has no safe ids to give */
			if (errno != EINTR)
				abort();
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
}

/* 24 digits that count up: ids a test can write down. */
static void test_id(char id[ID_LEN])
{
	static _Atomic unsigned long long last;
	unsigned long long n = atomic_fetch_add(&last, 1) + 1;
	int i;

	for (i = ID_LEN - 1; i >= 0; i--, n /= 10)
		id[i] = (char)('0' + n % 10);
}

static void fresh_id(char id[ID_LEN])
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	unsigned char pool[2 * ID_LEN];
	size_t at = sizeof(pool), n = 0;

	while (n < ID_LEN) {
		if (at == sizeof(pool)) {
			random_bytes(pool, sizeof(pool));
			at = 0;
		}
		/* 62 * 4 = 248: above it the letters would not be even */
		if (pool[at] < 248)
			id[n++] = digits[pool[at] % 62];
		at++;
	}
}

void random_id(char *out, size_t size, const char *prefix)
{
	char id[ID_LEN + 1] = "";

	if (test_clock() >= 0)
		test_id(id);
	else
		fresh_id(id);
	snprintf(out, size, "%s%s", prefix, id);
}
