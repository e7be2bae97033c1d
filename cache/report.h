/*
 * report.h - what a run says: a line for each job, for a person on a
 * terminal, else one of JSON as the gateway's logs have them.
 */
#ifndef CHATMOCK_CACHE_REPORT_H
#define CHATMOCK_CACHE_REPORT_H

#include "../shared/err.h"

/* Begins the line on a terminal, so that it is seen what is being waited for. */
void report_begin(const char *job);

/* result: "done", "idle" or "failed". code: ERR_NONE or why it failed. */
void report_end(const char *job, const char *result, enum err code,
		const char *words, int64_t took_ms);

/* A line about the run itself: "fetch_busy", "fetch_failed". */
void report_run(const char *event, enum err code, const char *words);

#endif
