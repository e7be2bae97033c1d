/*
 * unix_socket.h - a listening socket in a directory of its own, and who
 * connects to it, for tests.
 */
#ifndef CHATMOCK_UNIX_SOCKET_H
#define CHATMOCK_UNIX_SOCKET_H

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/base.h"

struct unix_socket {
	struct sockaddr_un addr;
	char dir[32];
	int fd;
};

static inline void unix_listen(struct unix_socket *u, int backlog)
{
	*u = (struct unix_socket){ .addr.sun_family = AF_UNIX };
	snprintf(u->dir, sizeof(u->dir), "/tmp/chatmock-sock-XXXXXX");
	if (!mkdtemp(u->dir))
		abort();
	snprintf(u->addr.sun_path, sizeof(u->addr.sun_path), "%s/sock", u->dir);
	u->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(u->fd, (struct sockaddr *)&u->addr, sizeof(u->addr)) < 0 ||
	    listen(u->fd, backlog) < 0)
		abort();
}

static inline void unix_close(struct unix_socket *u)
{
	close(u->fd);
	unlink(u->addr.sun_path);
	rmdir(u->dir);
}

static inline int unix_connect(const struct unix_socket *u)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	while (connect(fd, (const struct sockaddr *)&u->addr, sizeof(u->addr)) < 0)
		if (errno != EAGAIN && errno != EINTR)
			abort();
	return fd;
}

static inline bool peer_send(int fd, struct span s)
{
	while (s.len) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s.ptr += n;
		s.len -= (size_t)n;
	}
	return true;
}

#endif
