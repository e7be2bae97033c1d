/*
 * emit_anthropic_error.c - errors in Anthropic's words: a type for each
 * status, and 529 where a server is busy rather than broken.
 */
#include "anthropic.h"

#define OVERLOADED 529

/* Busy is what passes: too many requests here, or upstream's own word for it.
 * Being switched off, or out of memory, is not. */
static bool is_busy(const struct fault *f)
{
	static const char *const words[] = {
		"server_is_overloaded", "slow_down", "overloaded_error",
	};
	enum err code = f->note ? f->note->code : ERR_OK;

	if (code == ERR_BUSY || f->status == OVERLOADED)
		return true;
	for (size_t i = 0; f->code && i < ARRAY_LEN(words); i++)
		if (!strcmp(f->code, words[i]) || !strcmp(f->type, words[i]))
			return true;
	return false;
}

int anthropic_error_status(const struct fault *f)
{
	return is_busy(f) ? OVERLOADED : f->status;
}

static const char *type_of(const struct fault *f)
{
	if (is_busy(f))
		return "overloaded_error";
	switch (f->status) {
	case 401:
		return "authentication_error";
	case 402:
		return "billing_error";
	case 403:
		return "permission_error";
	case 404:
		return "not_found_error";
	case 413:
		return "request_too_large";
	case 429:
		return "rate_limit_error";
	case 504:
		return "timeout_error";
	}
	return f->status < 500 ? "invalid_request_error" : "api_error";
}

/* Clients that shorten a conversation when it has become too long know it by
 * these words. */
static const char *prefix_of(const struct fault *f)
{
	bool full = f->code && (!strcmp(f->code, "context_length_exceeded") ||
				!strcmp(f->code, "context_too_large"));

	return full ? "prompt is too long: " : "";
}

/* What SDKs know this refusal by: they come again without a thread. */
static bool is_thread(const struct fault *f)
{
	return f->param && !strcmp(f->param, "thread") &&
	       f->note && f->note->code == ERR_UNSUPPORTED_PARAM;
}

void anthropic_error_body(struct buf *out, const struct fault *f)
{
	buf_str(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
	buf_str(out, type_of(f));
	buf_str(out, "\",\"message\":\"");
	buf_str(out, prefix_of(f));
	buf_json_part(out, span_of(f->message));
	buf_char(out, '"');
	if (f->code) {
		buf_str(out, ",\"code\":");
		buf_json(out, span_of(f->code));
	}
	if (f->param) {
		buf_str(out, ",\"param\":");
		buf_json(out, span_of(f->param));
	}
	if (is_thread(f))
		buf_str(out, ",\"details\":{\"error_code\":"
			     "\"thread_unsupported_request\"}");
	if (f->note && f->note->plan[0]) {
		buf_str(out, ",\"plan_type\":");
		buf_json(out, span_of(f->note->plan));
	}
	if (f->note && f->note->resets_at) {
		buf_str(out, ",\"resets_at\":");
		buf_int(out, f->note->resets_at);
	}
	buf_str(out, "},\"request_id\":");
	buf_json(out, span_of(f->request_id));
	buf_char(out, '}');
}

void anthropic_error_event(struct emitter *e, struct buf *out,
			   const struct fault *f)
{
	e->ended = true;
	buf_str(out, "event: error\ndata: ");
	anthropic_error_body(out, f);
	buf_str(out, "\n\n");
}
