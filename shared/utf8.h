/*
 * utf8.h - one step through UTF-8, and the run that needs no second look.
 *
 * For shared/ alone: buf, text and json read bytes with it.
 */
#ifndef CHATMOCK_UTF8_H
#define CHATMOCK_UTF8_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/*
 * The length of the sequence at p (len > 0). *ok is false when it is not
 * valid; the length is then WHATWG's maximal subpart: what one U+FFFD stands
 * for. *more is true when only the end of the bytes made it invalid.
 */
static inline size_t utf8_step(const unsigned char *p, size_t len, bool *ok,
			       bool *more)
{
	unsigned char lead = p[0], low = 0x80, high = 0xbf;
	size_t need, i;

	*ok = true;
	*more = false;
	if (lead < 0x80)
		return 1;
	*ok = false;
	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	need = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	/* overlong forms, surrogates and what lies above U+10FFFF */
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	for (i = 1; i < need; i++) {
		if (i == len) {
			*more = true;
			return i;
		}
		if (p[i] < low || p[i] > high)
			return i;
		low = 0x80;
		high = 0xbf;
	}
	*ok = true;
	return need;
}

/* 1 in the top bit of each byte that is not plain ASCII text of a JSON
 * string: control characters, '"', '\\', and all above 0x7f. A byte above
 * a true hit may be hit falsely. */
static inline uint64_t utf8_special(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');

	return (w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) &
		(ones * 0x80);
}

/*
 * How many bytes at p stand for themselves in a JSON string and are ASCII:
 * sixteen at a time where the machine can, else eight, for most of what
 * passes through is such text.
 */
static inline size_t utf8_plain_run(const unsigned char *p, size_t len)
{
	size_t i = 0;
	uint64_t w, hits;

#ifdef __SSE2__
	for (; i + 16 <= len; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		/* signed: above 0x7f is less, too */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
			_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
				     _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);

		if (mask)
			return i + (size_t)__builtin_ctz(mask);
	}
#endif
	for (; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		hits = utf8_special(w);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		if (hits)	/* the lowest hit is a true one */
			return i + (size_t)__builtin_ctzll(hits) / 8;
#else
		if (hits)
			break;
#endif
	}
	while (i < len && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' &&
	       p[i] != '\\')
		i++;
	return i;
}

#endif
