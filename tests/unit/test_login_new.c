/* test_login_new.c - a login that is made of a code, copied, and given up. */

#include "../../shared/login_new.h"
#include "login_fixture.h"

static struct login_grant grant(void)
{
	struct login_grant g;
	struct login_try t;
	struct buf code;

	login_try_begin(&t, 1455);
	buf_init(&code, MAX_LOGIN_CODE);
	buf_str(&code, "the-code");
	login_grant_try(&g, &t, &code);
	check_int((int64_t)code.len, 0);
	buf_free(&code);
	return g;
}

/* The issuer's answer with tokens of that workspace. */
static void script_tokens(struct issuer *s, const char *workspace,
			  const char *refresh)
{
	char claims[1024], body[6000], *token;

	snprintf(claims, sizeof(claims), "{\"exp\":%lld,\"email\":\"a@b.c\","
		 "\"https://api.openai.com/auth\":{\"chatgpt_account_id\":\"%s\","
		 "\"chatgpt_plan_type\":\"plus\",\"chatgpt_user_id\":\"user-1\","
		 "\"organizations\":[{\"title\":\"One\"},{\"title\":\"Two\","
		 "\"is_default\":true}]}}", (long long)time(NULL) + 3600, workspace);
	token = jwt(claims);
	snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"id_token\":\"%s\","
		 "\"refresh_token\":\"%s\",\"token_type\":\"Bearer\"}", token, token,
		 refresh);
	free(token);
	issuer_script(s, 200, body);
}

static void test_finish(struct place *p, struct issuer *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_grant g = grant();
	struct login_account who;
	struct login got;
	struct stat st;
	bool replaced;

	script_tokens(s, "ws-1", "rt-new");
	check_int(login_finish(&p->c, &p->http, &g, &got, &replaced, &note), 0);
	check(!replaced);
	check_int(atomic_load(&s->posts), 1);
	check(strncmp(s->head, "POST /oauth/token ", 18) == 0);
	check(strcasestr(s->head, "application/x-www-form-urlencoded") != NULL);
	check(strncmp(s->body, "grant_type=authorization_code&client_id=app_test&"
		      "code=the-code&redirect_uri=http%3A%2F%2Flocalhost%3A1455"
		      "%2Fauth%2Fcallback&code_verifier=", 130) == 0);
	check(strstr(s->body, g.verifier) != NULL);
	check_str(span_of(got.account_id), "ws-1");
	check_str(span_of(got.plan), "plus");
	check_str(span_of(got.path), p->auth);
	login_account(&got, &who);
	check_str(span_of(who.email), "a@b.c");
	check_str(span_of(who.user), "user-1");
	check_str(span_of(who.workspace), "Two");
	check(stat(p->auth, &st) == 0 && (st.st_mode & 0777) == 0600);
	login_free(&got);
	check_int(login_read(&p->c, &got, &note), 0);
	check_str(span_of(got.refresh_token), "rt-new");
	check(strstr(slurp(p->auth), "\"account_id\":\"ws-1\"") != NULL);
	login_free(&got);

	/* another takes its place, and the first is taken back */
	script_tokens(s, "ws-2", "rt-newer");
	check_int(login_finish(&p->c, &p->http, &g, &got, &replaced, &note), 0);
	check(replaced);
	check_int(atomic_load(&s->posts), 2);
	check(strncmp(s->head, "POST /oauth/revoke ", 19) == 0);
	check(strstr(s->body, "{\"token\":\"rt-new\",\"token_type_hint\":"
		     "\"refresh_token\",\"client_id\":\"app_test\"}") != NULL);
	login_free(&got);
	login_grant_free(&g);
	login_grant_free(&g);
}

