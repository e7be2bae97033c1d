/*
 * fetch_limits.c - what the plan still allows, asked for where no answer has
 * told it for a while: each answer does, so a gateway that is used never asks.
 */
#include "jobs.h"

#include <stdlib.h>

#include "../shared/ceilings.h"
#include "../shared/guard.h"
#include "../shared/login.h"
#include "../shared/plan.h"

#define FRESH_S		1800
#define USAGE_MS	5000
#define MAX_URL		8192

/* Beside the upstream's own path: .../backend-api/wham/usage. */
static bool usage_url(const struct config *c, char out[MAX_URL])
{
	static const char last[] = "/codex";
	size_t len = strlen(c->upstream_base), end = sizeof(last) - 1;

	if (len > end && strcmp(c->upstream_base + len - end, last) == 0)
		len -= end;
	return snprintf(out, MAX_URL, "%.*s/wham/usage", (int)len,
			c->upstream_base) < MAX_URL;
}

/* False: nobody has to be asked, and the run says why, or the note does. */
static bool is_due(struct fetch_run *run, struct login *l, struct err_note *note)
{
	struct err_note why = ERR_NOTE_INIT;
	struct plan known;
	int64_t age_s;
	enum err err;

	if (run->config->kind != KIND_CHATGPT || run->config->upstream_key ||
	    run->config->upstream_key_file) {
		fetch_idle(run, "upstream has no plan");
		return false;
	}
	if (!run->force && !plan_read(run->config->home, &known, &why)) {
		age_s = run->now_s - known.captured_s;
		if (age_s >= 0 && age_s + (run->next_s - run->now_s) < FRESH_S) {
			fetch_idle(run, "told %lld min ago", (long long)age_s / 60);
			return false;
		}
	}
	why = ERR_NOTE_INIT;
	err = login_read(run->config, l, &why);
	if (err && err != ERR_LOGIN_MISSING) {
		*note = why;
		return false;
	}
	if (err || !l->access_token) {
		fetch_idle(run, err ? "there is no login" : "a key has no plan");
		return false;
	}
	return true;
}

static bool add_header(const char **lines, size_t *count, struct buf *text,
		       const char *name, const char *value)
{
	if (!value || !*value)
		return true;
	buf_init(text, MAX_REQUEST_HEAD * 2);
	buf_fmt(text, "%s: %s", name, value);
	lines[(*count)++] = text->ptr;
	return !buf_err(text);
}

static enum err ask(struct fetch_run *run, const struct login *l, const char *url,
		    struct http_reply *reply, struct err_note *note)
{
	const char *lines[5] = { "Accept: application/json",
				 "originator: chatmock" };
	struct http_request r = { .method = "GET", .url = url, .headers = lines,
				  .header_count = 2 };
	struct buf text[2] = { { 0 }, { 0 } };
	struct guard guard;
	char bearer[MAX_REQUEST_HEAD + 16];
	enum err err;

	buf_init(&text[0], 1);
	buf_init(&text[1], 1);
	if (l->fedramp)
		lines[r.header_count++] = "X-OpenAI-Fedramp: true";
	snprintf(bearer, sizeof(bearer), "Bearer %s", l->access_token);
	if (!add_header(lines, &r.header_count, &text[0], "Authorization", bearer) ||
	    !add_header(lines, &r.header_count, &text[1], "chatgpt-account-id",
			l->account_id)) {
		err = err_set(note, ERR_NO_MEMORY, "limits");
	} else {
		guard_init(&guard, run->metrics, run->config, "limits", url);
		err = guard_fetch(&guard, &run->http, &r, USAGE_MS, MAX_CACHE_FILE,
				  reply, note);
	}
	explicit_bzero(bearer, sizeof(bearer));
	buf_wipe_free(&text[0]);
	buf_wipe_free(&text[1]);
	return err;
}

/* The answer into the gauges and the file. */
static enum err keep(struct fetch_run *run, const struct http_reply *reply,
		     struct err_note *note)
{
	struct json_object *document;
	struct plan plan;
	int again_ms = 0;
	enum err err = ERR_NONE;

	if (reply->status != 200)
		return err_set(note, reply->status == 401 ? ERR_LOGIN_RENEWAL :
			       ERR_UPSTREAM_ERROR, "%s: status %d", "wham/usage",
			       reply->status);
	document = json_parse(buf_span(&reply->body), note);
	if (!document)
		return note->code;
	plan_init(&plan);
	if (!plan_from_json(&plan, document, run->now_s)) {
		err = err_set(note, ERR_UPSTREAM_GARBLED,
			      "wham/usage tells of no limits");
	} else {
		plan_gauges(&plan, run->metrics);
		err = plan_write(run->config->home, &plan, &again_ms, note);
	}
	json_object_put(document);
	if (!err)
		fetch_did(run, again_ms ? "an answer told them just now" :
			  "asked for, and kept");
	return err;
}

enum err job_limits(struct fetch_run *run, struct err_note *note)
{
	struct http_reply reply = { 0 };
	struct login login = { 0 };
	char url[MAX_URL];

	if (!is_due(run, &login, note))
		goto out;
	if (!usage_url(run->config, url))
		err_set(note, ERR_CONFIG, "the upstream's URL is too long");
	else if (!ask(run, &login, url, &reply, note))
		(void)keep(run, &reply, note);
out:
	http_reply_free(&reply);
	login_free(&login);
	return note->code;
}
