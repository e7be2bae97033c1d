/*
 * test_ws_ends.c - how WebSocket connections end: every time limit, which are
 * short here, and a drain.
 */
#include "../../shared/clock.h"
#include "ws_peer.h"

static void times(void)
{
	static const struct ws_limits limits = {
		.head_ms = 100, .idle_ms = 200, .age_ms = 1000, .close_ms = 100,
	};
	struct server s;
	struct client c;
	int64_t begun;

	server_start(&s, &limits);
	client_dial(&c, &s);
	peer_send(c.fd, SPAN("GET / HT"));
	check(hears(&c, ""));			/* half a head */
	client_close(&c);
	begun = clock_mono_us();
	client_open(&c, &s);
	check(hears(&c, "close 1000"));		/* nothing is asked */
	check(clock_mono_us() - begun >= 200000);
	check(hears(&c, ""));			/* and our close does not come */
	client_close(&c);
	begun = clock_mono_us();
	client_open(&c, &s);
	client_say(&c, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&c, "ping"));
	/* longer than it may be idle, and than it may live */
	usleep(1200000);
	wish(&s, WISH_END_HELD);
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	check(hears(&c, "websocket_connection_limit_reached"));
	check(hears(&c, "close 1000"));
	client_close(&c);
	check(clock_mono_us() - begun >= 1000000);
	server_stop(&s);
}

static void drains(void)
{
	static const struct ws_limits limits = { .close_ms = 200 };
	struct client idle, busy, half;
	struct server s;

	server_start(&s, &limits);
	client_open(&idle, &s);
	client_open(&busy, &s);
	client_dial(&half, &s);
	client_say(&busy, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&busy, "ping"));
	wish(&s, WISH_COUNT);
	check_int(s.conns, 3);
	wish(&s, WISH_DRAIN);
	check(hears(&idle, "close 1001"));
	check(hears(&half, ""));
	wish(&s, WISH_END_HELD);
	check(hears(&busy, "response.created") && hears(&busy, "echo") &&
	      hears(&busy, "completed"));
	check(hears(&busy, "close 1001"));
	client_say(&busy, FIN | CLOSE, "\x03\xe9");
	check(hears(&busy, "") && hears(&idle, ""));
	for (int i = 0; i < SECONDS * 100; i++) {
		wish(&s, WISH_COUNT);
		if (!s.conns)
			break;
		usleep(10000);
	}
	check_int(s.conns, 0);
	client_close(&idle);
	client_close(&busy);
	client_close(&half);
	server_stop(&s);
}

int main(void)
{
	times();
	drains();
	return test_end("test_ws_ends");
}
