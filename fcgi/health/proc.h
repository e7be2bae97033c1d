/*
 * proc.h - what the kernel tells of a process, from /proc.
 */
#ifndef CHATMOCK_PROC_H
#define CHATMOCK_PROC_H

#include "../../shared/base.h"

struct proc {
	char state;			/* as in proc(5): R, S, T, Z, ... */
	int64_t cpu_us;			/* user and system time */
	int64_t resident;		/* bytes */
};

/* False: there is none, or /proc does not tell. Blocking. */
bool proc_read(int64_t pid, struct proc *p);

#endif
