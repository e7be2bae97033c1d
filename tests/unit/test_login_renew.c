/* test_login_renew.c - one renewal: asked for, written, refused. */

#include "../../shared/text.h"
#include "login_renew_help.h"

static void test_question_and_file(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct stat st;
	struct login l;
	char *text;

	issuer_reset(s, 1);
	put_login(p->auth, 100, "rt-1");
	chmod(p->auth, 0644);
	check_int(read_and_renew(p, &l, &note), ERR_NONE);
	check_str(span_of(s->body), "{\"client_id\":\"app_test\",\"grant_type\":"
		  "\"refresh_token\",\"refresh_token\":\"rt-1\","
		  "\"refresh_reason\":\"proactive_expiry\"}");
	check(strstr(s->head, "POST /oauth/token HTTP/1.1") == s->head);
	check(strcasestr(s->head, "\r\ncontent-type: application/json\r\n") != NULL);
	check(strcasestr(s->head, "\r\noriginator: chatmock\r\n") != NULL);
	check(strcasestr(s->head, "\r\nuser-agent: chatmock/test\r\n") != NULL);
	check_str(span_of(l.refresh_token), "rt-2");
	check(l.expires_at > time(NULL) + 3000);
	check(l.last_refresh >= time(NULL) - 5);
	check(!l.loose_mode && !l.unsaved);
	check_str(span_of(l.account_id), "acct-1");

	text = slurp(p->auth);
	check(strstr(text, "\"x_unknown\":[1,{\"big\":18446744073709551615}]") != NULL);
	check(strstr(text, "\"login_owner_id\":7.50") != NULL);
	check(strstr(text, "\"OPENAI_API_KEY\":null") != NULL);
	check(strstr(text, "\"refresh_token\":\"rt-2\"") != NULL);
	check(strstr(text, l.access_token) != NULL);
	check(strstr(text, "\"last_refresh\":\"2026-11-22T01:08:18.123") == NULL);
	check_int(stat(p->auth, &st), 0);
	check_int(st.st_mode & 07777, 0600);
	check_int(l.stamp.ino, st.st_ino);
	login_free(&l);

	/* What was written is what is read, and it is not due. */
	check_int(read_and_renew(p, &l, &note), ERR_NONE);
	check_str(span_of(l.refresh_token), "rt-2");
	check_int(atomic_load(&s->posts), 1);
	check(is_tidy(p));
	login_free(&l);
}

static void test_link(struct place *p, struct issuer *s)
{
	char target[128], lock[160];
	struct err_note note;
	struct stat st;
	struct login l;

	issuer_reset(s, 1);
	snprintf(target, sizeof(target), "%s/real.json", p->home);
	snprintf(lock, sizeof(lock), "%s.lock", target);
	unlink(p->auth);
	put_login(target, -10, "rt-1");
	check_int(symlink(target, p->auth), 0);
	check_int(read_and_renew(p, &l, &note), ERR_NONE);
	check_int(lstat(p->auth, &st), 0);
	check(S_ISLNK(st.st_mode));
	check(strstr(slurp(target), "rt-2") != NULL);
	check_int(stat(lock, &st), 0);
	login_free(&l);
	unlink(p->auth);
	unlink(target);
}

