/*
 * keep_open.c - the store of a worker; see keep.h.
 */
#include "keep.h"

#include <limits.h>

#include "running.h"

/* What becomes of the store, on the loop. */
static void on_told(void *ctx, const char *event, const struct err_note *note)
{
	struct app *app = ctx;

	if (strcmp(event, "store_on") == 0)
		log_msg(app->log, LOG_INFO, event, "responses are stored again");
	else if (strcmp(event, "store_off") == 0)
		log_msg(app->log, LOG_ERROR, event, "responses are not stored: %s",
			note->why);
	else
		log_msg(app->log, LOG_ERROR, event, "responses.db was of no use and "
			"is set aside as responses.db.aside-*, a new one is begun: "
			"%s", note->why);
}

bool keep_open(struct app *app)
{
	const struct config *c = app->config;
	char path[PATH_MAX];

	if (!c->store || !c->enable_responses_api || !app->worker ||
	    c->kind != KIND_CHATGPT)
		return true;
	if (snprintf(path, sizeof(path), "%s/responses.db", c->home) >=
	    (int)sizeof(path))
		return true;
	app->store = store_open(&(struct store_settings){
		.path = path, .ttl_s = c->store_ttl_ms / 1000,
		.max_bytes = c->store_max_mb << 20, .loop = app->loop,
		.metrics = app->metrics, .told = on_told, .ctx = app,
	});
	if (!app->store)
		return false;
	app->running = running_new(app);
	return app->running != NULL;
}

void keep_close(struct app *app)
{
	store_close(app->store);
	running_free(app->running);
	app->store = NULL;
	app->running = NULL;
}
