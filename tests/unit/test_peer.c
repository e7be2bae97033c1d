/*
 * test_peer.c - what the kernel knows of a client: connections of all fates on
 * loopback, parameters that name none, a kernel that does not answer; and the
 * wire that lets go of clients who have left.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "../../fcgi/wire/peer.h"
#include "fcgi_peer.h"
#include "test.h"

#define NAME_SIZE (INET6_ADDRSTRLEN + 2)

/* A connection: the client's end, the web server's, and how they are called. */
struct pair {
	int client, server, listener;
	char client_addr[NAME_SIZE], server_addr[NAME_SIZE];
	char client_port[8], server_port[8];
};

static struct peers peers;

/* --- connections */

static socklen_t address(struct sockaddr_storage *a, int family, const char *text,
			 int port)
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

static void say(const struct sockaddr_storage *a, char *addr, char *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	bool is_v4 = a->ss_family == AF_INET;

	inet_ntop(a->ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr,
		  addr, NAME_SIZE);
	snprintf(port, 8, "%d", ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

static int listen_at(int family, const char *addr, int *port)
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
static int connect_from(int family, const char *addr, int port, int from)
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
static bool join(struct pair *p, int family, const char *at, int client_family,
		 const char *to)
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

static void part(struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
}

/* Closed with a reset. */
static void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static bool peer_from(struct peer *p, const char *remote, const char *remote_port,
		      const char *server, const char *server_port)
{
	const char *names[] = { "REMOTE_ADDR", "REMOTE_PORT", "SERVER_ADDR",
				"SERVER_PORT" };
	const char *values[] = { remote, remote_port, server, server_port };
	struct request r;
	struct buf b;
	size_t len;
	bool ok;

	buf_init(&b, 4096);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!values[i])
			continue;
		buf_fmt(&b, "%s=%s", names[i], values[i]);
		buf_char(&b, '\0');
	}
	buf_str(&b, "X=1");
	buf_char(&b, '\0');
	len = b.len;
	request_init(&r, buf_take(&b), len);
	ok = peer_of(p, &r);
	request_free(&r);
	return ok;
}

static bool peer_of_pair(struct peer *p, const struct pair *c)
{
	return peer_from(p, c->client_addr, c->client_port, c->server_addr,
			 c->server_port);
}

/* The kernel moves bytes of its own in its time, even on loopback. */
static bool becomes(struct peer *p, enum peer_state state)
{
	for (int i = 0; i < 3000 && peer_ask(&peers, p) != state; i++)
		usleep(1000);
	return peer_ask(&peers, p) == state;
}

/* --- the module */

static const struct {
	int family;
	const char *at;
	int client_family;
	const char *to;
} places[] = {
	{ AF_INET, "127.0.0.1", AF_INET, "127.0.0.1" },
	{ AF_INET, "0.0.0.0", AF_INET, "127.0.0.2" },
	{ AF_INET6, "::1", AF_INET6, "::1" },
	{ AF_INET6, "::", AF_INET, "127.0.0.1" },	/* IPv4 in IPv6 */
};

static void test_fates(size_t place)
{
	struct pair c;
	struct peer p;

	for (int fate = 0; fate < 4; fate++) {
		if (!join(&c, places[place].family, places[place].at,
			  places[place].client_family, places[place].to))
			return;		/* no IPv6 here */
		check(peer_of_pair(&p, &c));
		for (int i = 0; i < 3; i++)
			check_int(peer_ask(&peers, &p), PEER_STANDS);
		switch (fate) {
		case 0:
			shutdown(c.client, SHUT_WR);
			break;
		case 1:
			close(c.client);
			break;
		case 2:
			reset(c.client);
			break;
		default:		/* the web server's own doing */
			close(c.server);
		}
		check(becomes(&p, PEER_LEFT));
		check_int(peer_ask(&peers, &p), PEER_LEFT);
		if (fate == 1 || fate == 2)
			c.client = -1;
		if (fate == 3)
			c.server = -1;
		part(&c);
		check_int(peer_ask(&peers, &p), PEER_LEFT);
	}
}

