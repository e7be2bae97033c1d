/*
 * bearer.h - a caller's own credential for upstream, sent in place of ours
 * where CHATMOCK_FORWARD_AUTH allows it.
 *
 * A ChatGPT login is an Authorization: Bearer with a chatgpt-account-id beside
 * it, and goes to a ChatGPT backend only; a bearer without one is a key, and
 * goes to any other upstream only. What begins as our own keys do is never one,
 * good or not. Who brings none is answered for with our login or key.
 *
 * Nothing is kept of it but what the request itself holds: as long as that
 * runs, and there alone. What is stored for such a caller, and found again, is
 * told apart by a hash of it: whose token is renewed begins anew.
 */
#ifndef CHATMOCK_BEARER_H
#define CHATMOCK_BEARER_H

#include "stream.h"

struct bearer {
	const char *token;
	const char *account;		/* of a ChatGPT login; or NULL */
	bool fedramp;
};

/*
 * The request's own, borrowed from it; b->token NULL: none that is to be sent.
 * ERR_BAD_REQUEST: it means to bring one, and that can not be sent.
 */
MUST_USE enum err bearer_read(const struct config *c, const struct request *r,
			      struct bearer *b, struct err_note *note);

/* Who calls, with what? Fills s->own; s->caller is known. 0, or the code in
 * s->note. */
enum err bearer_admit(struct stream *s);

/* Is it answered with the caller's own? Also when the request was let go. */
bool bearer_is_own(const struct stream *s);

/* Who answers for a call: the caller, never anybody else where it has its own;
 * else this login of ours (may be NULL). False: neither. */
bool bearer_choose(const struct stream *s, const struct login *login,
		   struct bearer *b);

/* Upstream may quote it: in its words of refusal, from here on, it does not. */
void bearer_mask(const struct stream *s, struct buf *words);

/* Whom upstream encrypts reasoning for, as the store is told it. */
const char *bearer_account(const struct stream *s);

#endif
