/*
 * app.h - what the streams of one worker share.
 */
#ifndef CHATMOCK_APP_H
#define CHATMOCK_APP_H

#include "../../shared/catalog_keeper.h"
#include "../../shared/guard.h"
#include "../../shared/http.h"
#include "../../shared/keys_keeper.h"
#include "../../shared/log.h"
#include "../../shared/login.h"
#include "../../shared/metrics.h"
#include "../../shared/prompts.h"
#include "../../shared/store.h"
#include "../wire/ws.h"
#include "instruct.h"

struct stream;
struct worker;
struct worker_hooks;

struct app {
	const struct config *config;
	struct loop *loop;
	struct wire *wire;		/* NULL under plain CGI */
	struct ws *ws;			/* NULL: no socket for it */
	struct http *http;
	struct login_keeper *login;	/* NULL where upstream takes a key or none */
	struct catalog_keeper *models;
	struct catalog *catalog;	/* the keeper's of now */
	struct prompts_keeper *prompts;	/* NULL where no setting makes use of them */
	struct keys_source keys_source;
	struct keys_keeper *keys;
	struct instruct_memory instruct;
	struct json_reader *reader;
	struct log *log, *access;
	struct loop_timer lines;	/* of the access log, at the turn's end */
	struct metrics *metrics;	/* the worker's; NULL: no memory for it */
	struct tally *tally;
	struct worker *worker;		/* NULL under plain CGI */
	struct guard guard;		/* upstream's breaker */
	struct running *running;	/* with a store, in a worker */
	struct store *store;		/* NULL: responses are not stored */
	struct quota *quota;		/* the plan's limits */
	char account[17];		/* whom upstream encrypts for, hashed, or "" */
	struct http_settings http_settings;
	char user_agent[128];
	char *authorization;		/* "Authorization: Bearer <key>" or NULL */
	struct stream *first;		/* all streams, newest first */
	size_t in_flight;		/* clients that wait for an answer */
	int64_t served;
	int64_t recycle_at;		/* served at which to be replaced; 0: never */
	size_t accept_failures;		/* as told to the log */
	int64_t left_us;		/* when it last began to leave connections to siblings */
	int left_kept;			/* how often it has left a kept one to them */
};

/* The API's part of a worker; see fcgi/process/worker.h. */
extern const struct worker_hooks app_hooks;

/* Serves the one plain CGI request of this process; returns its exit code. A
 * note with a code: it was not answered, the caller has to. */
int app_cgi(const struct config *c, char *const environ_[], struct err_note *note);

/* A client waits for an answer from now on. */
void app_arrived(struct app *app);

/* A client has its answer: counts, recycles, ends a drain. */
void app_answered(struct app *app);

/* May one more request be taken in full, or only be told that we are busy? */
bool app_busy(const struct app *app);

#endif
