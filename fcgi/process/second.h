/*
 * second.h - a listening socket of our own beside the one that was handed over
 * as fd 0: a file in CHATMOCK_HOME/run, made by the master, kept through a
 * reload, used by the workers.
 *
 * It has the rights of fd 0's file (0600 where that is none): whoever may
 * reach the one may reach the other. That it can not be had is a warning in
 * the log, never the end of a start.
 */
#ifndef CHATMOCK_SECOND_H
#define CHATMOCK_SECOND_H

#include "../../shared/config.h"
#include "../../shared/log.h"

struct second {
	int fd;				/* -1: there is none */
	char *path;
};

/* inherited: a descriptor that an earlier master left, or -1; it is used when
 * it listens at the same path, else closed. name NULL: none is wanted. */
void second_open(struct second *s, const struct config *c, const char *name,
		 int inherited, struct log *log);

/* No more connections come to it: the file is removed. */
void second_retire(struct second *s);
/* Closes it; the file stays, for who has the descriptor. Safe twice. */
void second_free(struct second *s);

/* What the master that we become needs to know: an environment variable. The
 * descriptor then outlives execve(). */
bool second_give(int fd);
void second_forget(int fd);
/* Reads the variable and forgets it; -1: there is none, or it lies. */
int second_take(void);

#endif
