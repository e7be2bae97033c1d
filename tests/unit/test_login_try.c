/* test_login_try.c - signing in with a browser, up to the code: the URL, and what
 * comes back. */

#include "../../shared/form.h"
#include "../../shared/login_new.h"
#include "../../shared/text.h"
#include "login_fixture.h"

static struct login_try fresh(void)
{
	struct login_try t;

	login_try_begin(&t, 1455);
	return t;
}

/* The value of a parameter of the URL. */
static const char *param(const struct buf *url, const char *name)
{
	static char text[4096];
	const char *mark = strchr(url->ptr, '?');
	struct buf b;

	buf_init(&b, sizeof(text) - 1);
	text[0] = '\0';
	if (mark && form_get(span_of(mark + 1), name, &b))
		snprintf(text, sizeof(text), "%s", b.ptr);
	buf_free(&b);
	return text;
}

static void test_url(struct place *p)
{
	struct login_try t = fresh(), other = fresh();
	struct buf url, sum;
	struct sha256 *h;
	unsigned char bytes[32];

	check_int((int64_t)strlen(t.verifier), 86);
	check_int((int64_t)strlen(t.state), 43);
	check(strcmp(t.verifier, other.verifier) && strcmp(t.state, other.state));
	buf_init(&url, 8192);
	buf_init(&sum, 64);
	login_try_url(&t, &p->c, &url);
	check(strncmp(url.ptr, p->url, strlen(p->url)) == 0);
	check(strstr(url.ptr, "/oauth/authorize?response_type=code&client_id=") !=
	      NULL);
	check_str(span_of(param(&url, "client_id")), "app_test");
	check_str(span_of(param(&url, "redirect_uri")),
		  "http://localhost:1455/auth/callback");
	check_str(span_of(param(&url, "code_challenge_method")), "S256");
	check_str(span_of(param(&url, "state")), t.state);
	check_str(span_of(param(&url, "scope")), "openid offline_access");
	check_str(span_of(param(&url, "id_token_add_organizations")), "true");
	check_str(span_of(param(&url, "codex_cli_simplified_flow")), "true");
	check_str(span_of(param(&url, "originator")), "chatmock");
	check(!strstr(url.ptr, "allowed_workspace_id"));
	check(!strstr(url.ptr, t.verifier));
	h = sha256_begin();
	sha256_add(h, span_of(t.verifier));
	sha256_done(h, bytes);
	base64url_encode((struct span){ (char *)bytes, 32 }, &sum);
	check_str(span_of(param(&url, "code_challenge")), sum.ptr);

	buf_reset(&url);
	p->c.login_workspace = "ws-1,ws-2";
	login_try_url(&t, &p->c, &url);
	check_str(span_of(param(&url, "allowed_workspace_id")), "ws-1,ws-2");
	p->c.login_workspace = NULL;
	buf_free(&url);
	buf_free(&sum);
}

