/* script.c - which answer is next, and its steps; see README.md here. */
#include "../../shared/text.h"
#include "upstream.h"

static const char *const known[] = {
	/* which request */
	"match", "session", "path", "repeat",
	/* the answer */
	"status", "headers", "body", "raw", "steps", "delay_ms", "cut_every", "then",
	/* canned.c's */
	"say", "think", "raw_think", "encrypted", "calls", "custom_calls", "refusal",
	"incomplete", "failed", "error", "usage", "model", "interval_ms",
	"stop_before", "names", "annotations", "search", "rate_limits", "response",
	"done_only",
};

static bool known_keys(struct json_object *v, struct buf *why)
{
	size_t i;

	json_object_object_foreach(v, key, value) {
		(void)value;
		for (i = 0; i < ARRAY_LEN(known); i++)
			if (strcmp(key, known[i]) == 0)
				break;
		if (i == ARRAY_LEN(known)) {
			buf_fmt(why, "a script has no '%s'", key);
			return false;
		}
	}
	return true;
}

/* --- from JSON to steps --- */

static void put_head(struct play *p, struct json_object *v, size_t body_len)
{
	struct json_object *headers = json_get_object(v, "headers");
	struct json_object *body = json_get(v, "body");
	int status = (int)json_get_int(v, "status", 200);
	bool typed = false;
	struct buf b;

	buf_init(&b, 1u << 20);
	buf_fmt(&b, "HTTP/1.1 %d %s\r\n", status, status_reason(status));
	if (headers) {
		json_object_object_foreach(headers, key, value) {
			buf_fmt(&b, "%s: ", key);
			buf_span_add(&b, json_str(value));
			buf_str(&b, "\r\n");
			typed |= text_eq_nocase(span_of(key), "content-type");
		}
	}
	if (!typed)
		buf_fmt(&b, "content-type: %s\r\n", !body ?
			"text/event-stream; charset=utf-8" : !json_is_str(body) ?
			"application/json" : json_str(body).ptr[0] == '<' ?
			"text/html" : "text/plain");
	if (p->by_length)
		buf_fmt(&b, "content-length: %zu\r\n\r\n", body_len);
	else
		buf_str(&b, "transfer-encoding: chunked\r\n\r\n");
	play_send(p, buf_span(&b));
	buf_free(&b);
}

static void put_body(struct play *p, struct json_object *v)
{
	struct json_object *body = json_get(v, "body");
	struct buf b;

	buf_init(&b, MAX_BODY);
	if (json_is_str(body))
		buf_span_add(&b, json_str(body));
	else
		json_write(&b, body);
	p->by_length = true;
	put_head(p, v, b.len);
	play_send(p, buf_span(&b));
	buf_free(&b);
}

static bool put_base64(struct play *p, struct span s, struct buf *why)
{
	struct buf in, out;
	size_t i;
	bool ok;

	buf_init(&in, MAX_BODY);
	buf_init(&out, MAX_BODY);
	buf_span_add(&in, s);
	for (i = 0; i < in.len; i++)
		in.ptr[i] = in.ptr[i] == '+' ? '-' : in.ptr[i] == '/' ? '_' : in.ptr[i];
	ok = base64url_decode(buf_span(&in), &out);
	if (ok)
		play_send(p, buf_span(&out));
	else
		buf_str(why, "send_b64 is not base64");
	buf_free(&in);
	buf_free(&out);
	return ok;
}

static bool put_step(struct server *srv, struct play *p, struct json_object *v,
		     const char *model, struct buf *why)
{
	if (json_get(v, "send"))
		play_send(p, json_get_str(v, "send"));
	else if (json_get(v, "send_b64"))
		return put_base64(p, json_get_str(v, "send_b64"), why);
	else if (json_get(v, "event"))
		canned_event(p, json_get(v, "event"), json_get_bool(v, "names", true));
	else if (json_get(v, "wait_ms"))
		play_wait(p, json_get_int(v, "wait_ms", 0) * 1000);
	else if (json_get(v, "close"))
		play_add(p, STEP_CLOSE);
	else if (json_get(v, "reset"))
		play_add(p, STEP_RESET);
	else if (json_get(v, "stall"))
		play_add(p, STEP_STALL);
	else if (json_get(v, "end"))
		play_add(p, STEP_END);
	else if (canned_is(v))
		return canned_add(srv, p, v, model, why);
	else
		buf_fmt(why, "no such step: %s", json_object_to_json_string(v));
	return why->len == 0;
}

static bool put_then(struct play *p, struct span then, struct buf *why)
{
	if (span_eq(then, "close"))
		play_add(p, STEP_CLOSE);
	else if (span_eq(then, "reset"))
		play_add(p, STEP_RESET);
	else if (span_eq(then, "stall"))
		play_add(p, STEP_STALL);
	else if (then.len && !span_eq(then, "end"))
		buf_fmt(why, "then: no '%s'", then.ptr);
	return why->len == 0;
}

