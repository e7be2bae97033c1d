/*
 * login_server.c - see login_server.h.
 *
 * A daemon for each of the two sockets; what they want to be woken for is an
 * epoll descriptor each, which our loop watches. Browsers open connections
 * that they never use and ask for icons: neither disturbs the sign-in.
 */
#include "login_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../../shared/login_new.h"
#include "../../shared/text.h"

#define MAX_VISITS	64	/* connections at one moment */
#define SILENCE_S	30
#define MEMORY		(32u << 10)	/* of one connection: its head */
#define MAX_PAGE	(16u << 10)

/* One request. */
struct visit {
	struct login_server *server;
	struct MHD_Connection *connection;
	char *uri;
	bool asked, waiting;
	struct visit *next, **link;
};

struct ear {
	struct login_server *server;
	struct MHD_Daemon *daemon;
	struct loop_fd fd;
	struct loop_timer timer;
};

struct login_server {
	struct loop *loop;
	const struct login_server_handler *handler;
	void *ctx;
	int port;
	struct ear ears[2];
	struct visit *waiting;
	struct login_page page;		/* for those who waited */
	int open;			/* requests that are not over */
};

static void unwait(struct visit *v)
{
	if (!v->waiting)
		return;
	*v->link = v->next;
	if (v->next)
		v->next->link = v->link;
	v->waiting = false;
}

/* --- answering */

