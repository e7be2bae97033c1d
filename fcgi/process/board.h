/*
 * board.h - what a master and its workers see of each other: one shared piece
 * of memory with a slot a worker. Each worker writes its own slot alone; all
 * read all. Lock-free, so that a worker killed at any instant leaves nothing
 * locked.
 */
#ifndef CHATMOCK_BOARD_H
#define CHATMOCK_BOARD_H

#include <stdatomic.h>
#include <sys/types.h>

#include "../../shared/base.h"

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_ACCEPTING, SLOT_DRAINING };

/* A cache line each: a busy worker does not slow its sibling's counters. */
struct slot {
	_Alignas(64) _Atomic int32_t pid;
	_Atomic int32_t state;		/* enum slot_state */
	_Atomic int64_t heartbeat_us;	/* clock_mono_us() of the last sign of life */
	_Atomic int64_t streams;	/* in flight now */
	_Atomic int64_t conns;		/* open, idle kept ones too */
	_Atomic int64_t served;		/* requests answered */
	_Atomic int64_t retries;	/* streams that try upstream again */
	_Atomic uint32_t generation;	/* of the master that forked it */
	_Atomic int32_t wants_rest;	/* asks the master for a successor */
};

struct board {
	size_t count;
	_Atomic int32_t keys_wanted;	/* by some worker: their file was there */
	struct slot slots[];
};

struct board *board_new(size_t count);		/* MAP_SHARED, anonymous */
void board_free(struct board *b);		/* NULL is fine */

/* Streams in flight, or connections, per live accepting worker other than self;
 * -1: there is none. */
int64_t board_sibling_average(const struct board *b, const struct slot *self,
			      int64_t now_us);
int64_t board_sibling_conns(const struct board *b, const struct slot *self,
			    int64_t now_us);

/* All workers together: streams in flight, and those that try again. */
void board_load(const struct board *b, int64_t *streams, int64_t *retries);

/* The slot as new, for a worker about to be forked. */
void slot_take(struct slot *s, uint32_t generation, int64_t now_us);
/* Its worker has gone. */
void slot_clear(struct slot *s);

#endif
