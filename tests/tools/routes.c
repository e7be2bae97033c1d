/* routes.c - which path is answered by whom; see upstream.h. */
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "upstream.h"

static bool ends_with(struct span path, const char *end)
{
	size_t len = strlen(end);

	return path.len >= len && memcmp(path.ptr + path.len - len, end, len) == 0;
}

static void detail(struct conn *c, int status, const char *text)
{
	struct json_object *v = json_object_new_object();

	json_set_cstr(v, "detail", text);
	conn_reply_json(c, status, v);
}

static void took(struct conn *c)
{
	conn_reply(c, 200, SPAN("{\"ok\":true}\n"));
}

/* --- the tests' own paths --- */

static void add_script(struct conn *c, const struct request *req)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v;
	struct buf why;

	buf_init(&why, 1000);
	v = json_reader_parse(c->srv->reader, req->body, &note);
	if (!v)
		detail(c, 400, note.tell);
	else if (!script_add(c->srv, v, &why))
		detail(c, 400, why.ptr);
	else
		took(c);
	json_object_put(v);
	buf_free(&why);
}

static void get_requests(struct conn *c, const struct request *req)
{
	struct json_object *v = json_object_new_object();

	(void)req;
	json_set(v, "requests", json_ref(c->srv->records));
	conn_reply_json(c, 200, v);
}

static void clear_requests(struct conn *c, const struct request *req)
{
	(void)req;
	json_object_put(c->srv->records);
	c->srv->records = json_object_new_array();
	took(c);
}

static void clear_script(struct conn *c, const struct request *req)
{
	(void)req;
	script_clear(c->srv);
	took(c);
}

static void get_stats(struct conn *c, const struct request *req)
{
	(void)req;
	conn_reply_json(c, 200, records_stats(c->srv));
}

static void get_aborts(struct conn *c, const struct request *req)
{
	(void)req;
	conn_reply_json(c, 200, records_aborts(c->srv));
}

/* A token for tests that write an auth.json: ?account=...&expires_in=... */
static void get_token(struct conn *c, const struct request *req)
{
	struct json_object *v = json_object_new_object();
	struct span rest = req->query, piece;
	char account[100] = "acct_test";
	int64_t expires_in = 3600;
	struct buf token;

	while (text_next(&rest, '&', &piece)) {
		if (span_starts(piece, "account="))
			text_copy(account, sizeof(account), (struct span){
				  piece.ptr + 8, piece.len - 8 });
		else if (span_starts(piece, "expires_in=") &&
			 !text_int((struct span){ piece.ptr + 11, piece.len - 11 },
				   &expires_in))
			expires_in = 3600;
	}
	buf_init(&token, 4000);
	issuer_make_token(c->srv, account, expires_in, &token);
	json_set_str(v, "access_token", buf_span(&token));
	conn_reply_json(c, 200, v);
	buf_free(&token);
}

static const struct {
	const char *method, *path;
	void (*fn)(struct conn *c, const struct request *req);
} control[] = {
	{ "POST", "/_script", add_script },
	{ "DELETE", "/_script", clear_script },
	{ "GET", "/_requests", get_requests },
	{ "DELETE", "/_requests", clear_requests },
	{ "GET", "/_stats", get_stats },
	{ "GET", "/_aborts", get_aborts },
	{ "GET", "/_token", get_token },
	{ "POST", "/oauth/token", issuer_answer },
};

/* --- the upstream's paths --- */

static bool key_fits(const struct server *srv, const struct request *req)
{
	struct span got = request_header(req, "authorization");

	return !srv->opt.key || (span_starts(got, "Bearer ") &&
		span_eq((struct span){ got.ptr + 7, got.len - 7 }, srv->opt.key));
}

static void scripted(struct conn *c, const struct request *req)
{
	bool asks = span_eq(req->method, "POST") && ends_with(req->path, "/responses");
	bool lists = span_eq(req->method, "GET") && ends_with(req->path, "/models");
	struct check k = { .kind = c->srv->opt.kind };
	struct json_object *body = NULL;

	k.problems = json_object_new_array();
	if (req->body.len)
		body = json_reader_parse(c->srv->reader, req->body, NULL);
	if (asks && !c->srv->opt.lax)
		check_request(&k, c->srv, req, body);
	if (lists && !c->srv->opt.lax)
		check_models(&k, c->srv, req);
	record_request(c, req, body, &k);
	if (k.status)
		check_answer(c, &k);
	else if (!script_begin(c, req, body) && lists)
		models_answer(c, req);
	else if (!c->run)
		detail(c, 404, "Not Found");
	if (!c->run)
		record_end(c, false);
	json_object_put(k.problems);
	json_object_put(body);
}

void route(struct conn *c, const struct request *req)
{
	struct server *srv = c->srv;
	size_t i;

	for (i = 0; i < ARRAY_LEN(control); i++) {
		if (span_eq(req->path, control[i].path) &&
		    span_eq(req->method, control[i].method)) {
			control[i].fn(c, req);
			return;
		}
	}
	if (!key_fits(srv, req)) {
		conn_reply(c, 401, SPAN("{\"error\":{\"message\":\"Incorrect API key "
			"provided.\",\"type\":\"invalid_request_error\",\"param\":null,"
			"\"code\":\"invalid_api_key\"}}\n"));
		return;
	}
	if (srv->opt.mode == MODE_SCRIPT)
		scripted(c, req);
	else if (!span_eq(req->method, "POST") || !ends_with(req->path, "/responses"))
		detail(c, 404, "Not Found");
	else if (srv->opt.mode == MODE_BENCH)
		bench_begin(c, req);
	else
		demo_begin(c, req);
}
