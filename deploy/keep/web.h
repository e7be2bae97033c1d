/*
 * web.h - the web servers that can stand in front: a table, and their samples
 * filled in.
 */
#ifndef CHATMOCK_WEB_H
#define CHATMOCK_WEB_H

#include "../../shared/config.h"
#include "place.h"

#define WEB_ARGS 7

struct web {
	const char *name;		/* as in CHATMOCK_WEB_SERVER */
	const char *program;
	const char *sample;		/* in the samples' directory */
	const char *conf;		/* in HOME */
	int finish;			/* signal: listen no more, end what runs */
	int reload;			/* signal: read conf anew */
};

/* index: config's web_server. */
const struct web *web_at(int index);
const struct web *web_named(const char *name);	/* NULL: none */

/* Its command line; strings live in the struct and in w. */
struct web_line { struct place conf, log; const char *argv[WEB_ARGS + 1]; };
void web_command(const struct web *w, const char *home, struct web_line *line);

/* The sample with its places filled in. */
MUST_USE enum err web_fill(const struct web *w, const struct config *c,
			   const char *samples, struct buf *out,
			   struct err_note *note);

#endif
