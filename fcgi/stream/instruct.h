/*
 * instruct.h - models whose upstream wants instructions.
 *
 * Some backends want them where others take none. Refused in just those words
 * a request is sent once more with a short neutral text, and a worker keeps in
 * mind of which model that was: the next request for it carries the text at
 * once. What is kept in mind is bounded; the oldest is forgotten first.
 */
#ifndef CHATMOCK_INSTRUCT_H
#define CHATMOCK_INSTRUCT_H

#include "../../shared/buf.h"

#define INSTRUCT_MODELS 32

/* Zeroed: none. Each is the payload's model member, hashed. */
struct instruct_memory {
	uint64_t wants[INSTRUCT_MODELS];
	unsigned next;
};

/* payload is one of payload_build(): its first member is the model, the
 * second instructions, where it has some. */

/* True: it has no instructions. */
bool instruct_lacks(struct span payload);

/* Is its model one that wants them? */
bool instruct_known(const struct instruct_memory *m, struct span payload);
void instruct_learn(struct instruct_memory *m, struct span payload);

/* Puts the neutral text into a payload that lacks instructions. False: no
 * memory, and it is as it was. */
MUST_USE bool instruct_add(struct buf *payload);

#endif
