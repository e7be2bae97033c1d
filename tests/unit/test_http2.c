/*
 * test_http2.c - many calls on one HTTP/2 connection: one that is held, cut
 * or cancelled must not touch the others.
 */
#include <signal.h>

#include "h2_server.h"
#include "http_client.h"
#include "test.h"

static struct http *http;
static struct http_settings settings = {
	.connect_timeout_ms = 5000, .max_calls = 100, .ca_file = tls_cert_path,
};
static char url[64];
static struct client clients[40];

static void begin(size_t count, const enum plan *plans)
{
	atomic_store(&plan_at, 0);
	atomic_store(&resets, 0);
	atomic_store(&connections, 0);
	atomic_store(&most_streams, 0);
	http = http_new(loop, &settings);
	for (size_t i = 0; i < count; i++) {
		plan[i] = plans[i];
		client_init(&clients[i]);
	}
}

static void end(size_t count)
{
	http_free(http);
	clients_running = 0;
	for (size_t i = 0; i < count; i++)
		buf_free(&clients[i].body);
}

static void start(size_t i)
{
	check(client_get(&clients[i], http, url));
}

/* And lets its request arrive before any other's. */
static void start_first(size_t i)
{
	int before = atomic_load(&plan_at);

	start(i);
	for (int n = 0; n < 1000 && atomic_load(&plan_at) == before; n++)
		run(3);
	check_int(plan_at, before + 1);
}

static void run_until_done(size_t i)
{
	for (int n = 0; n < 1000 && !clients[i].dones; n++)
		run(3);
}

static void check_hello(size_t i)
{
	check_int(clients[i].status, 200);
	check_int(clients[i].code, 0);
	check_int(clients[i].dones, 1);
	check_str(buf_span(&clients[i].body), "hello");
}

static void test_together(void)
{
	const enum plan plans[10] = { HELLO };

	begin(10, plans);
	for (size_t i = 0; i < 10; i++)
		start(i);
	run(3000);
	for (size_t i = 0; i < 10; i++)
		check_hello(i);
	check_int(connections, 1);
	end(10);
}

/* One client does not read: the others' bytes are behind its own. */
static void test_held(void)
{
	const enum plan plans[] = { FLOOD, HELLO, HELLO };

	begin(3, plans);
	clients[0].hold = clients[0].stop_on_hold = true;
	start(0);
	run(3000);
	check_int(clients[0].heads, 1);
	clients[0].stop_on_hold = false;
	start(1);
	start(2);
	run_until_done(1);
	run_until_done(2);
	check_hello(1);
	check_hello(2);
	check_int(clients[0].dones, 0);		/* though all of it came */
	check_int(connections, 1);
	http_resume(clients[0].call);
	run(20);
	check_int(clients[0].bytes, 0);		/* refused again */
	clients[0].hold = false;
	http_resume(clients[0].call);
	run(3000);
	check_int(clients[0].bytes, FLOOD_LEN);
	check_int(clients[0].code, 0);
	check_int(clients[0].dones, 1);
	end(3);
}

static void test_held_too_long(void)
{
	const enum plan plans[] = { DELUGE, HELLO };

	begin(2, plans);
	clients[0].hold = true;
	start_first(0);
	start(1);
	run_until_done(1);
	check_hello(1);
	run(100);
	clients[0].hold = false;
	if (clients[0].call)
		http_resume(clients[0].call);
	run(3000);
	check_int(clients[0].dones, 1);
	check_int(clients[0].code, ERR_UPSTREAM_BROKE);
	check(strstr(clients[0].why, "slow") != NULL);
	end(2);
}

static void test_held_then_cancelled(void)
{
	const enum plan plans[] = { FLOOD, HELLO, HELLO };

	/* 0: while bytes come; 1: when all have come; 2: inside bytes() */
	for (int when = 0; when < 2; when++) {
		begin(3, plans);
		clients[0].hold = true;
		clients[0].stop_on_hold = when == 0;
		start(0);
		run(when == 0 ? 3000 : 100);
		http_resume(clients[0].call);
		client_cancel(&clients[0]);
		start(1);
		run(3000);
		check_hello(1);
		check_int(clients[0].bytes + (size_t)clients[0].dones, 0);
		end(3);
	}
}

