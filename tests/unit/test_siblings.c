/* test_siblings.c - when a worker leaves a connection to its siblings. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fcgi/process/worker.h"
#include "../../fcgi/stream/siblings.h"
#include "../../shared/clock.h"
#include "test.h"

#define SPOOLS 300

static void no_request(void *ctx, struct conn *c, struct request *req)
{
	(void)ctx, (void)c;
	request_free(req);
}

static bool take(void *ctx, struct span bytes)
{
	(void)ctx, (void)bytes;
	return true;
}

/* Under plain CGI there is nobody to leave anything to. */
static void alone(void)
{
	static const struct config config = { .max_streams = 1 };
	struct app app = { .config = &config, .in_flight = 1000 };

	siblings_tell(&app);
	check(siblings_may_accept(&app));
	check(siblings_may_take(&app));
	siblings_taken(&app);
}

/* The sibling has so many streams and kept connections. */
static void sibling(struct board *b, int64_t streams, int64_t conns)
{
	atomic_store(&b->slots[1].heartbeat_us, clock_mono_us());
	atomic_store(&b->slots[1].streams, streams);
	atomic_store(&b->slots[1].conns, conns);
}

/* It is left for a few milliseconds, and then taken all the same. */
static void streams(struct app *app, struct board *b)
{
	bool taken = false;

	app->in_flight = 100;
	sibling(b, 100, 0);
	check(siblings_may_accept(app));
	check_int(app->left_us, 0);
	sibling(b, 10, 0);
	check(!siblings_may_accept(app));
	for (int i = 0; i < 2000 && !taken; i++) {
		usleep(1000);
		sibling(b, 10, 0);
		taken = siblings_may_accept(app);
	}
	check(taken);
	app->in_flight = 8;		/* too few to be choosy */
	sibling(b, 0, 0);
	check(siblings_may_accept(app));
}

static void kept(struct app *app, struct board *b)
{
	int left = 0;

	for (int i = 0; i < SPOOLS; i++)
		check(conn_spool(app->wire, take, NULL) != NULL);
	app->in_flight = 3;
	sibling(b, 0, SPOOLS - 4);
	check(siblings_may_take(app));
	check_int(atomic_load(&b->slots[0].conns), SPOOLS);
	check_int(atomic_load(&b->slots[0].streams), 3);
	sibling(b, 0, SPOOLS - 5);
	while (left < 1000 && !siblings_may_take(app))
		left++;
	check_int(left, 20);
	check(!siblings_may_take(app));
	/* gone: nobody else is there to take it */
	slot_clear(&b->slots[1]);
	check(siblings_may_take(app));
}

/* So many more than it has streams for that not even a refusal is said. */
static void full(struct app *app)
{
	static const struct config config = { .max_streams = 1 };
	const struct config *was = app->config;

	app->in_flight = 0;
	check(siblings_may_accept(app));
	app->config = &config;
	check(!siblings_may_accept(app));
	app->config = was;
}

int main(void)
{
	static const struct wire_handler handler = { .request = no_request };
	static const struct config config = { .max_streams = 1000 };
	struct board *b = board_new(2);
	struct worker w = { .board = b, .slot = &b->slots[0] };
	struct app app = { .config = &config, .worker = &w };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	alone();
	app.loop = loop_new();
	app.wire = wire_new(app.loop, fd, &handler, &app);
	if (!app.loop || !app.wire)
		abort();
	for (size_t i = 0; i < b->count; i++) {
		slot_take(&b->slots[i], 1, clock_mono_us());
		atomic_store(&b->slots[i].state, SLOT_ACCEPTING);
	}
	streams(&app, b);
	kept(&app, b);
	full(&app);
	wire_free(app.wire);
	loop_free(app.loop);
	close(fd);
	board_free(b);
	return test_end("test_siblings");
}
