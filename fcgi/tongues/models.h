/*
 * models.h - the catalogue as clients read it, one emitter a shape, and the
 * page at /.
 *
 * fcgi/stream/serve_models.c chooses the shape by what the request shows of
 * its client. A new shape is a struct models_shape and a line there.
 */
#ifndef CHATMOCK_MODELS_H
#define CHATMOCK_MODELS_H

#include "../../shared/catalog.h"

/* What a list of models has: the catalogue's visible ones, with
 * expose_reasoning each effort of one, and the names of [models]. */
struct model_entry {
	struct span id;			/* good during the call */
	const struct model *known;	/* NULL: the catalogue has no such model */
	enum effort effort;		/* EFFORT_UNSET: the model's own */
	const char *stands;		/* what an alias means, or NULL */
};
typedef void (*model_fn)(void *ctx, const struct model_entry *m);
void models_each(const struct config *c, const struct catalog *cat,
		 model_fn fn, void *ctx);

/* What was asked; all borrowed. */
struct models_ask {
	const struct config *config;
	const struct catalog *catalog;
	const char *query;		/* raw, "" when none */
};

struct models_shape {
	const char *name;
	/* Is the query one that list can answer? NULL: any is. */
	enum err (*check)(const struct models_ask *ask, struct err_note *note);
	/* All of them. */
	void (*list)(const struct models_ask *ask, struct buf *out);
	/* One model; ERR_MODEL_NOT_FOUND with suggestions in tell. */
	enum err (*one)(const struct models_ask *ask, struct span id,
			struct buf *out, struct err_note *note);
	/* The list's ETag into out ("" : it has none), or NULL. */
	void (*etag)(const struct models_ask *ask, char *out, size_t size);
};

/*
 * openai: {"object":"list","data":[...]}; effort variants with
 *	   expose_reasoning; what else there is to know in members of our own.
 * codex:  {"models":[...]} as Codex reads it: upstream's own entries where
 *	   they are known, else ours in that shape. Has an ETag.
 * anthropic: {"data":[...],"has_more",...}, a page as limit, after_id and
 *	   before_id of the query choose it.
 */
extern const struct models_shape models_openai, models_codex, models_anthropic;

/* A short text page: base URLs to copy, built from the request's Host. */
void home_page(const struct config *c, const char *host, struct buf *out);

#endif
