/*
 * clock.h - time and random ids, in one place so that tests can fix them.
 *
 * Units: microseconds, in int64_t. clock_mono_us() only for differences;
 * clock_wall_us() is Unix time, for what people and tokens read.
 * CHATMOCK_TEST_CLOCK=<unix seconds> in the environment freezes the wall
 * clock and makes random ids count up from 1; for tests only. It is read once.
 */
#ifndef CHATMOCK_CLOCK_H
#define CHATMOCK_CLOCK_H

#include "base.h"

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);

/* For tests: the environment says another time now. */
void clock_test_changed(void);

/* Since this machine was started, sleep included: the same for all processes.
 * Means nothing without clock_boot_id(). */
int64_t clock_boot_us(void);

/* Tells this start of the machine from all others; never 0. Reads a file of
 * /proc, so at start only. CHATMOCK_TEST_BOOT=<hex digits> gives another. */
uint64_t clock_boot_id(void);

/* "2026-11-22T10:03:11.482Z" into out, which holds 32 bytes at least. */
void clock_rfc3339(char *out, int64_t wall_us);

/* RFC 3339 (no zone: UTC) to Unix seconds; 0 for anything else. */
int64_t clock_parse(struct span s);

/* Fills out with len random bytes; never fails (getrandom). */
void random_bytes(void *out, size_t len);

/* prefix, then 24 random characters of [0-9a-zA-Z], into out of size bytes:
 * "chatcmpl-", "req_". Cut to fit. */
void random_id(char *out, size_t size, const char *prefix);

#endif
