/*
 * catalog_sync.c - asking upstream for its models; see catalog_sync.h.
 *
 * Under the lock the file is read again: who waited may find the work done.
 * The lock's own mtime says when upstream was last asked on account of an
 * x-models-etag, by whichever process, so that an upstream which contradicts
 * itself is not asked with each answer.
 */
#include "catalog_sync.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog_file.h"
#include "catalog_private.h"
#include "ceilings.h"
#include "clock.h"
#include "guard.h"
#include "json.h"
#include "json_walk.h"
#include "text.h"

#define TOTAL_MS	5000
#define PAUSE_S		15	/* between two fetches that answers caused */
#define RENEW_WAIT_MS	15000

/* One run: what it holds while it runs. */
struct run {
	struct catalog_sync *s;
	struct login login;
	struct catalog *held;		/* the file's, when it is for us */
	char account[CATALOG_ACCOUNT_SIZE];
	char path[4200];
	struct http_reply reply;
	int lock;
};

static int64_t now_s(void)
{
	return clock_wall_us() / 1000000;
}

static bool wants_login(const struct catalog_sync *s)
{
	return s->config->kind == KIND_CHATGPT && !s->authorization;
}

static enum err take_login(struct run *r, struct err_note *note)
{
	if (wants_login(r->s) && login_read(r->s->config, &r->login, note))
		return note->code;
	catalog_account(wants_login(r->s) ? &r->login : NULL,
			r->s->authorization, r->account);
	return ERR_NONE;
}

/* What the file holds for this upstream and account; a broken or missing one
 * is no failure here: it is replaced. */
static void take_file(struct run *r)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct file_stamp stamp;

	catalog_free(r->held);
	r->held = catalog_load(r->s->config, &stamp, &ignored);
	if (r->held && !catalog_is_for(catalog_origin(r->held), r->s->config,
				       r->account)) {
		catalog_free(r->held);
		r->held = NULL;
	}
}

static bool is_due(const struct run *r)
{
	const struct catalog_origin *o = r->held ? catalog_origin(r->held) : NULL;
	const char *announced = r->s->announced;

	if (r->s->force || !o)
		return true;
	if (announced)
		return strcmp(announced, o->etag) != 0 &&
		       strcmp(announced, o->announced) != 0;
	return !catalog_is_fresh(o, r->s->config, now_s(), r->s->ahead_s);
}

/* Was upstream asked a moment ago, for the same reason? Notes that it is now. */
static bool is_too_soon(const struct run *r)
{
	struct stat st;
	int64_t age_s;

	if (r->s->force || !r->s->announced)
		return false;
	if (fstat(r->lock, &st) < 0)
		return false;
	age_s = now_s() - st.st_mtim.tv_sec;
	/* the first byte says that the time means something: made files have
	 * a time, too */
	if (st.st_size > 0 && age_s >= 0 && age_s < PAUSE_S)
		return true;
	return pwrite(r->lock, "1", 1, 0) != 1;
}

static bool add_query(struct buf *url, const char *version)
{
	buf_str(url, "?client_version=");
	for (const char *p = version; *p; p++) {
		if (!strchr("0123456789.-_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz", *p))
			return false;
		buf_char(url, *p);
	}
	return true;
}

/* The lines of one request, each with its NUL, in a buf that is wiped. */
struct lines {
	const char *line[8];
	size_t count;
	struct buf text;
};

static void line(struct lines *l, const char *name, const char *value)
{
	if (!value || !*value || l->count == ARRAY_LEN(l->line))
		return;
	l->line[l->count++] = (const char *)(uintptr_t)l->text.len;
	buf_fmt(&l->text, "%s: %s", name, value);
	buf_char(&l->text, '\0');
}

/* The ETag of what we have, when the question would be the same; or "". */
static const char *known_tag(const struct run *r)
{
	const struct catalog_origin *o = r->held ? catalog_origin(r->held) : NULL;

	return o && strcmp(o->client_version, r->s->config->client_version) == 0 ?
	       o->etag : "";
}

