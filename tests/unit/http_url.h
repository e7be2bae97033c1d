/* http_url.h - a test's one server, and the addresses of what it has. */
#ifndef CHATMOCK_TEST_HTTP_URL_H
#define CHATMOCK_TEST_HTTP_URL_H

#include "http_server.h"

static struct server server;

static inline const char *url(const char *path)
{
	static char buf[128];

	snprintf(buf, sizeof(buf), "http://127.0.0.1:%d%s", server.port, path);
	return buf;
}

static inline const char *url_n(const char *what, int n)
{
	char path[64];

	snprintf(path, sizeof(path), "/%s/%d", what, n);
	return url(path);
}

#endif
