/*
 * exposition.h - lines of Prometheus' two text formats.
 *
 *	expose_family(&e, "a_total", "counter", "What it is.");
 *	expose_begin(&e, "a_total", "");
 *	expose_label(&e, "who", "me");
 *	expose_int(&e, 7);
 */
#ifndef CHATMOCK_EXPOSITION_H
#define CHATMOCK_EXPOSITION_H

#include "../../shared/buf.h"

struct exposition {
	struct buf *out;
	bool openmetrics;
	bool labelled;			/* private: '{' is open */
};

/* type: counter (whose name ends in _total), gauge or histogram. */
void expose_family(struct exposition *e, const char *name, const char *type,
		   const char *help);

/* One line: begin, any labels, one value. suffix goes behind the name. */
void expose_begin(struct exposition *e, const char *name, const char *suffix);
void expose_label(struct exposition *e, const char *name, const char *value);
/* Labels as they are written, "a=\"b\"", or "" for none. */
void expose_labels(struct exposition *e, const char *labels);
void expose_int(struct exposition *e, int64_t value);
void expose_uint(struct exposition *e, uint64_t value);
void expose_millis(struct exposition *e, int64_t value);	/* 1500: 1.5 */
void expose_micros(struct exposition *e, int64_t value);	/* 1500000: 1.5 */

/* An upper bound as a label: le="0.25", le="10.0". */
void expose_le(struct exposition *e, uint32_t bound_us);

void expose_end(struct exposition *e);

#endif
