/*
 * words.h - times and sizes in words, the same in every command.
 */
#ifndef CHATMOCK_CLI_WORDS_H
#define CHATMOCK_CLI_WORDS_H

#include "../../shared/base.h"

/* "45 s", "12 min", "3 h", "6 d" */
const char *cli_span_words(int64_t seconds, char out[32]);

/* Unix seconds as "2026-11-22 10:03" in local time; "" for 0. */
const char *cli_time_words(int64_t at_s, char out[32]);

/* "812 bytes", "14.2 kB", "3.1 MB" */
const char *cli_size_words(size_t bytes, char out[32]);

#endif
