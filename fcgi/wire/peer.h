/*
 * peer.h - does the client's TCP connection to the web server still stand?
 *
 * Not every web server looks at its client while it waits for us: lighttpd
 * does not when the request was there as soon as the connection, Apache not
 * before it writes. The kernel knows, and tells about one connection by its
 * two addresses and ports (NETLINK_SOCK_DIAG), which the request's parameters
 * name: SERVER_ADDR, SERVER_PORT, REMOTE_ADDR, REMOTE_PORT; IPv4, IPv6, and
 * IPv4 in IPv6. No privilege is needed.
 *
 * Only what was found once can be missed: where the web server is on another
 * machine, behind a proxy that tells somebody else's address, in another
 * network namespace or on a Unix socket, the first question finds nothing and
 * is the last. The first answer's cookie names the socket itself, so a port
 * that was taken again is no client that came back.
 *
 * A question takes the time of two system calls; nothing waits. But the first
 * of all may have the kernel load a module: peers_open() asks it.
 */
#ifndef CHATMOCK_PEER_H
#define CHATMOCK_PEER_H

#include <linux/inet_diag.h>

#include "request.h"

/* Where is asked; one for each worker. Any failure closes it for good. */
struct peers {
	int fd;			/* -1: nothing can be asked */
	int why;		/* errno of the failure */
	uint32_t seq;
};

/* One client's connection, as the web server has it. */
struct peer {
	struct inet_diag_sockid id;
	uint8_t family;
	bool found;
};

enum peer_state {
	PEER_UNKNOWN,		/* nothing known here: do not ask again */
	PEER_STANDS,
	PEER_LEFT		/* it closed, or at least its own half */
};

bool peers_open(struct peers *ps);	/* false: why says why */
void peers_close(struct peers *ps);

/* False: the parameters name no TCP connection. */
bool peer_of(struct peer *p, const struct request *r);

/* Never blocks. A client that has closed before the first question is known
 * to have left as long as the web server keeps its end. */
enum peer_state peer_ask(struct peers *ps, struct peer *p);

#endif
