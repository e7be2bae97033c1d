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

/* How many workers the API is to have. */
int start_workers(const struct config *c);

#endif
