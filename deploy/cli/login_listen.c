/*
 * login_listen.c - the port to which the browser comes back.
 *
 * Two ports are known to the issuer. The first may be held by a sign-in that
 * somebody forgot: such a server lets go of it when it is asked to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/login_new.h"
#include "login_server.h"

#define TRIES		10	/* after the occupant said that it leaves */
#define PAUSE_NS	200000000
#define ASK_MS		2000

static int listen_at(const char *host, int port)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
				 .ai_socktype = SOCK_STREAM }, *at;
	char service[16];
	int fd, on = 1, kept;

	snprintf(service, sizeof(service), "%d", port);
	errno = EINVAL;
	if (getaddrinfo(host, service, &hint, &at) != 0)
		return -1;
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (at->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 ||
		    listen(fd, 16) < 0) {
			kept = errno;
			close(fd);
			errno = kept;
			fd = -1;
		}
	}
	freeaddrinfo(at);
	return fd;
}

static void close_both(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	fds[0] = fds[1] = -1;
}

/*
 * localhost may be either address, so both have to be ours: another program on
 * one of them would get the code. A machine without IPv6 has the first alone.
 */
static bool open_port(const char *host, int port, int fds[2])
{
	fds[0] = fds[1] = -1;
	if (host && *host) {
		fds[0] = listen_at(host, port);
		return fds[0] >= 0;
	}
	fds[0] = listen_at("127.0.0.1", port);
	if (fds[0] < 0)
		return false;
	fds[1] = listen_at("::1", port);
	if (fds[1] >= 0 || errno != EADDRINUSE)
		return true;
	close_both(fds);
	errno = EADDRINUSE;
	return false;
}

/* True when it says that it will. */
static bool ask_to_leave(const struct http_settings *http, int port)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct http_reply reply = { 0 };
	struct http_request r = { .method = "GET" };
	char url[64];
	bool yes;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/cancel", port);
	r.url = url;
	yes = !http_fetch(http, &r, ASK_MS, 65536, &reply, &ignored) &&
	      reply.status == 200;
	http_reply_free(&reply);
	return yes;
}

enum err login_listen(const struct config *c, const struct http_settings *http,
		      int fds[2], int *port, struct err_note *note)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int second = (int)c->callback_port + LOGIN_PORT_STEP, first_errno;

	*port = (int)c->callback_port;
	if (open_port(c->login_bind, *port, fds))
		return ERR_NONE;
	first_errno = errno;
	if (errno == EADDRINUSE && ask_to_leave(http, *port)) {
		for (int i = 0; i < TRIES; i++) {
			nanosleep(&pause, NULL);
			if (open_port(c->login_bind, *port, fds))
				return ERR_NONE;
		}
	}
	if (first_errno == EADDRINUSE) {
		*port = second;
		if (open_port(c->login_bind, *port, fds))
			return ERR_NONE;
	}
	if (first_errno != EADDRINUSE || errno != EADDRINUSE)
		return err_tell(note, ERR_SYSTEM, "Port %d on %s can not be "
				"opened: %s. Sign in by `chatmock login "
				"--headless`, or see CHATMOCK_LOGIN_BIND.", *port,
				c->login_bind && *c->login_bind ? c->login_bind :
				"127.0.0.1", strerrordesc_np(errno));
	return err_tell(note, ERR_SYSTEM, "The ports %d and %d, to which the "
			"browser may come back, are both in use. End what holds "
			"them (`ss -ltnp` shows it), or sign in by `chatmock "
			"login --headless`.", (int)c->callback_port, second);
}
