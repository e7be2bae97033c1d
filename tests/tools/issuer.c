/*
 * issuer.c - /oauth/token: each refresh token is taken once.
 *
 * Any refresh token is good the first time; the answer brings a new one. One
 * that comes twice is refused with refresh_token_reused. Scripts can fail a
 * request, delay it or leave out a field.
 */
#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "upstream.h"

static void put_base64(struct buf *b, struct span s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i, j, n;

	for (i = 0; i < s.len; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16;

		n = s.len - i < 3 ? s.len - i : 3;
		if (n > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			bits |= p[i + 2];
		for (j = 0; j <= n; j++)
			buf_char(b, digits[bits >> (18 - 6 * j) & 63]);
	}
}

/* The word of the token's configuration, or dflt. */
static const char *config_word(const struct server *srv, const char *key,
			       const char *dflt)
{
	struct span s = json_get_str(srv->token_config, key);

	return s.len ? s.ptr : dflt;
}

/* The claims that UPSTREAM knows, as a JWT without a real signature. */
void issuer_make_token(struct server *srv, const char *account, int64_t expires_in,
		       struct buf *out)
{
	int64_t now = clock_wall_us() / 1000000;
	struct buf claims;

	buf_init(&claims, 4000);
	buf_fmt(&claims, "{\"iss\":\"test-upstream\",\"jti\":\"%llu\",\"iat\":%lld,"
		"\"exp\":%lld,\"email\":\"someone@example.com\","
		"\"https://api.openai.com/profile\":{\"email\":\"someone@example.com\"},"
		"\"https://api.openai.com/auth\":{\"chatgpt_account_id\":",
		(unsigned long long)++srv->ids, (long long)now,
		(long long)(now + expires_in));
	buf_json(&claims, span_of(account));
	buf_str(&claims, ",\"chatgpt_plan_type\":");
	buf_json(&claims, span_of(config_word(srv, "plan", "plus")));
	buf_str(&claims, ",\"chatgpt_user_id\":\"user_test\"}}");
	put_base64(out, SPAN("{\"alg\":\"none\",\"typ\":\"JWT\"}"));
	buf_char(out, '.');
	put_base64(out, buf_span(&claims));
	buf_str(out, ".dGVzdA");
	buf_free(&claims);
}

static void refuse(struct conn *c, int status, const char *code, const char *message)
{
	struct json_object *v = json_object_new_object();
	struct json_object *e = json_object_new_object();

	json_set_cstr(e, "message", message);
	json_set_cstr(e, "type", "invalid_request_error");
	json_set(e, "param", NULL);
	json_set_cstr(e, "code", code);
	json_set(v, "error", e);
	conn_reply_json(c, status, v);
}

static bool omitted(struct json_object *script, const char *name)
{
	struct json_object *list = json_get_array(script, "omit");
	size_t i;

	for (i = 0; list && i < json_object_array_length(list); i++)
		if (span_eq(json_str(json_object_array_get_idx(list, i)), name))
			return true;
	return false;
}

static struct json_object *new_tokens(struct server *srv, struct json_object *script)
{
	int64_t expires_in = json_get_int(srv->token_config, "expires_in", 3600);
	const char *account = config_word(srv, "account", "acct_test");
	struct json_object *v = json_object_new_object();
	char refresh[64];
	struct buf token;

	expires_in = json_get_int(script, "expires_in", expires_in);
	buf_init(&token, sizeof(srv->newest_token) - 1);
	issuer_make_token(srv, account, expires_in, &token);
	if (!omitted(script, "id_token"))
		json_set_str(v, "id_token", buf_span(&token));
	if (!omitted(script, "access_token"))
		json_set_str(v, "access_token", buf_span(&token));
	text_copy(srv->newest_token, sizeof(srv->newest_token), buf_span(&token));
	random_id(refresh, sizeof(refresh), "rt_");
	if (!omitted(script, "refresh_token"))
		json_set_cstr(v, "refresh_token", refresh);
	json_set_cstr(v, "token_type", "Bearer");
	json_set_int(v, "expires_in", expires_in);
	buf_free(&token);
	return v;
}

/* Answers with what was decided when the request came. */
static enum turn later(struct conn *c)
{
	struct json_object *v = c->state;

	conn_reply_json(c, (int)json_get_int(v, "status", 200),
			json_ref(json_get(v, "body")));
	return TURN_DONE;
}

static enum turn wait_first(struct conn *c)
{
	c->run = later;
	conn_wait(c, json_get_int(c->state, "delay_ms", 0) * 1000);
	return TURN_WAIT;
}

static void drop(void *state)
{
	json_object_put(state);
}

static void answer(struct conn *c, struct json_object *script, int status,
		   struct json_object *body)
{
	int64_t delay = json_get_int(script, "delay_ms", 0);
	struct json_object *v;

	if (delay <= 0) {
		conn_reply_json(c, status, body);
		return;
	}
	v = json_object_new_object();
	json_set_int(v, "delay_ms", delay);
	json_set_int(v, "status", status);
	json_set(v, "body", body);
	conn_play(c, wait_first, v, drop);
}

static struct json_object *take_script(struct server *srv)
{
	struct json_object *v;
	int64_t left;

	if (!json_object_array_length(srv->token_queue))
		return NULL;
	v = json_ref(json_object_array_get_idx(srv->token_queue, 0));
	left = json_get_int(v, "repeat", 1);
	if (left == 1)
		json_object_array_del_idx(srv->token_queue, 0, 1);
	else if (left > 1)
		json_set_int(v, "repeat", left - 1);
	return v;
}

void issuer_answer(struct conn *c, const struct request *req)
{
	struct server *srv = c->srv;
	struct json_object *script = take_script(srv), *status, *body;
	struct span refresh;

	body = json_reader_parse(srv->reader, req->body, NULL);
	refresh = json_get_str(body, "refresh_token");
	status = json_get(script, "status");
	srv->stats.token_requests++;
	text_copy(srv->newest_client, sizeof(srv->newest_client),
		  json_get_str(body, "client_id"));
	if (status) {
		srv->stats.tokens_failed++;
		answer(c, script, (int)json_object_get_int(status),
		       json_ref(json_get(script, "body")));
	} else if (!span_eq(json_get_str(body, "grant_type"), "refresh_token") ||
		   !refresh.len || !json_get_str(body, "client_id").len) {
		srv->stats.tokens_failed++;
		refuse(c, 400, "invalid_request", "not a refresh_token grant");
	} else if (json_get(srv->tokens_used, refresh.ptr)) {
		srv->stats.tokens_reused++;
		refuse(c, 401, "refresh_token_reused", "Your refresh token has already "
		       "been used to generate a new access token.");
	} else {
		json_set_bool(srv->tokens_used, refresh.ptr, true);
		srv->stats.tokens_issued++;
		answer(c, script, 200, new_tokens(srv, script));
	}
	json_object_put(body);
	json_object_put(script);
}
