/*
 * peer_pair.h - a client's connection to a web server, on loopback, and how it
 * is called: for tests of what the kernel knows of it.
 */
#ifndef CHATMOCK_PEER_PAIR_H
#define CHATMOCK_PEER_PAIR_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#define NAME_SIZE (INET6_ADDRSTRLEN + 2)

/* A connection: the client's end, the web server's, and how they are called. */
struct pair {
	int client, server, listener;
	char client_addr[NAME_SIZE], server_addr[NAME_SIZE];
	char client_port[8], server_port[8];
};

static inline socklen_t address(struct sockaddr_storage *a, int family,
				const char *text, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;

	memset(a, 0, sizeof(*a));
	a->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, text, &v4->sin_addr);
		return sizeof(*v4);
	}
	v6->sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, text, &v6->sin6_addr);
	return sizeof(*v6);
}

static inline void say(const struct sockaddr_storage *a, char *addr, char *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	bool is_v4 = a->ss_family == AF_INET;

	inet_ntop(a->ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr,
		  addr, NAME_SIZE);
	snprintf(port, 8, "%d", ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

static inline int listen_at(int family, const char *addr, int *port)
{
	struct sockaddr_storage a;
	socklen_t len = address(&a, family, addr, *port);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (family == AF_INET6)		/* takes IPv4 as well */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, 16)) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&a, &len);
	*port = ntohs(family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port :
					  ((struct sockaddr_in6 *)&a)->sin6_port);
	return fd;
}

/* from: the client's port, 0 for any. */
static inline int connect_from(int family, const char *addr, int port, int from)
{
	struct sockaddr_storage a;
	socklen_t len = address(&a, family, addr, from);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (from && bind(fd, (struct sockaddr *)&a, len))
		goto fail;
	len = address(&a, family, addr, port);
	if (connect(fd, (struct sockaddr *)&a, len) == 0)
		return fd;
fail:
	close(fd);
	return -1;
}

/* The listener's family and address, and the client's. False: there is no such
 * address here. */
static inline bool join(struct pair *p, int family, const char *at,
			int client_family, const char *to)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	int port = 0;

	memset(p, 0, sizeof(*p));
	p->listener = listen_at(family, at, &port);
	if (p->listener < 0)
		return false;
	p->client = connect_from(client_family, to, port, 0);
	check(p->client >= 0);
	p->server = accept4(p->listener, (struct sockaddr *)&a, &len, SOCK_CLOEXEC);
	check(p->server >= 0);
	say(&a, p->client_addr, p->client_port);
	len = sizeof(a);
	getsockname(p->server, (struct sockaddr *)&a, &len);
	say(&a, p->server_addr, p->server_port);
	return true;
}

static inline void part(struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
}

#endif
