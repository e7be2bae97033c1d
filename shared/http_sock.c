/*
 * http_sock.c - curl's sockets on the loop, and which calls use them.
 *
 * Between two requests on a kept connection curl wants to hear nothing of its
 * socket. epoll is told so only when something does come, which saves two of
 * the seven system calls of a small request. That needs to know when a socket
 * is another one of the same number: we open those of connections ourselves,
 * and those that got as far as a request we close ourselves, too. All others
 * (curl's own, and attempts to connect) are taken out at once.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http_private.h"

/* What bytes() will need: the front of the call, and of what its handler has
 * for it. */
#define NEAR_CALL	128
#define NEAR_CTX	704

struct http_sock {
	struct loop_fd f;
	struct http_multi *m;
	struct http_call *users;
	bool ours;
	bool wanted;
};

static void on_socket(struct loop_fd *f, uint32_t events)
{
	struct http_sock *sock = CONTAINER_OF(f, struct http_sock, f);
	int what = 0;

	if (!sock->wanted) {
		loop_fd_del(sock->m->http->loop, f);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	http_multi_act(sock->m, f->fd, what);
}

static struct http_sock *sock_of(struct http *h, curl_socket_t fd)
{
	return (size_t)fd < h->sock_count ? h->socks[fd] : NULL;
}

static void sock_free(struct http *h, curl_socket_t fd)
{
	struct http_sock *sock = sock_of(h, fd);

	if (!sock)
		return;
	while (sock->users)
		http_sock_leave(sock->users);
	loop_fd_del(h->loop, &sock->f);
	h->socks[fd] = NULL;
	free(sock);
}

struct http_call *http_sock_leave(struct http_call *call)
{
	struct http_call **at;

	if (!call->sock)
		return NULL;
	for (at = &call->sock->users; *at != call; at = &(*at)->next_user)
		;
	*at = call->next_user;
	at = &call->sock->users;
	call->sock->f.near[0].len = call->sock->f.near[1].len = 0;
	call->sock = NULL;
	return *at;
}

static void sock_join(struct http_sock *sock, CURL *easy)
{
	struct http_call *call = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	if (!call || call->sock == sock)
		return;
	http_sock_leave(call);
	call->sock = sock;
	call->next_user = sock->users;
	sock->users = call;
	sock->f.near[0].at = (const char *)call;
	sock->f.near[0].len = NEAR_CALL;
	sock->f.near[1].at = call->ctx;
	sock->f.near[1].len = NEAR_CTX;
}

static struct http_sock *sock_new(struct http *h, curl_socket_t fd)
{
	struct http_sock *sock;

	if ((size_t)fd >= h->sock_count) {
		size_t count = ((size_t)fd + 1) * 2;
		struct http_sock **socks = reallocarray(h->socks, count,
							sizeof(*socks));

		if (!socks)
			return NULL;
		memset(socks + h->sock_count, 0,
		       (count - h->sock_count) * sizeof(*socks));
		h->socks = socks;
		h->sock_count = count;
	}
	sock = h->socks[fd] = calloc(1, sizeof(*sock));
	if (sock) {
		sock->f.fd = fd;
		sock->f.fn = on_socket;
	}
	return sock;
}

bool http_sock_opened(struct http *h, curl_socket_t fd)
{
	struct http_sock *sock;

	sock_free(h, fd);		/* of one that curl closed by itself */
	sock = sock_new(h, fd);
	if (sock)
		sock->ours = true;
	return sock != NULL;
}

int http_sock_close(void *http, curl_socket_t fd)
{
	sock_free(http, fd);
	return close(fd);
}

static void sock_unwanted(struct http *h, CURL *easy, struct http_sock *sock)
{
	curl_off_t connected = 0;

	sock->wanted = false;
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	if (!sock->ours || !connected || sock->f.events != EPOLLIN)
		loop_fd_del(h->loop, &sock->f);
	if (!sock->ours)
		sock_free(h, sock->f.fd);
}

int http_sock_wanted(CURL *easy, curl_socket_t fd, int what, void *userp,
		     void *sockp)
{
	struct http_multi *m = userp;
	struct http *h = m->http;
	struct http_sock *sock = sock_of(h, fd);
	uint32_t events;

	(void)sockp;
	if (what == CURL_POLL_REMOVE) {
		if (sock)
			sock_unwanted(h, easy, sock);
		return 0;
	}
	if (!sock)
		sock = sock_new(h, fd);
	if (!sock)
		return -1;
	sock->m = m;
	sock->wanted = true;
	sock_join(sock, easy);
	events = (what & CURL_POLL_IN ? EPOLLIN : 0) |
		 (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	return loop_fd_add(h->loop, &sock->f, events) ? 0 : -1;
}

void http_socks_free(struct http *h)
{
	for (size_t i = 0; i < h->sock_count; i++)
		sock_free(h, (curl_socket_t)i);
	free(h->socks);
}
