/*
 * metrics_parts.h - families of metrics_page.c that stand for parts of the
 * gateway rather than for what was counted.
 */
#ifndef CHATMOCK_METRICS_PARTS_H
#define CHATMOCK_METRICS_PARTS_H

#include "exposition.h"
#include "facts.h"

void metrics_workers(struct exposition *e, const struct facts *f);
void metrics_jobs(struct exposition *e, const struct facts *f);
void metrics_breakers(struct exposition *e, const struct facts *f);
/* CPU and memory of the living processes, from /proc. */
void metrics_processes(struct exposition *e, const struct facts *f);
/* Its memory, its cores, its disk; without metrics file as well. */
void metrics_machine(struct exposition *e, const struct facts *f);

#endif
