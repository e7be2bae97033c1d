/* test_login_others.c - a renewal in bad company: others who renew, sign in or out
 * meanwhile, a full disk, a kill, a lock that is held. */

#include "login_renew_help.h"

static void test_adopt(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;
	char *token;

	/* Another process was faster. */
	issuer_reset(s, 1);
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
	issuer_reset(s, 1);
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

	issuer_reset(s, 1);
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
	issuer_reset(s, 1);
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
		issuer_reset(s, 1);
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
	issuer_reset(s, 1);
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

/* A full disk costs nobody the tokens, and they are written once it can be. */
static void test_full_disk(struct place *p, struct issuer *s)
{
	struct err_note note;
	struct login l;

	issuer_reset(s, 1);
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

	issuer_reset(s, 1);
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

	issuer_reset(s, 1);
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
	void (*const tests[])(struct place *p, struct issuer *s) = {
		test_adopt, test_other_account, test_swapped, test_full_disk,
		test_killed, test_locked,
	};

	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_login_others");
}
