/*
 * nearest.h - which of many names a person most likely meant.
 *
 * Nothing is allocated; names longer than NEAREST_MAX bytes are never near.
 */
#ifndef CHATMOCK_NEAREST_H
#define CHATMOCK_NEAREST_H

#include "base.h"

#define NEAREST_MAX 128

/*
 * How many bytes have to be added, dropped, changed or swapped with their
 * neighbour to get from a to b, ASCII case aside. SIZE_MAX when one of them
 * is too long to be asked.
 */
size_t nearest_distance(struct span a, struct span b);

/* True when a slip of the finger may lie between the two. */
bool nearest_is_near(struct span a, size_t distance);

#endif
