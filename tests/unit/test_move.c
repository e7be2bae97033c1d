/*
 * test_move.c - kept connections from one wire to another: idle ones, such as
 * have said nothing, what is half there, and where nobody takes them.
 */
#include "fcgi_peer.h"
#include "test.h"

#define PEERS 20

static struct fdqueue queue;

static void act_share(struct server *s)
{
	wire_share(s->wire, &queue);
}

static void act_leave(struct server *s)
{
	wire_accept(s->wire, false);
	wire_give(s->wire);
}

static void act_count(struct server *s)
{
	s->conns = wire_open(s->wire);
}

static size_t open_conns(struct server *s)
{
	server_do(s, act_count);
	return s->conns;
}

static bool comes_to(struct server *s, size_t value)
{
	for (int i = 0; i < 5000; i++) {
		if (open_conns(s) == value)
			return true;
		usleep(1000);
	}
	return false;
}

static void begin(struct server *a, struct server *b)
{
	check(fdqueue_open(&queue));
	server_start(a);
	server_start(b);
	server_do(a, act_share);
	server_do(b, act_share);
}

static void end(struct server *a, struct server *b)
{
	server_stop(a);
	server_stop(b);
	fdqueue_close(&queue);
}

static void one_call(struct buf *out, bool keep)
{
	buf_init(out, 1u << 20);
	add_call(out, &(struct call){ .body = SPAN("hello"), .keep = keep });
}

static void check_answer(int fd)
{
	struct answer a;

	peer_answer(fd, &a);
	check(answer_is(&a, "note=ok method=POST path=/echo query= body=5:99162322"));
	answer_free(&a);
}

static void ask(int fd, bool keep)
{
	struct buf b;

	one_call(&b, keep);
	check(peer_send(fd, buf_span(&b)));
	check_answer(fd);
	buf_free(&b);
}

static void test_idle(void)
{
	struct server a, b;
	int fds[PEERS] = { 0 };

	begin(&a, &b);
	for (int i = 0; i < PEERS; i++) {
		fds[i] = peer_connect(&a);
		if (i % 4)		/* the rest has said nothing */
			ask(fds[i], true);
	}
	check(comes_to(&a, PEERS));
	server_do(&a, act_leave);
	check(comes_to(&a, 0));
	check(comes_to(&b, PEERS));
	check_int(b.taken, PEERS);
	for (int i = 0; i < PEERS; i++) {
		ask(fds[i], true);
		ask(fds[i], false);
		check_int(recv(fds[i], &(char){ 0 }, 1, 0), 0);
		close(fds[i]);
	}
	check_int(b.requests, 2 * PEERS);
	check(comes_to(&b, 0));
	end(&a, &b);
}

/* Cut anywhere: what was read before stays, and comes along when it is over. */
static void test_halves(void)
{
	struct server a, b;
	struct buf call;
	int fds[400] = { 0 };
	size_t n = 0;

	begin(&a, &b);
	one_call(&call, true);
	for (; n < call.len; n++) {
		fds[n] = peer_connect(&a);
		ask(fds[n], true);
		check(peer_send(fds[n], (struct span){ call.ptr, n }));
	}
	check(n < ARRAY_LEN(fds));
	/* all of it has been read */
	ask(fds[0], true);
	usleep(20000);
	server_do(&a, act_leave);
	check(comes_to(&a, n - 1));
	for (size_t i = 0; i < n; i++) {
		check(peer_send(fds[i], (struct span){ call.ptr + i, call.len - i }));
		check_answer(fds[i]);
	}
	check(comes_to(&a, 0));
	check(comes_to(&b, n));
	for (size_t i = 0; i < n; i++) {
		ask(fds[i], true);
		close(fds[i]);
	}
	buf_free(&call);
	end(&a, &b);
}

static void act_refuse(struct server *s)
{
	wire_accept(s->wire, false);
}

static void act_accept(struct server *s)
{
	wire_accept(s->wire, true);
}

/* They are taken back and served, and given again when somebody is there. */
static void test_nobody(void)
{
	struct server a, b;
	int fds[PEERS] = { 0 };

	begin(&a, &b);
	for (int i = 0; i < PEERS; i++) {
		fds[i] = peer_connect(&a);
		ask(fds[i], true);
	}
	server_do(&b, act_refuse);
	server_do(&a, act_leave);
	for (int i = 0; i < PEERS; i++)
		ask(fds[i], true);
	check(open_conns(&a) > 0);
	check_int(b.requests, 0);
	server_do(&b, act_accept);
	check(comes_to(&b, PEERS));
	check(comes_to(&a, 0));
	for (int i = 0; i < PEERS; i++) {
		ask(fds[i], true);
		close(fds[i]);
	}
	check_int(b.requests, PEERS);
	end(&a, &b);
}

static void act_close(struct server *s)
{
	wire_close_idle(s->wire);
}

/* Closed is closed: nothing is given after that. */
static void test_closed(void)
{
	struct server a, b;
	int fd;

	begin(&a, &b);
	fd = peer_connect(&a);
	ask(fd, true);
	server_do(&a, act_refuse);
	server_do(&a, act_close);
	check_int(recv(fd, &(char){ 0 }, 1, 0), 0);
	close(fd);
	check(comes_to(&a, 0));
	check_int(b.taken, 0);
	end(&a, &b);
}

int main(void)
{
	test_idle();
	test_halves();
	test_nobody();
	test_closed();
	return test_end("test_move");
}
