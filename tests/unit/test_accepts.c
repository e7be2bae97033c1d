/* test_accepts.c - how many connections one turn of the loop takes. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../fcgi/wire/conn.h"
#include "test.h"
#include "unix_socket.h"

#define WAITING		80
#define MAX_BUSY	200

struct turn {
	struct loop *loop;
	struct wire *wire;
	struct unix_socket at;
	struct loop_timer stop;
	struct loop_fd busy[MAX_BUSY];
	int peers[WAITING];
};

static void on_busy(struct loop_fd *f, uint32_t events)
{
	(void)f;
	(void)events;
}

static void on_stop(struct loop_timer *t)
{
	loop_stop(CONTAINER_OF(t, struct turn, stop)->loop);
}

static void begin(struct turn *t, int busy)
{
	static const struct wire_handler handler;

	memset(t, 0, sizeof(*t));
	unix_listen(&t->at, WAITING);
	t->loop = loop_new();
	t->stop.fn = on_stop;
	t->wire = wire_new(t->loop, t->at.fd, &handler, t);
	check(t->wire != NULL);
	for (int i = 0; i < busy; i++) {
		t->busy[i] = (struct loop_fd){ .fd = eventfd(1, EFD_CLOEXEC),
					       .fn = on_busy };
		check(loop_fd_add(t->loop, &t->busy[i], EPOLLIN));
	}
	for (int i = 0; i < WAITING; i++)
		t->peers[i] = unix_connect(&t->at);
}

static size_t taken_in_a_turn(struct turn *t)
{
	size_t before = wire_open(t->wire);

	loop_timer_in(t->loop, &t->stop, 0);	/* timers come last */
	check_int(loop_run(t->loop), 0);
	return wire_open(t->wire) - before;
}

static void end(struct turn *t, int busy)
{
	for (int i = 0; i < WAITING; i++)
		close(t->peers[i]);
	for (int i = 0; i < busy; i++) {
		loop_fd_del(t->loop, &t->busy[i]);
		close(t->busy[i].fd);
	}
	wire_free(t->wire);
	loop_free(t->loop);
	unix_close(&t->at);
}

/* A worker at rest leaves the others to its siblings (8: a turn that took
 * long for another reason, on a machine that is slow). */
static void at_rest(void)
{
	struct turn t;
	size_t n;

	begin(&t, 0);
	n = taken_in_a_turn(&t);
	check(n >= 1 && n <= 8);
	check(taken_in_a_turn(&t) >= 1);
	end(&t, 0);
}

/* One that streams to many takes as many as it can begin in such a turn, and
 * no more than its streams can wait for. */
static void busy(void)
{
	struct turn t;
	size_t n;

	begin(&t, 60);
	n = taken_in_a_turn(&t);
	check(n >= 16 && n <= 24);
	end(&t, 60);
	begin(&t, MAX_BUSY);
	check_int((int64_t)taken_in_a_turn(&t), 32);
	check_int((int64_t)taken_in_a_turn(&t), 32);
	check_int((int64_t)taken_in_a_turn(&t), WAITING - 64);
	end(&t, MAX_BUSY);
}

int main(void)
{
	at_rest();
	busy();
	return test_end("test_accepts");
}
