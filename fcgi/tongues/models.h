/*
 * models.h - GET /v1/models and /v1/models/{id} in OpenAI's shape, and the
 * page at /.
 */
#ifndef CHATMOCK_MODELS_H
#define CHATMOCK_MODELS_H

#include "../../shared/catalog.h"

/* {"object":"list","data":[...]}; effort variants with expose_reasoning. */
void models_list(const struct config *c, const struct catalog *cat, struct buf *out);

/* One model; ERR_MODEL_NOT_FOUND with suggestions in tell. */
MUST_USE enum err models_one(const struct config *c, const struct catalog *cat,
			     struct span id, struct buf *out, struct err_note *note);

/* A short text page: base URLs to copy, built from the request's Host. */
void home_page(const struct config *c, const char *host, struct buf *out);

#endif
