/* test_peer_wire.c - the wire lets go of clients who have left. */
#include "../../fcgi/wire/peer.h"
#include "fcgi_peer.h"
#include "peer_pair.h"

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
	struct peers peers;

	if (!peers_open(&peers)) {
		test_skip("the kernel is not to be asked: %s", strerror(peers.why));
		return test_end("test_peer_wire");
	}
	peers_close(&peers);
	server_start(&server);
	test_waiting();
	test_told();
	server_stop(&server);
	return test_end("test_peer_wire");
}