static void fill_lines(const struct run *r, struct lines *l)
{
	const struct login *login = &r->login;
	const char *token = login->access_token ? login->access_token
						: login->api_key;
	struct buf bearer;

	line(l, "Accept", "application/json");
	if (wants_login(r->s)) {
		buf_init(&bearer, MAX_AUTH_FILE);
		buf_fmt(&bearer, "Bearer %s", token ? token : "");
		line(l, "Authorization", bearer.ptr);
		buf_wipe_free(&bearer);
		line(l, "chatgpt-account-id", login->account_id);
		line(l, "X-OpenAI-Fedramp", login->fedramp ? "true" : NULL);
	} else {
		line(l, "Authorization", r->s->authorization);
	}
	if (r->s->config->kind == KIND_CHATGPT) {
		line(l, "originator", "chatmock");
		line(l, "version", r->s->config->client_version);
	}
	line(l, "If-None-Match", known_tag(r));
	for (size_t i = 0; i < l->count; i++)
		l->line[i] = l->text.ptr + (uintptr_t)l->line[i];
}

static enum err ask(struct run *r, struct err_note *note)
{
	struct http_settings http = *r->s->http;
	struct guard guard;
	struct lines l = { .count = 0 };
	struct http_request request = { .method = "GET", .headers = l.line };
	struct buf url;

	http.max_calls = 1;
	buf_init(&url, 8192);
	buf_init(&l.text, MAX_AUTH_FILE);
	http_reply_free(&r->reply);
	buf_fmt(&url, "%s/models", r->s->config->upstream_base);
	if (r->s->config->kind == KIND_CHATGPT &&
	    !add_query(&url, r->s->config->client_version)) {
		err_set(note, ERR_CONFIG, "CHATMOCK_CLIENT_VERSION is no version");
		goto out;
	}
	fill_lines(r, &l);
	request.url = url.ptr;
	request.header_count = l.count;
	guard_init(&guard, r->s->metrics, r->s->config, "models", url.ptr);
	if (buf_err(&url) || buf_err(&l.text))
		err_set(note, ERR_NO_MEMORY, "request for the models");
	else if (guard_fetch(&guard, &http, &request, TOTAL_MS, MAX_CACHE_FILE,
			     &r->reply, note))
		err_set(note, ERR_UPSTREAM_ERROR, "the models");
out:
	buf_free(&url);
	buf_wipe_free(&l.text);
	return note->code;
}

/* A token that has run out, or that upstream refused, is renewed once. */
static enum err ask_twice(struct run *r, struct err_note *note)
{
	struct catalog_sync *s = r->s;
	bool can_renew = s->renew && r->login.refresh_token;
	char *refused = NULL;

	if (can_renew && login_due(&r->login, now_s(), 0) &&
	    login_renew(s->config, s->http, &r->login, NULL, "scheduled",
			RENEW_WAIT_MS, note))
		return note->code;
	if (ask(r, note) || r->reply.status != 401 || !can_renew ||
	    !r->login.access_token)
		return note->code;
	refused = strdup(r->login.access_token);
	if (!refused)
		return err_set(note, ERR_NO_MEMORY, "login");
	if (!login_renew(s->config, s->http, &r->login, refused,
			 "unauthorized_recovery", RENEW_WAIT_MS, note))
		ask(r, note);
	explicit_bzero(refused, strlen(refused));
	free(refused);
	return note->code;
}

/* The array of the answer, "models" or "data"; empty when it has none. */
static struct span array_of(struct span body)
{
	struct span key, value, found = SPAN("");
	struct json_walk w;

	json_walk_object(&w, body);
	while (json_walk_next(&w, &key, &value))
		if ((span_eq(key, "models") || (span_eq(key, "data") && !found.len)) &&
		    value.len && value.ptr[0] == '[')
			found = value;
	return w.ok ? found : SPAN("");
}

/* Puts it where the file is. The text is read as a worker will read it: what
 * would not be understood is not written. */
static enum err store(struct run *r, const struct catalog_origin *o,
		      struct span models, struct err_note *note)
{
	struct catalog *made = NULL;
	struct buf text, again;

	buf_init(&text, MAX_CACHE_FILE);
	buf_init(&again, MAX_CACHE_FILE);
	catalog_write(&text, o, models);
	buf_span_add(&again, buf_span(&text));
	if (buf_err(&text) || buf_err(&again)) {
		err_set(note, ERR_UPSTREAM_GARBLED, "the list is too large");
		goto out;
	}
	made = catalog_parse(r->s->config, &again, note);
	if (!made)
		goto out;
	r->s->models = 0;
	for (size_t i = 0; i < catalog_count(made); i++)
		r->s->models += catalog_at(made, i)->visible;
	if (file_replace(r->path, 0600, buf_span(&text), note))
		goto out;
out:
	catalog_free(made);
	buf_free(&text);
	buf_free(&again);
	return note->code;
}

