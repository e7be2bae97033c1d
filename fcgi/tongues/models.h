/*
 * models.h - GET /v1/models and /v1/models/{id} in OpenAI's shape, and the
 * page at /.
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

/* {"object":"list","data":[...]} */
void models_list(const struct config *c, const struct catalog *cat, struct buf *out);

/* One model; ERR_MODEL_NOT_FOUND with suggestions in tell. */
MUST_USE enum err models_one(const struct config *c, const struct catalog *cat,
			     struct span id, struct buf *out, struct err_note *note);

/* A short text page: base URLs to copy, built from the request's Host. */
void home_page(const struct config *c, const char *host, struct buf *out);

#endif
