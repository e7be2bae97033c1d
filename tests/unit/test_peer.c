/*
 * test_peer.c - what the kernel knows of a client: connections of all fates on
 * loopback, parameters that name none, a kernel that does not answer.
 */
#include <sys/resource.h>

#include "../../fcgi/wire/peer.h"
#include "fcgi_peer.h"
#include "peer_pair.h"

static struct peers peers;

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

/* A client is known and leaves, and another one connects from its port. False:
 * a program besides us has taken the port meanwhile. */
static bool replace_client(struct pair *c, struct peer *p)
{
	int port;

	check(join(c, AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"));
	check(peer_of_pair(p, c));
	check_int(peer_ask(&peers, p), PEER_STANDS);
	port = (int)strtol(c->client_port, NULL, 10);
	reset(c->client);
	usleep(1000);
	close(c->server);
	c->client = connect_from(AF_INET, "127.0.0.1",
				 (int)strtol(c->server_port, NULL, 10), port);
	if (c->client < 0)
		close(c->listener);
	return c->client >= 0;
}

static void test_taken_again(void)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct peer p, q;
	struct pair c;
	bool replaced = false;

	for (int i = 0; i < 20 && !replaced; i++)
		replaced = replace_client(&c, &p);
	if (!check(replaced))
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

int main(void)
{
	if (!peers_open(&peers)) {
		test_skip("the kernel is not to be asked: %s", strerror(peers.why));
		return test_end("test_peer");
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		test_fates(i);
	test_early();
	test_never_there();
	test_taken_again();
	test_parameters();
	test_failures();
	peers_close(&peers);
	return test_end("test_peer");
}
