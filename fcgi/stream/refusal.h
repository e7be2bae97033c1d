/*
 * refusal.h - what upstream says when it refuses, read into a note.
 *
 * One place knows the shapes: {"error":{...}}, {"detail":"..."},
 * {"detail":[{loc,msg}]}, HTML, plain text, response.error of response.failed.
 * Message: error.message, detail, detail[0].msg, detail.message, detail.code,
 * message, plain text of at most 400 characters; never HTML. Bearer tokens and
 * keys inside a message are masked.
 */
#ifndef CHATMOCK_REFUSAL_H
#define CHATMOCK_REFUSAL_H

#include "../../shared/json.h"

/* An HTTP answer that is no stream. Header values may be empty spans. */
struct refusal {
	int status;
	struct span content_type, retry_after, retry_after_ms, should_retry,
		    cf_ray, cf_mitigated;
	struct span body;		/* at most MAX_UPSTREAM_ERROR */
	int64_t now_s;			/* wall clock, for resets */
};

/*
 * Fills the note: code (ERR_UPSTREAM_REFUSED for 4xx, _LIMIT for 429 and
 * quota, _BLOCKED for a challenge page, _ERROR for 5xx, _GARBLED for HTML or
 * nonsense with 2xx, ERR_MODEL_NOT_FOUND for an unknown model, ERR_LOGIN_STALE for 401 of a ChatGPT
 * login: chatgpt tells), status, type, ucode, words, retry_after_s, resets_at,
 * plan, should_retry, and not_final where another attempt may help (5xx and
 * 529 without quota or policy words).
 */
void refusal_read(const struct refusal *r, bool chatgpt, struct err_note *note);

/* The error object of response.failed, or an error event's. status is ours
 * for its code: 429 for limits, 503 overloaded, 400 prompt and image faults and context length,
 * 403 policy, 502 otherwise. */
void refusal_read_event(struct json_object *error, struct err_note *note);

/* True when the body asks for instructions ("Instructions are required"). */
bool refusal_wants_instructions(const struct err_note *note);

#endif
