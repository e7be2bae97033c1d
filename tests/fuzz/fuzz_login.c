/*
 * fuzz_login.c - any auth.json, and any token in it, is read or refused; what
 * was read may stand in a header, and written back it reads the same.
 *
 * The first byte chooses: the rest is the file, or an access token, or the
 * claims inside one.
 */
#include "../unit/login_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_word(const char *s, size_t max)
{
	if (s && !login_word_ok(span_of(s), max))
		abort();
}

static void look(const struct login *l)
{
	look_word(l->access_token, MAX_TOKEN);
	look_word(l->refresh_token, MAX_TOKEN);
	look_word(l->id_token, MAX_TOKEN);
	look_word(l->api_key, MAX_TOKEN);
	look_word(l->account_id, MAX_ACCOUNT_ID);
	look_word(l->plan, 64);
	if (!l->api_key && !l->access_token && !l->refresh_token)
		abort();
	if (l->api_key && l->access_token)
		abort();
	if (l->expires_at < 0 || l->expires_at > 253402300799 ||
	    l->last_refresh < 0)
		abort();
	if (login_expired(l, 1795309698) && !login_due(l, 1795309698, 300))
		abort();
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void look_again(const struct login *l, struct json_object *tree)
{
	struct login again = { 0 };
	struct buf b;

	buf_init(&b, 64u << 20);
	json_write(&b, tree);
	if (buf_err(&b) || login_parse(buf_span(&b), &again, NULL, NULL))
		abort();
	if (!same(l->access_token, again.access_token) ||
	    !same(l->refresh_token, again.refresh_token) ||
	    !same(l->id_token, again.id_token) ||
	    !same(l->account_id, again.account_id) ||
	    !same(l->plan, again.plan) || !same(l->api_key, again.api_key) ||
	    l->expires_at != again.expires_at || l->fedramp != again.fedramp ||
	    l->last_refresh != again.last_refresh)
		abort();
	login_free(&again);
	buf_free(&b);
}

static void write_file(struct buf *file, int kind, struct span s)
{
	struct buf token;

	if (kind == 0) {
		buf_span_add(file, s);
		return;
	}
	buf_init(&token, 4u << 20);
	if (kind == 2)
		buf_str(&token, "e30.");
	if (kind == 2)
		base64url_encode(s, &token);
	else
		buf_span_add(&token, s);
	if (kind == 2)
		buf_str(&token, ".s");
	buf_str(file, "{\"tokens\":{\"access_token\":");
	buf_json(file, buf_span(&token));
	buf_str(file, ",\"refresh_token\":\"r\"}}");
	buf_free(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *tree = NULL;
	struct login l = { 0 }, copy;
	struct buf file;

	if (size == 0)
		return 0;
	buf_init(&file, 64u << 20);
	write_file(&file, data[0] % 3,
		   (struct span){ (const char *)data + 1, size - 1 });
	if (login_parse(buf_span(&file), &l, &tree, &note)) {
		if (note.code != ERR_LOGIN_BROKEN || !note.why[0])
			abort();
	} else {
		look(&l);
		look_again(&l, tree);
		if (login_copy(&copy, &l))
			login_free(&copy);
	}
	json_object_put(tree);
	login_free(&l);
	login_free(&l);
	buf_free(&file);
	return 0;
}