static enum MHD_Result send_text(struct MHD_Connection *c, int status,
				 const char *type, struct span text)
{
	static const char *const headers[][2] = {
		{ "Content-Security-Policy", "default-src 'none'; "
		  "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
		  "form-action 'none'; frame-ancestors 'none'" },
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
		{ "Connection", "close" },
	};
	struct MHD_Response *r;
	enum MHD_Result ok = MHD_YES;

	r = MHD_create_response_from_buffer(text.len, (void *)(uintptr_t)text.ptr,
					    MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		ok &= MHD_add_response_header(r, headers[i][0], headers[i][1]);
	ok &= MHD_add_response_header(r, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		ok &= MHD_add_response_header(r, "Allow", "GET");
	ok = ok ? MHD_queue_response(c, (unsigned)status, r) : MHD_NO;
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result send_plain(struct MHD_Connection *c, int status,
				  const char *text)
{
	return send_text(c, status, "text/plain; charset=utf-8", span_of(text));
}

static enum MHD_Result send_page(struct MHD_Connection *c,
				 const struct login_page *page)
{
	enum MHD_Result ok;
	struct buf html;

	buf_init(&html, MAX_PAGE);
	login_page_html(page, &html);
	ok = buf_err(&html) ? MHD_NO :
	     send_text(c, page->status, "text/html; charset=utf-8",
		       buf_span(&html));
	buf_free(&html);
	return ok;
}

/* --- who asks */

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* A name that somebody made point to this machine is not this machine's. */
static bool is_our_host(const struct login_server *s, struct MHD_Connection *c)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };
	const char *given = header(c, "Host");
	char want[40];

	for (size_t i = 0; given && i < ARRAY_LEN(hosts); i++) {
		snprintf(want, sizeof(want), "%s:%d", hosts[i], s->port);
		if (text_eq_nocase(span_of(given), want))
			return true;
	}
	return false;
}

/* A page in a browser may not end our sign-in; a program on this machine,
 * which could kill us as well, may. */
static bool is_browser(struct MHD_Connection *c)
{
	return header(c, "Origin") || header(c, "Sec-Fetch-Site") ||
	       header(c, "Sec-Fetch-Mode") || header(c, "Referer");
}

static enum MHD_Result called_back(struct visit *v)
{
	struct login_server *s = v->server;
	const char *query = strchr(v->uri, '?');
	struct login_page page = { 0 };

	if (v->waiting)		/* woken early: go on waiting */
		return MHD_YES;
	if (v->asked)
		return send_page(v->connection, &s->page);
	v->asked = true;
	if (s->handler->callback(s->ctx, span_of(query ? query + 1 : ""), &page))
		return send_page(v->connection, &page);
	v->waiting = true;
	v->next = s->waiting;
	v->link = &s->waiting;
	if (v->next)
		v->next->link = &v->next;
	s->waiting = v;
	MHD_suspend_connection(v->connection);
	return MHD_YES;
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *c,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **visit)
{
	struct login_server *s = ((struct ear *)cls)->server;
	struct visit *v = *visit;

	(void)version, (void)upload, (void)upload_size;
	if (!v)
		return MHD_NO;
	v->connection = c;
	if (!is_our_host(s, c))
		return send_plain(c, MHD_HTTP_FORBIDDEN, "Wrong Host\n");
	if (strcmp(method, "GET") != 0)
		return send_plain(c, MHD_HTTP_METHOD_NOT_ALLOWED,
				  "Method Not Allowed\n");
	if (strcmp(url, "/auth/callback") == 0)
		return called_back(v);
	if (strcmp(url, "/cancel") == 0 && !is_browser(c)) {
		s->handler->cancel(s->ctx);
		return send_plain(c, MHD_HTTP_OK, "Login cancelled\n");
	}
	return send_plain(c, MHD_HTTP_NOT_FOUND, "Not Found\n");
}

/* --- a request's beginning and end */

static void *begun(void *cls, const char *uri, struct MHD_Connection *c)
{
	struct visit *v = calloc(1, sizeof(*v));

	(void)c;
	if (v)
		v->uri = strdup(uri);
	if (!v || !v->uri) {
		free(v);
		return NULL;
	}
	v->server = ((struct ear *)cls)->server;
	v->server->open++;
	return v;
}

static void ended(void *cls, struct MHD_Connection *c, void **visit,
		  enum MHD_RequestTerminationCode code)
{
	struct visit *v = *visit;

	(void)cls, (void)c, (void)code;
	if (!v)
		return;
	unwait(v);
	v->server->open--;
	explicit_bzero(v->uri, strlen(v->uri));
	free(v->uri);
	free(v);
	*visit = NULL;
}

/* --- on the loop */

static void turn(struct ear *e)
{
	struct login_server *s = e->server;
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(e->daemon);
	if (MHD_get_timeout(e->daemon, &ms) == MHD_YES)
		(void)loop_timer_in(s->loop, &e->timer, (int64_t)ms * 1000);
	else
		loop_timer_cancel(s->loop, &e->timer);
}

static void on_fd(struct loop_fd *f, uint32_t events)
{
	(void)events;
	turn(CONTAINER_OF(f, struct ear, fd));
}

static void on_timer(struct loop_timer *t)
{
	turn(CONTAINER_OF(t, struct ear, timer));
}

static bool open_ear(struct login_server *s, struct ear *e, int fd)
{
	const union MHD_DaemonInfo *info;

	e->server = s;
	e->fd.fn = on_fd;
	e->timer.fn = on_timer;
	e->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, e,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_VISITS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, begun, e,
		MHD_OPTION_NOTIFY_COMPLETED, ended, e, MHD_OPTION_END);
	if (!e->daemon) {
		close(fd);
		return false;
	}
	info = MHD_get_daemon_info(e->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return false;
	e->fd.fd = info->epoll_fd;
	return loop_fd_add(s->loop, &e->fd, EPOLLIN);
}

enum err login_server_open(struct loop *loop, const struct config *c,
			   const struct http_settings *http,
			   const struct login_server_handler *handler, void *ctx,
			   struct login_server **server, struct err_note *note)
{
	struct login_server *s;
	int fds[2], port = 0;
	bool ok = true;
	enum err err;

	*server = NULL;
	err = login_listen(c, http, fds, &port, note);
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (s)
		*s = (struct login_server){ .loop = loop, .handler = handler,
					    .ctx = ctx, .port = port };
	for (int i = 0; i < 2; i++) {
		if (fds[i] < 0)
			continue;
		if (s && ok)
			ok = open_ear(s, &s->ears[i], fds[i]);
		else
			close(fds[i]);
	}
	if (!s || !ok) {
		login_server_close(s);
		return err_set(note, ERR_SYSTEM, "the server for the browser does "
			       "not start");
	}
	*server = s;
	return ERR_NONE;
}

int login_server_port(const struct login_server *s)
{
	return s->port;
}

void login_server_answer(struct login_server *s, const struct login_page *page)
{
	s->page = *page;
	while (s->waiting) {
		struct visit *v = s->waiting;

		unwait(v);
		MHD_resume_connection(v->connection);
	}
	for (size_t i = 0; i < ARRAY_LEN(s->ears); i++)
		if (s->ears[i].daemon)
			(void)loop_timer_in(s->loop, &s->ears[i].timer, 0);
}

bool login_server_is_idle(const struct login_server *s)
{
	return s->open == 0;
}

void login_server_close(struct login_server *s)
{
	if (!s)
		return;
	/* nobody may be asleep when the daemon ends */
	while (s->waiting) {
		struct visit *v = s->waiting;

		unwait(v);
		MHD_resume_connection(v->connection);
	}
	for (size_t i = 0; i < ARRAY_LEN(s->ears); i++) {
		loop_timer_cancel(s->loop, &s->ears[i].timer);
		loop_fd_del(s->loop, &s->ears[i].fd);
		if (s->ears[i].daemon)
			MHD_stop_daemon(s->ears[i].daemon);
	}
	free(s);
}