static enum err store_same(struct run *r, struct err_note *note)
{
	const struct catalog *held = r->held;
	struct catalog_origin o = *catalog_origin(held);
	struct span models = array_of(buf_span(&held->text));

	o.fetched_at = now_s();
	if (r->s->announced)
		o.announced = r->s->announced;
	r->s->result = SYNC_SAME;
	return store(r, &o, models, note);
}

static enum err store_new(struct run *r, struct err_note *note)
{
	struct span etag = http_reply_header(&r->reply, "etag");
	struct span models = array_of(buf_span(&r->reply.body));
	struct catalog_origin o = {
		.upstream = r->s->config->upstream_base,
		.account = r->account,
		.client_version = r->s->config->client_version,
		.announced = r->s->announced ? r->s->announced : "",
		.fetched_at = now_s(),
	};
	char tag[300];

	if (!models.len)
		return err_set(note, ERR_UPSTREAM_GARBLED,
			       "upstream's answer is no list of models");
	/* one that is too long is as good as none */
	if (!text_copy(tag, sizeof(tag), etag))
		tag[0] = '\0';
	o.etag = tag;
	r->s->result = SYNC_NEW;
	if (store(r, &o, models, note) == ERR_BAD_JSON) {
		err_clear(note);
		err_set(note, ERR_UPSTREAM_GARBLED,
			"upstream's list of models can not be read");
	}
	return note->code;
}

static enum err fetch(struct run *r, struct err_note *note)
{
	if (ask_twice(r, note))
		return note->code;
	if (r->reply.status == 304 && *known_tag(r))
		return store_same(r, note);
	if (r->reply.status == 200)
		return store_new(r, note);
	err_set(note, r->reply.status == 403 ? ERR_UPSTREAM_BLOCKED :
		ERR_UPSTREAM_ERROR, "upstream answered %d to the question for "
		"its models", r->reply.status);
	note->status = r->reply.status;
	return note->code;
}

static enum err locked(struct run *r, struct err_note *note)
{
	char path[4300];
	enum err err;

	if (!catalog_path(r->s->config, ".lock", path, sizeof(path)))
		return err_set(note, ERR_SYSTEM, "CHATMOCK_HOME is too long a path");
	if (file_make_dir(r->s->config->home, note))
		return note->code;
	err = file_lock(path, r->s->wait_ms, &r->lock, note);
	if (err == ERR_BUSY) {
		err_clear(note);
		r->s->result = SYNC_ELSEWHERE;
		return ERR_NONE;
	}
	if (err)
		return err;
	take_file(r);
	if (!is_due(r))
		r->s->result = SYNC_FRESH;
	else if (is_too_soon(r))
		r->s->result = SYNC_ELSEWHERE;
	else
		return fetch(r, note);
	return ERR_NONE;
}

enum err catalog_sync(struct catalog_sync *s, struct err_note *note)
{
	struct run r = { .s = s, .lock = -1 };

	s->result = SYNC_OFF;
	s->models = 0;
	if (!s->config->model_sync || !s->config->dynamic_models)
		return ERR_NONE;
	buf_init(&r.reply.body, 0);
	buf_init(&r.reply.headers, 0);
	if (!catalog_path(s->config, "", r.path, sizeof(r.path))) {
		err_set(note, ERR_SYSTEM, "CHATMOCK_HOME is too long a path");
		goto out;
	}
	if (take_login(&r, note))
		goto out;
	take_file(&r);
	if (!is_due(&r))
		s->result = SYNC_FRESH;
	else if (!locked(&r, note) &&
		 (s->result == SYNC_SAME || s->result == SYNC_NEW))
		metrics_gauge(s->metrics, GAUGE_MODELS_FETCHED, clock_wall_us());
out:
	if (r.lock >= 0)
		close(r.lock);
	catalog_free(r.held);
	login_free(&r.login);
	http_reply_free(&r.reply);
	return note->code;
}
