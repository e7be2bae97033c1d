/* See reqlog.h. */
#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "background.h"
#include "bearer.h"
#include "reqlog.h"
#include "tally.h"

static void usage_fields(struct log_line *line, const struct stream *s)
{
	const struct usage *u = &s->usage;

	if (tally_is_partial(s))
		log_bool(line, "usage_partial", true);
	if (!u->known)
		return;
	log_int(line, "in", u->input);
	log_int(line, "cached", u->cached);
	log_int(line, "out", u->output);
	log_int(line, "reasoning", u->reasoning);
}

static void request_line(struct stream *s, struct log *to, enum log_level level)
{
	int64_t begun = s->req->begun_us;
	struct log_line line;

	log_begin(&line, to, level, "request");
	log_str(&line, "request_id", span_of(s->req->id));
	log_str(&line, "method", span_of(s->req->method));
	log_str(&line, "path", span_of(s->req->path));
	if (s->terms.model) {
		log_str(&line, "tongue", span_of(s->route->tongue->name));
		log_str(&line, "model", span_of(s->terms.model));
		log_bool(&line, "stream", s->terms.stream);
	}
	if (s->by_socket)
		log_bool(&line, "websocket", true);
	if (background_runs(s))
		log_bool(&line, "background", true);
	if (s->upstream_model[0])
		log_str(&line, "upstream_model", span_of(s->upstream_model));
	log_int(&line, "status", s->status ? s->status : 499);
	if (s->upstream_status)
		log_int(&line, "upstream_status", s->upstream_status);
	if (s->attempts > 1)
		log_int(&line, "attempts", s->attempts);
	if (s->caller[0])
		log_str(&line, "key_name", span_of(s->caller_name));
	if (bearer_is_own(s))
		log_bool(&line, "own_credential", true);
	if (s->caller[0] || s->key[0])
		log_str(&line, "key", span_of(s->caller[0] ? s->caller : s->key));
	usage_fields(&line, s);
	if (s->terms.dropped.len)
		log_str(&line, "dropped", buf_span(&s->terms.dropped));
	if (s->first_us)
		log_int(&line, "ttft_ms", (s->first_us - begun) / 1000);
	log_int(&line, "ms", (clock_mono_us() - begun) / 1000);
	log_str(&line, "end", span_of(err_name(s->note.code)));
	if (s->note.code && s->note.why[0])
		log_str(&line, "why", span_of(s->note.why));
	log_end(&line);
}

/* The caller's own mistakes and its leaving are no fault of the gateway. */
static enum log_level level_of(const struct stream *s)
{
	if (!s->note.code || s->note.code == ERR_CLIENT_GONE)
		return LOG_INFO;
	return s->status >= 500 || s->status == 200 ? LOG_ERROR : LOG_WARN;
}

void reqlog(struct stream *s)
{
	enum log_level level = level_of(s);
	struct app *app = s->app;

	request_line(s, app->access, level);
	/* one write for all that end in a turn of the loop */
	if (!loop_timer_is_set(&app->lines) &&
	    !loop_timer_in(app->loop, &app->lines, 0))
		log_flush(app->access);
	if (level != LOG_INFO)
		request_line(s, app->log, level);
}

static bool is_verbose(const struct app *app)
{
	return app->config->verbose || app->config->codex_verbose;
}

void reqlog_payload(struct stream *s)
{
	struct log_line line;

	if (!is_verbose(s->app))
		return;
	log_begin(&line, s->app->log, LOG_INFO, "payload");
	log_str(&line, "request_id", span_of(s->req->id));
	log_str(&line, "model", span_of(s->terms.model));
	log_str(&line, "session", span_of(s->session));
	log_bool(&line, "stream", s->terms.stream);
	log_int(&line, "bytes", (int64_t)s->payload.len);
	if (s->terms.dropped.len)
		log_str(&line, "dropped", buf_span(&s->terms.dropped));
	if (s->app->config->log_bodies)
		log_str(&line, "body", buf_span(&s->payload));
	log_end(&line);
}

