/* See heads.h. */
#include "heads.h"

#include "../../shared/ceilings.h"
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "bearer.h"
#include "limits.h"
#include "quota.h"

bool heads_forwarded(const char *name, bool native)
{
	static const char *const names[] = {
		"HTTP_THREAD_ID=", "HTTP_X_CLIENT_REQUEST_ID=",
		"HTTP_X_OPENAI_SUBAGENT=", "HTTP_X_OPENAI_MEMGEN_REQUEST=",
	};

	/* nearly all names go here */
	if (strncmp(name, "HTTP_", 5) || (name[5] != 'X' && name[5] != 'T'))
		return false;
	if (!strncmp(name, "HTTP_X_CODEX_", 13))
		return true;
	for (size_t i = 0; native && i < ARRAY_LEN(names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool is_handed_on(struct span name)
{
	char c = *name.ptr | 0x20;

	if (c != 'x' && c != 'o')
		return false;
	return plan_is_header(name) ||
	       text_starts_nocase(name, "x-ratelimit-") ||
	       text_eq_nocase(name, "openai-model") ||
	       text_eq_nocase(name, "x-models-etag") ||
	       text_eq_nocase(name, "x-reasoning-included");
}

static bool is_clean(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
			return false;
	return true;
}

/* In the client's words, where its tongue has some for them. */
static void take_limits(struct stream *s, struct http_call *call)
{
	struct limits l;

	if (s->terms.tongue->limits &&
	    limits_read(call, s->upstream_status, clock_wall_us() / 1000000, &l))
		s->terms.tongue->limits(&s->handed_on, &l);
}

/*
 * What they say of limits is kept for GET /v1/usage as well. A line that does
 * not fit is left out, and the log says so.
 */
void heads_take(struct stream *s, struct http_call *call)
{
	struct buf *out = &s->handed_on;
	struct span name, value;
	int64_t now_s = clock_wall_us() / 1000000;
	struct plan fresh;
	void *at = NULL;

	buf_reset(out);
	take_limits(s, call);
	plan_init(&fresh);
	while (http_header_next(call, &at, &name, &value)) {
		if (!is_handed_on(name))
			continue;
		(void)plan_header(&fresh, name, value, now_s);
		if (!is_clean(value) ||
		    out->len + name.len + value.len + 4 > MAX_HANDED_ON) {
			log_msg(s->app->log, LOG_WARN, "header", "%s: upstream's "
				"%.*s is not handed on: too long, or not clean",
				s->req->id,
				(int)(name.len < 64 ? name.len : 64), name.ptr);
			continue;
		}
		buf_span_add(out, name);
		buf_str(out, ": ");
		buf_span_add(out, value);
		buf_str(out, "\r\n");
	}
	/* another account's are not ours */
	if (!bearer_is_own(s))
		quota_heard(s->app->quota, &fresh);
}
