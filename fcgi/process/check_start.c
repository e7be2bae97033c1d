/*
 * check_start.c - who started the program, and how: the part of check.h that
 * every program has, whatever it serves.
 */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../shared/clock.h"
#include "../../shared/keys.h"

bool check_listens(void)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

void check_usage(const char *name, const char *argv0, struct buf *out)
{
	char *full = realpath(argv0, NULL);
	int stem = (int)strcspn(name, ".");

	buf_fmt(out,
		"%s: standard input is not a listening socket, so no web server "
		"can reach me.\n"
		"The web server's side is started by `make run`. By hand, start me "
		"as\n"
		"    mkdir -m 700 -p ~/.chatmock ~/.chatmock/run && spawn-fcgi -n "
		"-s ~/.chatmock/run/%.*s.sock -M 0600 -b 4096 -- %s\n"
		"and point lighttpd, nginx or Apache at that socket (see "
		"lighttpd.conf.sample).\n"
		"As plain CGI I want REQUEST_METHOD in the environment. "
		"--help names the options.\n", name, stem, name,
		full ? full : argv0);
	free(full);
}

bool check_reachable(char *name, size_t size)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	const void *ip;

	name[0] = '\0';
	if (!check_listens() || getsockname(0, (struct sockaddr *)&addr, &len))
		return false;
	if (addr.ss_family == AF_INET)
		ip = &((struct sockaddr_in *)&addr)->sin_addr;
	else if (addr.ss_family == AF_INET6)
		ip = &((struct sockaddr_in6 *)&addr)->sin6_addr;
	else
		return false;
	inet_ntop(addr.ss_family, ip, name, (socklen_t)size);
	return !config_is_loopback(name);
}

size_t check_keys_in_force(const struct config *c)
{
	struct keyring ring;
	size_t count;

	keyring_read(&ring, c->home);
	count = keyring_in_force(&ring, clock_wall_us() / 1000000);
	keyring_free(&ring);
	return count;
}
