/*
 * report.h - the facts as JSON.
 */
#ifndef CHATMOCK_REPORT_H
#define CHATMOCK_REPORT_H

#include "facts.h"

/* The HTTP status of a verdict: only VERDICT_FAIL is 503. */
int report_status(enum verdict worst);

/* "healthy", "degraded", "unhealthy" */
const char *report_word(enum verdict worst);

/*
 * The document that users know, with more members behind:
 * {"status","timestamp","metrics":{...},"prompt_cache":{...},"version",
 *  "workers":{...},"checks":{...}}
 */
void report_json(const struct facts *f, struct buf *out);

/* draft-inadarei-api-health-check-06: application/health+json. */
void report_health_json(const struct facts *f, struct buf *out);

/* The short answer of a probe in the same format: {"status":"pass"}, or with
 * an "output" that says why not. */
void report_probe(enum verdict verdict, const char *output, struct buf *out);

#endif
