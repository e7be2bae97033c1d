/*
 * start.h - what the programs share about starting.
 */
#ifndef CHATMOCK_START_H
#define CHATMOCK_START_H

#include "../../shared/config.h"

/* The first act of main(). Descriptors 0 to 2 are open, files are made for
 * their owner alone, and nobody gets to see our memory: no core files, no
 * debugger. */
void start_safely(void);

/* The program can not do what it was started for. A CGI caller hears of it too,
 * without what is wrong inside. */
void start_complain(const char *program, const struct err_note *note);

/* How many workers the API is to have. */
int start_workers(const struct config *c);

#endif
