/* test_login_renew.c - one renewal: asked for, written, refused, adopted. */
#include <sys/file.h>
#include <sys/resource.h>

#include "../../shared/text.h"
#include "login_fixture.h"

static enum err renew(struct place *p, struct login *l, const char *refused,
		      struct err_note *note)
{
	*note = ERR_NOTE_INIT;
	return login_renew(&p->c, &p->http, l, refused,
			   refused ? "unauthorized_recovery" : "proactive_expiry",
			   2000, note);
}

/* Reads the login anew and renews it. The caller frees l. */
static enum err read_and_renew(struct place *p, struct login *l,
			       struct err_note *note)
{
	enum err err;

	*note = ERR_NOTE_INIT;
	err = login_read(&p->c, l, note);
	return err ? err : renew(p, l, NULL, note);
}

static void issuer_reset(struct issuer *s)
{
	atomic_store(&s->mode, ISSUER_ROTATE);
	atomic_store(&s->turn, 1);
	atomic_store(&s->posts, 0);
	atomic_store(&s->reused, 0);
	atomic_store(&s->delay_ms, 0);
	atomic_store(&s->life_s, 3600);
	atomic_store(&s->kill_pid, 0);
}

static void issuer_script(struct issuer *s, int status, const char *body)
{
	atomic_store(&s->mode, ISSUER_SCRIPT);
	s->raw_status = status;
	snprintf(s->raw_body, sizeof(s->raw_body), "%s", body);
}

