/* clock.c - see clock.h. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* The frozen time of a test, or -1. */
static int64_t read_test_clock(void)
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

#define NOT_READ INT64_MIN

static _Atomic int64_t *frozen(void)
{
	static _Atomic int64_t at = NOT_READ;

	return &at;
}

/* Read once: a request asks five times, and each would walk through the
 * environment. */
static int64_t test_clock(void)
{
	int64_t at = atomic_load_explicit(frozen(), memory_order_relaxed);

	if (at == NOT_READ) {
		at = read_test_clock();
		atomic_store(frozen(), at);
	}
	return at;
}

void clock_test_changed(void)
{
	atomic_store(frozen(), NOT_READ);
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

int64_t clock_boot_us(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/* The first 16 hexadecimal digits, whatever stands between them. */
static uint64_t hex_number(const char *s)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t n = 0;
	int count = 0;

	for (; *s && count < 16; s++) {
		const char *at = strchr(hex, *s);

		if (!at)
			continue;
		n = n << 4 | (uint64_t)(at - hex);
		count++;
	}
	return n;
}

uint64_t clock_boot_id(void)
{
	const char *fixed = getenv("CHATMOCK_TEST_BOOT");
	char text[64] = "";
	uint64_t id;
	FILE *f;

	if (!fixed || !*fixed) {
		f = fopen("/proc/sys/kernel/random/boot_id", "re");
		if (f && !fgets(text, sizeof(text), f))
			text[0] = '\0';
		if (f)
			fclose(f);
	}
	id = hex_number(fixed && *fixed ? fixed : text);
	return id ? id : 1;
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

/*
 * Random bytes in advance, a thread's own: two ids a request were two system
 * calls. A child forgets what its parent had left, or both would say the same.
 */
struct pool {
	unsigned char bytes[512];
	size_t left;
	unsigned forks;
};

static _Atomic unsigned *forks(void)
{
	static _Atomic unsigned count;

	return &count;
}

static void in_child(void)
{
	atomic_fetch_add(forks(), 1);
}

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, in_child) == 0)
		atomic_store(forks(), 1);
}

/* Some are left in it. */
static struct pool *pool(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static _Thread_local struct pool p;
	unsigned now = atomic_load_explicit(forks(), memory_order_relaxed);

	if (!p.left || p.forks != now || !now) {
		pthread_once(&once, watch_forks);
		random_bytes(p.bytes, sizeof(p.bytes));
		p.left = sizeof(p.bytes);
		p.forks = atomic_load(forks());	/* 0: not watched, none is kept */
	}
	return &p;
}

static void fresh_id(char id[ID_LEN])
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct pool *p = pool();
	size_t n = 0;

	while (n < ID_LEN) {
		unsigned char byte;

		if (!p->left)
			p = pool();
		byte = p->bytes[--p->left];
		/* 62 * 4 = 248: above it the letters would not be even */
		if (byte < 248)
			id[n++] = letters[byte % 62];
	}
}

void random_id(char *out, size_t size, const char *prefix)
{
	size_t len = strnlen(prefix, size - 1), room = size - 1 - len;
	char id[ID_LEN];

	if (test_clock() >= 0)
		test_id(id);
	else
		fresh_id(id);
	memcpy(out, prefix, len);
	memcpy(out + len, id, room < ID_LEN ? room : ID_LEN);
	out[len + (room < ID_LEN ? room : ID_LEN)] = '\0';
}
