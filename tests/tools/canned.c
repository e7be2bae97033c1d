/*
 * canned.c - whole event sequences by name: {"say":"Hello world"}.
 *
 * Events come in the order and with the fields of the Responses API;
 * response.completed carries "output": [], as the ChatGPT backend's does.
 */
#include "canned.h"

void canned_event(struct play *p, struct json_object *event, bool names)
{
	struct buf b;

	buf_init(&b, MAX_BODY);
	if (names) {
		buf_str(&b, "event: ");
		buf_span_add(&b, json_get_str(event, "type"));
		buf_char(&b, '\n');
	}
	buf_str(&b, "data: ");
	json_write(&b, event);
	buf_str(&b, "\n\n");
	play_send(p, buf_span(&b));
	buf_free(&b);
}

struct json_object *canned_new(struct canned *n, const char *type)
{
	struct json_object *v = json_object_new_object();

	json_set_cstr(v, "type", type);
	json_set_int(v, "sequence_number", n->sequence);
	return v;
}

void canned_put(struct canned *n, struct json_object *event)
{
	struct span type = json_get_str(event, "type");

	if (n->stop_before.len && span_eq(type, n->stop_before.ptr))
		n->stopped = true;
	if (!n->stopped) {
		canned_event(n->play, event, n->names);
		n->sequence++;
		play_wait(n->play, n->interval_us);
	}
	json_object_put(event);
}

/* --- the response object --- */

static struct json_object *usual_usage(void)
{
	return json_parse(SPAN("{\"input_tokens\":21,\"input_tokens_details\":"
		"{\"cached_tokens\":8},\"output_tokens\":13,\"output_tokens_details\":"
		"{\"reasoning_tokens\":4},\"total_tokens\":34}"), NULL);
}

static struct json_object *response(struct canned *n, const char *status)
{
	struct json_object *v = json_object_new_object();
	struct json_object *more = json_get_object(n->script, "response");

	json_set_cstr(v, "id", n->response_id);
	json_set_cstr(v, "object", "response");
	json_set_int(v, "created_at", 1790000000);
	json_set_cstr(v, "status", status);
	json_set(v, "background", json_object_new_boolean(0));
	json_set(v, "error", NULL);
	json_set(v, "incomplete_details", NULL);
	json_set(v, "instructions", NULL);
	json_set_cstr(v, "model", n->model);
	json_set(v, "output", json_object_new_array());
	json_set(v, "metadata", json_object_new_object());
	json_set_bool(v, "parallel_tool_calls", true);
	json_set_bool(v, "store", false);
	json_set_cstr(v, "service_tier", "default");
	json_set(v, "temperature", json_object_new_int(1));
	json_set_cstr(v, "tool_choice", "auto");
	json_set(v, "tools", json_object_new_array());
	json_set(v, "top_p", json_object_new_int(1));
	json_set(v, "usage", NULL);
	if (more) {
		json_object_object_foreach(more, key, value)
			json_set(v, key, json_ref(value));
	}
	return v;
}

static void put_state(struct canned *n, const char *type, struct json_object *r)
{
	struct json_object *v = canned_new(n, type);

	json_set(v, "response", r);
	canned_put(n, v);
}

static void put_end(struct canned *n)
{
	struct json_object *failed = json_get_object(n->script, "failed");
	struct json_object *usage = json_get(n->script, "usage");
	struct span cut = json_get_str(n->script, "incomplete");
	struct json_object *r, *v;

	r = response(n, failed ? "failed" : cut.len ? "incomplete" : "completed");
	if (failed) {
		json_set(r, "error", json_ref(failed));
		put_state(n, "response.failed", r);
		return;
	}
	json_set(r, "usage", usage ? json_ref(usage) : usual_usage());
	if (cut.len) {
		v = json_object_new_object();
		json_set_str(v, "reason", cut);
		json_set(r, "incomplete_details", v);
	}
	put_state(n, cut.len ? "response.incomplete" : "response.completed", r);
}

/* --- odds and ends --- */

static void put_rate_limits(struct canned *n)
{
	struct json_object *v = json_get_object(n->script, "rate_limits");
	struct json_object *event;

	if (!v)
		return;
	event = canned_new(n, "codex.rate_limits");
	json_set(event, "rate_limits", json_ref(v));
	canned_put(n, event);
}

/* An error event in the midst of the stream; nothing comes after it. */
static bool put_error(struct canned *n)
{
	struct json_object *v = json_get_object(n->script, "error");
	struct json_object *event;

	if (!v)
		return false;
	event = canned_new(n, "error");
	json_object_object_foreach(v, key, value)
		json_set(event, key, json_ref(value));
	canned_put(n, event);
	return true;
}

bool canned_is(struct json_object *v)
{
	static const char *const names[] = {
		"say", "think", "raw_think", "calls", "custom_calls", "refusal",
		"incomplete", "failed", "error", "search",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (json_get(v, names[i]))
			return true;
	return false;
}

bool canned_add(struct server *srv, struct play *p, struct json_object *script,
		const char *model, struct buf *why)
{
	struct canned n = {
		.srv = srv, .play = p, .script = script,
		.names = json_get_bool(script, "names", true),
		.done_only = json_get_bool(script, "done_only", false),
		.interval_us = json_get_int(script, "interval_ms", 0) * 1000,
		.stop_before = json_get_str(script, "stop_before"),
	};
	struct span named = json_get_str(script, "model");

	(void)why;
	n.model = named.len ? named.ptr : *model ? model : "gpt-test";
	snprintf(n.response_id, sizeof(n.response_id), "resp_%llu",
		 (unsigned long long)++srv->ids);
	put_state(&n, "response.created", response(&n, "in_progress"));
	put_state(&n, "response.in_progress", response(&n, "in_progress"));
	put_rate_limits(&n);
	canned_items(&n);
	if (!put_error(&n))
		put_end(&n);
	return true;
}