/* No name in the directory but these: no temporary file was left behind. */
static bool is_tidy(const struct place *p)
{
	char line[256];
	bool tidy = true;
	int ends[2];
	FILE *names;
	pid_t pid;

	if (pipe(ends) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execlp("ls", "ls", "-A", p->chatmock, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	names = fdopen(ends[0], "r");
	while (names && fgets(line, sizeof(line), names))
		tidy &= strcmp(line, "auth.json\n") == 0 ||
			strcmp(line, "auth.json.lock\n") == 0 ||
			strcmp(line, "auth.json.refused\n") == 0;
	if (names)
		fclose(names);
	waitpid(pid, NULL, 0);
	return tidy;
}

static void test_question_and_file(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct stat st;
	struct login l;
	char *text;

	issuer_reset(s);
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

	issuer_reset(s);
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

		issuer_reset(s);
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

		issuer_reset(s);
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

	issuer_reset(s);
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

	issuer_reset(s);
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

	issuer_reset(s);
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

static void test_adopt(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;
	char *token;

	/* Another process was faster. */
	issuer_reset(s);
	put_login(p->auth, -10, "rt-1");
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	put_login(p->auth, 3600, "rt-2");
	check_int(renew(p, &l, NULL, &note), ERR_NONE);
	check_str(span_of(l.refresh_token), "rt-2");
	check_int(atomic_load(&s->posts), 0);

	/* Upstream refuses a token: renewed, unless the file has another. */
	check_int(renew(p, &l, "another", &note), ERR_NONE);
	check_int(atomic_load(&s->posts), 0);
	atomic_store(&s->turn, 2);
	token = strdup(l.access_token);
	check_int(renew(p, &l, token, &note), ERR_NONE);
	check_int(atomic_load(&s->posts), 1);
	check(strstr(s->body, "unauthorized_recovery") != NULL);
	check(strcmp(token, l.access_token) != 0);
	free(token);
	login_free(&l);

	/* Tokens that live shorter than the skew are shared all the same. */
	issuer_reset(s);
	atomic_store(&s->life_s, 60);
	put_login(p->auth, -10, "rt-1");
	for (int i = 0; i < 4; i++) {
		check_int(login_read(&p->c, &l, NULL), ERR_NONE);
		free(l.access_token);
		l.access_token = strdup("old");
		check_int(renew(p, &l, NULL, &note), ERR_NONE);
		login_free(&l);
	}
	check_int(atomic_load(&s->posts), 1);

	/* Ones that have run out when they come are no success. */
	atomic_store(&s->life_s, -60);
	put_login(p->auth, -10, "rt-2");
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_RENEWAL);
	check(strstr(note.why, "clock") != NULL);
	login_free(&l);
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	check_str(span_of(l.refresh_token), "rt-3");
	login_free(&l);
}

static void test_other_account(struct place *p, struct issuer *s)
{
	struct err_note note;
	char before[4096];
	struct login l;

	issuer_reset(s);
	put_login(p->auth, -10, "rt-1");
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	put_file(p->auth, "{\"tokens\":{\"access_token\":\"a.e.c\",\"refresh_token\""
		 ":\"rt-1\",\"account_id\":\"acct-2\"}}");
	snprintf(before, sizeof(before), "%s", slurp(p->auth));
	check_int(renew(p, &l, NULL, &note), ERR_LOGIN_RENEWAL);
	check(strstr(note.why, "account") != NULL);
	check_int(atomic_load(&s->posts), 0);
	check_str(span_of(slurp(p->auth)), before);
	check_str(span_of(l.account_id), "acct-1");

	/* Gone, broken, or a key now. */
	unlink(p->auth);
	check_int(renew(p, &l, NULL, &note), ERR_LOGIN_MISSING);
	put_file(p->auth, "{");
	check_int(renew(p, &l, NULL, &note), ERR_LOGIN_BROKEN);
	check_str(span_of(slurp(p->auth)), "{");
	put_file(p->auth, "{\"OPENAI_API_KEY\":\"sk-1\"}");
	check_int(renew(p, &l, NULL, &note), ERR_NONE);
	check_str(span_of(l.api_key), "sk-1");
	check(l.access_token == NULL);
	check_int(renew(p, &l, "sk-1", &note), ERR_LOGIN_STALE);
	check_int(atomic_load(&s->posts), 0);
	login_free(&l);

	put_file(p->auth, "{\"tokens\":{\"access_token\":\"a.eyJleHAiOjF9.c\"}}");
	check_int(read_and_renew(p, &l, &note), ERR_LOGIN_STALE);
	check_int(atomic_load(&s->posts), 0);
	login_free(&l);
}

/* A program that does not know our lock writes while the issuer thinks. */
static void test_swapped(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;
	char other[128];
	char *text;

	snprintf(other, sizeof(other), "%s/other.json", p->home);
	/* another field: our tokens go into the new file */
	issuer_reset(s);
	put_login(p->auth, -10, "rt-1");
	put_file(other, "{\"tokens\":{\"access_token\":\"a.e.c\",\"account_id\":"
		 "\"acct-1\",\"refresh_token\":\"rt-1\"},\"field\":\"new\"}");
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	snprintf(s->swap_to, sizeof(s->swap_to), "%s", p->auth);
	snprintf(s->swap_from, sizeof(s->swap_from), "%s", other);
	check_int(renew(p, &l, NULL, &note), ERR_NONE);
	text = slurp(p->auth);
	check(strstr(text, "\"field\":\"new\"") && strstr(text, "rt-2"));
	login_free(&l);

	/* a newer login: adopted, whatever the issuer told us */
	for (int status = 200; status <= 401; status += 201) {
		issuer_reset(s);
		if (status == 401)
			issuer_script(s, 401, "{\"error\":\"refresh_token_reused\"}");
		put_login(p->auth, -10, "rt-1");
		check_int(login_read(&p->c, &l, NULL), ERR_NONE);
		put_login(other, 3600, "rt-77");
		snprintf(s->swap_from, sizeof(s->swap_from), "%s", other);
		check_int(renew(p, &l, NULL, &note), ERR_NONE);
		check_str(span_of(l.refresh_token), "rt-77");
		check(strstr(slurp(p->auth), "rt-77") != NULL);
		login_free(&l);
	}

	/* a log-out: nothing is written, the tokens are good until they end */
	issuer_reset(s);
	put_login(p->auth, -10, "rt-1");
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	snprintf(s->swap_from, sizeof(s->swap_from), "%s", p->auth);
	snprintf(s->swap_to, sizeof(s->swap_to), "%s", other);
	check_int(renew(p, &l, NULL, &note), ERR_NONE);
	check_str(span_of(l.refresh_token), "rt-2");
	check(l.unsaved && note.why[0]);
	check(access(p->auth, F_OK) < 0);
	login_free(&l);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* A full disk costs nobody the tokens, and they are written once it can be. */
static void test_full_disk(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;

	issuer_reset(s);
	put_login(p->auth, -10, "rt-1");
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	set_file_limit(64);
	for (int turn = 2; turn <= 3; turn++) {
		check_int(renew(p, &l, NULL, &note), ERR_NONE);
		check_int(note.code, ERR_NONE);
		check(strstr(note.why, "auth.json") != NULL);
		check(l.unsaved);
		check_int(atomic_load(&s->posts), turn - 1);
		l.expires_at = 1;	/* and once more, from memory alone */
		free(l.access_token);
		l.access_token = access_token(-5, "ended");
	}
	check_str(span_of(l.refresh_token), "rt-3");
	check(strstr(slurp(p->auth), "\"rt-1\"") != NULL);
	set_file_limit(RLIM_INFINITY);
	check_int(renew(p, &l, NULL, &note), ERR_NONE);
	check_str(span_of(l.refresh_token), "rt-4");
	check_str(span_of(note.why), "");
	check(!l.unsaved);
	check(strstr(slurp(p->auth), "\"rt-4\"") != NULL);
	check_int(atomic_load(&s->reused), 0);
	check(is_tidy(p));
	login_free(&l);
}

/* Killed between the issuer's yes and the file: said once, asked once. */
static void test_killed(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;
	int start[2];
	pid_t pid;

	issuer_reset(s);
	put_login(p->auth, -10, "rt-1");
	check_int(pipe(start), 0);
	pid = fork();
	if (pid == 0) {
		char go;

		(void)!read(start[0], &go, 1);
		_exit(read_and_renew(p, &l, &note));
	}
	atomic_store(&s->kill_pid, pid);
	(void)!write(start[1], "x", 1);
	waitpid(pid, NULL, 0);
	atomic_store(&s->kill_pid, 0);
	check_int(atomic_load(&s->posts), 1);
	for (int i = 0; i < 3; i++) {
		check_int(read_and_renew(p, &l, &note), ERR_LOGIN_STALE);
		check_str(span_of(note.ucode), "refresh_token_reused");
		check(strstr(note.tell, "`chatmock login`") != NULL);
		login_free(&l);
	}
	check_int(atomic_load(&s->posts), 2);
	close(start[0]);
	close(start[1]);
}

static void test_locked(struct place *p, struct issuer *s)
{
	int64_t began = clock_mono_us();
	struct err_note note = ERR_NOTE_INIT;
	struct login l;
	char lock[128];
	int fd;

	issuer_reset(s);
	atomic_store(&s->turn, 40);
	put_login(p->auth, -10, "rt-40");
	snprintf(lock, sizeof(lock), "%s.lock", p->auth);
	check_int(file_lock(lock, 0, &fd, NULL), ERR_NONE);
	check_int(login_read(&p->c, &l, NULL), ERR_NONE);
	check_int(login_renew(&p->c, &p->http, &l, NULL, "scheduled", 600,
			      &note), ERR_LOGIN_RENEWAL);
	check(strstr(note.why, "lock") != NULL);
	check(clock_mono_us() - began < 1500000);
	check_int(atomic_load(&s->posts), 0);
	close(fd);
	check_int(renew(p, &l, NULL, &note), ERR_NONE);
	login_free(&l);
}

int main(void)
{
	struct issuer *s = issuer_start();
	struct place p;

	signal(SIGXFSZ, SIG_IGN);
	http_global_init();
	place_make(&p, s->port);
	test_question_and_file(&p, s);
	test_link(&p, s);
	test_missing_fields(&p, s);
	test_refusals(&p, s);
	test_refused_until(&p, s);
	test_codex_words(&p, s);
	test_transport(&p, s);
	test_adopt(&p, s);
	test_other_account(&p, s);
	test_swapped(&p, s);
	test_full_disk(&p, s);
	test_killed(&p, s);
	test_locked(&p, s);
	place_free(&p);
	issuer_stop(s);
	return test_end("test_login_renew");
}
