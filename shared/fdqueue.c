/*
 * fdqueue.c - see fdqueue.h. A datagram each, with the descriptor as its
 * ancillary data (SCM_RIGHTS of unix(7)).
 */
#include "fdqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool fdqueue_open(struct fdqueue *q)
{
	int pair[2];

	*q = FDQUEUE_NONE;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return false;
	*q = (struct fdqueue){ .put = pair[0], .take = pair[1] };
	return true;
}

void fdqueue_close(struct fdqueue *q)
{
	if (q->put >= 0)
		close(q->put);
	if (q->take >= 0)
		close(q->take);
	*q = FDQUEUE_NONE;
}

/* The kernel remembers who made a pair. */
static bool is_own_end(int fd)
{
	struct ucred who = { .pid = -1 };
	int type = 0;
	socklen_t len = sizeof(who), type_len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
	       who.pid == getpid() && type == SOCK_DGRAM;
}

bool fdqueue_is(const struct fdqueue *q)
{
	return q->put >= 0 && q->take >= 0 && q->put != q->take &&
	       is_own_end(q->put) && is_own_end(q->take);
}

bool fdqueue_put(const struct fdqueue *q, int fd, bool note)
{
	union control control = { .bytes = "" };
	char byte = note ? '1' : '0';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	do {
		n = sendmsg(q->put, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Where there is no room the kernel would close what it can not give us. */
static bool has_room(const struct fdqueue *q)
{
	int fd = fcntl(q->take, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int fdqueue_take(const struct fdqueue *q, bool *note)
{
	union control control;
	char byte = '1';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head;
	ssize_t n;
	int fd = -1;

	if (!has_room(q))
		return -1;
	do {
		n = recvmsg(q->take, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	head = CMSG_FIRSTHDR(&msg);
	if (head && head->cmsg_level == SOL_SOCKET &&
	    head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	*note = byte != '0';
	errno = EINVAL;
	return fd;
}

bool fdqueue_empty(const struct fdqueue *q)
{
	struct pollfd p = { .fd = q->take, .events = POLLIN };

	return poll(&p, 1, 0) <= 0 || !(p.revents & POLLIN);
}

void fdqueue_drop(const struct fdqueue *q)
{
	bool note;
	int fd;

	while (q->take >= 0 && (fd = fdqueue_take(q, &note)) >= 0)
		close(fd);
}
