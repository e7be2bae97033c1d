/*
 * payload.h - the request as the chosen upstream takes it.
 *
 * KIND_CHATGPT: allow-list of top-level fields, stream true, store false,
 *	include reasoning.encrypted_content, role system to developer, foreign
 *	item ids and references that are left dropped, service_tier only "priority",
 *	token limits and sampling dropped; each drop is named in terms.dropped.
 * KIND_RESPONSES: stream true, store false unless given; nothing the Responses
 *	API has is dropped.
 * Both: model and effort as the catalogue chose, clamped; reasoning summary,
 *	web search and fast mode by the settings; prompt_cache_key unless given.
 * The same request gives the same bytes on every worker.
 */
#ifndef CHATMOCK_PAYLOAD_H
#define CHATMOCK_PAYLOAD_H

#include "../tongues/tongue.h"

/* a->request is changed in place. session: see session.h; one of over 64
 * characters is shortened for the cache key. ERR_UNSUPPORTED_PARAM for what changes an answer's meaning and
 * cannot be had (every offender is told), ERR_TOO_LARGE, ERR_NO_MEMORY. */
MUST_USE enum err payload_build(struct ask *a, const char *session,
				struct buf *out, struct err_note *note);

/* For payload.c: the input without what the ChatGPT backend refuses in it
 * (payload_input.c). False: no memory. */
MUST_USE bool payload_input_fit(struct ask *a);

#endif