static void test_workspace(struct place *p, struct issuer *s)
{
	static const struct { const char *allowed; bool fits; } cases[] = {
		{ "ws-1", true }, { "ws-0, ws-1", true }, { "ws-0,ws-2", false },
		{ "ws-", false }, { "", true },
	};
	struct login_grant g = grant();
	char before[8192];
	struct login got;
	bool replaced;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err_note note = ERR_NOTE_INIT;

		snprintf(before, sizeof(before), "%s", slurp(p->auth));
		script_tokens(s, "ws-1", "rt-x");
		p->c.login_workspace = cases[i].allowed;
		check_int(login_finish(&p->c, &p->http, &g, &got, &replaced, &note),
			  cases[i].fits ? ERR_NONE : ERR_LOGIN_STALE);
		if (!cases[i].fits) {
			check(strstr(note.tell, "ws-1") != NULL);
			check_str(span_of(slurp(p->auth)), before);
			/* tokens that nobody keeps are taken back */
			check(strncmp(s->head, "POST /oauth/revoke ", 19) == 0);
		}
		login_free(&got);
	}
	p->c.login_workspace = NULL;
	login_grant_free(&g);
}

static void test_exchange_fails(struct place *p, struct issuer *s)
{
	static const struct { int status; const char *body; enum err want;
			      const char *says; } cases[] = {
		{ 400, "{\"error\":\"invalid_grant\",\"error_description\":"
		  "\"Code expired.\"}", ERR_LOGIN_STALE, "Code expired. It was" },
		{ 400, "{\"error\":\"invalid_grant\",\"error_description\":"
		  "\"bad the-code\"}", ERR_LOGIN_STALE, "status 400" },
		{ 401, "{\"error\":{\"message\":\"No client\",\"code\":"
		  "\"invalid_client\"}}", ERR_LOGIN_STALE,
		  "No client. The client id" },
		{ 403, "{\"error\":\"odd thing\"}", ERR_LOGIN_STALE, "odd thing" },
		{ 403, "{\"error\":{\"code\":\"unsupported_country_region_territory\","
		  "\"message\":\"Country\"}}", ERR_LOGIN_STALE, "where you are" },
		{ 429, "{}", ERR_LOGIN_RENEWAL, "too often" },
		{ 500, "<html>secret</html>", ERR_LOGIN_RENEWAL, "status 500" },
		{ 200, "{}", ERR_LOGIN_RENEWAL, "no usable tokens" },
		{ 200, "no JSON", ERR_LOGIN_RENEWAL, "no usable tokens" },
		{ 200, "{\"access_token\":\"a\"}", ERR_LOGIN_RENEWAL,
		  "no usable tokens" },
		{ 200, "{\"access_token\":\"a\\nb\",\"refresh_token\":\"r\"}",
		  ERR_LOGIN_RENEWAL, "no usable tokens" },
		{ 302, "", ERR_LOGIN_STALE, "status 302" },
	};
	struct login_grant g = grant();
	char before[8192];
	struct login got;
	bool replaced;

	snprintf(before, sizeof(before), "%s", slurp(p->auth));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err_note note = ERR_NOTE_INIT;

		issuer_script(s, cases[i].status, cases[i].body);
		if (!check_int(login_finish(&p->c, &p->http, &g, &got, &replaced,
					    &note), cases[i].want) ||
		    !check(strstr(note.tell, cases[i].says) != NULL))
			printf("  case %zu: %s\n", i, note.tell);
		check(!strstr(note.tell, "secret") && !strstr(note.tell, "the-code"));
		check(got.path == NULL);
	}
	atomic_store(&s->mode, ISSUER_HANG_UP);
	for (int i = 0; i < 2; i++) {
		struct err_note note = ERR_NOTE_INIT;

		check_int(login_finish(&p->c, &p->http, &g, &got, &replaced, &note),
			  ERR_LOGIN_RENEWAL);
		check(strstr(note.tell, "No answer from http://127.0.0.1:") != NULL);
	}
	check_str(span_of(slurp(p->auth)), before);
	login_grant_free(&g);
}

static void test_unwritable(struct place *p, struct issuer *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_grant g = grant();
	char file[128];
	struct login got;
	bool replaced;

	/* known before the code is spent */
	snprintf(file, sizeof(file), "%s/plain", p->home);
	put_file(file, "x");
	p->c.home = file;
	script_tokens(s, "ws-1", "rt-x");
	check_int(login_finish(&p->c, &p->http, &g, &got, &replaced, &note),
		  ERR_SYSTEM);
	check(strstr(note.tell, "CHATMOCK_HOME") != NULL);
	check_int(atomic_load(&s->posts), 0);
	p->c.home = "~/.chatmock";
	login_grant_free(&g);
}

