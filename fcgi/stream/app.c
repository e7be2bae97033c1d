/*
 * app.c - the API in a worker: what its streams share, made and unmade.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <sysexits.h>

#include "../../shared/clock.h"
#include "../process/worker.h"
#include "caller.h"
#include "keep.h"
#include "quota.h"
#include "reqlog.h"
#include "siblings.h"
#include "stream.h"
#include "tally.h"

static void on_request(void *ctx, struct conn *conn, struct request *req)
{
	stream_begin(ctx, conn, req);
}

static void on_gone(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn;
	if (user)
		stream_client_gone(user);
}

static void on_drained(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn;
	if (user)
		stream_drained(user);
}

static const struct wire_handler wire_handler = {
	.request = on_request, .gone = on_gone, .drained = on_drained,
	.may_accept = siblings_may_accept, .unwatched = reqlog_unwatched,
	.may_take = siblings_may_take,
	.taken = siblings_taken,
};

bool app_busy(const struct app *app)
{
	return app->in_flight > (size_t)app->config->max_streams;
}

/* The wire waits a moment and goes on by itself; the operator has to know. */
static void tell_failures(struct app *app)
{
	size_t failures = app->wire ? wire_accept_failures(app->wire) : 0;

	if (failures == app->accept_failures)
		return;
	app->accept_failures = failures;
	log_msg(app->log, LOG_ERROR, "accept", "connections could not be "
		"accepted (%zu times so far): raise the limit of open files, "
		"or lower CHATMOCK_MAX_STREAMS", failures);
}

void app_arrived(struct app *app)
{
	tell_failures(app);
	app->in_flight++;
	siblings_tell(app);
}

void app_answered(struct app *app)
{
	app->in_flight--;
	app->served++;
	siblings_tell(app);
	if (!app->worker)
		return;
	atomic_store_explicit(&app->worker->slot->served, app->served,
			      memory_order_relaxed);
	if (worker_draining(app->worker) && !app->in_flight)
		worker_done(app->worker);
	else if (app->recycle_at && app->served == app->recycle_at)
		worker_recycle(app->worker);
}

/* --- making --- */

/* The ChatGPT backend is told the machine's kind, as its other clients do;
 * nobody else needs to know. */
static void name_ourselves(struct app *app)
{
	struct utsname u;

	if (app->config->kind != KIND_CHATGPT) {
		snprintf(app->user_agent, sizeof(app->user_agent),
			 "chatmock/" CHATMOCK_VERSION);
		return;
	}
	if (uname(&u))
		memset(&u, 0, sizeof(u));
	snprintf(app->user_agent, sizeof(app->user_agent),
		 "chatmock/" CHATMOCK_VERSION " (%.20s %.40s; %.20s)",
		 u.sysname, u.release, u.machine);
}

/* "Bearer <key>" for an upstream that takes a key. */
static bool take_key(struct app *app, struct err_note *note)
{
	struct buf key, line;

	buf_init(&key, 8192);
	buf_init(&line, 8192);
	if (!config_upstream_key(app->config, &key, note) && key.len) {
		buf_str(&line, "Bearer ");
		buf_span_add(&line, buf_span(&key));
		app->authorization = buf_take(&line);
	}
	buf_wipe_free(&key);
	buf_wipe_free(&line);
	return !note->code;
}

static void http_choose(struct app *app)
{
	const struct config *c = app->config;

	app->http_settings = (struct http_settings){
		.connect_timeout_ms = (int)c->connect_timeout_ms,
		.ca_file = c->ca_file,
		.proxy = c->proxy,
		.no_proxy = c->no_proxy,
		.user_agent = app->user_agent,
		.max_calls = app->worker ? (int)c->max_streams : 1,
		.version = c->upstream_http == 0 ? HTTP_AUTO :
			   c->upstream_http == 1 ? HTTP_1_1 : HTTP_2,
	};
}

static void app_free(struct app *app)
{
	if (!app)
		return;
	stream_stop_all(app);
	login_keeper_free(app->login);
	catalog_keeper_free(app->models);
	app->catalog = NULL;
	prompts_keeper_free(app->prompts);
	keys_keeper_free(app->keys);
	/* threads read requests, settings and the catalogue */
	if (app->loop)
		loop_join(app->loop);
	keep_close(app);
	stream_free_all(app);
	wire_free(app->wire);
	ws_free(app->ws);
	if (app->http)
		http_free(app->http);
	loop_timer_cancel(app->loop, &app->lines);
	log_flush(app->access);
	quota_free(app->quota);
	json_reader_free(app->reader);
	tally_free(app->tally);
	if (app->authorization)
		explicit_bzero(app->authorization, strlen(app->authorization));
	free(app->authorization);
	free(app);
}

static void on_models(void *ctx, const char *event, const struct catalog *now,
		      const struct err_note *note)
{
	struct app *app = ctx;

	app->catalog = catalog_keeper_now(app->models);
	reqlog_models(app, event, now, note);
}

/* Models are an account's. */
static void on_login(void *ctx, const char *event, const struct login *login,
		     const struct err_note *note)
{
	struct app *app = ctx;

	reqlog_login(app, event, login, note);
	catalog_keeper_login(app->models, login);
	keep_account(app, login);
}

