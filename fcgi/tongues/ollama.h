/*
 * ollama.h - Ollama's API, beside asking and answering: its models.
 *
 * There are no models on this machine: what is told of one is what the
 * catalogue knows, and what cannot be known is left out or empty.
 */
#ifndef CHATMOCK_OLLAMA_H
#define CHATMOCK_OLLAMA_H

#include "tongue.h"

/* The version of Ollama's API that is spoken: some clients want a least one. */
#define OLLAMA_VERSION "0.12.6"

/* Takes ":latest" off a name: Ollama's clients add it as they like. False:
 * there is none. */
bool ollama_cut_tag(struct span *name);

/* catalog_choose(), and without the tag where the whole name says nothing. */
MUST_USE enum err ollama_choose(const struct catalog *cat, struct span asked,
				struct model_choice *out, struct err_note *note);

/* GET /api/tags: the models that /v1/models lists. */
void ollama_tags(const struct config *c, const struct catalog *cat,
		 struct buf *out);

/* POST /api/show; body is the client's. ERR_MODEL_NOT_FOUND for a model that
 * nothing is known of, and the errors of json_parse(). */
MUST_USE enum err ollama_show(const struct config *c, const struct catalog *cat,
			      struct span body, struct buf *out,
			      struct err_note *note);

/* GET /api/ps: none is loaded here. GET /api/version. */
void ollama_ps(struct buf *out);
void ollama_version(struct buf *out);

#endif
