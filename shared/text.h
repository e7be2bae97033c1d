/*
 * text.h - reading numbers, UTF-8, base64url and hashes out of bytes.
 *
 * Nothing here allocates unless it says so; nothing keeps its arguments.
 */
#ifndef CHATMOCK_TEXT_H
#define CHATMOCK_TEXT_H

#include "buf.h"

/* A whole decimal number with optional '-', nothing else around it. */
MUST_USE bool text_int(struct span s, int64_t *out);

/* A decimal fraction ("0.5", "300"), nothing else around it. */
MUST_USE bool text_double(struct span s, double *out);

/* Without ASCII blanks, tabs, CR and LF at both ends. */
struct span text_trim(struct span s);

bool text_eq_nocase(struct span a, const char *b);	/* ASCII */
bool text_starts_nocase(struct span a, const char *b);

/*
 * The next piece of a list before sep, trimmed; *rest moves on. False at the
 * end. Empty pieces are skipped.
 */
bool text_next(struct span *rest, char sep, struct span *piece);

/* '*' matches any run of bytes; ASCII case counts. */
bool text_glob(const char *pattern, struct span s);

bool utf8_valid(struct span s);

/* Bytes at the end of s that begin a sequence which is not complete: 0 to 3.
 * Hold them back until the rest comes. */
size_t utf8_partial_tail(struct span s);

/* Appends the decoded bytes; padding optional. False when s is not base64url. */
MUST_USE bool base64url_decode(struct span s, struct buf *out);

/* Appends s as base64url without padding. */
void base64url_encode(struct span s, struct buf *out);

/* Equal? In a time that tells nothing of where they differ, only of lengths. */
bool text_eq_secret(struct span a, struct span b);

/* Lower-case hex of the SHA-256 of s into out[65]. */
void sha256_hex(struct span s, char out[65]);

/* base64 of the SHA-1 of s, into out[29]: what a WebSocket's handshake is
 * answered with. */
void sha1_base64(struct span s, char out[29]);

/* An incremental SHA-256. sha256_done() frees what sha256_begin() made. */
struct sha256;
struct sha256 *sha256_begin(void);	/* NULL: no memory; the rest takes NULL */
void sha256_add(struct sha256 *h, struct span s);
void sha256_done(struct sha256 *h, unsigned char out[32]);
/* Takes the same time whatever they are. */
bool sha256_eq(const unsigned char a[32], const unsigned char b[32]);

/* "xxxxxxxx-xxxx-8xxx-Vxxx-xxxxxxxxxxxx" made of the 16 bytes (RFC 9562:
 * version 8, V is one of 89ab), into out[37]. */
void uuid_from(const unsigned char bytes[16], char out[37]);

/* snprintf into dst that says so when it had to cut: true when all fitted. */
bool text_copy(char *dst, size_t size, struct span s);

#endif