/* The steps of a script; NULL: `why` says what is wrong. */
static struct play *compile(struct server *srv, struct json_object *v,
			    const char *model, struct buf *why)
{
	struct play *p = play_new();
	struct json_object *steps = json_get_array(v, "steps");
	size_t i;

	if (!json_is_object(v)) {
		buf_str(why, "a script is an object");
		goto fail;
	}
	if (!known_keys(v, why))
		goto fail;
	p->raw = json_get_bool(v, "raw", false);
	play_wait(p, json_get_int(v, "delay_ms", 0) * 1000);
	if (json_get(v, "body"))
		put_body(p, v);
	else if (!p->raw)
		put_head(p, v, 0);
	if (canned_is(v) && !canned_add(srv, p, v, model, why))
		goto fail;
	for (i = 0; steps && i < json_object_array_length(steps); i++)
		if (!put_step(srv, p, json_object_array_get_idx(steps, i), model, why))
			goto fail;
	if (!put_then(p, json_get_str(v, "then"), why))
		goto fail;
	return p;
fail:
	play_free(p);
	return NULL;
}

/* --- which one --- */

static bool tried(struct server *srv, struct json_object *v, struct buf *why)
{
	struct play *p = compile(srv, v, "model", why);

	play_free(p);
	return p != NULL;
}

static bool add_one(struct server *srv, struct json_object *v, struct buf *why)
{
	bool keyed = json_get(v, "match") || json_get(v, "session") ||
		     json_get(v, "path");

	if (!tried(srv, v, why))
		return false;
	return json_push(keyed ? srv->keyed : srv->queue, json_ref(v));
}

static bool add_list(struct server *srv, struct json_object *list, struct buf *why)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		if (!add_one(srv, json_object_array_get_idx(list, i), why))
			return false;
	return true;
}

/* {"token": an answer, a list of them, or {"config": {...}}} */
static void add_token(struct server *srv, struct json_object *v)
{
	size_t i;

	if (json_get_object(v, "config")) {
		json_object_put(srv->token_config);
		srv->token_config = json_ref(json_get(v, "config"));
	} else if (json_is_array(v)) {
		for (i = 0; i < json_object_array_length(v); i++)
			json_push(srv->token_queue,
				  json_ref(json_object_array_get_idx(v, i)));
	} else {
		json_push(srv->token_queue, json_ref(v));
	}
}

bool script_add(struct server *srv, struct json_object *v, struct buf *why)
{
	struct json_object *usual = json_get_object(v, "default");

	if (json_is_array(v))
		return add_list(srv, v, why);
	if (json_get(v, "token")) {
		add_token(srv, json_get(v, "token"));
		return true;
	}
	if (json_get_object(v, "models")) {
		json_object_put(srv->models);
		srv->models = json_ref(json_get(v, "models"));
		return true;
	}
	if (usual) {
		if (!tried(srv, usual, why))
			return false;
		json_object_put(srv->usual);
		srv->usual = json_ref(usual);
		return true;
	}
	return add_one(srv, v, why);
}

void script_clear(struct server *srv)
{
	struct json_object **all[] = { &srv->queue, &srv->keyed, &srv->token_queue };
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++) {
		json_object_put(*all[i]);
		*all[i] = json_object_new_array();
	}
	json_object_put(srv->usual);
	json_object_put(srv->token_config);
	json_object_put(srv->models);
	srv->usual = srv->token_config = srv->models = NULL;
}

/* Takes one use of entry i; it goes when it has none left. */
static struct json_object *use(struct json_object *list, size_t i, int64_t dflt)
{
	struct json_object *v = json_ref(json_object_array_get_idx(list, i));
	int64_t left = json_get_int(v, "repeat", dflt);

	if (left == 1)
		json_object_array_del_idx(list, i, 1);
	else if (left > 1)
		json_set_int(v, "repeat", left - 1);
	return v;
}

static bool has(struct span where, struct span what)
{
	return memmem(where.ptr, where.len, what.ptr, what.len) != NULL;
}

static bool fits(struct json_object *v, const struct request *req, bool asks)
{
	struct span path = json_get_str(v, "path");
	struct span session = json_get_str(v, "session");

	if (path.len ? !has(req->path, path) : !asks)
		return false;
	if (session.len && !span_eq(request_header(req, "session-id"), session.ptr))
		return false;
	return has(req->body, json_get_str(v, "match"));
}

static struct json_object *choose(struct server *srv, const struct request *req)
{
	bool asks = span_eq(req->method, "POST") &&
		    has(req->path, SPAN("/responses"));
	size_t i;

	for (i = 0; i < json_object_array_length(srv->keyed); i++)
		if (fits(json_object_array_get_idx(srv->keyed, i), req, asks))
			return use(srv->keyed, i, 0);
	if (!asks)
		return NULL;
	if (json_object_array_length(srv->queue))
		return use(srv->queue, 0, 1);
	if (srv->usual)
		return json_ref(srv->usual);
	return json_parse(SPAN("{\"say\":\"Hello from the test upstream.\"}"), NULL);
}

bool script_begin(struct conn *c, const struct request *req,
		  struct json_object *body)
{
	struct json_object *v = choose(c->srv, req);
	struct span model = json_get_str(body, "model");
	struct play *p;
	struct buf why;

	if (!v)
		return false;
	buf_init(&why, 1000);
	p = compile(c->srv, v, model.ptr, &why);
	if (p) {
		c->cut_every = (size_t)json_get_int(v, "cut_every", 0);
		play_begin(c, p);
	}
	buf_free(&why);
	json_object_put(v);
	return p != NULL;
}
