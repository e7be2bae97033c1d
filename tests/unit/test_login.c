/* test_login.c - where the login is found, and what its file says. */
#include "login_fixture.h"

#define ISO "2026-11-22T01:08:18Z"
#define ISO_S 1795309698

/* What the places are called in the order in which they are searched. */
static const char *const dirs[] = {
	"one", "two", "three", ".chatmock", ".chatgpt-local", ".codex",
};

static void auth_in(const struct place *p, size_t i, char path[128])
{
	snprintf(path, 128, "%s/%s/auth.json", p->home, dirs[i]);
}

static void test_search(struct place *p)
{
	struct config c = { .home = "~/one", .codex_home = "~/three/" };
	char path[128], local[96];
	struct err_note note;
	struct login l;

	snprintf(local, sizeof(local), "%s/two", p->home);
	c.chatgpt_local_home = local;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->home, dirs[i]);
		mkdir(path, 0700);
		auth_in(p, i, path);
		put_login(path, 3600, "rt");
	}
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		auth_in(p, i, path);
		note = ERR_NOTE_INIT;
		check_int(login_read(&c, &l, &note), ERR_NONE);
		check_str(span_of(l.path), path);
		login_free(&l);

		/* Broken is an error with its name, and no step to the next. */
		put_file(path, "{ \"tokens\": ");
		note = ERR_NOTE_INIT;
		check_int(login_read(&c, &l, &note), ERR_LOGIN_BROKEN);
		check(strstr(note.tell, path) != NULL);
		/* a new login goes to the first place, whichever is broken */
		check(strstr(note.tell, "`CHATMOCK_HOME=") != NULL);
		check(strstr(note.tell, "/one chatmock login`") != NULL);
		check(l.path == NULL);
		unlink(path);
	}
	note = ERR_NOTE_INIT;
	check_int(login_read(&c, &l, &note), ERR_LOGIN_MISSING);
	check(strstr(note.tell, "/one chatmock login`") != NULL);
	login_free(&l);
	login_free(&l);
}

static enum err read_at(struct place *p, struct login *l, struct err_note *note)
{
	*note = ERR_NOTE_INIT;
	return login_read(&p->c, l, note);
}

static void test_kinds_of_file(struct place *p)
{
	char target[128];
	struct err_note note;
	struct login l;

	put_login(p->auth, 3600, "rt");
	check_int(read_at(p, &l, &note), ERR_NONE);
	check(!l.loose_mode);
	login_free(&l);
	chmod(p->auth, 0644);
	check_int(read_at(p, &l, &note), ERR_NONE);
	check(l.loose_mode);
	login_free(&l);

	snprintf(target, sizeof(target), "%s/kept.json", p->home);
	rename(p->auth, target);
	check_int(symlink(target, p->auth), 0);
	check_int(read_at(p, &l, &note), ERR_NONE);
	check_str(span_of(l.path), p->auth);
	login_free(&l);
	unlink(target);
	check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
	unlink(p->auth);
	check_int(symlink("auth.json", p->auth), 0);
	check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
	unlink(p->auth);

	check_int(mkdir(p->auth, 0700), 0);
	check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
	rmdir(p->auth);
	check_int(mkfifo(p->auth, 0600), 0);
	check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
	unlink(p->auth);

	put_login(p->auth, 3600, "rt");
	if (geteuid() == 0) {
		check_int(chown(p->auth, 54321, 54321), 0);
		check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
		check(strstr(note.tell, "54321") != NULL);
	} else {
		chmod(p->auth, 0);
		check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
	}
	unlink(p->auth);
}

static void test_too_large(struct place *p)
{
	struct err_note note;
	struct login l;
	struct buf b;

	buf_init(&b, 4 << 20);
	buf_str(&b, "{\"tokens\":{\"access_token\":\"a\"}}");
	while (b.len < 1 << 20)
		buf_char(&b, ' ');
	put_file(p->auth, b.ptr);
	check_int(read_at(p, &l, &note), ERR_NONE);
	login_free(&l);
	buf_char(&b, ' ');
	put_file(p->auth, b.ptr);
	check_int(read_at(p, &l, &note), ERR_LOGIN_BROKEN);
	check(strstr(note.tell, "too large") != NULL);
	unlink(p->auth);
	buf_free(&b);
}

/* A tool that truncates and then writes is given the time to do it. */
static void test_half_written(struct place *p)
{
	struct err_note note;
	struct login l;
	pid_t pid;

	put_file(p->auth, "{\"tokens\":{\"acc");
	pid = fork();
	if (pid == 0) {
		nap_ms(30);
		put_login(p->auth, 3600, "rt");
		_exit(0);
	}
	check_int(read_at(p, &l, &note), ERR_NONE);
	waitpid(pid, NULL, 0);
	login_free(&l);
	unlink(p->auth);
}

