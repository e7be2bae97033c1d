/*
 * base.h - the few words that every file of the project uses.
 *
 * A span is a borrowed run of bytes: not NUL-terminated, never freed by who
 * holds it. Whoever hands one out says until when it is good.
 */
#ifndef CHATMOCK_BASE_H
#define CHATMOCK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CHATMOCK_VERSION "0.1.0"

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of the given type whose member lies at ptr. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

struct span {
	const char *ptr;
	size_t len;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })

/* A span over a C string; NULL gives the empty span. */
static inline struct span span_of(const char *s)
{
	return (struct span){ s ? s : "", s ? strlen(s) : 0 };
}

static inline bool span_eq(struct span a, const char *b)
{
	size_t len = strlen(b);

	return a.len == len && memcmp(a.ptr, b, len) == 0;
}

static inline bool span_starts(struct span a, const char *b)
{
	size_t len = strlen(b);

	return a.len >= len && memcmp(a.ptr, b, len) == 0;
}

#endif