/* Before the first question. */
static void test_early(void)
{
	struct pair c;
	struct peer p;

	check(join(&c, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	shutdown(c.client, SHUT_WR);
	for (int i = 0; i < 3000; i++) {
		check(peer_of_pair(&p, &c));
		if (peer_ask(&peers, &p) == PEER_LEFT)
			break;
		usleep(1000);
	}
	check_int(peer_ask(&peers, &p), PEER_LEFT);
	part(&c);
}

/* Nothing there, or somebody else's: never a client that left. */
static void test_never_there(void)
{
	struct pair c;
	struct peer p;

	check(join(&c, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	check(peer_from(&p, "192.0.2.7", c.client_port, c.server_addr, c.server_port));
	check_int(peer_ask(&peers, &p), PEER_UNKNOWN);
	check(peer_from(&p, "192.0.2.7", "1", "192.0.2.8", "1"));
	check_int(peer_ask(&peers, &p), PEER_UNKNOWN);
	check(peer_from(&p, "2001:db8::7", "1", "[2001:db8::8]", "443"));
	check_int(peer_ask(&peers, &p), PEER_UNKNOWN);
	/* the listener is found for it, and is not it */
	check(peer_from(&p, "127.0.0.1", "1", c.server_addr, c.server_port));
	check_int(peer_ask(&peers, &p), PEER_UNKNOWN);
	/* the right way round it is the web server's end */
	check(peer_of_pair(&p, &c));
	check_int(peer_ask(&peers, &p), PEER_STANDS);
	reset(c.client);
	c.client = -1;
	usleep(1000);
	check(becomes(&p, PEER_LEFT));
	check(peer_of_pair(&p, &c));
	check_int(peer_ask(&peers, &p), PEER_UNKNOWN);
	check(peers.fd >= 0);
	part(&c);
}

/* Another client at the port of one that left. */
static void test_taken_again(void)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct peer p, q;
	struct pair c;
	int port;

	check(join(&c, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	check(peer_of_pair(&p, &c));
	check_int(peer_ask(&peers, &p), PEER_STANDS);
	port = (int)strtol(c.client_port, NULL, 10);
	reset(c.client);
	usleep(1000);
	close(c.server);
	c.client = connect_from(AF_INET, "127.0.0.1",
				(int)strtol(c.server_port, NULL, 10), port);
	if (!check(c.client >= 0))
		return;
	c.server = accept4(c.listener, (struct sockaddr *)&a, &len, SOCK_CLOEXEC);
	check(peer_of_pair(&q, &c));
	check_int(peer_ask(&peers, &q), PEER_STANDS);
	check_int(peer_ask(&peers, &p), PEER_LEFT);
	check_int(peer_ask(&peers, &q), PEER_STANDS);
	part(&c);
}

static void test_parameters(void)
{
	static const struct {
		const char *remote, *remote_port, *server, *server_port;
		bool ok;
	} cases[] = {
		{ "127.0.0.1", "1", "127.0.0.1", "65535", true },
		{ "::1", "1", "[::1]", "2", true },
		{ "::1", "1", "::1", "2", true },
		{ "::ffff:127.0.0.1", "1", "127.0.0.1", "2", true },
		{ "127.0.0.1", "1", "[::ffff:127.0.0.1]", "2", true },
		{ "::1", "1", "127.0.0.1", "2", false },
		{ "127.0.0.1", "1", "::1", "2", false },
		{ "127.0.0.1", "0", "127.0.0.1", "2", false },
		{ "127.0.0.1", "65536", "127.0.0.1", "2", false },
		{ "127.0.0.1", "-1", "127.0.0.1", "2", false },
		{ "127.0.0.1", "1x", "127.0.0.1", "2", false },
		{ "127.0.0.1", "", "127.0.0.1", "2", false },
		{ "127.0.0.1", NULL, "127.0.0.1", "2", false },
		{ "127.0.0.1", "1", "127.0.0.1", NULL, false },
		{ "127.0.0.1", "1", NULL, "2", false },
		{ NULL, "1", "127.0.0.1", "2", false },
		{ "", "1", "", "2", false },
		{ "unix:/run/x", "1", "127.0.0.1", "2", false },
		{ "localhost", "1", "localhost", "2", false },
		{ "[::1", "1", "::1]", "2", false },
		{ "fe80::1%eth0", "1", "fe80::2", "2", false },
		{ "00000000000000000000000000000000000000000000000000", "1", "::1", "2",
		  false },
	};
	struct peer p;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(peer_from(&p, cases[i].remote, cases[i].remote_port,
				cases[i].server, cases[i].server_port) == cases[i].ok);
}

/* A kernel that says nothing, or nonsense; and none to be asked. */
static void test_failures(void)
{
	static const char *const answers[] = { "", "x", "0123456789012345678901234567890" };
	struct rlimit was, none;
	struct peers ps;
	struct pair c;
	struct peer p;
	int pair[2];

	check(join(&c, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		check(peers_open(&ps));
		check(peer_of_pair(&p, &c));
		check_int(peer_ask(&ps, &p), PEER_STANDS);
		check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		check(dup3(pair[0], ps.fd, O_CLOEXEC) == ps.fd);
		if (*answers[i])
			peer_send(pair[1], span_of(answers[i]));
		/* known before, and now nobody to ask: no client has left */
		check_int(peer_ask(&ps, &p), PEER_UNKNOWN);
		check(ps.fd < 0 && ps.why);
		check_int(peer_ask(&ps, &p), PEER_UNKNOWN);
		close(pair[0]);
		close(pair[1]);
	}
	part(&c);
	getrlimit(RLIMIT_NOFILE, &was);
	none = (struct rlimit){ 3, was.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	check(!peers_open(&ps));
	check(ps.fd < 0 && ps.why == EMFILE);
	setrlimit(RLIMIT_NOFILE, &was);
	peers_close(&ps);
}

/* --- the wire */

static struct server server;

static void add_param(struct buf *b, const char *name, const char *value)
{
	add_pair(b, span_of(name), span_of(value));
}

/* A request as the web server of this connection hands it over. */
static int send_held(const struct pair *c, const char *uri)
{
	struct buf b, params;
	int fd = peer_connect(&server);

	buf_init(&b, 4096);
	buf_init(&params, 4096);
	add_param(&params, "REQUEST_METHOD", "POST");
	add_param(&params, "REQUEST_URI", uri);
	add_param(&params, "REMOTE_ADDR", c->client_addr);
	add_param(&params, "REMOTE_PORT", c->client_port);
	add_param(&params, "SERVER_ADDR", c->server_addr);
	add_param(&params, "SERVER_PORT", c->server_port);
	add_begin(&b, 1, 1, false);
	add_stream(&b, 4, 1, buf_span(&params), 4096, 0);
	add_stream(&b, 5, 1, SPAN(""), 1, 0);
	peer_send(fd, buf_span(&b));
	buf_free(&params);
	buf_free(&b);
	return fd;
}

static bool is_closed(int fd)
{
	struct pollfd pf = { .fd = fd, .events = POLLIN };

	return poll(&pf, 1, 5000) == 1 && recv(fd, &(char){ 0 }, 1, 0) == 0;
}

/* Many wait; those who leave are told of and let go, the others are not. */
static void test_waiting(void)
{
	enum { COUNT = 60 };
	struct pair c[COUNT];
	int fd[COUNT], gone = server.gone, requests = server.requests;

	for (int i = 0; i < COUNT; i++) {
		check(join(&c[i], AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
		fd[i] = send_held(&c[i], "/hold");
	}
	check(wait_for(&server.requests, requests + COUNT));
	usleep(600000);
	check_int(server.gone, gone);
	for (int i = 0; i < COUNT; i += 2)
		shutdown(c[i].client, SHUT_WR);
	check(wait_for(&server.gone, gone + COUNT / 2));
	for (int i = 0; i < COUNT; i += 2)
		check(is_closed(fd[i]));
	usleep(600000);
	check_int(server.gone, gone + COUNT / 2);
	for (int i = 0; i < COUNT; i++) {
		close(fd[i]);
		part(&c[i]);
	}
	check(wait_for(&server.gone, gone + COUNT));
}

/* It has had some of its answer, and then nothing comes for long. */
static void test_told(void)
{
	int gone = server.gone, requests = server.requests, fd, other;
	struct pair c, d;
	char some[65536];

	/* more than the socket holds: the wire waits for its reader */
	check(join(&c, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	check(join(&d, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	fd = send_held(&c, "/stream?8000000");
	other = send_held(&d, "/stream?8000000");
	check(wait_for(&server.requests, requests + 2));
	check(recv(fd, some, sizeof(some), 0) > 0);
	usleep(300000);
	check_int(server.gone, gone);
	close(c.client);
	c.client = -1;
	check(wait_for(&server.gone, gone + 1));
	usleep(300000);
	check_int(server.gone, gone + 1);
	close(other);
	check(wait_for(&server.gone, gone + 2));
	close(fd);
	part(&c);
	part(&d);
}

int main(void)
{
	if (!peers_open(&peers)) {
		printf("SKIP test_peer: %s\n", strerror(peers.why));
		printf("test_peer: 0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		test_fates(i);
	test_early();
	test_never_there();
	test_taken_again();
	test_parameters();
	test_failures();
	peers_close(&peers);
	server_start(&server);
	test_waiting();
	test_told();
	server_stop(&server);
	return test_end("test_peer");
}
