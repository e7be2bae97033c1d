/*
 * tally.h - what is counted of a request: on its way, and when it leaves.
 *
 * Own time is what the gateway itself added: from the request's arrival to
 * the moment at which its first call was handed to curl, without the wait for
 * a login that had to be read or renewed; and from the turn of the loop that
 * brought upstream's last bytes to the moment at which the answer had been
 * handed to the connection. Pauses between attempts are not in it, nor what
 * each piece of a stream cost on its way.
 */
#ifndef CHATMOCK_TALLY_H
#define CHATMOCK_TALLY_H

#include "stream.h"

/* Labels of all routes, made once. NULL: no memory; the rest takes that. */
struct tally;
struct tally *tally_new(void);
void tally_free(struct tally *t);

/* Who asks: s->key, the first digits of the SHA-256 of what it sent for a key,
 * where nobody wanted one; where keys are wanted it is known. */
void tally_key(struct stream *s);

/* A call to upstream has been made. */
void tally_call(struct stream *s);

/* The last call has ended as s->note says; once a call, none: nothing. */
void tally_called(struct stream *s);

/* A login was waited for, since then. */
void tally_login_wait(struct stream *s, int64_t since_us);

/* The request leaves. */
void tally_request(struct stream *s);

/* True when upstream had begun to answer and has not been heard to the end:
 * nobody knows what the answer cost. */
bool tally_is_partial(const struct stream *s);

/* What the login's keeper has to tell. */
void tally_login(struct app *app, const char *event, const struct login *login,
		 const struct err_note *note);

#endif