static void test_device(struct place *p, struct issuer *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_device d;
	struct login_grant g;

	issuer_script(s, 200, "{\"device_auth_id\":\"dev-1\",\"user_code\":\"ABCD-12345\","
	       "\"interval\":\"3\",\"expires_at\":\"2030-01-01T00:00:00Z\"}");
	check_int(login_device_begin(&p->c, &p->http, &d, &note), 0);
	check(strncmp(s->head, "POST /api/accounts/deviceauth/usercode ", 39) == 0);
	check_str(span_of(s->body), "{\"client_id\":\"app_test\"}");
	check_str(span_of(d.user_code), "ABCD-12345");
	check(strstr(d.url, "/codex/device") != NULL);
	check_int(d.interval_s, 3);

	issuer_script(s, 403, "{}");
	check_int(login_device_poll(&p->c, &p->http, &d, &g, &note), ERR_BUSY);
	check(strncmp(s->head, "POST /api/accounts/deviceauth/token ", 36) == 0);
	check_str(span_of(s->body), "{\"device_auth_id\":\"dev-1\","
		  "\"user_code\":\"ABCD-12345\"}");
	issuer_script(s, 404, "{}");
	check_int(login_device_poll(&p->c, &p->http, &d, &g, &note), ERR_BUSY);
	check_int(note.code, 0);
	issuer_script(s, 200, "{\"authorization_code\":\"ac\",\"code_challenge\":\"cc\","
	       "\"code_verifier\":\"cv\"}");
	check_int(login_device_poll(&p->c, &p->http, &d, &g, &note), 0);
	check_str(buf_span(&g.code), "ac");
	check_str(span_of(g.verifier), "cv");
	check(strstr(g.redirect, "/deviceauth/callback") != NULL);
	login_grant_free(&g);
}

static void test_device_fails(struct place *p, struct issuer *s)
{
	static const struct { int status; const char *body; enum err want;
			      const char *says; } cases[] = {
		{ 404, "{}", ERR_NOT_SERVED, "sign in with a browser" },
		{ 400, "{\"error\":{\"message\":\"No.\"}}", ERR_LOGIN_STALE, "No." },
		{ 200, "{}", ERR_LOGIN_RENEWAL, "no usable device code" },
		{ 200, "{\"device_auth_id\":\"d\",\"user_code\":\"a b\"}",
		  ERR_LOGIN_RENEWAL, "no usable device code" },
		{ 200, "{\"device_auth_id\":\"d\",\"usercode\":\"old\","
		  "\"interval\":0}", ERR_NONE, "" },
	};
	struct login_device d;
	struct login_grant g;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err_note note = ERR_NOTE_INIT;

		issuer_script(s, cases[i].status, cases[i].body);
		check_int(login_device_begin(&p->c, &p->http, &d, &note),
			  cases[i].want);
		if (!check(strstr(note.tell, cases[i].says) != NULL))
			printf("  case %zu: %s\n", i, note.tell);
	}
	check_str(span_of(d.user_code), "old");
	check_int(d.interval_s, 1);
	/* a fault of the issuer's is borne for a while, a refusal is not */
	for (int i = 0; i < 7; i++) {
		struct err_note note = ERR_NOTE_INIT;

		issuer_script(s, 502, "{}");
		check_int(login_device_poll(&p->c, &p->http, &d, &g, &note),
			  i < 5 ? ERR_BUSY : ERR_LOGIN_RENEWAL);
		check_int(note.code, i < 5 ? ERR_NONE : ERR_LOGIN_RENEWAL);
		if (i == 2) {	/* one answer in between counts anew */
			issuer_script(s, 403, "{}");
			check_int(login_device_poll(&p->c, &p->http, &d, &g, &note),
				  ERR_BUSY);
			check_int(d.troubles, 0);
			d.troubles = 3;
		}
	}
	for (int i = 0; i < 2; i++) {
		struct err_note note = ERR_NOTE_INIT;

		issuer_script(s, 400, "{\"error\":\"expired_token\"}");
		if (i)
			d.until_us = clock_mono_us();
		check_int(login_device_poll(&p->c, &p->http, &d, &g, &note),
			  ERR_LOGIN_STALE);
		check(strstr(note.tell, i ? "15 minutes" : "expired_token") != NULL);
	}
}