static void on_lines(struct loop_timer *t)
{
	log_flush(CONTAINER_OF(t, struct app, lines)->access);
}

/* All but the wire. NULL: note says why. */
static struct app *app_new(const struct config *c, struct loop *loop,
			   struct worker *w, struct metrics *metrics,
			   struct err_note *note)
{
	struct app *app = calloc(1, sizeof(*app));
	uint32_t random;

	if (!app)
		goto fail;
	app->config = c;
	app->loop = loop;
	app->worker = w;
	if (w) {
		app->log = w->log;
		app->access = w->access;
	}
	app->lines.fn = on_lines;
	name_ourselves(app);
	http_choose(app);
	/* one plain CGI request has nobody to share a breaker with */
	app->metrics = metrics;
	guard_init(&app->guard, app->metrics, c, "", c->upstream_base);
	if (!take_key(app, note) || !caller_open(app))
		goto fail;
	app->http = http_new(loop, &app->http_settings);
	app->models = catalog_keeper_new(c, loop, &app->http_settings,
					 app->authorization, app->metrics,
					 w != NULL);
	app->reader = json_reader_new();
	app->quota = quota_new(app);
	app->tally = tally_new();
	if (!app->http || !app->models || !app->reader || !app->quota ||
	    !keep_open(app))
		goto fail;
	app->catalog = catalog_keeper_now(app->models);
	catalog_keeper_listen(app->models, on_models, app);
	if (c->kind == KIND_CHATGPT && !app->authorization) {
		app->login = login_keeper_new(c, loop, &app->http_settings);
		if (!app->login)
			goto fail;
		login_keeper_listen(app->login, on_login, app);
	}
	if (prompts_in_use(c)) {
		app->prompts = prompts_keeper_new(c, loop, reqlog_prompts, app);
		if (!app->prompts)
			goto fail;
	}
	if (c->max_requests > 0) {
		random_bytes(&random, sizeof(random));
		app->recycle_at = c->max_requests +
				  random % (c->max_requests / 10 + 1);
	}
	return app;
fail:
	err_set(note, ERR_NO_MEMORY, "starting the API");
	app_free(app);
	return NULL;
}

/* --- in a worker --- */

static bool hook_start(struct worker *w)
{
	struct err_note note = ERR_NOTE_INIT;
	struct app *app = app_new(w->config, w->loop, w, w->metrics, &note);

	if (!app) {
		log_msg(w->log, LOG_ERROR, "start", "%s", note.why);
		return false;
	}
	w->app = app;
	app->wire = wire_new(w->loop, w->listen_fd, &wire_handler, app);
	if (!app->wire) {
		log_msg(w->log, LOG_ERROR, "start", "no listener");
		return false;
	}
	log_gather(app->access);
	wire_share(app->wire, &w->kept);
	app->ws = ws_new(w->loop, w->second_fd, &wire_handler, app, NULL);
	return true;
}

static void hook_drain(struct worker *w)
{
	struct app *app = w->app;

	wire_accept(app->wire, false);
	if (worker_relieved(w))
		wire_give(app->wire);
	else
		wire_close_idle(app->wire);
	ws_drain(app->ws);
	if (!app->in_flight)
		worker_done(w);
}

static void hook_cut(struct worker *w)
{
	struct app *app = w->app;
	struct stream *s = app->first, *next;

	for (; s; s = next) {
		next = s->next;
		stream_cut(s);
	}
	wire_close_idle(app->wire);
}

static size_t hook_open(struct worker *w)
{
	struct app *app = w->app;

	return wire_open(app->wire) + ws_conns(app->ws);
}

static void hook_stop(struct worker *w)
{
	app_free(w->app);
	w->app = NULL;
}

const struct worker_hooks app_hooks = {
	.role = ROLE_API,
	.start = hook_start, .drain = hook_drain, .cut = hook_cut,
	.stop = hook_stop, .open = hook_open,
};

/* --- one plain CGI request --- */

static void cgi_done(void *ctx)
{
	struct app *app = ctx;

	loop_stop(app->loop);
}

int app_cgi(const struct config *c, char *const environ_[], struct err_note *note)
{
	struct err_note private = ERR_NOTE_INIT;
	struct metrics *metrics = metrics_open_home(c->home, &private);
	struct loop *loop = loop_new();
	struct app *app = loop ? app_new(c, loop, NULL, metrics, note) : NULL;
	struct log *access = NULL, *log = NULL;
	int code = EX_SOFTWARE;

	if (!app) {
		err_set(note, ERR_NO_MEMORY, "no memory or no descriptors");
		code = note->code == ERR_CONFIG ? EX_CONFIG : EX_SOFTWARE;
		goto out;
	}
	app->access = access = reqlog_open(c, "access.log");
	app->log = log = reqlog_open(c, "error.log");
	if (private.code)
		log_msg(log, LOG_WARN, "metrics", "%s", private.why);
	if (wire_cgi(loop, environ_, &wire_handler, app, cgi_done) &&
	    loop_run(loop) == 0)
		code = 0;
out:
	app_free(app);
	loop_free(loop);
	metrics_close(metrics);
	log_close(access);
	log_close(log);
	return code;
}
