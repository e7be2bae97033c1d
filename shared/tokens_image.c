/*
 * tokens_image.c - what an image takes; see tokens.h.
 *
 * The size stands in the file's head, which is read where it lies in the
 * base64 text: any byte of it is one step away.
 */
#include "tokens.h"

#define BASE		70	/* tokens of any image, and of each tile beside */
#define TILE		140
#define TILE_SIDE	512
#define LONG_SIDE	2048	/* larger ones are made smaller to this, */
#define SHORT_SIDE	768	/* and then to this */
#define UNKNOWN_SIDE	1024
#define JPEG_HEAD	(256u << 10)	/* so far its size is looked for */

static int value_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : 0;
}

/* 0 beyond the end. */
static unsigned byte_at(struct span b64, size_t i)
{
	size_t at = i / 3 * 4 + i % 3;
	unsigned two;

	if (at + 1 >= b64.len)
		return 0;
	two = (unsigned)value_of(b64.ptr[at]) << 6 |
	      (unsigned)value_of(b64.ptr[at + 1]);
	return two >> (4 - i % 3 * 2) & 0xff;
}

static unsigned big(struct span b64, size_t i)
{
	return byte_at(b64, i) << 8 | byte_at(b64, i + 1);
}

static unsigned little(struct span b64, size_t i)
{
	return byte_at(b64, i + 1) << 8 | byte_at(b64, i);
}

struct size {
	unsigned wide, high;
};

/* ITU-T T.81, B.2: segments up to the frame's header. */
static struct size jpeg_size(struct span b64)
{
	size_t i = 2;

	while (i < JPEG_HEAD && byte_at(b64, i) == 0xff) {
		unsigned kind = byte_at(b64, i + 1);

		if (kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 &&
		    kind != 0xc8 && kind != 0xcc)
			return (struct size){ big(b64, i + 7), big(b64, i + 5) };
		i += 2 + big(b64, i + 2);
	}
	return (struct size){ 0 };
}

/* RFC 9649: lossy, lossless and extended begin differently. */
static struct size webp_size(struct span b64)
{
	unsigned bits;

	switch (byte_at(b64, 15)) {
	case ' ':
		return (struct size){ little(b64, 26) & 0x3fff,
				      little(b64, 28) & 0x3fff };
	case 'L':
		bits = little(b64, 21) | little(b64, 23) << 16;
		return (struct size){ (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1 };
	case 'X':
		return (struct size){ little(b64, 24) + 1, little(b64, 27) + 1 };
	default:
		return (struct size){ 0 };
	}
}

static struct size size_of(struct span b64)
{
	unsigned head = big(b64, 0);

	if (head == 0x8950)	/* PNG: in its first chunk */
		return (struct size){ big(b64, 18), big(b64, 22) };
	if (head == 0x4749)	/* GIF */
		return (struct size){ little(b64, 6), little(b64, 8) };
	if (head == 0xffd8)
		return jpeg_size(b64);
	if (head == 0x5249)	/* RIFF */
		return webp_size(b64);
	return (struct size){ 0 };
}

int64_t tokens_image(struct span base64, bool low)
{
	struct size s = size_of(base64);
	uint64_t wide = s.wide, high = s.high, more, less;

	if (low)
		return BASE;
	if (!wide || !high)
		wide = high = UNKNOWN_SIDE;
	more = wide > high ? wide : high;
	if (more > LONG_SIDE) {
		wide = wide * LONG_SIDE / more;
		high = high * LONG_SIDE / more;
	}
	less = wide < high ? wide : high;
	if (less > SHORT_SIDE) {
		wide = wide * SHORT_SIDE / less;
		high = high * SHORT_SIDE / less;
	}
	return BASE + TILE * (int64_t)((wide + TILE_SIDE - 1) / TILE_SIDE *
				       ((high + TILE_SIDE - 1) / TILE_SIDE));
}
