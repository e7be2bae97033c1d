/*
 * tokens.h - about how many tokens a text is, without a tokenizer.
 *
 * The text is cut into pieces where the o200k vocabulary's own rules cut it
 * (words with the sign before them, digits in threes, signs, blanks), and each
 * piece counts what such pieces of its kind and length take on average. Linear,
 * no memory. tests/clients measures the error against a real tokenizer.
 */
#ifndef CHATMOCK_TOKENS_H
#define CHATMOCK_TOKENS_H

#include "base.h"

/* An estimate; 0 for no text alone. Bytes that are no UTF-8 count
 * as the replacement characters they become. */
int64_t tokens_estimate(struct span text);

/*
 * What an image takes: by its tiles, as upstream counts them, where the head of
 * a PNG, GIF, JPEG or WebP (in base64) tells its size, else as one of 1024 by
 * 1024 pixels. low: asked for at low detail.
 */
int64_t tokens_image(struct span base64, bool low);

#endif
