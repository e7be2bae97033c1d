/*
 * unpack.h - a body that came compressed, as it was before.
 *
 * zstd, gzip and deflate (zlib's, and the bare one that some send under that
 * name), in one or several frames behind each other. Output stops growing at
 * the ceiling given, so a small text that stands for an enormous
 * one costs no more than the ceiling and zstd's window (MAX_ZSTD_WINDOW).
 * Runs anywhere: nothing is shared.
 */
#ifndef CHATMOCK_UNPACK_H
#define CHATMOCK_UNPACK_H

#include "buf.h"

/* Content-Encoding's value: is there anything to be unpacked? Blanks and
 * "identity" are nothing. */
bool unpack_wanted(struct span encoding);

/*
 * Appends what packed stands for. ERR_BAD_MEDIA_TYPE for an encoding that is
 * none of ours, ERR_BAD_ENCODING for bytes that are not what they should be,
 * ERR_TOO_LARGE past max bytes in out, ERR_NO_MEMORY.
 */
MUST_USE enum err unpack(struct span encoding, struct span packed, size_t max,
			 struct buf *out, struct err_note *note);

#endif
