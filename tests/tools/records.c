/* records.c - what was received, counted and timed; see upstream.h. */
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "upstream.h"

static struct json_object *header_pairs(const struct request *req)
{
	struct json_object *list = json_object_new_array(), *pair;
	size_t i;

	for (i = 0; i < req->header_count; i++) {
		pair = json_object_new_array_ext(2);
		json_push(pair, json_new_str(req->headers[i].name));
		json_push(pair, json_new_str(req->headers[i].value));
		json_push(list, pair);
	}
	return list;
}

static void keep_body(struct json_object *r, struct span bytes,
		      struct json_object *body)
{
	char hash[65];

	sha256_hex(bytes, hash);
	json_set_int(r, "bytes", (int64_t)bytes.len);
	json_set_cstr(r, "sha256", hash);
	if (bytes.len > MAX_RECORDED_BODY)
		return;
	/* the tree and the bytes: tests look at either */
	json_set(r, "body", json_ref(body));
	json_set_str(r, "text", bytes);
}

void record_request(struct conn *c, const struct request *req,
		    struct json_object *body, const struct check *k)
{
	struct server *srv = c->srv;
	struct json_object *r = json_object_new_object();
	size_t count = json_object_array_length(srv->records);

	json_set_int(r, "n", (int64_t)srv->stats.requests);
	json_set_int(r, "at_us", clock_mono_us());
	json_set_str(r, "method", req->method);
	json_set_str(r, "path", req->path);
	json_set_str(r, "query", req->query);
	json_set(r, "headers", header_pairs(req));
	json_set(r, "problems", json_ref(k->problems));
	json_set_bool(r, "finished", false);
	json_set_bool(r, "aborted", false);
	keep_body(r, req->body, body);
	if (count >= MAX_RECORDS)
		json_object_array_del_idx(srv->records, 0, count / 2);
	json_push(srv->records, r);
	c->record = json_ref(r);
	if (k->status)
		srv->stats.refused++;
	srv->stats.open++;
	srv->stats.streams++;
	c->streaming = true;
}

void record_end(struct conn *c, bool aborted)
{
	struct stats *s = &c->srv->stats;
	int64_t now = clock_mono_us();

	if (c->streaming) {
		c->streaming = false;
		s->open--;
		if (aborted)
			s->aborted_us[s->aborts++ % MAX_ABORTS] = now;
		else
			s->finished++;
	}
	if (c->record) {
		json_set_bool(c->record, aborted ? "aborted" : "finished", true);
		json_set_int(c->record, "ended_us", now);
		json_object_put(c->record);
		c->record = NULL;
	}
}

struct json_object *records_stats(const struct server *srv)
{
	const struct stats *s = &srv->stats;
	struct json_object *v = json_object_new_object();
	const struct { const char *name; uint64_t n; } rows[] = {
		{ "open", s->open }, { "connections", s->connections },
		{ "requests", s->requests }, { "streams", s->streams },
		{ "finished", s->finished }, { "aborts", s->aborts },
		{ "refused", s->refused }, { "events", s->events },
		{ "token_requests", s->token_requests },
		{ "tokens_issued", s->tokens_issued },
		{ "tokens_reused", s->tokens_reused },
		{ "tokens_failed", s->tokens_failed },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		json_set_int(v, rows[i].name, (int64_t)rows[i].n);
	json_set_cstr(v, "token_client_id", srv->newest_client);
	json_set_int(v, "queued", (int64_t)json_object_array_length(srv->queue));
	json_set_int(v, "now_us", clock_mono_us());
	return v;
}

struct json_object *records_aborts(const struct server *srv)
{
	const struct stats *s = &srv->stats;
	struct json_object *v = json_object_new_object();
	struct json_object *list = json_object_new_array();
	uint64_t n = s->aborts > MAX_ABORTS ? s->aborts - MAX_ABORTS : 0;

	for (; n < s->aborts; n++)
		json_push(list, json_object_new_int64(s->aborted_us[n % MAX_ABORTS]));
	json_set(v, "aborts", list);
	return v;
}
