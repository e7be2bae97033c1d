#include "visit.h"

#include <stdlib.h>
#include <sysexits.h>

#include "../../shared/clock.h"
#include "../../shared/keys_keeper.h"
#include "../../shared/log.h"
#include "../process/worker.h"
#include "../wire/access.h"
#include "../wire/conn.h"
#include "admit.h"
#include "refuse.h"

/* Connections beyond that wait in the backlog. */
#define MAX_PEERS 256

struct app {
	const struct config *config;
	struct loop *loop;
	struct wire *wire;		/* NULL under plain CGI */
	struct worker *worker;		/* NULL under plain CGI */
	struct log *access;
	struct keys_source keys_source;
	struct keys_keeper *keys;
	struct visit *first;		/* all visits, newest first */
	size_t in_flight;		/* clients that wait for an answer */
	int64_t served;
};

/* One request. It lives until its client has its answer or has gone, and no
 * thread works for it. */
struct visit {
	struct app *app;
	struct visit *prev, *next;
	struct conn *conn;		/* NULL once the client's part is over */
	struct request *req;
	const struct page *page;
	struct page_call call;
	struct loop_job job;
	bool job_running;
	int status;			/* as answered */
	struct err_note note;
};

/* --- the life of a visit --- */

static struct visit *visit_new(struct app *app, struct conn *conn,
			       struct request *req)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->app = app;
	v->conn = conn;
	v->req = req;
	v->note = ERR_NOTE_INIT;
	v->call.config = app->config;
	buf_init(&v->call.body, MAX_PAGE);
	v->next = app->first;
	if (app->first)
		app->first->prev = v;
	app->first = v;
	app->in_flight++;
	conn_set_user(conn, v);
	return v;
}

static void visit_free(struct visit *v)
{
	if (v->prev)
		v->prev->next = v->next;
	else
		v->app->first = v->next;
	if (v->next)
		v->next->prev = v->prev;
	buf_free(&v->call.body);
	request_free(v->req);
	free(v);
}

/* Probes come every few seconds: their lines are for who looks for a fault. */
static void visit_log(struct visit *v)
{
	struct log_line line;

	if (!v->app->access)
		return;
	log_begin(&line, v->app->access, LOG_DEBUG, "health");
	log_str(&line, "request_id", span_of(v->req->id));
	log_str(&line, "method", span_of(v->req->method));
	log_str(&line, "path", span_of(v->req->path));
	log_int(&line, "status", v->status ? v->status : 499);
	log_int(&line, "us", clock_mono_us() - v->req->begun_us);
	log_str(&line, "end", span_of(err_name(v->note.code)));
	log_end(&line);
}

/* The one place through which each visit leaves, once. */
static void visit_over(struct visit *v)
{
	struct app *app = v->app;

	visit_log(v);
	v->conn = NULL;
	app->in_flight--;
	app->served++;
	if (app->worker) {
		atomic_store_explicit(&app->worker->slot->served, app->served,
				      memory_order_relaxed);
		if (worker_draining(app->worker) && !app->in_flight)
			worker_done(app->worker);
	}
	if (!v->job_running)
		visit_free(v);
}

/* --- answering --- */

static void begin(struct visit *v, int status, const char *content_type)
{
	const char *origin = access_cors_origin(v->app->config, v->req);

	v->status = status;
	conn_begin(v->conn, status);
	if (content_type)
		conn_header(v->conn, "Content-Type", content_type);
	conn_header(v->conn, "x-request-id", v->req->id);
	conn_header_lines(v->conn, "x-chatmock-version: " CHATMOCK_VERSION "\r\n"
			  "Cache-Control: no-store\r\n"
			  "X-Content-Type-Options: nosniff\r\n");
	if (origin) {
		conn_header(v->conn, "Access-Control-Allow-Origin", origin);
		conn_header(v->conn, "Access-Control-Expose-Headers",
			    "x-request-id");
		conn_header(v->conn, "Vary", "Origin");
	}
}

static void put_body(struct visit *v, struct span body)
{
	if (strcmp(v->req->method, "HEAD") != 0)
		buf_span_add(conn_body(v->conn), body);
	conn_end(v->conn);
	visit_over(v);
}

static void refuse(struct visit *v)
{
	struct buf body;
	int status;

	buf_init(&body, 1024);
	status = refusal_say(v->note.code, &body);
	begin(v, status, "application/json");
	if (status == 405)
		conn_header(v->conn, "Allow", "GET, HEAD");
	if (status == 503)
		conn_header(v->conn, "Retry-After", "1");
	put_body(v, buf_span(&body));
	buf_free(&body);
}

static void answer(struct visit *v)
{
	if (buf_err(&v->call.body)) {
		err_set(&v->note, buf_err(&v->call.body) == ERR_NO_MEMORY ?
				  ERR_NO_MEMORY : ERR_SYSTEM, "the page");
		refuse(v);
		return;
	}
	begin(v, v->call.status, v->call.content_type);
	if (v->call.status == 503)
		conn_header(v->conn, "Retry-After", "2");
	put_body(v, buf_span(&v->call.body));
}

