/*
 * decode_end.c - how an answer ends: completed, incomplete, failed, in error.
 */
#include "../../shared/text.h"
#include "decode_state.h"
#include "refusal.h"

static void at_least_0(int64_t *n)
{
	if (*n < 0)
		*n = 0;
}

void decode_usage(struct usage *u, int64_t total)
{
	at_least_0(&u->input);
	at_least_0(&u->output);
	at_least_0(&u->cached);
	at_least_0(&u->cache_write);
	at_least_0(&u->reasoning);
	if (u->input < INT64_MAX / 2 && u->output < INT64_MAX / 2)
		u->total = u->input + u->output;
	if (total != INT64_MIN)
		u->total = total;
	at_least_0(&u->total);
}

static struct usage usage_of(struct json_object *response)
{
	struct json_object *u = json_get_object(response, "usage");
	struct json_object *in = json_get_object(u, "input_tokens_details");
	struct json_object *out = json_get_object(u, "output_tokens_details");
	struct usage usage = { .known = u != NULL };

	usage.input = json_get_int(u, "input_tokens", 0);
	usage.output = json_get_int(u, "output_tokens", 0);
	usage.cached = json_get_int(in, "cached_tokens", 0);
	usage.cache_write = json_get_int(in, "cache_write_tokens", 0);
	usage.reasoning = json_get_int(out, "reasoning_tokens", 0);
	decode_usage(&usage, json_get_int(u, "total_tokens", INT64_MIN));
	return usage;
}

static enum err tell_failed(struct decoder *d, struct json_object *error,
			    struct json_object *response, const char *words)
{
	struct err_note note = ERR_NOTE_INIT;
	struct event ev = { .kind = EVENT_FAILED, .note = &note,
			    .usage = usage_of(response) };

	refusal_read_event(error, &note);
	if (!note.tell[0])
		text_copy(note.tell, sizeof(note.tell), span_of(words));
	d->ended = true;
	return decode_tell(d, &ev);
}

enum err decode_done(struct decoder *d, struct event *ev,
		     struct json_object *output)
{
	struct span raw = d->raw;
	enum err err;

	d->raw = span_of("");		/* it belongs to the end itself */
	err = d->pass ? ERR_NONE : decode_output(d, output);
	if (err)
		return err;
	d->raw = raw;
	d->ended = true;
	ev->kind = EVENT_DONE;
	return decode_tell(d, ev);
}

static enum err tell_done(struct decoder *d, struct json_object *response,
			  enum finish finish)
{
	struct event ev = { .finish = finish, .usage = usage_of(response),
			    .id = json_get_str(response, "id"),
			    .model = json_get_str(response, "model") };

	return decode_done(d, &ev, json_get_array(response, "output"));
}

static enum finish finish_of(struct json_object *response, struct span status)
{
	struct json_object *why = json_get_object(response, "incomplete_details");
	struct span reason = json_get_str(why, "reason");

	if (span_eq(reason, "content_filter"))
		return FINISH_FILTER;
	return span_eq(status, "incomplete") || reason.len ? FINISH_LENGTH :
							     FINISH_STOP;
}

enum err decode_end(struct decoder *d, const struct rule *rule,
		    struct json_object *root)
{
	struct json_object *response = json_get_object(root, "response");
	struct json_object *error = json_get_object(response, "error");
	struct span status = json_get_str(response, "status");

	if (rule->field && !span_eq(status, "failed") &&
	    !span_eq(status, "cancelled") && !span_eq(status, "incomplete"))
		status = span_of(rule->field);
	if (span_eq(status, "failed"))
		return tell_failed(d, error ? error : json_get(root, "error"),
				   response, "Upstream said that the answer failed.");
	if (span_eq(status, "cancelled"))
		return tell_failed(d, error, response,
				   "Upstream cancelled the answer.");
	return tell_done(d, response, finish_of(response, status));
}

enum err decode_error(struct decoder *d, const struct rule *rule,
		      struct json_object *root)
{
	(void)rule;
	return tell_failed(d, root, NULL, "Upstream sent an error event.");
}
