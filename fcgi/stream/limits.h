/*
 * limits.h - what upstream's headers say of its limits: the ChatGPT backend's
 * windows (x-codex-*), OpenAI's counts (x-ratelimit-*).
 */
#ifndef CHATMOCK_LIMITS_H
#define CHATMOCK_LIMITS_H

#include "../../shared/http.h"
#include "../tongues/tongue.h"

/* False: they say nothing. */
bool limits_read(struct http_call *call, int status, int64_t now_s,
		 struct limits *out);

#endif
