/*
 * metrics_page.h - the facts for Prometheus.
 *
 * Text format 0.0.4, or OpenMetrics 1.0: HELP and TYPE once a family, families
 * and series always in the same order, label values escaped. At most
 * MAX_SERIES lines with values: what there is room for is said below.
 */
#ifndef CHATMOCK_METRICS_PAGE_H
#define CHATMOCK_METRICS_PAGE_H

#include "facts.h"

#define MAX_SERIES 2000

/* Pairs of route and status with a line of their own; the rest is counted
 * with the route "other". */
#define MAX_REQUEST_SERIES 400

/* Processes with lines of their own, the first slots. */
#define MAX_PROCESS_SERIES 32

/* f: FACTS_COUNTED is enough. Never fails but by the buf's ceiling: without
 * metrics file the page says so and ends. */
void metrics_page(const struct facts *f, bool openmetrics, struct buf *out);

#endif
