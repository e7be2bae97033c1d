/*
 * login_server.h - the small HTTP server to which the browser comes back.
 *
 * It listens on 127.0.0.1 and ::1 (both, or it is taken), knows GET
 * /auth/callback and GET /cancel, and refuses every Host that is not this
 * machine's. All runs on the loop; libmicrohttpd is known here alone.
 */
#ifndef CHATMOCK_CLI_LOGIN_SERVER_H
#define CHATMOCK_CLI_LOGIN_SERVER_H

#include "../../shared/config.h"
#include "../../shared/http.h"
#include "../../shared/loop.h"

/* A page of ours; text is plain and may hold what came from outside. */
struct login_page {
	int status;
	bool good;
	char title[80];
	char text[500];
};
void login_page_html(const struct login_page *page, struct buf *out);

struct login_server;

struct login_server_handler {
	/* What the browser brought, as it stands in the URL. True: page is
	 * filled; false: it comes by login_server_answer(). */
	bool (*callback)(void *ctx, struct span query, struct login_page *page);
	/* Another sign-in on this machine wants the port. */
	void (*cancel)(void *ctx);
};

/*
 * Opens c's port, or the one LOGIN_PORT_STEP above when another program keeps
 * the first. ERR_SYSTEM: neither; tell says what to do. Blocking: it asks
 * whoever has the port to let go, for two seconds.
 */
MUST_USE enum err login_server_open(struct loop *loop, const struct config *c,
				    const struct http_settings *http,
				    const struct login_server_handler *handler,
				    void *ctx, struct login_server **server,
				    struct err_note *note);
int login_server_port(const struct login_server *s);

/* For everybody who waits; it leaves on the next turns of the loop. */
void login_server_answer(struct login_server *s, const struct login_page *page);
/* All that was asked is answered, and the last answer has left. */
bool login_server_is_idle(const struct login_server *s);
void login_server_close(struct login_server *s);	/* NULL is fine */

/* --- login_listen.c: the sockets. fds gets up to two, -1: none. */
MUST_USE enum err login_listen(const struct config *c,
			       const struct http_settings *http, int fds[2],
			       int *port, struct err_note *note);

#endif
