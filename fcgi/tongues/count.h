/*
 * count.h - how many tokens a request would take, without asking upstream.
 *
 * A tongue whose whole answer is a number: it asks as its elder sister does,
 * so that what would be refused there is refused here, and ends at once.
 */
#ifndef CHATMOCK_COUNT_H
#define CHATMOCK_COUNT_H

#include "tongue.h"

/* An estimate of the input tokens of a Responses request; see shared/tokens.h. */
int64_t count_request(struct json_object *request);

extern const struct tongue tongue_anthropic_count, tongue_responses_count;

#endif