static void test_missing_fields(struct place *p, struct issuer *s)
{
	static const struct {
		const char *fields;	/* @ is a fresh access token */
		enum err err;
		const char *refresh, *id;
	} replies[] = {
		{ "\"access_token\":\"@\"", 0, "rt-1", "i.e.s" },
		{ "\"access_token\":\"@\",\"id_token\":\"n.e.w\"", 0, "rt-1", "n.e.w" },
		{ "\"access_token\":\"@\",\"refresh_token\":\"rt-9\"", 0, "rt-9", "i.e.s" },
		{ "\"access_token\":\"@\",\"refresh_token\":null,\"id_token\":null",
		  0, "rt-1", "i.e.s" },
		/* kept, though the access token that is left has run out */
		{ "\"refresh_token\":\"rt-9\"", ERR_LOGIN_RENEWAL, "rt-9", "i.e.s" },
		{ "\"x\":1", ERR_LOGIN_RENEWAL, "rt-1", "i.e.s" },
		{ "\"access_token\":\"a\\r\\nb\",\"refresh_token\":\"rt-9\"",
		  ERR_LOGIN_RENEWAL, "rt-1", "i.e.s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		char *token = access_token(3600, "new"), body[2048];
		const char *at = strchr(replies[i].fields, '@');
		int head = at ? (int)(at - replies[i].fields) :
				(int)strlen(replies[i].fields);
		struct err_note note;
		struct login l;

		issuer_reset(s, 1);
		snprintf(body, sizeof(body), "{%.*s%s%s}", head,
			 replies[i].fields, at ? token : "", at ? at + 1 : "");
		issuer_script(s, 200, body);
		put_login(p->auth, -10, "rt-1");
		check_int(read_and_renew(p, &l, &note), replies[i].err);
		if (!note.code)
			check_str(span_of(l.access_token), token);
		login_free(&l);
		check_int(login_read(&p->c, &l, &note), ERR_NONE);
		check_str(span_of(l.refresh_token), replies[i].refresh);
		check_str(span_of(l.id_token), replies[i].id);
		login_free(&l);
		free(token);
	}
}

static const struct {
	int status;
	const char *body;
	bool permanent;
	const char *code;
} answers[] = {
	{ 401, "{\"error\":{\"code\":\"refresh_token_expired\"}}", true,
	  "refresh_token_expired" },
	{ 401, "{\"error\":{\"code\":\"refresh_token_reused\"}}", true,
	  "refresh_token_reused" },
	{ 400, "{\"error\":{\"code\":\"refresh_token_invalidated\"}}", true,
	  "refresh_token_invalidated" },
	{ 400, "{\"error\":\"invalid_grant\"}", true, "invalid_grant" },
	{ 403, "{\"code\":\"refresh_token_expired\"}", true,
	  "refresh_token_expired" },
	{ 401, "{\"error\":{\"code\":\"token_expired\"}}", true, "token_expired" },
	{ 401, "<html>no</html>", true, "401" },
	{ 401, "", true, "401" },
	{ 401, "{\"error\":{\"code\":\"a\\nb\"}}", true, "401" },
	{ 400, "{\"error\":\"invalid_request\"}", false, "" },
	{ 403, "{}", false, "" },
	{ 404, "", false, "" },
	{ 500, "{\"error\":\"invalid_grant\"}", false, "" },
	{ 503, "<html>", false, "" },
	{ 302, "", false, "" },
	{ 200, "", false, "" },
	{ 200, "[]", false, "" },
	{ 200, "{\"access_token\":", false, "" },
	{ 204, "", false, "" },
};

static void test_refusals(struct place *p, struct issuer *s)
{
	char memory[128], hash[65];

	snprintf(memory, sizeof(memory), "%s.refused", p->auth);
	sha256_hex(SPAN("rt-1"), hash);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		enum err want = answers[i].permanent ? ERR_LOGIN_STALE
						     : ERR_LOGIN_RENEWAL;
		struct err_note note;
		struct login l;

		issuer_reset(s, 1);
		issuer_script(s, answers[i].status, answers[i].body);
		put_login(p->auth, -10, "rt-1");
		unlink(memory);
		if (!check_int(read_and_renew(p, &l, &note), want))
			printf("  %d %s\n", answers[i].status, answers[i].body);
		check_int(note.code, want);
		check(strstr(note.why, "rt-1") == NULL);
		check_str(span_of(note.ucode), answers[i].code);
		check_str(span_of(l.refresh_token), "rt-1");
		login_free(&l);

		/* For good means that nobody asks again, else everybody does. */
		check_int(read_and_renew(p, &l, &note), want);
		check_str(span_of(note.ucode), answers[i].code);
		check_int(atomic_load(&s->posts), answers[i].permanent ? 1 : 2);
		check((strstr(note.tell, "`chatmock login`") != NULL) ==
		      answers[i].permanent);
		check((strstr(slurp(memory), hash) != NULL) ==
		      answers[i].permanent);
		check(strstr(slurp(memory), "rt-1") == NULL);
		login_free(&l);
	}
	check(is_tidy(p));
}

/* A new login, another issuer or another client end the memory. */
static void test_refused_until(struct place *p, struct issuer *s)
{
	struct err_note note;
	char memory[128];
	struct stat st;
	struct login l;

	issuer_reset(s, 1);
	snprintf(memory, sizeof(memory), "%s.refused", p->auth);
	issuer_script(s, 401, "{}");
	put_login(p->auth, -10, "rt-1");
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_STALE);
	check_int(stat(memory, &st), 0);
	check_int(st.st_mode & 07777, 0600);
	login_free(&l);
	p->c.oauth_client_id = "app_other";
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_STALE);
	check_int(atomic_load(&s->posts), 2);
	login_free(&l);
	p->c.oauth_client_id = "app_test";

	atomic_store(&s->mode, ISSUER_ROTATE);
	atomic_store(&s->turn, 5);
	put_login(p->auth, -10, "rt-5");
	check_int(read_and_renew(p, &l, &note), ERR_NONE);
	check_str(span_of(l.refresh_token), "rt-6");
	check(stat(memory, &st) < 0);
	login_free(&l);

	/* What somebody put there is not believed. */
	put_file(memory, "{\"refresh_token_sha256\":[],\"code\":7}");
	put_login(p->auth, -10, "rt-6");
	check_int(read_and_renew(p, &l, &note), ERR_NONE);
	login_free(&l);
}

static void test_codex_words(struct place *p, struct issuer *s)
{
	struct err_note note;
	char path[128];
	struct login l;

	issuer_reset(s, 1);
	issuer_script(s, 400, "{\"error\":\"invalid_grant\"}");
	unlink(p->auth);
	snprintf(path, sizeof(path), "%s/.codex", p->home);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.codex/auth.json", p->home);
	put_login(path, -10, "rt-1");
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_STALE);
	check(strstr(note.tell, "`chatmock login`") != NULL);
	check(strstr(note.tell, path) != NULL);
	login_free(&l);
	unlink(path);
}

static void test_transport(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;

	issuer_reset(s, 1);
	atomic_store(&s->mode, ISSUER_LIMIT);
	put_login(p->auth, -10, "rt-1");
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_RENEWAL);
	check_int(note.retry_after_s, 7);
	login_free(&l);
	atomic_store(&s->mode, ISSUER_HANG_UP);
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_RENEWAL);
	login_free(&l);
	p->c.auth_issuer = "http://127.0.0.1:1/";
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_RENEWAL);
	login_free(&l);
	p->c.auth_issuer = "http://issuer.example";	/* never in the clear */
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_RENEWAL);
	login_free(&l);
	p->c.auth_issuer = p->url;
}

int main(void)
{
	void (*const tests[])(struct place *p, struct issuer *s) = {
		test_question_and_file, test_link, test_missing_fields,
		test_refusals, test_refused_until, test_codex_words,
		test_transport,
	};

	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_login_renew");
}
