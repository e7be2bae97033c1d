/*
 * test_ws.c - WebSocket connections on a loop: how answers become messages, and
 * every ceiling, which are low here.
 */
#include "ws_peer.h"

static void answers(void)
{
	struct server s;
	struct client c;

	server_start(&s, NULL);
	client_open(&c, &s);
	check(strstr(c.in.ptr, "HTTP/1.1 101 Switching Protocols\r\nx-request-id: req_1\r\n"
		     "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
		     "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") == c.in.ptr);
	client_say(&c, FIN | TEXT, CREATE "]}");
	check(hears(&c, "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}"));
	check(hears(&c, "\"bytes\":26,\"ours\":true"));
	/* two data lines are one message */
	check(hears(&c, "{\"type\":\"response.completed\",\n\"response\":"));
	client_say(&c, FIN | TEXT, CREATE "],\"previous_response_id\":\"resp_1\"}");
	check(hears(&c, "response.created"));
	check(hears(&c, "\"bytes\":33,\"ours\":true"));	/* [{"a":1}] */
	check(hears(&c, "response.completed"));
	client_say(&c, FIN | TEXT, CREATE "\"refuse\"]}");
	check(hears(&c, "{\"type\":\"error\",\"status\":429,\"error\":{\"code\":\"c\"},"
			"\"headers\":{\"retry-after\":\"7\",\"x-codex-a\":\"b\"}}"));
	client_say(&c, FIN | TEXT, CREATE "\"drop\"]}");
	check(hears(&c, "{\"type\":\"chatmock.dropped_params\",\"params\":[\"a\",\"b\"]}"));
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	client_say(&c, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&c, "ping"));
	client_say(&c, FIN | TEXT, CREATE "]}");
	check(hears(&c, "response_in_progress"));
	client_say(&c, FIN | TEXT, "{\"type\":\"response.processed\"}");
	wish(&s, WISH_END_HELD);
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	client_say(&c, FIN | TEXT, CREATE "\"abort\"]}");
	check(hears(&c, "close 1011"));
	client_say(&c, FIN | CLOSE, "\x03\xf3");
	check(hears(&c, ""));
	check_int(s.gone, 0);
	client_close(&c);
	/* it leaves while it is answered */
	client_open(&c, &s);
	client_say(&c, FIN | TEXT, CREATE "\"hold\"]}");
	check(hears(&c, "ping"));
	client_close(&c);
	for (int i = 0; i < SECONDS * 1000 && !s.gone; i++)
		usleep(1000);
	check_int(s.gone, 1);
	wish(&s, WISH_COUNT);
	check_int(s.conns, 0);
	server_stop(&s);
}

static void ceilings(void)
{
	static const struct ws_limits limits = { .kept = 3000, .conns = 2 };
	struct client c, other, third;
	struct server s;
	struct buf b;

	server_start(&s, &limits);
	client_open(&c, &s);
	client_open(&other, &s);
	client_open(&third, &s);
	while (client_more(&third))
		;
	check(strstr(third.in.ptr, "HTTP/1.1 503 Service Unavailable\r\n"
		     "Content-Length: 4\r\nConnection: close\r\n\r\nbusy") == third.in.ptr);
	client_close(&third);
	/* too much to be remembered: the id is somebody else's to know */
	buf_init(&b, 1 << 20);
	buf_str(&b, CREATE "\"");
	for (int i = 0; i < 2950; i++)
		buf_char(&b, 'x');
	buf_str(&b, "\"]}");
	client_say(&c, FIN | TEXT, b.ptr);
	check(hears(&c, "response.created") && hears(&c, "echo") && hears(&c, "completed"));
	client_say(&c, FIN | TEXT, CREATE "],\"previous_response_id\":\"resp_1\"}");
	check(hears(&c, "response.created") && hears(&c, "\"ours\":false") &&
	      hears(&c, "completed"));
	/* half messages of all count together */
	buf_cut(&b, 2000);
	client_say(&c, TEXT, b.ptr);
	client_say(&other, TEXT, b.ptr);
	check(hears(&other, "close 1013") || hears(&c, "close 1013"));
	buf_free(&b);
	client_close(&c);
	client_close(&other);
	server_stop(&s);
}

int main(void)
{
	answers();
	ceilings();
	ws_free(NULL);
	ws_drain(NULL);
	check(ws_new(NULL, -1, NULL, NULL, NULL) == NULL);
	return test_end("test_ws");
}
