/*
 * start.h - the first act of every program's main().
 */
#ifndef CHATMOCK_START_H
#define CHATMOCK_START_H

/* Descriptors 0 to 2 are open, files are made for their owner alone, and
 * nobody gets to see our memory: no core files, no debugger. */
void start_safely(void);

#endif