void reqlog_head(struct stream *s)
{
	struct log_line line;

	if (!is_verbose(s->app))
		return;
	log_begin(&line, s->app->log, LOG_INFO, "upstream");
	log_str(&line, "request_id", span_of(s->req->id));
	log_int(&line, "attempt", s->attempts);
	log_int(&line, "status", s->upstream_status);
	log_str(&line, "type", http_header(s->call, "content-type"));
	log_str(&line, "upstream_request_id", http_header(s->call, "x-request-id"));
	log_int(&line, "ms", (s->heard_us - s->called_us) / 1000);
	log_end(&line);
}

void reqlog_login(void *ctx, const char *event, const struct login *login,
		  const struct err_note *note)
{
	struct app *app = ctx;
	struct log_line line;

	tally_login(app, event, login, note);
	log_begin(&line, app->log, note->code ? LOG_ERROR : LOG_INFO, event);
	if (login) {
		log_str(&line, "file", span_of(login->path));
		log_str(&line, "plan", span_of(login->plan));
		log_int(&line, "expires_at", login->expires_at);
		if (login->loose_mode)
			log_str(&line, "warning",
				SPAN("others may read this file: chmod 600 it"));
	}
	if (note->code) {
		log_str(&line, "end", span_of(err_name(note->code)));
		log_str(&line, "why", span_of(note->why));
	}
	log_end(&line);
}

void reqlog_models(struct app *app, const char *event, const struct catalog *now,
		   const struct err_note *note)
{
	const struct catalog_origin *o = catalog_origin(now);
	struct log_line line;

	log_begin(&line, app->log, note->code ? LOG_WARN : LOG_INFO, event);
	log_str(&line, "list", o->fetched_at ? SPAN("upstream") : SPAN("built-in"));
	if (o->fetched_at) {
		log_str(&line, "etag", span_of(o->etag));
		log_int(&line, "fetched_at", o->fetched_at);
	}
	if (note->code) {
		log_str(&line, "end", span_of(err_name(note->code)));
		log_str(&line, "why", span_of(note->why));
	}
	log_end(&line);
}

void reqlog_prompts(void *ctx, const struct prompts *p)
{
	struct app *app = ctx;
	struct log_line line;

	log_begin(&line, app->log, p->why[0] ? LOG_WARN : LOG_INFO, "prompts");
	for (int id = 0; id < PROMPT__COUNT; id++)
		log_str(&line, prompt_name((enum prompt_id)id),
			span_of(prompt_origin_word(p->of[id].origin)));
	if (p->why[0])
		log_str(&line, "why", span_of(p->why));
	log_end(&line);
}

void reqlog_unwatched(void *ctx, int why)
{
	struct app *app = ctx;

	log_msg(app->log, LOG_DEBUG, "watch", "a client that leaves is noticed "
		"when the web server says so: the kernel cannot be asked: %s",
		strerror(why));
}

void reqlog_keys(void *ctx, const struct keyring *now)
{
	struct app *app = ctx;
	struct log_line line;

	if (!now->wanted || !app->log)
		return;
	log_begin(&line, app->log, now->note.code ? LOG_ERROR : LOG_INFO, "keys");
	if (now->note.code) {
		log_str(&line, "end", span_of(err_name(now->note.code)));
		log_str(&line, "why", span_of(now->note.why));
	} else {
		log_int(&line, "keys", (int64_t)now->count);
		log_int(&line, "in_force", (int64_t)keyring_in_force(now,
			clock_wall_us() / 1000000));
	}
	log_end(&line);
}

/* Where the directory can not be made log_open() says so on stderr. */
struct log *reqlog_open(const struct config *c, const char *name)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct buf path;
	struct log *log;

	buf_init(&path, 8192);
	buf_fmt(&path, "%s/log", c->home);
	if (file_make_dir(path.ptr, &ignored) == ERR_OK)
		buf_fmt(&path, "/%s", name);
	log = log_open(path.ptr, LOG_INFO);
	buf_free(&path);
	return log;
}