static const struct {
	const char *text;
	enum err err;
	const char *access, *refresh, *account, *key;
	int64_t last_refresh;
} files[] = {
	{ "{\"tokens\":{\"access_token\":\"a\"}}", 0, "a", "", "", "", 0 },
	{ "{\"tokens\":{\"refresh_token\":\"r\"}}", 0, "", "r", "", "", 0 },
	{ "{\"tokens\":{\"access_token\":\"a\",\"refresh_token\":\"\","
	  "\"account_id\":null},\"last_refresh\":\"" ISO "\"}",
	  0, "a", "", "", "", ISO_S },
	{ "{\"tokens\":{\"access_token\":\"a\",\"account_id\":\"x\"},"
	  "\"last_refresh\":\"2026-11-22T03:08:18.5+02:00\"}",
	  0, "a", "", "x", "", ISO_S },
	{ "{\"last_refresh\":\"2026-11-22 01:08:18.123456789\","
	  "\"tokens\":{\"access_token\":\"a\"}}", 0, "a", "", "", "", ISO_S },
	{ "{\"last_refresh\":\"2026-13-22T01:08:18Z\","
	  "\"tokens\":{\"access_token\":\"a\"}}", 0, "a", "", "", "", 0 },
	{ "{\"last_refresh\":\"yesterday\",\"tokens\":{\"access_token\":\"a\"}}",
	  0, "a", "", "", "", 0 },
	{ "{\"last_refresh\":17,\"tokens\":{\"access_token\":\"a\"}}",
	  0, "a", "", "", "", 0 },
	/* keys */
	{ "{\"OPENAI_API_KEY\":\"sk-1\"}", 0, "", "", "", "sk-1", 0 },
	{ "{\"auth_mode\":\"apikey\",\"OPENAI_API_KEY\":\"sk-1\",\"tokens\":"
	  "{\"access_token\":\"a\"}}", 0, "", "", "", "sk-1", 0 },
	{ "{\"OPENAI_API_KEY\":\"sk-1\",\"tokens\":{\"access_token\":\"a\"}}",
	  0, "a", "", "", "", 0 },
	{ "{\"auth_mode\":\"chatgpt\",\"OPENAI_API_KEY\":\"sk-1\"}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"auth_mode\":\"apikey\",\"OPENAI_API_KEY\":null}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"auth_mode\":\"apikey\",\"OPENAI_API_KEY\":\"a b\"}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	/* broken */
	{ "", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "null", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "[]", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{}", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":null}", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":[\"access_token\"]}", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":{\"access_token\":7}}", ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":{\"access_token\":\"a\",\"refresh_token\":{}}}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	/* what would break out of a header */
	{ "{\"tokens\":{\"access_token\":\"a\\r\\nx: y\"}}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":{\"access_token\":\"a\\u0000b\"}}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":{\"access_token\":\"\\u00e4\"}}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
	{ "{\"tokens\":{\"access_token\":\"a\",\"account_id\":\"a b\"}}",
	  ERR_LOGIN_BROKEN, "", "", "", "", 0 },
};

static void test_files(void)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct err_note note = ERR_NOTE_INIT;
		struct login l = { 0 };

		if (!check_int(login_parse(span_of(files[i].text), &l, NULL,
					   &note), files[i].err))
			printf("  %s\n", files[i].text);
		if (!note.code) {
			check_str(span_of(l.access_token), files[i].access);
			check_str(span_of(l.refresh_token), files[i].refresh);
			check_str(span_of(l.account_id), files[i].account);
			check_str(span_of(l.api_key), files[i].key);
			check_int(l.last_refresh, files[i].last_refresh);
		}
		check_int(note.code, files[i].err);
		login_free(&l);
	}
}

static void test_cuts(struct place *p)
{
	struct login l = { 0 };
	size_t len;
	char *text;

	put_login(p->auth, 3600, "rt");
	text = slurp(p->auth);
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		check_int(login_parse((struct span){ text, i }, &l, NULL, NULL),
			  ERR_LOGIN_BROKEN);
		login_free(&l);
	}
	check_int(login_parse((struct span){ text, len }, &l, NULL, NULL), 0);
	login_free(&l);
	unlink(p->auth);
}

int main(void)
{
	struct place p;

	place_make(&p, 1);
	test_search(&p);
	test_kinds_of_file(&p);
	test_too_large(&p);
	test_half_written(&p);
	test_files();
	test_cuts(&p);
	place_free(&p);
	return test_end("test_login");
}
