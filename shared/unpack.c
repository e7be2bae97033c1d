/* unpack.c - see unpack.h. The only module that knows zlib and libzstd. */
#include "unpack.h"

#include <zlib.h>
#include <zstd.h>

#include "ceilings.h"
#include "text.h"

#define STEP (64u << 10)	/* room made at a time */

/* windowBits of zlib: 32 adds "gzip or zlib, look", a minus means bare. */
#define GZIP_OR_ZLIB (32 + MAX_WBITS)
#define BARE (-MAX_WBITS)

bool unpack_wanted(struct span encoding)
{
	encoding = text_trim(encoding);
	return encoding.len && !text_eq_nocase(encoding, "identity");
}

static enum err broken(struct err_note *note, const char *why)
{
	return err_set(note, ERR_BAD_ENCODING, "%s", why);
}

/* Room for one more step, no more than there may be; 0: the ceiling. */
static size_t make_room(struct buf *out, size_t max)
{
	size_t left = max - out->len;

	if (left > STEP)
		left = STEP;
	return left && buf_room(out, left) ? left : 0;
}

static enum err no_room(const struct buf *out, struct err_note *note)
{
	enum err code = buf_err(out) == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_TOO_LARGE;

	return err_set(note, code, "%zu bytes when unpacked", out->len);
}

/* --- gzip, deflate --- */

/* One call of inflate(). With no room left one byte is tried aside: it says
 * whether anything would follow. */
static int inflate_some(z_stream *z, size_t max, struct buf *out, bool *full)
{
	size_t room = make_room(out, max);
	unsigned char aside;
	int status;

	z->next_out = room ? (unsigned char *)out->ptr + out->len : &aside;
	z->avail_out = room ? (unsigned)room : 1;
	status = inflate(z, Z_NO_FLUSH);
	if (room)
		buf_wrote(out, room - z->avail_out);
	*full = !room && !z->avail_out;
	return status;
}

static enum err inflate_all(z_stream *z, size_t max, struct buf *out,
			    struct err_note *note)
{
	bool full = false;
	int status = Z_OK;

	while (!full && !buf_err(out)) {
		status = inflate_some(z, max, out, &full);
		if (status == Z_STREAM_END && !z->avail_in)
			return full ? no_room(out, note) : ERR_NONE;
		/* gzip's members may follow each other */
		if (status == Z_STREAM_END)
			status = inflateReset(z);
		if (status == Z_MEM_ERROR)
			return err_set(note, ERR_NO_MEMORY, "inflate");
		if (status != Z_OK)
			return broken(note, status == Z_BUF_ERROR && !z->avail_in ?
				      "it ends too early" : "inflate refuses it");
	}
	return no_room(out, note);
}

static enum err unpack_zlib(struct span packed, int bits, size_t max,
			    struct buf *out, struct err_note *note)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)packed.ptr,
		       .avail_in = (unsigned)packed.len };
	enum err err;

	if (inflateInit2(&z, bits) != Z_OK)
		return err_set(note, ERR_NO_MEMORY, "inflate");
	err = inflate_all(&z, max, out, note);
	inflateEnd(&z);
	return err;
}

/* zlib's header: the method 8, and a check over both bytes. */
static bool has_zlib_head(struct span s)
{
	unsigned a = s.len ? (unsigned char)s.ptr[0] : 0;
	unsigned b = s.len > 1 ? (unsigned char)s.ptr[1] : 0;

	return (a & 0x0f) == 8 && (a << 8 | b) % 31 == 0;
}

/* --- zstd --- */

static enum err zstd_all(ZSTD_DCtx *z, struct span packed, size_t max,
			 struct buf *out, struct err_note *note)
{
	ZSTD_inBuffer in = { packed.ptr, packed.len, 0 };
	size_t status = 1;

	while (in.pos < in.size || status) {
		size_t room = make_room(out, max), before = in.pos;
		char aside;
		ZSTD_outBuffer to = { room ? out->ptr + out->len : &aside,
				      room ? room : 1, 0 };

		status = ZSTD_decompressStream(z, &to, &in);
		if (ZSTD_isError(status))
			return broken(note, ZSTD_getErrorName(status));
		if (room)
			buf_wrote(out, to.pos);
		else if (to.pos || buf_err(out))
			return no_room(out, note);
		if (status && in.pos == before && !to.pos && in.pos == in.size)
			return broken(note, "it ends too early");
	}
	return ERR_NONE;
}

static enum err unpack_zstd(struct span packed, size_t max, struct buf *out,
			    struct err_note *note)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	enum err err;

	if (!z)
		return err_set(note, ERR_NO_MEMORY, "zstd");
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, MAX_ZSTD_WINDOW);
	err = zstd_all(z, packed, max, out, note);
	ZSTD_freeDCtx(z);
	return err;
}

enum err unpack(struct span encoding, struct span packed, size_t max,
		struct buf *out, struct err_note *note)
{
	encoding = text_trim(encoding);
	if (text_eq_nocase(encoding, "zstd"))
		return unpack_zstd(packed, max, out, note);
	if (text_eq_nocase(encoding, "gzip") || text_eq_nocase(encoding, "x-gzip"))
		return unpack_zlib(packed, GZIP_OR_ZLIB, max, out, note);
	if (text_eq_nocase(encoding, "deflate"))
		return unpack_zlib(packed, has_zlib_head(packed) ? GZIP_OR_ZLIB :
				   BARE, max, out, note);
	return err_tell(note, ERR_BAD_MEDIA_TYPE, "The Content-Encoding '%.*s' is not "
			"taken: zstd, gzip, deflate or none.",
			(int)(encoding.len < 60 ? encoding.len : 60), encoding.ptr);
}
