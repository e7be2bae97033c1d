/*
 * test_unpack.c - packed bodies: each form whole, cut, spoiled, and far larger
 * than they may be.
 */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "../../shared/unpack.h"
#include "test.h"

#define TEXT "{\"model\":\"gpt-5.5\",\"input\":\"Gr\xc3\xbc\xc3\x9f" "e aus Gr\xc3\xbc\xc3\x9f" "en\"}"

enum form { GZIP, ZLIB, BARE, ZSTD, FORMS };
static const char *const encodings[FORMS] = { "gzip", "deflate", "deflate", "zstd" };

static void pack_zlib(enum form form, struct span in, struct buf *out)
{
	static const int bits[] = { [GZIP] = 16 + MAX_WBITS, [ZLIB] = MAX_WBITS,
				    [BARE] = -MAX_WBITS };
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)in.ptr,
		       .avail_in = (unsigned)in.len };
	size_t room;

	deflateInit2(&z, 9, Z_DEFLATED, bits[form], 8, Z_DEFAULT_STRATEGY);
	room = deflateBound(&z, in.len);
	z.next_out = (unsigned char *)buf_room(out, room);
	z.avail_out = (unsigned)room;
	check_int(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_wrote(out, z.total_out);
	deflateEnd(&z);
}

static void pack(enum form form, struct span in, struct buf *out)
{
	size_t room = ZSTD_compressBound(in.len);

	if (form != ZSTD) {
		pack_zlib(form, in, out);
		return;
	}
	room = ZSTD_compress(buf_room(out, room), room, in.ptr, in.len, 3);
	check(!ZSTD_isError(room));
	buf_wrote(out, room);
}

static enum err run(const char *encoding, struct span in, size_t max,
		    struct buf *out)
{
	struct err_note note = ERR_NOTE_INIT;

	buf_reset(out);
	return unpack(span_of(encoding), in, max, out, &note);
}

/* Whole, two frames, every beginning of it, every byte wrong. */
static void test_form(enum form form)
{
	struct buf packed, out;
	size_t half;
	int wrong = 0;

	buf_init(&packed, 1u << 20);
	buf_init(&out, 1u << 20);
	pack(form, SPAN(TEXT), &packed);
	half = packed.len;
	check_int(run(encodings[form], buf_span(&packed), 1u << 20, &out), ERR_NONE);
	check_str(buf_span(&out), TEXT);
	check_int(run(encodings[form], buf_span(&packed), strlen(TEXT), &out), ERR_NONE);
	check_int(run(encodings[form], buf_span(&packed), strlen(TEXT) - 1, &out),
		  ERR_TOO_LARGE);
	for (size_t len = 0; len < half; len++)
		check_int(run(encodings[form], (struct span){ packed.ptr, len },
			      1u << 20, &out), ERR_BAD_ENCODING);
	for (size_t i = 0; i < half; i++) {
		enum err err;

		packed.ptr[i] ^= 0x5a;
		err = run(encodings[form], buf_span(&packed), 1u << 20, &out);
		check(err == ERR_BAD_ENCODING || err == ERR_NONE);
		wrong += err == ERR_BAD_ENCODING;
		packed.ptr[i] ^= 0x5a;
	}
	check(wrong > 5);
	pack(form, SPAN(TEXT), &packed);
	if (form != BARE) {
		check_int(run(encodings[form], buf_span(&packed), 1u << 20, &out),
			  ERR_NONE);
		check_str(buf_span(&out), TEXT TEXT);
	}
	buf_cut(&packed, half);
	buf_str(&packed, "rubbish");
	check_int(run(encodings[form], buf_span(&packed), 1u << 20, &out),
		  ERR_BAD_ENCODING);
	buf_free(&packed);
	buf_free(&out);
}

/* Megabytes of nothing cost the ceiling, no more. */
static void test_bomb(enum form form)
{
	size_t size = (size_t)48 << 20, max = (size_t)1 << 20;
	char *zeros = calloc(1, size);
	struct buf packed, out;

	buf_init(&packed, SIZE_MAX);
	buf_init(&out, max);
	pack(form, (struct span){ zeros, size }, &packed);
	free(zeros);
	check(packed.len < size / 500);
	check_int(run(encodings[form], buf_span(&packed), max, &out), ERR_TOO_LARGE);
	check(out.len == max);
	buf_free(&packed);
	buf_free(&out);
}

/* A window that would cost more than all of a request may. */
static void test_window(void)
{
	static const char head[] = "\x28\xb5\x2f\xfd\x00\x98\x01\x00\x00";
	struct buf out;

	buf_init(&out, 1000);
	check_int(run("zstd", (struct span){ head, sizeof(head) - 1 }, 1000, &out),
		  ERR_BAD_ENCODING);
	buf_free(&out);
}

int main(void)
{
	struct err_note note = ERR_NOTE_INIT;
	struct buf out;

	for (enum form form = GZIP; form < FORMS; form++) {
		test_form(form);
		test_bomb(form);
	}
	test_window();
	check(!unpack_wanted(SPAN("")));
	check(!unpack_wanted(SPAN(" Identity ")));
	check(unpack_wanted(SPAN("br")));
	buf_init(&out, 1000);
	check_int(run(" GZIP ", SPAN("x"), 1000, &out), ERR_BAD_ENCODING);
	check_int(unpack(SPAN("br"), SPAN("x"), 1000, &out, &note), ERR_BAD_MEDIA_TYPE);
	check(strstr(note.tell, "'br' is not taken: zstd, gzip, deflate") != NULL);
	check_int(run("gzip, zstd", SPAN("x"), 1000, &out), ERR_BAD_MEDIA_TYPE);
	buf_free(&out);
	return test_end("test_unpack");
}