static void cancel_it(struct client *c)
{
	client_cancel(c->other ? c->other : c);
	loop_stop(loop);
}

static void test_held_cancelled_inside(void)
{
	const enum plan plans[] = { FLOOD, HELLO };

	begin(2, plans);
	clients[0].hold = true;
	clients[0].at_bytes = cancel_it;
	start(0);
	run(100);
	clients[0].hold = false;
	http_resume(clients[0].call);
	run(3000);
	check(clients[0].bytes > 0);
	start(1);
	run(3000);
	check_hello(1);
	check_int(clients[0].dones, 0);
	end(2);
}

/* A silent stream that is cancelled is reset at once; its connection stays. */
static void test_cancel(enum plan what)
{
	const enum plan plans[] = { what, what, HELLO };
	int64_t at;

	begin(3, plans);
	start_first(0);
	start_first(1);
	run(10);
	at = clock_mono_us();
	client_cancel(&clients[0]);
	for (int i = 0; i < 1000 && !atomic_load(&resets); i++)
		usleep(100);
	check_int(resets, 1);
	check(atomic_load(&reset_at) - at < 50000);
	start(2);
	run_until_done(2);
	check_hello(2);
	check_int(clients[1].dones, 0);
	check_int(connections, 1);
	end(3);
}

static void test_cancel_other_inside(void)
{
	const enum plan plans[] = { BEGUN, BEGUN, HELLO };

	begin(3, plans);
	clients[0].other = &clients[1];
	clients[1].other = &clients[0];
	clients[0].at_bytes = clients[1].at_bytes = cancel_it;
	start(0);
	start(1);
	run(3000);
	run(20);
	check_int(clients[0].pieces + clients[1].pieces, 1);
	plan[atomic_load(&plan_at)] = HELLO;	/* if one was never sent */
	start(2);
	run_until_done(2);
	check_hello(2);
	check_int(connections, 1);
	end(3);
}

static void test_broken(void)
{
	const enum plan plans[] = { BROKEN, HELLO };

	begin(2, plans);
	start_first(0);
	start(1);
	run(3000);
	check_int(clients[0].code, ERR_UPSTREAM_BROKE);
	check_hello(1);
	end(2);
}

static void test_refused_is_sent_again(void)
{
	const enum plan plans[] = { REFUSED, HELLO };

	begin(2, plans);
	start(0);
	run(3000);
	check_hello(0);
	end(2);
}

static void test_connection_lost(void)
{
	const enum plan plans[] = { BEGUN, SILENT, DROP };

	begin(3, plans);
	start_first(0);
	start_first(1);
	plan[3] = plan[4] = DROP;
	start(2);
	run(3000);
	check_int(clients[0].code, ERR_UPSTREAM_BROKE);
	check_int(clients[0].dones, 1);
	check_int(clients[1].dones, 1);
	check_int(clients[2].code, ERR_UPSTREAM_BROKE);
	end(3);
}

static void test_streams_a_connection(void)
{
	enum plan plans[40];

	for (size_t i = 0; i < 40; i++)
		plans[i] = i < 39 ? BEGUN : HELLO;
	begin(40, plans);
	for (size_t i = 0; i < 40; i++)
		start(i);
	for (int n = 0; n < 1000 && atomic_load(&plan_at) < 40; n++)
		run(5);
	check_int(plan_at, 40);
	check(connections >= 2);
	check_int(most_streams, 32);
	end(40);
}

int main(void)
{
	pthread_t t;
	int port, fd = listen_on_loopback(64, &port);

	signal(SIGPIPE, SIG_IGN);		/* of the server's libssl */
	check(http_global_init());
	if (!check(tls_begin()))
		return test_end("test_http2");
	loop = loop_new();
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	if (pthread_create(&t, NULL, listen_main, (void *)(intptr_t)fd))
		return 1;
	test_together();
	test_held();
	test_held_too_long();
	test_held_then_cancelled();
	test_held_cancelled_inside();
	test_cancel(SILENT);
	test_cancel(BEGUN);
	test_cancel_other_inside();
	test_broken();
	test_refused_is_sent_again();
	test_connection_lost();
	test_streams_a_connection();
	loop_free(loop);
	shutdown(fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(fd);
	tls_finish();
	return test_end("test_http2");
}
