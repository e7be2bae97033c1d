/*
 * models.c - GET .../models: the list, by account, version and ETag.
 *
 * Kind chatgpt plays the backend: Codex' entries for whom has a login, only
 * those that the client's version may see, and nothing for a client that does
 * not say its version. Kind responses plays a plain API. Scripts with a
 * "path" of "/models" come before, for all that goes wrong.
 */
#include "../../shared/text.h"
#include "upstream.h"

static const char codex_list[] =
	"[{\"slug\":\"gpt-6-sol\",\"display_name\":\"GPT-6 Sol\",\"priority\":1,"
	"\"visibility\":\"list\",\"supported_in_api\":true,"
	"\"context_window\":272000,\"default_reasoning_level\":\"medium\","
	"\"supported_reasoning_levels\":[{\"effort\":\"low\",\"description\":\"\"},"
	"{\"effort\":\"medium\",\"description\":\"\"},"
	"{\"effort\":\"high\",\"description\":\"\"}],"
	"\"service_tiers\":[{\"id\":\"priority\",\"name\":\"Fast\"}],"
	"\"input_modalities\":[\"text\",\"image\"],\"support_verbosity\":true,"
	"\"minimal_client_version\":\"0.144.0\",\"base_instructions\":\"...\"},"
	"{\"slug\":\"gpt-7-next\",\"display_name\":\"GPT-7 Next\",\"priority\":2,"
	"\"visibility\":\"list\",\"context_window\":900000,"
	"\"supported_reasoning_levels\":[{\"effort\":\"high\"}],"
	"\"minimal_client_version\":\"0.169.0\"},"
	"{\"slug\":\"codex-hidden\",\"visibility\":\"hide\",\"priority\":9}]";

static const char plain_list[] =
	"[{\"id\":\"gpt-5.5\",\"object\":\"model\",\"created\":1,\"owned_by\":\"test\"},"
	"{\"id\":\"qwen3:8b\",\"object\":\"model\",\"created\":1,\"owned_by\":\"test\"}]";

/* "0.169.0" as a number that orders; -1: it is none. */
static int64_t version_of(struct span s)
{
	struct span part;
	int64_t all = 0, n;
	int count = 0;

	while (text_next(&s, '.', &part)) {
		if (!text_int(part, &n) || n < 0 || n > 99999 || ++count > 3)
			return -1;
		all = all * 100000 + n;
	}
	return count == 3 ? all : -1;
}

static struct span query_value(struct span query, const char *name)
{
	struct span pair;

	while (text_next(&query, '&', &pair))
		if (span_starts(pair, name) && pair.ptr[strlen(name)] == '=')
			return (struct span){ pair.ptr + strlen(name) + 1,
					      pair.len - strlen(name) - 1 };
	return SPAN("");
}

void check_models(struct check *k, const struct server *srv,
		  const struct request *req)
{
	struct span version = query_value(req->query, "client_version");
	struct span said = request_header(req, "version");

	if (req->body.len)
		check_fail(k, "", "GET has no body");
	if (request_header(req, "cookie").len)
		check_fail(k, "", "a gateway sends no cookies");
	if (k->kind == KIND_RESPONSES) {
		if (req->query.len)
			check_fail(k, "", "Unknown query parameter");
		return;
	}
	check_login(k, srv, req);
	if (version_of(version) < 0)
		check_fail(k, "", "client_version is required");
	else if (memchr(req->query.ptr, '&', req->query.len))
		check_fail(k, "", "Unknown query parameter");
	if (said.len && (said.len != version.len ||
			 memcmp(said.ptr, version.ptr, said.len) != 0))
		check_fail(k, "", "version and client_version differ");
	if (!request_header(req, "originator").len)
		check_fail(k, "", "originator header is missing");
}

/* What the tests said is there for this account, or for all; or NULL. */
static struct json_object *config_for(const struct server *srv, struct span account)
{
	struct json_object *accounts = json_get_object(srv->models, "accounts"), *own;
	char name[100];

	text_copy(name, sizeof(name), account);
	own = json_get_object(accounts, name);
	return own ? own : srv->models;
}

/* Without those that are too new for the client. */
static struct json_object *visible(struct json_object *list, int64_t version)
{
	struct json_object *out = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		struct span least = json_get_str(v, "minimal_client_version");

		if (!least.len || version_of(least) <= version)
			json_push(out, json_ref(v));
	}
	return out;
}

void models_answer(struct conn *c, const struct request *req)
{
	const struct server *srv = c->srv;
	bool codex = srv->opt.kind == KIND_CHATGPT;
	struct json_object *config = config_for(srv,
			request_header(req, "chatgpt-account-id"));
	struct json_object *list = json_ref(json_get_array(config, "list"));
	struct span tag = json_get_str(config, "etag");
	struct json_object *v = json_object_new_object();
	struct span has = request_header(req, "if-none-match");
	struct buf b;

	if (!tag.len && codex)
		tag = SPAN("W/\"list-1\"");
	if (!list)
		list = json_parse(codex ? span_of(codex_list) :
				  span_of(plain_list), NULL);
	buf_init(&b, MAX_BODY);
	if (!codex)
		json_set_cstr(v, "object", "list");
	json_set(v, codex ? "models" : "data", codex ?
		 visible(list, version_of(query_value(req->query,
				"client_version"))) : json_ref(list));
	json_write(&b, v);
	if (tag.len && has.len == tag.len && !memcmp(has.ptr, tag.ptr, tag.len)) {
		buf_reset(&b);
		buf_fmt(&c->out, "HTTP/1.1 304 Not Modified\r\n");
	} else {
		buf_fmt(&c->out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
			"content-length: %zu\r\n", b.len);
	}
	if (tag.len)
		buf_fmt(&c->out, "etag: %.*s\r\n", (int)tag.len, tag.ptr);
	buf_str(&c->out, "\r\n");
	conn_put(c, buf_span(&b));
	buf_free(&b);
	json_object_put(list);
	json_object_put(v);
}