static void test_import(struct place *p)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_account who;
	struct login got;
	char codex[128];

	unlink(p->auth);
	check_int(login_import(&p->c, NULL, false, &got, &note),
		  ERR_LOGIN_MISSING);
	check(strstr(note.tell, ".codex/auth.json") != NULL);
	snprintf(codex, sizeof(codex), "%s/.codex", p->home);
	mkdir(codex, 0700);
	snprintf(codex, sizeof(codex), "%s/.codex/auth.json", p->home);
	put_login(codex, 3600, "rt-codex");
	note = ERR_NOTE_INIT;
	check_int(login_import(&p->c, NULL, false, &got, &note), 0);
	login_free(&got);
	check_int(login_read(&p->c, &got, &note), 0);
	check_str(span_of(got.path), p->auth);
	check_str(span_of(got.refresh_token), "rt-codex");
	login_account(&got, &who);
	check_str(span_of(who.imported), codex);
	/* what we do not know is copied, too; the other file stays as it is */
	check(strstr(slurp(p->auth), "18446744073709551615") != NULL);
	check(!strstr(slurp(codex), "imported_from"));
	login_free(&got);

	check_int(login_import(&p->c, codex, false, &got, &note), ERR_BUSY);
	check(strstr(note.tell, "--force") != NULL);
	note = ERR_NOTE_INIT;
	check_int(login_import(&p->c, codex, true, &got, &note), 0);
	login_free(&got);
	check_int(login_import(&p->c, p->auth, true, &got, &note), ERR_CONFIG);
	note = ERR_NOTE_INIT;
	put_file(codex, "{\"tokens\":{\"access_token\":\"a\"}}");
	check_int(login_import(&p->c, codex, true, &got, &note),
		  ERR_LOGIN_BROKEN);
	note = ERR_NOTE_INIT;
	put_file(codex, "{");
	check_int(login_import(&p->c, codex, true, &got, &note),
		  ERR_LOGIN_BROKEN);
	unlink(codex);
}

static void test_leave(struct place *p, struct issuer *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login_left left;

	/* a copy: the other program lives on it */
	issuer_script(s, 200, "{}");
	check_int(login_leave(&p->c, &p->http, false, &left, &note), 0);
	check(left.shared && !left.revoked && access(p->auth, F_OK) < 0);
	check_int(atomic_load(&s->posts), 0);
	check_int(login_leave(&p->c, &p->http, false, &left, &note),
		  ERR_LOGIN_MISSING);

	for (int i = 0; i < 3; i++) {
		note = ERR_NOTE_INIT;
		put_login(p->auth, 3600, "rt-own");
		issuer_script(s, i == 1 ? 500 : 200, "{}");
		if (i == 2)
			put_file(p->auth, "{");
		check_int(login_leave(&p->c, &p->http, false, &left, &note), 0);
		check_int(atomic_load(&s->posts), i < 2);
		check(left.revoked == (i == 0));
		check((left.trouble[0] != '\0') == (i > 0));
		check(access(p->auth, F_OK) < 0);
		check_str(span_of(left.next), "");
		if (i < 2)
			check(strstr(s->body, "\"token\":\"rt-own\"") != NULL);
	}
}

int main(void)
{
	struct issuer *s;
	struct place p;

	if (!http_global_init())
		return 1;
	s = issuer_start();
	place_make(&p, s->port);
	p.c.oauth_scopes = "openid offline_access";
	test_finish(&p, s);
	test_workspace(&p, s);
	test_exchange_fails(&p, s);
	test_unwritable(&p, s);
	test_device(&p, s);
	test_device_fails(&p, s);
	test_import(&p);
	test_leave(&p, s);
	issuer_stop(s);
	place_free(&p);
	return test_end("test_login_new");
}
