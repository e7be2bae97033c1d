/*
 * proc.h - processes by what they are: a number alone may be another's by now,
 * a number with its start time and the machine's boot is one process for ever.
 *
 * Nobody is signalled through a number: pidfd_open(2) first, then a look
 * whether it is the one that was meant, then the signal to that descriptor.
 */
#ifndef CHATMOCK_PROC_H
#define CHATMOCK_PROC_H

#include <sys/types.h>

#include "../../shared/base.h"

struct proc {
	pid_t pid;			/* 0: none */
	uint64_t start;			/* field 22 of /proc/PID/stat */
	uint64_t boot;			/* clock_boot_id() */
};

struct proc_stat {
	pid_t pid, ppid, session;
	char state;			/* 'R', 'S', 'Z', ... */
	uint64_t start;
	uid_t uid;
	int64_t resident;		/* bytes */
};

/* False: there is no such process. */
bool proc_stat(pid_t pid, struct proc_stat *st);

/* Who has the number now; false: nobody. */
bool proc_of(pid_t pid, struct proc *p);

/* Not such as have ended and were not reaped. */
bool proc_lives(const struct proc *p);
bool proc_signal(const struct proc *p, int sig);	/* false: it has gone */

/* True when it has ended within ms. Whose parent we are is not reaped here. */
bool proc_wait(const struct proc *p, int ms);

/* Seconds since it was started; -1: not known. */
int64_t proc_age_s(const struct proc *p);

/* Each process of the machine that is not ended; false from visit ends the
 * walk. */
typedef bool (*proc_visit)(void *ctx, const struct proc_stat *st);
void proc_each(proc_visit visit, void *ctx);

/* A descriptor of the process that stands for the file at path; -1: none, or
 * not to be seen. */
int proc_holds(pid_t pid, const char *path);

#endif