static void preflight(struct visit *v)
{
	begin(v, 204, NULL);
	conn_header(v->conn, "Access-Control-Allow-Methods", "GET, OPTIONS");
	conn_header(v->conn, "Access-Control-Max-Age", "600");
	put_body(v, SPAN(""));
}

static void on_work(struct loop_job *job)
{
	struct visit *v = CONTAINER_OF(job, struct visit, job);

	page_write(v->page, &v->call);
}

static void on_done(struct loop_job *job)
{
	struct visit *v = CONTAINER_OF(job, struct visit, job);

	v->job_running = false;
	if (v->conn)
		answer(v);
	else
		visit_free(v);
}

static void on_request(void *ctx, struct conn *conn, struct request *req)
{
	struct app *app = ctx;
	struct visit *v = visit_new(app, conn, req);

	if (!v) {
		conn_abort(conn);
		request_free(req);
		return;
	}
	if (access_is_preflight(app->config, keys_now(app->keys), req)) {
		preflight(v);
		return;
	}
	if (admit_request(keys_now(app->keys), req, &v->page, &v->call, &v->note)) {
		refuse(v);
		return;
	}
	v->job = (struct loop_job){ .work = on_work, .done = on_done };
	v->job_running = loop_submit(app->loop, LANE_WORK, &v->job);
	if (!v->job_running) {
		err_set(&v->note, ERR_NO_MEMORY, "no thread");
		refuse(v);
	}
}

static void on_gone(void *ctx, struct conn *conn, void *user)
{
	struct visit *v = user;

	(void)ctx, (void)conn;
	if (!v)
		return;
	err_set(&v->note, ERR_CLIENT_GONE, "the client closed its connection");
	visit_over(v);
}

/* Nothing is made piece by piece here: the wire sends what it has. */
static void on_drained(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn, (void)user;
}

static bool may_accept(void *ctx)
{
	const struct app *app = ctx;

	return !app->wire || wire_conns(app->wire) < MAX_PEERS;
}

static const struct wire_handler wire_handler = {
	.request = on_request, .gone = on_gone, .drained = on_drained,
	.may_accept = may_accept,
};

/* --- in a worker --- */

static bool hook_start(struct worker *w)
{
	struct app *app = calloc(1, sizeof(*app));

	w->app = app;
	if (!app)
		return false;
	*app = (struct app){ .config = w->config, .loop = w->loop, .worker = w,
			     .access = w->access,
			     .keys_source = { w->config->home,
					      &w->board->keys_wanted } };
	app->keys = keys_keeper_new(&app->keys_source, w->loop, true, NULL, NULL);
	if (!app->keys)
		return false;
	app->wire = wire_new(w->loop, w->listen_fd, &wire_handler, app);
	return app->wire != NULL;
}

static void hook_drain(struct worker *w)
{
	struct app *app = w->app;

	wire_accept(app->wire, false);
	wire_close_idle(app->wire);
	if (!app->in_flight)
		worker_done(w);
}

static void hook_cut(struct worker *w)
{
	struct app *app = w->app;
	struct visit *v = app->first, *next;

	for (; v; v = next) {
		next = v->next;
		if (!v->conn)
			continue;
		err_set(&v->note, ERR_SHUTDOWN, "the drain limit was reached");
		refuse(v);
	}
}

static size_t hook_open(struct worker *w)
{
	struct app *app = w->app;

	wire_close_idle(app->wire);
	return wire_conns(app->wire);
}

static void app_end(struct app *app)
{
	for (struct visit *v = app->first; v; v = v->next)
		v->conn = NULL;
	keys_keeper_free(app->keys);
	loop_join(app->loop);	/* threads read requests and settings */
	while (app->first)
		visit_free(app->first);
	if (app->wire)
		wire_free(app->wire);
}

static void hook_stop(struct worker *w)
{
	if (w->app)
		app_end(w->app);
	free(w->app);
	w->app = NULL;
}

const struct worker_hooks health_hooks = {
	.start = hook_start, .drain = hook_drain, .cut = hook_cut,
	.stop = hook_stop, .open = hook_open,
};

/* --- one plain CGI request --- */

static void cgi_done(void *ctx)
{
	struct app *app = ctx;

	loop_stop(app->loop);
}

int health_cgi(const struct config *c, char *const environ_[],
	       struct err_note *note)
{
	struct app app = { .config = c, .loop = loop_new(),
			   .keys_source = { c->home, NULL } };
	int code = EX_SOFTWARE;

	if (app.loop)
		app.keys = keys_keeper_new(&app.keys_source, app.loop, false, NULL,
					   NULL);
	if (!app.keys) {
		loop_free(app.loop);
		return err_set(note, ERR_NO_MEMORY, "no loop"), code;
	}
	if (wire_cgi(app.loop, environ_, &wire_handler, &app, cgi_done) &&
	    loop_run(app.loop) == 0)
		code = 0;
	app_end(&app);
	loop_free(app.loop);
	return code;
}
