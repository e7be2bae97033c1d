/*
 * fetch_models.c - upstream's list of models, kept fresh in models.json.
 */
#include "jobs.h"

#include "../shared/catalog_sync.h"

#define LOCK_WAIT_MS	20000
#define MAX_KEY		8192

/* "Bearer <key>" where upstream takes a key. */
static enum err take_key(const struct fetch_run *run, struct buf *line,
			 struct err_note *note)
{
	struct buf key;

	buf_init(&key, MAX_KEY);
	if (!config_upstream_key(run->config, &key, note) && key.len) {
		buf_str(line, "Bearer ");
		buf_span_add(line, buf_span(&key));
	}
	buf_wipe_free(&key);
	if (buf_err(line))
		err_set(note, buf_err(line), "the upstream's key");
	return note->code;
}

/* A plain upstream need not have such a list, and no login is no failure. */
static bool is_no_news(const struct fetch_run *run, const struct err_note *note)
{
	return note->code == ERR_LOGIN_MISSING ||
	       (run->config->kind == KIND_RESPONSES &&
		(note->status == 404 || note->status == 405 ||
		 note->status == 501));
}

static void say(struct fetch_run *run, const struct catalog_sync *s)
{
	switch (s->result) {
	case SYNC_OFF:
		fetch_idle(run, "switched off");
		break;
	case SYNC_FRESH:
		fetch_idle(run, "fresh");
		break;
	case SYNC_ELSEWHERE:
		fetch_idle(run, "another process is at it");
		break;
	case SYNC_SAME:
		fetch_did(run, "unchanged, %zu listed", s->models);
		break;
	default:
		fetch_did(run, "fetched, %zu listed", s->models);
	}
}

enum err job_models(struct fetch_run *run, struct err_note *note)
{
	struct buf line;
	struct catalog_sync s = {
		.config = run->config, .http = &run->http, .metrics = run->metrics,
		.force = run->force, .renew = true,
		.ahead_s = run->next_s - run->now_s, .wait_ms = LOCK_WAIT_MS,
	};

	buf_init(&line, MAX_KEY + 16);
	if (take_key(run, &line, note))
		goto out;
	if (line.len)
		s.authorization = line.ptr;
	if (!catalog_sync(&s, note)) {
		say(run, &s);
	} else if (is_no_news(run, note)) {
		fetch_idle(run, note->code == ERR_LOGIN_MISSING ?
			   "there is no login" : "upstream has no list");
		err_clear(note);
	}
out:
	buf_wipe_free(&line);
	return note->code;
}
