/* See caller.h. */
#include "caller.h"

#include "../process/worker.h"
#include "../wire/access.h"
#include "bearer.h"
#include "reqlog.h"

bool caller_open(struct app *app)
{
	struct worker *w = app->worker;

	app->keys_source = (struct keys_source){
		.home = app->config->home,
		.wanted = w ? &w->board->keys_wanted : NULL,
	};
	app->keys = keys_keeper_new(&app->keys_source, app->loop, w != NULL,
				    reqlog_keys, app);
	return app->keys;
}

enum err caller_admit(struct stream *s)
{
	const struct keyring *keys = keys_now(s->app->keys);
	unsigned scope = s->note.code ? 0 : route_scope(s->route);
	const struct key *who;

	if (access_check(s->app->config, keys, s->req, &s->note) ||
	    access_key(keys, s->req, scope, &who, &s->note))
		return s->note.code;
	if (who) {
		memcpy(s->caller, who->id, sizeof(s->caller));
		memcpy(s->caller_name, who->name, sizeof(s->caller_name));
	}
	return bearer_admit(s);
}