static void test_challenge(struct place *p)
{
	/* RFC 7636, appendix B */
	struct login_try t = fresh();
	struct buf url;

	snprintf(t.verifier, sizeof(t.verifier),
		 "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	buf_init(&url, 8192);
	login_try_url(&t, &p->c, &url);
	check_str(span_of(param(&url, "code_challenge")),
		  "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	buf_free(&url);
}

/* pattern with the try's state in place of each '@'. */
static void with_state(const struct login_try *t, const char *pattern,
		       char text[1024])
{
	size_t n = 0;

	for (; *pattern; pattern++)
		n += (size_t)snprintf(text + n, 1024 - n, *pattern == '@' ? "%s" :
				      "%.1s", *pattern == '@' ? t->state : pattern);
	text[n] = '\0';
}

static enum login_came came(struct login_try *t, const char *query,
			    struct buf *code, struct err_note *note)
{
	char text[1024];

	with_state(t, query, text);
	*note = ERR_NOTE_INIT;
	buf_free(code);
	buf_init(code, MAX_LOGIN_CODE);
	return login_try_came(t, span_of(text), code, note);
}

static void test_callback(void)
{
	static const struct { const char *query; enum login_came want;
			      const char *says; } cases[] = {
		{ "code=c1&state=@", CAME_CODE, "" },
		{ "state=@&code=c1&scope=x", CAME_CODE, "" },
		{ "code=c1", CAME_ALIEN, "state" },
		{ "code=c1&state=", CAME_ALIEN, "state" },
		{ "code=c1&state=@x", CAME_ALIEN, "state" },
		{ "code=c1&state=x@", CAME_ALIEN, "state" },
		{ "state=x&state=@&code=c1", CAME_ALIEN, "state" },
		{ "error=access_denied&state=x@", CAME_ALIEN, "state" },
		{ "", CAME_ALIEN, "state" },
		{ "state=@", CAME_REFUSED, "missing_authorization_code" },
		{ "state=@&code=", CAME_REFUSED, "missing_authorization_code" },
		{ "state=@&code=a%20b", CAME_REFUSED,
		  "missing_authorization_code" },
		{ "state=@&error=access_denied", CAME_REFUSED, "cancelled" },
		{ "state=@&error=access_denied&error_description="
		  "missing_codex_entitlement", CAME_REFUSED,
		  "not enabled for this workspace" },
		{ "state=@&error=server_error&error_description=Try%0Alater",
		  CAME_REFUSED, "(server_error): Trylater." },
		{ "state=@&error=x&code=c1", CAME_REFUSED, "(x)" },
	};
	struct err_note note;
	struct login_try t;
	struct buf code;

	buf_init(&code, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		t = fresh();
		if (!check_int(came(&t, cases[i].query, &code, &note),
			       cases[i].want) ||
		    !check(strstr(note.tell, cases[i].says) != NULL) ||
		    (cases[i].want == CAME_CODE && !check_str(buf_span(&code), "c1")))
			printf("  for '%s': %s\n", cases[i].query, note.tell);
		check(!strstr(note.tell, t.state));
	}
	/* a stranger's does not end it, the second of ours is no second login */
	t = fresh();
	check_int(came(&t, "state=nonsense&code=c0", &code, &note), CAME_ALIEN);
	check_int(came(&t, "code=c1&state=@", &code, &note), CAME_CODE);
	check_int(came(&t, "code=c2&state=@", &code, &note), CAME_AGAIN);
	check_int(came(&t, "error=x&state=@", &code, &note), CAME_AGAIN);
	t = (struct login_try){ 0 };
	check_int(came(&t, "code=c2&state=@", &code, &note), CAME_ALIEN);
	buf_free(&code);
}

static void test_pasted(void)
{
	static const struct { const char *line; enum login_came want; } cases[] = {
		{ "http://localhost:1455/auth/callback?code=c1&state=@", CAME_CODE },
		{ "  http://localhost:1455/auth/callback?code=c1&state=@\r\n",
		  CAME_CODE },
		{ "http://localhost:1455/auth/callback?code=c1&state=@#", CAME_CODE },
		{ "?code=c1&state=@", CAME_CODE }, { "code=c1&state=@", CAME_CODE },
		{ "http://localhost:1455/auth/callback?code=c1&state=1@",
		  CAME_ALIEN },
		{ "http://localhost:1455/auth/callback", CAME_ALIEN },
		{ "c1", CAME_ALIEN }, { "", CAME_ALIEN }, { "?", CAME_ALIEN },
		{ "http://localhost:1455/?error=access_denied&state=@",
		  CAME_REFUSED },
	};
	char text[1024];
	struct buf code;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct login_try t = fresh();

		buf_init(&code, MAX_LOGIN_CODE);
		with_state(&t, cases[i].line, text);
		if (!check_int(login_try_pasted(&t, span_of(text), &code, &note),
			       cases[i].want))
			printf("  for '%s'\n", cases[i].line);
		check((note.tell[0] != '\0') == (cases[i].want != CAME_CODE));
		buf_free(&code);
	}
}

int main(void)
{
	struct place p;

	place_make(&p, 1);
	p.c.oauth_scopes = "openid offline_access";
	test_url(&p);
	test_challenge(&p);
	test_callback();
	test_pasted();
	place_free(&p);
	return test_end("test_login_try");
}
