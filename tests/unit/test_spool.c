/* test_spool.c - an answer that goes to no peer. */
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/ceilings.h"
#include "../../fcgi/wire/conn.h"
#include "loop_help.h"

static struct buf taken;
static bool takes;
static unsigned gone, drained;

static bool take(void *ctx, struct span bytes)
{
	check(ctx == &taken);
	if (takes)
		buf_span_add(&taken, bytes);
	return takes;
}

static void on_gone(void *ctx, struct conn *c, void *user)
{
	(void)ctx, (void)c, (void)user;
	gone++;
}

static void on_drained(void *ctx, struct conn *c, void *user)
{
	(void)ctx, (void)c;
	check(user == &takes);
	drained++;
}

static struct wire *new_wire(int fd)
{
	static const struct wire_handler handler = {
		.gone = on_gone, .drained = on_drained,
	};

	return wire_new(loop, fd, &handler, NULL);
}

static void test_takes(struct wire *w)
{
	struct conn *c = conn_spool(w, take, &taken);

	takes = true;
	buf_reset(&taken);
	check_int(wire_conns(w), 1);
	check(!conn_begun(c));
	conn_begin(c, 200);
	conn_header(c, "A", "b");
	conn_header_lines(c, "C: d\r\n");
	check(conn_begun(c));
	buf_str(conn_body(c), "one ");
	check_str(buf_span(&taken), "");
	conn_flush(c);
	check_str(buf_span(&taken), "one ");	/* no head */
	check_int(conn_pending(c), 0);
	buf_str(conn_body(c), "two");
	conn_end(c);
	check_str(buf_span(&taken), "one two");
	check_int(wire_conns(w), 0);
}

/* What is not taken waits, and holds its writer up. */
static void test_waits(struct wire *w)
{
	struct conn *c = conn_spool(w, take, &taken);

	takes = false;
	buf_reset(&taken);
	conn_set_user(c, &takes);
	while (!conn_full(c))
		buf_str(conn_body(c), "0123456789012345678901234567890123456789");
	conn_flush(c);
	check(conn_full(c));
	check_int(taken.len, 0);
	check_int(drained, 0);
	takes = true;
	conn_flush(c);
	check(taken.len > OUT_HIGH_WATER);
	check(!conn_full(c));
	run_for(20000);
	check_int(drained, 1);
	/* what is refused at the end is lost, and nobody is told */
	takes = false;
	buf_str(conn_body(c), "rest");
	conn_end(c);
	check_int(wire_conns(w), 0);
	c = conn_spool(w, take, &taken);
	conn_abort(c);
	check_int(wire_conns(w), 0);
	check_int(gone, 0);
}

int main(void)
{
	int ends[2];
	struct wire *w;

	buf_init(&taken, 1 << 20);
	loop = loop_new();
	check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	w = new_wire(ends[0]);
	wire_accept(w, false);
	test_takes(w);
	test_waits(w);
	(void)conn_spool(w, take, &taken);	/* left over: wire_free() has it */
	wire_free(w);
	loop_free(loop);
	close(ends[0]);
	close(ends[1]);
	buf_free(&taken);
	return test_end("test_spool");
}
