/* test_login_claims.c - what a login's tokens say, and when it is due. */
#include "login_fixture.h"

#define AUTH(members) "\"https://api.openai.com/auth\":{" members "}"

static const struct {
	const char *claims;
	int64_t exp;
	const char *account, *plan;
	bool fedramp;
} claims[] = {
	{ "{\"exp\":1795309698," AUTH("\"chatgpt_account_id\":\"acc\","
	  "\"chatgpt_plan_type\":\"pro\",\"chatgpt_account_is_fedramp\":true")
	  "}", 1795309698, "acc", "pro", true },
	{ "{\"exp\":1795309698.75}", 1795309698, "", "", false },
	{ "{\"exp\":1e300}", 0, "", "", false },
	{ "{\"exp\":-5}", 0, "", "", false },
	{ "{\"exp\":-1e300}", 0, "", "", false },
	{ "{\"exp\":0}", 0, "", "", false },
	{ "{\"exp\":9223372036854775807}", 0, "", "", false },
	{ "{\"exp\":99999999999999999999999}", 0, "", "", false },
	{ "{\"exp\":\"1795309698\"}", 0, "", "", false },
	{ "{\"exp\":null}", 0, "", "", false },
	{ "{\"exp\":[1795309698]}", 0, "", "", false },
	{ "[1795309698]", 0, "", "", false },
	{ "\"exp\"", 0, "", "", false },
	{ "{\"exp\":1795309698", 0, "", "", false },
	{ "", 0, "", "", false },
	{ "{" AUTH("\"chatgpt_account_id\":\"a\\r\\nb\","
	  "\"chatgpt_plan_type\":\"p p\"") "}", 0, "", "", false },
	{ "{" AUTH("\"chatgpt_account_id\":7,\"chatgpt_plan_type\":{},"
	  "\"chatgpt_account_is_fedramp\":\"yes\"") "}", 0, "", "", false },
	{ "{\"https://api.openai.com/auth\":\"no\"}", 0, "", "", false },
};

static void read_access(const char *token, struct login *l)
{
	struct buf b;

	buf_init(&b, 4 << 20);
	buf_str(&b, "{\"tokens\":{\"access_token\":");
	buf_json(&b, span_of(token));
	buf_str(&b, "}}");
	*l = (struct login){ 0 };
	check_int(login_parse(buf_span(&b), l, NULL, NULL), ERR_NONE);
	buf_free(&b);
}

static void test_claims(void)
{
	static const char *const odd[] = {
		".", "..", "...", "a", "a.b", "a.!.c", "a.%%.c", "a..c",
		"a.e30", "a.e30.", "a.////.c", "a.bnVsbA.c", "a.e.c",
	};
	struct login l;

	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		char *token = jwt(claims[i].claims);

		read_access(token, &l);
		if (!check_int(l.expires_at, claims[i].exp))
			printf("  %s\n", claims[i].claims);
		check_str(span_of(l.account_id), claims[i].account);
		check_str(span_of(l.plan), claims[i].plan);
		check(l.fedramp == claims[i].fedramp);
		login_free(&l);
		free(token);
	}
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		read_access(odd[i], &l);
		check_int(l.expires_at, 0);
		login_free(&l);
	}
}

/* Deep nesting, and a payload and a token larger than we read. */
static void test_big_claims(void)
{
	struct err_note note = ERR_NOTE_INIT;
	static char deep[20000], text[70000];
	struct login l;
	char *token;

	memset(deep, '[', sizeof(deep) - 1);
	token = jwt(deep);
	read_access(token, &l);
	check_int(l.expires_at, 0);
	login_free(&l);
	free(token);

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "{\"tokens\":{\"access_token\":\"", 27);
	memcpy(text + 27 + MAX_TOKEN, "\"}}", 4);
	check_int(login_parse(span_of(text), &l, NULL, &note), ERR_NONE);
	login_free(&l);
	memcpy(text + 27 + MAX_TOKEN, "a\"}}", 5);
	check_int(login_parse(span_of(text), &l, NULL, &note), ERR_LOGIN_BROKEN);
	login_free(&l);
}

/* The id token's claims come first, what the file says before both. */
static void test_claim_order(void)
{
	char *id = jwt("{" AUTH("\"chatgpt_account_id\":\"id\"") "}");
	char *access = jwt("{\"exp\":1795309698," AUTH("\"chatgpt_account_id\":"
			   "\"access\",\"chatgpt_plan_type\":\"plus\"") "}");
	char text[2048];
	struct login l = { 0 };

	snprintf(text, sizeof(text), "{\"tokens\":{\"access_token\":\"%s\","
		 "\"id_token\":\"%s\"}}", access, id);
	check_int(login_parse(span_of(text), &l, NULL, NULL), ERR_NONE);
	check_str(span_of(l.account_id), "id");
	check_str(span_of(l.plan), "plus");
	check_int(l.expires_at, 1795309698);
	login_free(&l);
	snprintf(text, sizeof(text), "{\"agent_identity\":{"
		 "\"chatgpt_account_is_fedramp\":true},\"tokens\":{"
		 "\"access_token\":\"a\",\"id_token\":\"%s\","
		 "\"account_id\":\"file\"}}", id);
	check_int(login_parse(span_of(text), &l, NULL, NULL), ERR_NONE);
	check_str(span_of(l.account_id), "file");
	check(l.fedramp);
	login_free(&l);
	free(id);
	free(access);
}

#define DAY 86400

static void test_due(void)
{
	char token[] = "a", key[] = "k";
	const struct {
		struct login l;
		bool due, expired;
	} rules[] = {
		{ { .access_token = token, .expires_at = 1000000 - 10 }, true, true },
		{ { .access_token = token, .expires_at = 1000000 }, true, true },
		{ { .access_token = token, .expires_at = 1000001 }, true, false },
		{ { .access_token = token, .expires_at = 1000200 }, true, false },
		{ { .access_token = token, .expires_at = 1000300 }, true, false },
		{ { .access_token = token, .expires_at = 1000301 }, false, false },
		{ { .access_token = token, .expires_at = 1000400,
		    .last_refresh = 1 }, false, false },
		{ { .access_token = token, .last_refresh = 1000000 - 8 * DAY },
		  false, false },
		{ { .access_token = token, .last_refresh = 1000000 - 8 * DAY - 1 },
		  true, false },
		{ { .access_token = token }, false, false },
		{ { .access_token = token, .refresh_token = token }, true, false },
		{ { .refresh_token = token }, true, true },
		{ { .api_key = key }, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (!check(login_due(&rules[i].l, 1000000, LOGIN_SKEW_S) ==
			   rules[i].due) ||
		    !check(login_expired(&rules[i].l, 1000000) ==
			   rules[i].expired))
			printf("  rule %zu\n", i);
	}
}

int main(void)
{
	test_claims();
	test_big_claims();
	test_claim_order();
	test_due();
	return test_end("test_login_claims");
}
