/*
 * nearest.c - edit distance with swaps (optimal string alignment).
 *
 * Three rows of the usual table are enough: a swap looks two rows back.
 */
#include "nearest.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static uint16_t min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return (uint16_t)(m < c ? m : c);
}

size_t nearest_distance(struct span a, struct span b)
{
	uint16_t rows[3][NEAREST_MAX + 1];
	uint16_t *before = rows[0], *above = rows[1], *now = rows[2], *spare;

	if (a.len > NEAREST_MAX || b.len > NEAREST_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		above[j] = before[j] = (uint16_t)j;
	for (size_t i = 1; i <= a.len; i++) {
		char x = lower(a.ptr[i - 1]);

		now[0] = (uint16_t)i;
		for (size_t j = 1; j <= b.len; j++) {
			char y = lower(b.ptr[j - 1]);

			now[j] = min3(above[j] + 1u, now[j - 1] + 1u,
				      above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) &&
			    y == lower(a.ptr[i - 2]) &&
			    before[j - 2] + 1u < now[j])
				now[j] = (uint16_t)(before[j - 2] + 1u);
		}
		spare = before;
		before = above;
		above = now;
		now = spare;
	}
	return above[b.len];
}

bool nearest_is_near(struct span a, size_t distance)
{
	return distance <= (a.len < 6 ? 2 : a.len / 3);
}
